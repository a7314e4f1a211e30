from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.audit.servers import AUTHORS, Library, limited
from tests.audit.test_graphql import described

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.rule import Untried
from ninefold.audit.signs import authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in authorization.RULES}
JSON = {"Content-Type": "application/json"}
KEY = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}}}
LOCKED: list[dict[str, list[str]]] = [{"key": []}]


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def paths(**operations: dict[str, Any]) -> dict[str, Any]:
    """`post_orders={...}` as `POST /orders`."""
    told: dict[str, Any] = {}
    for name, raw in operations.items():
        method, _, path = name.partition("_")
        told.setdefault("/" + path.replace("__", "/"), {})[method] = {
            "responses": {},
            "operationId": name,
            **raw,
        }
    return {"paths": told, **KEY}


class TestOpenOperations:
    @pytest.mark.parametrize("security", [{}, {"security": []}, {"security": [{"key": []}, {}]}])
    def test_that_change_things_are_told(self, static: Callable[..., Target], security: dict[str, Any]) -> None:
        looked = look("authorization-open-operation", static(paths(post_orders=security, delete_items=security)))
        assert looked.at == 2
        assert {one.place.operation for one in looked.seen} == {"post_orders", "delete_items"}
        assert len({one.cause for one in looked.seen}) == 1

    def test_that_nothing_is_said_of_are_sure_and_that_say_so_are_suspected(
        self, static: Callable[..., Target]
    ) -> None:
        looked = look("authorization-open-operation", static(paths(post_orders={}, post_items={"security": []})))
        assert {one.place.operation: (one.severity, one.confidence) for one in looked.seen} == {
            "post_orders": (None, None),
            "post_items": (Severity.MEDIUM, Confidence.SUSPECTED),
        }

    def test_that_only_compute_by_post_are_none(self, static: Callable[..., Target]) -> None:
        told = paths(post_tax__compute={}, post_products__lookup={"security": []})
        assert look("authorization-open-operation", static(told)).seen == ()

    def test_that_are_open_for_the_whole_description_are_sure(self, static: Callable[..., Target]) -> None:
        looked = look("authorization-open-operation", static({**paths(post_orders={}), "security": []}))
        assert [(one.severity, one.confidence) for one in looked.seen] == [(None, None)]

    def test_that_read_what_is_somebodys_are_suspected(self, static: Callable[..., Target]) -> None:
        looked = look("authorization-open-operation", static(paths(get_users={}, get_products={})))
        assert [(one.place.operation, one.confidence) for one in looked.seen] == [("get_users", Confidence.SUSPECTED)]

    @pytest.mark.parametrize(
        "name",
        ["post_login", "post_auth__token", "post_users__register", "post_webhooks__pay", "post_search"],
    )
    def test_are_right_where_nobody_could_get_in_otherwise(self, static: Callable[..., Target], name: str) -> None:
        assert look("authorization-open-operation", static(paths(**{name: {}}))).seen == ()

    def test_are_right_in_a_public_catalogue(self, static: Callable[..., Target]) -> None:
        told = paths(get_products={"security": []}, get_orders={"security": []}, get_health={})
        assert look("authorization-open-operation", static(told)).seen == ()

    def test_are_suspected_where_all_others_ask_for_a_credential(self, static: Callable[..., Target]) -> None:
        locked = {f"get_{name}": {"security": LOCKED} for name in ("a", "b", "c", "d")}
        looked = look("authorization-open-operation", static(paths(**locked, get_queue={})))
        assert [(one.place.operation, one.severity) for one in looked.seen] == [("get_queue", Severity.LOW)]
        assert looked.seen[0].confidence is Confidence.SUSPECTED

    @pytest.mark.parametrize(
        "more", [{"get_health": {}}, {"get_queue": {"security": []}}, {"get_queue": {}, "get_hall": {}}]
    )
    def test_are_right_if_it_is_said_or_plain_or_frequent(self, static: Callable[..., Target], more: Any) -> None:
        locked = {f"get_{name}": {"security": LOCKED} for name in ("a", "b", "c", "d")}
        assert look("authorization-open-operation", static(paths(**locked, **more))).seen == ()

    def test_are_closed_by_security_for_the_whole_description(self, static: Callable[..., Target]) -> None:
        told = {**paths(post_orders={}, get_users={}), "security": LOCKED}
        assert look("authorization-open-operation", static(told)).seen == ()


class TestFlowsAndScopes:
    def oauth(self, flow: str, scopes: dict[str, str], asked: list[str]) -> dict[str, Any]:
        told = paths(get_orders={"security": [{"oauth": asked}]})
        flows = {flow: {"tokenUrl": "https://id.example.com/token", "scopes": scopes}}
        return {**told, "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": flows}}}}

    @pytest.mark.parametrize("flow", ["implicit", "password"])
    def test_a_flow_that_rfc_9700_rules_out_is_told(self, static: Callable[..., Target], flow: str) -> None:
        assert look("authorization-weak-flow", static(self.oauth(flow, {}, []))).seen

    @pytest.mark.parametrize("flow", ["authorizationCode", "clientCredentials"])
    def test_the_others_are_not(self, static: Callable[..., Target], flow: str) -> None:
        looked = look("authorization-weak-flow", static(self.oauth(flow, {}, [])))
        assert (looked.at, looked.seen) == (1, ())

    def test_no_scope_and_an_undefined_scope_are_told(self, static: Callable[..., Target]) -> None:
        assert look("authorization-scopes", static(self.oauth("clientCredentials", {"r": "read"}, []))).seen
        assert look("authorization-scopes", static(self.oauth("clientCredentials", {"r": "read"}, ["w"]))).seen
        assert not look("authorization-scopes", static(self.oauth("clientCredentials", {"r": "read"}, ["r"]))).seen


class TestAdministration:
    def test_that_asks_for_no_more_than_use_is_told(self, static: Callable[..., Target]) -> None:
        told = paths(get_orders={"security": LOCKED}, delete_admin__users={"security": LOCKED})
        assert [one.place.operation for one in look("authorization-admin-as-user", static(told)).seen] == [
            "delete_admin__users"
        ]

    @pytest.mark.parametrize("own", [{"security": [{"key": ["admin"]}]}, {"security": LOCKED, "x-roles": ["admin"]}])
    def test_with_a_role_of_its_own_is_not(self, static: Callable[..., Target], own: dict[str, Any]) -> None:
        told = paths(get_orders={"security": LOCKED}, delete_admin__users=own)
        assert look("authorization-admin-as-user", static(told)).seen == ()

    @pytest.mark.parametrize("path", ["/root/shutdown", "/api/v2/internal/flags", "/shops/{id}/admin"])
    def test_is_known_by_where_its_word_stands(self, static: Callable[..., Target], path: str) -> None:
        told = paths(get_orders={"security": LOCKED})
        told["paths"][path] = {"get": {"security": LOCKED, "responses": {}}}
        assert [one.place.operation for one in look("authorization-admin-as-user", static(told)).seen] == [
            f"GET {path}"
        ]

    def test_is_no_part_of_another_word(self, static: Callable[..., Target]) -> None:
        told = paths(get_orders={"security": LOCKED})
        for path in (
            "/badminton/courts",
            "/from-internal-id/{id}",
            "/roots",
            "/administer",
            "/words/{id}/root",
            "/nodes/internal",
        ):
            told["paths"][path] = {"get": {"security": LOCKED, "responses": {}}}
        assert look("authorization-admin-as-user", static(told)).seen == ()


ORDERS = {
    "responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}},
    "security": LOCKED,
}


def guarded(*, checks: bool, refusal: tuple[int, Any] = (401, {"error": "unauthorized"})) -> Any:
    """An API that describes a key, and asks for it if it was built that way."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path != "/orders":
            return 404, JSON, b'{"error": "not found"}'
        if checks and request.headers.get("X-API-Key") != "right-key":
            return refusal[0], JSON, json.dumps(refusal[1]).encode()
        return 200, JSON, b'[{"id": 1, "total": 3}]'

    return answer


class TestUnauthenticatedAccess:
    @pytest.mark.parametrize(
        "refusal",
        [
            (401, {"error": "no"}),
            (200, {"error": "no"}),
            (404, {"error": "no"}),
            (200, {"meta": {"code": 401, "message": "no"}, "data": None}),
            (200, {"data": None}),
        ],
    )
    def test_is_not_told_of_an_api_that_refuses_in_its_own_way(
        self, serve: Callable[..., str], live: Callable[..., Target], refusal: Any
    ) -> None:
        url = serve(guarded(checks=True, refusal=refusal))
        for keys in ((), ("right-key",), ("wrong-key",)):
            assert look("authorization-missing", live(url, paths(get_orders=ORDERS), *keys)).seen == ()

    @pytest.mark.parametrize("checks", [True, False])
    def test_is_told_by_the_code_in_the_head_of_an_envelope(
        self, serve: Callable[..., str], live: Callable[..., Target], *, checks: bool
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.path != "/balance":
                return 404, JSON, b'{"meta": {"code": 404, "message": "-"}, "data": null}'
            good = not checks or request.headers.get("X-API-Key") == "right-key"
            meta, data = {"code": 200 if good else 401, "message": "-"}, {"amount": 12} if good else None
            return 200, JSON, json.dumps({"meta": meta, "data": data}).encode()

        url, told = serve(answer), paths(get_balance={"security": LOCKED})
        for keys in (("right-key",), ("wrong-key",)):
            assert bool(look("authorization-missing", live(url, told, *keys)).seen) is not checks

    def test_is_confirmed_with_a_key_and_suspected_without(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        url = serve(guarded(checks=False))
        confirmed = look("authorization-missing", live(url, paths(get_orders=ORDERS), "right-key"))
        assert [one.role for one in confirmed.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]
        assert confirmed.seen[0].confidence is None
        suspected = look("authorization-missing", live(url, paths(get_orders=ORDERS)))
        assert suspected.seen[0].confidence is Confidence.SUSPECTED

    def test_is_not_told_of_a_server_that_says_the_same_to_every_path(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        def page(_: Any) -> tuple[int, dict[str, str], bytes]:
            return 200, {"Content-Type": "text/html"}, b"<html>the one page of this application</html>"

        told = paths(get_orders={"security": LOCKED})
        assert look("authorization-missing", live(serve(page), told, "right-key")).seen == ()

    def test_is_not_told_of_what_is_declared_public(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        target = live(serve(guarded(checks=False)), paths(get_orders={"security": []}), "right-key")
        assert look("authorization-missing", target).at == 0


def scoped(*scopes: str) -> dict[str, Any]:
    return {"security": [{"oauth": list(scopes)}]}


class TestOneScope:
    def test_for_reads_and_changes_is_told(self, static: Callable[..., Target]) -> None:
        told = paths(get_orders=scoped("api"), post_orders=scoped("api"), delete_items=scoped("api"))
        looked = look("authorization-one-scope", static(told))
        assert {one.place.operation for one in looked.seen} == {"post_orders", "delete_items"}
        assert {one.cause for one in looked.seen} == {"oauth api"}

    @pytest.mark.parametrize(
        "told",
        [
            {"get_orders": scoped("read"), "post_orders": scoped("write")},
            {"get_orders": scoped("api"), "post_orders": scoped("api", "write")},
            {"get_orders": {"security": [{"oauth": ["read"]}, {"oauth": ["write"]}]}, "post_orders": scoped("write")},
            {"get_orders": scoped("api"), "post_orders__search": scoped("api")},
            {"get_orders": scoped(), "post_orders": scoped()},
        ],
    )
    def test_is_not_two_of_them(self, static: Callable[..., Target], told: dict[str, Any]) -> None:
        assert look("authorization-one-scope", static(paths(**told))).seen == ()


class TestUndeclaredMethods:
    def api(self, *allowed: str, everywhere: bool = False, reads: bool = False) -> Any:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            known = request.path == "/orders"
            if request.method == "OPTIONS" and (known or everywhere):
                return 204, {"Allow": ", ".join(allowed), "Content-Length": "0"}, b""
            if request.method == "GET" and known and reads:
                return 200, JSON, b'[{"id": 1}]'
            return (405 if known else 404), JSON, b'{"error": "no"}'

        return answer

    def test_named_by_allow_are_suspected(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        looked = look(
            "authorization-undeclared-method",
            live(serve(self.api("POST", "PUT", "DELETE")), paths(post_orders={})),
        )
        assert "DELETE, PUT" in looked.seen[0].detail

    def test_read_although_not_declared_are_confirmed(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        looked = look(
            "authorization-undeclared-method",
            live(serve(self.api("POST", reads=True)), paths(post_orders={})),
        )
        assert [one.confidence for one in looked.seen] == [Confidence.CONFIRMED]

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_are_not_what_is_declared_or_said_of_every_path(
        self, serve: Callable[..., str], live: Callable[..., Target], *, everywhere: bool
    ) -> None:
        allowed = ("GET", "PUT", "POST") if everywhere else ("POST", "OPTIONS", "HEAD")
        target = live(serve(self.api(*allowed, everywhere=everywhere)), paths(post_orders={}))
        looked = look("authorization-undeclared-method", target)
        assert (looked.at, looked.seen) == (1, ())

    @pytest.mark.parametrize(("methods", "shown"), [({"GET"}, False), ({"GET", "SEARCH", "POST"}, True)])
    def test_are_any_at_all_where_nobody_looks_at_the_method(
        self, serve: Callable[..., str], live: Callable[..., Target], methods: set[str], *, shown: bool
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.path != "/orders":
                return 404, JSON, b'{"error": "no such path"}'
            return (200, JSON, b'[{"id": 1}]') if request.method in methods else (405, JSON, b'{"error": "no"}')

        looked = look("authorization-undeclared-method", live(serve(answer), paths(get_orders={})))
        assert [one.confidence for one in looked.seen] == [Confidence.CONFIRMED] * shown

    def test_are_none_where_every_path_and_method_gets_one_page(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        target = live(serve(lambda _: (200, JSON, b'{"page": "home"}')), paths(get_orders={}))
        assert look("authorization-undeclared-method", target).seen == ()


OWNED = {"alice-key": {"11": "tea", "12": "milk"}, "bob-key": {"21": "rye"}}
ITEMS = {
    "paths": {
        "/orders": {"get": {"operationId": "list", "security": LOCKED, "responses": {}}},
        "/orders/{order_id}": {
            "get": {
                "operationId": "read",
                "security": LOCKED,
                "responses": {},
                "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            }
        },
    },
    **KEY,
}


def orders(*, owner: bool, private: bool = True, public: bool = False) -> Any:
    """Orders of two callers; `owner`: a single order is given to its owner only."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        caller = request.headers.get("X-API-Key")
        everything = {id_: what for one in OWNED.values() for id_, what in one.items()}
        if caller not in OWNED and not public:
            return 401, JSON, b'{"error": "who are you?"}'
        mine = OWNED.get(caller, {}) if private else everything
        if request.path == "/orders":
            return 200, JSON, json.dumps({"orders": [{"id": int(one)} for one in mine]}).encode()
        id_ = request.path.rpartition("/")[2]
        seen = mine if owner else everything
        if id_ in seen:
            return 200, JSON, json.dumps({"id": int(id_), "what": seen[id_]}).encode()
        return 404, JSON, b'{"error": "no such order"}'

    return answer


class TestObjectsOfAnother:
    def test_are_read_where_the_owner_is_not_asked_for(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        looked = look("authorization-object-level", live(serve(orders(owner=False)), ITEMS, "alice-key", "bob-key"))
        assert looked.at == 1
        assert [one.role for one in looked.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]

    def test_are_not_read_where_it_is(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        looked = look("authorization-object-level", live(serve(orders(owner=True)), ITEMS, "alice-key", "bob-key"))
        assert (looked.at, looked.seen) == (1, ())

    def test_are_nobodys_in_a_catalogue(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        target = live(serve(orders(owner=False, private=False)), ITEMS, "alice-key", "bob-key")
        with pytest.raises(Untried, match="same objects"):
            look("authorization-object-level", target)

    def test_that_everybody_may_read_are_no_secret(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        target = live(serve(orders(owner=False, public=True)), ITEMS, "alice-key", "bob-key")
        assert look("authorization-object-level", target).seen == ()


class TestGraphQL:
    """One operation for what is for everybody and what is not: services check each field."""

    def test_that_says_nothing_of_security_is_suspected(self, static: Callable[..., Target]) -> None:
        (seen,) = look("authorization-open-operation", static(described("/graphql"))).seen
        assert seen.confidence is Confidence.SUSPECTED

    @pytest.mark.parametrize("more", [{"security": [{"key": []}]}, {"security": []}])
    def test_that_says_something_of_it_is_not(self, static: Callable[..., Target], more: dict[str, Any]) -> None:
        assert look("authorization-open-operation", static(described("/graphql", **more))).seen == ()

    @pytest.mark.parametrize(
        ("library", "shown"), [(Library(), True), (Library(closed=True), False), (limited(), False)]
    )
    def test_that_is_described_as_secured_is_judged_by_its_fields(
        self, serve: Callable[..., str], live: Callable[..., Target], library: Library, shown: bool
    ) -> None:
        target = live(serve(library), described("/graphql", security=[{"key": []}]), AUTHORS[0]["key"])
        seen = look("authorization-missing", target).seen
        assert bool(seen) is shown
        assert all(one.confidence is Confidence.SUSPECTED for one in seen)

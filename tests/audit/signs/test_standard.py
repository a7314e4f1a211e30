from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.rule import Untried
from ninefold.audit.signs import standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in standard.RULES}
KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
BEARER = {"type": "http", "scheme": "bearer"}
LOCKED: list[dict[str, list[str]]] = [{"key": []}]


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def told(schemes: dict[str, Any] | None = None, **securities: Any) -> dict[str, Any]:
    """GET operations by name, with their `security`."""
    paths = {f"/{name}": {"get": {"security": one, "responses": {}}} for name, one in securities.items()}
    return {"paths": paths, "components": {"securitySchemes": schemes or {"key": KEY, "bearer": BEARER}}}


class TestMixedSchemes:
    def test_are_told_of_the_fewer_operations(self, static: Callable[..., Target]) -> None:
        looked = look("standard-mixed-schemes", static(told(a=LOCKED, b=LOCKED, c=[{"bearer": []}])))
        assert [one.place.operation for one in looked.seen] == ["GET /c"]
        assert "bearer / key" in looked.seen[0].detail

    @pytest.mark.parametrize(
        "securities",
        [
            {"a": LOCKED, "b": LOCKED},
            {"a": LOCKED, "b": [{"key": []}, {"bearer": []}]},
            {"a": LOCKED, "login": [{"bearer": []}]},
            {"a": LOCKED, "b": []},
            {"a": LOCKED, "b": [{"key": [], "bearer": []}]},
            {"a": [{"key": [], "bearer": []}], "b": [{"key": [], "csrf": []}], "c": LOCKED},
        ],
    )
    def test_are_not_told_where_one_opens_all(self, static: Callable[..., Target], securities: Any) -> None:
        looked = look("standard-mixed-schemes", static(told(**securities)))
        assert looked.at > 0
        assert looked.seen == ()

    @pytest.mark.parametrize("more", [[{"bearer": []}], [{"key": [], "csrf": []}, {"bearer": []}]])
    def test_are_told_where_a_choice_has_nothing_of_the_others(self, static: Callable[..., Target], more: Any) -> None:
        assert look("standard-mixed-schemes", static(told(a=LOCKED, b=[{"key": [], "csrf": []}], c=more))).seen


class TestSchemes:
    def test_that_nobody_defined_are_told(self, static: Callable[..., Target]) -> None:
        looked = look("standard-undefined-scheme", static(told(a=LOCKED, b=[{"jwt": []}])))
        assert [one.cause for one in looked.seen] == ["undefined jwt"]
        assert look("standard-undefined-scheme", static(told(a=LOCKED))).seen == ()

    def test_that_are_one_under_two_names_are_told(self, static: Callable[..., Target]) -> None:
        assert look("standard-twice", static(told({"key": KEY, "ApiKeyAuth": KEY}))).seen
        looked = look("standard-twice", static(told({"key": KEY, "other": {**KEY, "name": "X-Other"}, "b": BEARER})))
        assert (looked.at, looked.seen) == (3, ())


class TestHomemadeCredentials:
    @pytest.mark.parametrize(("name", "place"), [("X-Token", "header"), ("password", "query"), ("X-User-Id", "header")])
    def test_are_told(self, static: Callable[..., Target], name: str, place: str) -> None:
        document = told(a=[])
        document["paths"]["/a"]["get"]["parameters"] = [{"name": name, "in": place, "schema": {"type": "string"}}]
        assert look("standard-homemade", static(document)).seen

    @pytest.mark.parametrize(
        ("name", "place"),
        [("X-Request-Id", "header"), ("username", "path"), ("q", "query"), ("X-API-Key", "header")],
    )
    def test_are_not_other_parameters_or_declared_keys(
        self, static: Callable[..., Target], name: str, place: str
    ) -> None:
        document = told(a=LOCKED)
        document["paths"]["/a"]["get"]["parameters"] = [{"name": name, "in": place, "schema": {"type": "string"}}]
        looked = look("standard-homemade", static(document))
        assert (looked.at, looked.seen) == (1, ())


class TestUndeclaredRefusals:
    @pytest.mark.parametrize(
        ("security", "responses", "told_of"),
        [
            (LOCKED, {"200": {}}, True),
            (LOCKED, {"200": {}, "401": {}}, False),
            (LOCKED, {"4XX": {}}, False),
            (LOCKED, {"default": {}}, False),
            ([{"key": ["admin"]}], {"401": {}}, True),
            ([{"key": ["admin"]}], {"401": {}, "403": {}}, False),
        ],
    )
    def test_are_told(self, static: Callable[..., Target], security: Any, responses: Any, *, told_of: bool) -> None:
        document = told(a=security)
        document["paths"]["/a"]["get"]["responses"] = responses
        assert bool(look("standard-undeclared-refusal", static(document)).seen) is told_of


PROBLEM = {"type": "object", "required": ["title", "status"], "properties": {"title": {}, "status": {}}}


def refusing(**refusals: tuple[int, dict[str, str], Any]) -> Any:
    """Each path refuses in its own way, and serves the right key."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        name = request.path.strip("/")
        if request.headers.get("X-API-Key") == "right-key":
            return 200, {"Content-Type": "application/json"}, b'{"items": [], "total": 0}'
        status, headers, body = refusals.get(name, (404, {}, {"title": "no such path", "status": 404}))
        return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()

    return answer


WELL = (401, {"WWW-Authenticate": "ApiKey"}, {"title": "no", "status": 401})


class TestTheChallenge:
    def test_is_missed(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        target = live(serve(refusing(a=(401, {}, {"error": "no"}))), told(a=LOCKED))
        assert look("standard-challenge", target).seen

    def test_is_found(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        looked = look("standard-challenge", live(serve(refusing(a=WELL)), told(a=LOCKED)))
        assert (looked.at, looked.seen) == (1, ())

    def test_to_a_wrong_credential_is_asked_for_too(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.headers.get("X-API-Key") == "right-key":
                return 200, {"Content-Type": "application/json"}, b'{"items": [], "total": 0}'
            challenge = {} if "X-API-Key" in request.headers else {"WWW-Authenticate": "ApiKey"}
            return 401, {"Content-Type": "application/json", **challenge}, b'{"title": "no", "status": 401}'

        looked = look("standard-challenge", live(serve(answer), told(a=LOCKED), "right-key"))
        assert [one.detail.split(" without")[0] for one in looked.seen] == ["401 to a wrong credential"]

    def test_belongs_to_401_only(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        with pytest.raises(Untried) as why:
            look(
                "standard-challenge",
                live(serve(refusing(a=(404, {}, {"error": "no"}))), told(a=LOCKED), "right-key"),
            )
        assert not why.value.missed


class TestRefusals:
    @pytest.mark.parametrize(
        "other",
        [
            (403, {}, {"title": "no", "status": 403}),
            (401, {}, {"error": "unauthorized"}),
            (200, {}, {"error": "no"}),
        ],
    )
    def test_that_differ_are_told_with_proof(
        self, serve: Callable[..., str], live: Callable[..., Target], other: Any
    ) -> None:
        target = live(serve(refusing(a=WELL, b=other)), told(a=LOCKED, b=LOCKED), "right-key")
        assert len(look("standard-refusals-differ", target).seen[0].evidence) == 4

    def test_that_are_alike_are_not(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        target = live(serve(refusing(a=WELL, b=WELL)), told(a=LOCKED, b=LOCKED), "right-key")
        looked = look("standard-refusals-differ", target)
        assert (looked.at, looked.seen) == (2, ())

    @pytest.mark.parametrize(
        "hidden",
        [
            (404, {}, {"title": "no such path", "status": 404}),
            (404, {"Content-Type": "text/plain"}, "no /b here"),
            (410, {}, {}),
        ],
    )
    def test_that_hide_what_is_there_are_not(
        self, serve: Callable[..., str], live: Callable[..., Target], hidden: Any
    ) -> None:
        target = live(serve(refusing(a=WELL, b=hidden)), told(a=LOCKED, b=LOCKED), "right-key")
        looked = look("standard-refusals-differ", target)
        assert (looked.at, looked.seen) == (1, ())

    def test_that_hide_under_200_are_not_and_others_are(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.headers.get("X-API-Key") == "right-key" and len(request.path) == 2:
                return 200, {"Content-Type": "application/json"}, b'{"items": [], "total": 0}'
            said: dict[str, Any] = {"success": False, "why": f"there is no {request.path}", "trace_id": token_hex(8)}
            said = {"success": False, "error": "no key"} if request.path == "/a" else said
            said = {"code": 40101, "msg": "no key", "data": None} if request.path == "/c" else said
            return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()

        url = serve(answer)
        hides = live(url, told(a=LOCKED, b=LOCKED), "right-key")
        assert look("standard-refusals-differ", hides).seen == ()
        differs = live(url, told(a=LOCKED, b=LOCKED, c=LOCKED), "right-key")
        assert [one.place.url for one in look("standard-refusals-differ", differs).seen] == ["/c"]

    def test_under_200_before_any_path_is_looked_for_are_refusals(
        self, serve: Callable[..., str], live: Callable[..., Target]
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            said: dict[str, Any] = {"success": False, "error": "no key"}
            if request.path == "/c":
                said = {"code": 40101, "msg": "no key", "data": None}
            if request.headers.get("X-API-Key") == "right-key":
                said = {"items": [], "total": 0} if len(request.path) == 2 else {"success": False, "error": "no path"}
            return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()

        target = live(serve(answer), told(a=LOCKED, b=LOCKED, c=LOCKED), "right-key")
        assert [one.place.url for one in look("standard-refusals-differ", target).seen] == ["/c"]

    @pytest.mark.parametrize(
        "other",
        [
            (401, {}, {"title": "the key has run out", "status": 401}),
            (401, {}, {"title": "no", "status": 401, "instance": "/b"}),
        ],
    )
    def test_that_say_something_else_in_the_same_form_are_alike(
        self, serve: Callable[..., str], live: Callable[..., Target], other: Any
    ) -> None:
        target = live(serve(refusing(a=WELL, b=other)), told(a=LOCKED, b=LOCKED), "right-key")
        assert look("standard-refusals-differ", target).seen == ()

    @pytest.mark.parametrize(
        ("said", "shown"),
        [
            ({"ok": False, "reason": "login", "login": "/session"}, True),
            ({"success": False, "message": "Please sign in first"}, True),
            ({"ok": False, "error": "log in first"}, False),  # in the same form
            ({"ok": False, "reason": "closed on Sundays"}, False),
            ({"ok": False, "reason": "no author of that name"}, False),
        ],
    )
    def test_under_200_of_an_operation_that_serves_no_caller_of_ours_are_suspected(
        self, serve: Callable[..., str], live: Callable[..., Target], said: Any, *, shown: bool
    ) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
            if request.path == "/desk":
                document = said
            elif request.path != "/a":
                document = {"ok": False, "error": "no such page"}
            elif request.headers.get("X-API-Key") == "right-key":
                document = {"ok": True, "data": [1]}
            else:
                document = {"ok": False, "error": "bad key"}
            return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()

        target = live(serve(answer), told(a=LOCKED, desk=LOCKED), "right-key")
        looked = look("standard-refusals-differ", target)
        assert [one.confidence for one in looked.seen] == [Confidence.SUSPECTED] * shown


class TestDeclaredDescribedObserved:
    def document(self, responses: dict[str, Any]) -> dict[str, Any]:
        document = told(a=LOCKED)
        document["paths"]["/a"]["get"]["responses"] = responses
        return document

    @pytest.mark.parametrize(
        ("responses", "fault"),
        [
            ({"200": {}}, "Declared: no refusal. Observed"),
            ({"403": {}}, "Declared: 403. Observed without credentials: 401"),
            (
                {"401": {"content": {"application/problem+json": {"schema": PROBLEM}}}},
                "application/problem+json",
            ),
            (
                {"401": {"content": {"application/json": {"schema": {**PROBLEM, "required": ["instance"]}}}}},
                "instance is missing",
            ),
        ],
    )
    def test_are_told_where_they_differ(
        self, serve: Callable[..., str], live: Callable[..., Target], responses: Any, fault: str
    ) -> None:
        looked = look("standard-three-way", live(serve(refusing(a=WELL)), self.document(responses)))
        assert fault in looked.seen[0].detail

    @pytest.mark.parametrize(
        "responses",
        [
            {"401": {}},
            {"default": {}},
            {"401": {"content": {"application/json": {"schema": PROBLEM}}}},
            {"401": {"content": {"application/json; charset=utf-8": {"schema": PROBLEM}}}},
            {"401": {"content": {"application/*": {"schema": PROBLEM}}}},
            {"401": {"content": {"*/*": {"schema": PROBLEM}}}},
        ],
    )
    def test_are_one(self, serve: Callable[..., str], live: Callable[..., Target], responses: Any) -> None:
        looked = look("standard-three-way", live(serve(refusing(a=WELL)), self.document(responses)))
        assert (looked.at, looked.seen) == (1, ())

    @pytest.mark.parametrize("media", ["text/*", "application/problem+json; charset=utf-8"])
    def test_differ_where_a_range_or_a_parameter_is_of_another_type(
        self, serve: Callable[..., str], live: Callable[..., Target], media: str
    ) -> None:
        document = self.document({"401": {"content": {media: {"schema": PROBLEM}}}})
        assert look("standard-three-way", live(serve(refusing(a=WELL)), document)).seen

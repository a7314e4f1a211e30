"""What leaves by whom it is for, masked or not, and what becomes of what was not declared: on both hosts."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Gate

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": ["string", "null"]},
        "card": {"type": "string"},
        "salary": {"type": "number"},
        "boss": {"$ref": "#/components/schemas/Person"},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "shop": {"$ref": "#/components/schemas/Shop"},
    },
}
SHOP = {"type": "object", "properties": {"email": {"type": "string"}, "name": {"type": "string"}}}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "people", "version": "1"},
    "paths": {
        "/people": {
            "get": {
                "operationId": "people",
                "responses": {
                    "200": {
                        "description": "-",
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}
                            }
                        },
                    }
                },
            }
        },
        "/open": {
            "get": {
                "operationId": "open",
                "responses": {
                    "200": {
                        "description": "-",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}},
                    }
                },
            }
        },
    },
    "components": {"schemas": {"Person": PERSON, "Shop": SHOP}},
}
AUTHORIZATION = {
    "roles": {
        "reader": ["people:read"],
        "support": ["reader", "people:email"],
        "payroll": ["support", "people:salary"],
    },
    "rules": [
        {"operations": ["people"], "allow": ["people:read"]},
        {"operations": ["open"], "public": "it is on the door"},
    ],
}
SAID: dict[str, Any] = {
    "id": 1, "email": "jane@example.com", "card": "4111111111111111", "salary": 51234.5, "hash": "x",
    "boss": {"id": 2, "email": None, "salary": 99999}, "tags": {"email": "hidden@example.com", "a": "b"},
    "shop": {"email": "shop@example.com", "name": "s"},
}  # fmt: skip


class Both:
    """The same contract in both hosts, in front of an application that says what it is told to."""

    def __init__(self, path: Path, asgi: int, gate: Gate, issue: Callable[..., str], api: Api) -> None:
        self.api = api
        self._gates = type(gate)(asgi, path, []), gate
        self._keys = {role: issue(path, role) for role in ("reader", "support", "payroll")}

    def get(self, path: str, role: str = "", *more: str) -> tuple[int, dict[str, str | None], Any]:
        """What both say alike."""
        found = []
        for gate in self._gates:
            status, fields, body = gate.get(path, self._keys.get(role, ""), *more)
            kept = {name: fields.get(name) for name in ("cache-control", "etag", "content-type")}
            found.append((status, kept, json.loads(body) if body else None))
        assert found[0] == found[1]
        return found[0]

    def trail(self, count: int) -> list[dict[str, Any]]:
        return self._gates[1].trail(count)


class Api:
    """Says `body`, with `status`, `media` and an entity tag that anybody may keep."""

    def __init__(self) -> None:
        self.body: Any = [SAID]
        self.status, self.media = 200, b"application/json"
        #: What is said in place of `body`.
        self.raw = b""
        #: The fields of conditional requests that came.
        self.conditional: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        fields = [(b"content-type", self.media), (b"cache-control", b"public, max-age=60"), (b"etag", b'"1"')]
        self.conditional += [name for name, _ in scope["headers"] if name.startswith(b"if-")]
        body = self.raw or json.dumps(self.body if scope["path"] != "/open" else self.body[0]).encode()
        body = body if self.status != 304 else b""
        fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def both(contract: Any, serving: Any, gate: Any, issue: Any, tmp_path: Path) -> Iterator[Callable[..., Both]]:
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def start(description: Any = DESCRIPTION, **responses: Any) -> Both:
            api = Api()
            upstream = stack.enter_context(serving(api))
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "authorization": AUTHORIZATION, "responses": responses,
                "keys": {"store": str(tmp_path / "keys.db")},
            }  # fmt: skip
            path = contract(description, **whole, trail={"path": f"asgi{next(numbers)}.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(description, **whole)
            return Both(path, port, gate(path), issue, api)

        yield start


def test_a_field_leaves_only_for_those_it_is_for(both: Any) -> None:
    hosts = both(visible_to={"salary": ["people:salary"], "Person.email": ["support"]})
    plain = {"id": 1, "card": SAID["card"], "boss": {"id": 2}, "tags": SAID["tags"], "shop": SAID["shop"]}
    for _ in range(2):  # the second time everything is remembered
        assert hosts.get("/people", "reader")[2] == [plain]
        support = hosts.get("/people", "support")[2][0]
        assert support == {**plain, "email": SAID["email"], "boss": {"id": 2, "email": None}}
        assert hosts.get("/people", "payroll")[2][0]["salary"] == 51234.5
        assert hosts.get("/open")[2] == plain, "nobody in particular sees least"


def test_a_name_that_is_hidden_anywhere_does_not_leave_under_free_names_either(both: Any) -> None:
    hosts = both(visible_to={"email": ["support"]})
    seen = hosts.get("/people", "reader")[2][0]
    assert "email" not in seen
    assert seen["tags"] == {"a": "b"}
    assert seen["shop"] == {"name": "s"}
    assert hosts.get("/people", "support")[2][0]["tags"] == SAID["tags"]


def test_answers_that_differ_by_caller_are_kept_by_nobody(both: Any) -> None:
    hosts = both(visible_to={"salary": ["people:salary"]})
    for path, role in (("/people", "reader"), ("/people", "payroll"), ("/open", "")):
        assert hosts.get(path, role)[1] == {
            "cache-control": "no-store",
            "etag": None,
            "content-type": "application/json",
        }


def test_answers_that_are_masked_alike_for_all_may_be_kept(both: Any) -> None:
    assert both(mask={"card": "last4"}).get("/people", "reader")[1]["etag"] == '"1"'


def test_masked_fields_leave_in_other_words_and_whole_for_those_who_may(both: Any) -> None:
    hosts = both(mask={"card": "last4", "email": {"as": "email", "unless": ["support"]}, "salary": "range 10000"})
    seen = hosts.get("/people", "reader")[2][0]
    assert seen == {
        "id": 1, "email": "j***@example.com", "card": "****1111", "salary": 50000,
        "boss": {"id": 2, "email": None, "salary": 90000}, "tags": {"email": "h***@example.com", "a": "b"},
        "shop": {"email": "s***@example.com", "name": "s"},
    }  # fmt: skip
    support = hosts.get("/people", "support")[2][0]
    assert (support["email"], support["tags"]["email"], support["card"]) == (
        SAID["email"],
        "hidden@example.com",
        "****1111",
    )


def test_many_masked_values_of_one_answer(both: Any) -> None:
    hosts = both(mask={"card": "last4"})
    hosts.api.body = [{"id": one, "card": f"41111111{one:08d}"} for one in range(500)]
    seen = hosts.get("/people", "reader")[2]
    assert [one["card"] for one in seen] == [f"****{one:08d}"[:4] + f"{one:08d}"[-4:] for one in range(500)]


def test_what_is_masked_and_comes_as_an_object_does_not_leave(both: Any) -> None:
    hosts = both(mask={"card": "last4"})
    hosts.api.body = [{"card": {"number": "4111111111111111"}}]
    assert hosts.get("/people", "reader")[0] == 502


def test_undeclared_members_block_an_answer_where_the_contract_says_so(both: Any) -> None:
    hosts = both(undeclared="block")
    assert hosts.get("/people", "reader")[0] == 502
    hosts.api.body = [{"id": 1}]
    assert hosts.get("/people", "reader")[2] == [{"id": 1}]
    assert "1 members are not declared" in hosts.trail(2)[0]["reason"]


def test_undeclared_things_are_only_reported_where_the_contract_says_so(both: Any) -> None:
    hosts = both(undeclared="report")
    assert hosts.get("/people", "reader")[2] == [SAID]
    hosts.api.status = 299
    assert hosts.get("/people", "reader")[:1] == (299,)
    hosts.api.status, hosts.api.media = 200, b"application/vnd.odd+json"
    assert hosts.get("/people", "reader")[2] == [SAID]
    first, second, third = hosts.trail(3)
    assert (first["outcome"], first["withheld"], first.get("withheld_bytes", 0)) == ("admitted", 1, 0)
    assert (second["step"], second["reason"]) == ("report", "the status 299 is not declared")
    assert third["reason"] == "the media type 'application/vnd.odd+json' is not declared for 200"


def test_pseudonyms_go_by_the_key_in_the_file(both: Any, tmp_path: Path) -> None:
    (tmp_path / "pseudonyms.key").write_bytes(b"k" * 32)
    hosts = both(mask={"card": "pseudonym"}, pseudonym_key="pseudonyms.key")
    one = hosts.get("/people", "reader")[2][0]["card"]
    assert len(one) == 32
    assert hosts.get("/people", "support")[2][0]["card"] == one


REFERRED = {name: {"$ref": f"#/components/schemas/{name}"} for name in ("Person", "Shop")}


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [REFERRED["Shop"], REFERRED["Person"]]},
        {"anyOf": [REFERRED["Person"], {"type": "object", "properties": {"email": {"type": "string"}}}]},
        {
            "type": "object",
            "properties": {"email": {"type": "string"}},
            "oneOf": [REFERRED["Shop"], REFERRED["Person"]],
        },
        {"if": {"required": ["id"]}, "then": REFERRED["Person"], "else": REFERRED["Shop"]},
        {"anyOf": [REFERRED["Person"], {"patternProperties": {"^e": {"type": "string"}}}]},
        {"anyOf": [REFERRED["Person"], {}]},
    ],
)
def test_what_one_alternative_hides_leaves_by_no_other(both: Any, schema: Any) -> None:
    description = copy.deepcopy(DESCRIPTION)
    description["paths"]["/people"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "type": "array", "items": schema
    }  # fmt: skip
    hosts = both(description, visible_to={"Person.email": ["support"]})
    hosts.api.body = [{"id": 1, "email": "jane@example.com"}]
    assert hosts.get("/people", "reader")[2] == [{"id": 1}]
    assert hosts.get("/people", "support")[2] == hosts.api.body


def test_where_nothing_is_said_of_a_value_names_are_hidden_and_masked_all_the_same(both: Any) -> None:
    description = copy.deepcopy(DESCRIPTION)
    description["components"]["schemas"]["Person"]["properties"]["free"] = {}
    hosts = both(description, visible_to={"salary": ["payroll"]}, mask={"card": "last4"})
    said = {"a": [{"salary": 1, "card": "4111111111111111", "n": 1.50}, 7, None], "salary": {"x": 1}}
    hosts.api.body = [{"free": said}, {"free": "text"}]
    card = [{"card": "****1111", "n": 1.5}, 7, None]
    assert hosts.get("/people", "reader")[2] == [{"free": {"a": card}}, {"free": "text"}]
    assert hosts.get("/people", "payroll")[2][0]["free"]["salary"] == {"x": 1}


def test_a_mask_names_what_a_pattern_does_not_let_out(both: Any) -> None:
    description = copy.deepcopy(DESCRIPTION)
    tags = {"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}
    description["components"]["schemas"]["Person"]["properties"]["tags"] = tags
    hosts = both(description, mask={"email": "email"})
    hosts.api.body = [{"tags": {"x-a": "1", "email": "jane@example.com"}}]
    assert hosts.get("/people", "reader")[2] == [{"tags": {"x-a": "1"}}]


def test_what_is_hidden_from_some_is_declared_and_blocks_no_answer(both: Any) -> None:
    hosts = both(visible_to={"salary": ["payroll"]}, undeclared="block")
    hosts.api.body = [{"id": 1, "salary": 5}]
    assert hosts.get("/people", "reader")[2] == [{"id": 1}]
    assert hosts.get("/people", "payroll")[2] == hosts.api.body
    hosts.api.body = [{"id": 1, "salary": 5, "hash": "x"}]
    for role in ("reader", "payroll"):
        assert hosts.get("/people", role)[0] == 502


def test_nobody_is_told_whether_his_guess_of_an_answer_is_right(both: Any) -> None:
    """An entity tag is made of all of an answer, so 304 would confirm what is hidden of it (CWE-203)."""
    fields = ['If-None-Match: "1"', "If-Modified-Since: Wed, 25 Nov 2026 00:00:00 GMT", 'If-Match: "1"']
    hosts = both(visible_to={"salary": ["payroll"]})
    for field in fields:
        assert hosts.get("/people", "reader", field)[0] == 200
    assert hosts.api.conditional == []
    hosts.api.status = 304
    status, kept, _ = hosts.get("/people", "reader")
    assert (status, kept["etag"], kept["cache-control"]) == (304, None, "no-store")


def test_where_all_see_the_same_what_is_kept_may_be_asked_about(both: Any) -> None:
    hosts = both(mask={"card": "last4"})
    hosts.get("/people", "reader", 'If-None-Match: "1"')
    assert hosts.api.conditional == [b"if-none-match"] * 2


def test_a_number_past_all_bounds_is_masked_too(both: Any) -> None:
    hosts = both(mask={"salary": "range 10000"})
    for number in (b"1e999999999", b"-1e999999999", b"1e-999999999", b"9" * 5000):
        hosts.api.raw = b'[{"salary":' + number + b"}]"
        status, _, answer = hosts.get("/people", "reader")
        assert (status, answer) == (200, [{"salary": 0}])

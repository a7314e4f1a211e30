"""What leaves by whom it is for, masked or not, and what becomes of what was not declared: on both hosts."""

from __future__ import annotations

import contextlib
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

    def get(self, path: str, role: str = "") -> tuple[int, dict[str, str | None], Any]:
        """What both say alike."""
        found = []
        for gate in self._gates:
            status, fields, body = gate.get(path, self._keys.get(role, ""))
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

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        fields = [(b"content-type", self.media), (b"cache-control", b"public, max-age=60"), (b"etag", b'"1"')]
        body = json.dumps(self.body if scope["path"] != "/open" else self.body[0]).encode()
        fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def both(contract: Any, serving: Any, gate: Any, issue: Any, tmp_path: Path) -> Iterator[Callable[..., Both]]:
    with contextlib.ExitStack() as stack:

        def start(**responses: Any) -> Both:
            api = Api()
            upstream = stack.enter_context(serving(api))
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "authorization": AUTHORIZATION, "responses": responses,
                "keys": {"store": str(tmp_path / "keys.db")},
            }  # fmt: skip
            path = contract(DESCRIPTION, **whole, trail={"path": "asgi.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(DESCRIPTION, **whole)
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

"""A GraphQL API that really executes, behind both hosts: what reaches it, and what of its answers leaves."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from ninefold.asgi import Guard
from ninefold.contract.load import load_contract
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Gate

SDL = """
type User { id: ID!, name: String, email: String, friends(first: Int): [User] }
type Query { me: User, users(first: Int): [User], broken: String }
type Mutation { login(password: String): String }
"""
JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}
TAKES = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "variables": {"type": "object"}, "operationName": {"type": "string"}},
}
PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("query", "variables", "operationName")
]
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "graph", "version": "1"},
    "paths": {
        "/graphql": {
            "post": {
                "operationId": "ask",
                "requestBody": {
                    "content": {"application/json": {"schema": {"anyOf": [TAKES, {"type": "array", "items": TAKES}]}}}
                },
                "responses": {"200": {"description": "-", **JSON}},
            },
            "get": {
                "operationId": "look",
                "parameters": PARAMETERS,
                "responses": {"200": {"description": "-", **JSON}},
            },
        }
    },
}


class Api:
    """Executes what it is asked, with a mistake that many make: it says in its errors what went wrong."""

    def __init__(self) -> None:
        self.schema = build_schema(SDL)
        self.asked: list[str] = []

    def _resolve(self, source: Any, info: Any, **_: Any) -> Any:
        if info.field_name == "broken":
            raise GraphQLError(
                'relation "users" does not exist', extensions={"code": "INTERNAL", "stacktrace": ["at db.py:7"]}
            )
        user = {"id": "1", "name": "Jane", "email": "jane@example.com", "secret": "s3cr3t"}
        if info.field_name in {"users", "friends"}:
            return [user, user]
        return user if info.field_name == "me" else (source or {}).get(info.field_name, "ok")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        said = json.loads(body) if body else {}
        self.asked.append(body.decode() or scope["query_string"].decode())
        if not body:
            said = {name: value[0] for name, value in parse_qs(scope["query_string"].decode()).items()}
            said["variables"] = json.loads(said.get("variables", "{}"))
        result = graphql_sync(
            self.schema,
            said["query"],
            variable_values=said.get("variables"),
            operation_name=said.get("operationName"),
            field_resolver=self._resolve,
        )
        answer = {**result.formatted, "extensions": {"tracing": {"host": "10.0.0.7"}}}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


class Both:
    """Asks both hosts, and gives what they say alike."""

    def __init__(self, asgi: int, gate: Gate, keys: dict[str, str], api: Api) -> None:
        self._gates = type(gate)(asgi, gate.path, []), gate
        self._keys = keys
        self.api = api

    def ask(
        self, body: Any, role: str = "reader", media: str = "application/json", path: str = "/graphql"
    ) -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        found = []
        for gate in self._gates:
            method, fields = ("POST", (f"Content-Type: {media}",)) if content else ("GET", ())
            status, _, answer = gate.get(path, self._keys[role], *fields, method=method, body=content)
            found.append((status, json.loads(answer) if answer else None))
        assert found[0] == found[1]
        return found[0]

    def query(self, text: str, role: str = "reader", **more: Any) -> tuple[int, Any]:
        return self.ask({"query": text, **more}, role)

    def trail(self, count: int) -> list[dict[str, Any]]:
        return self._gates[1].trail(count)


@pytest.fixture
def graph(
    contract: Any, serving: Any, gate: Any, issue: Callable[..., str], tmp_path: Path
) -> Iterator[Callable[..., Both]]:
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Both:
            api = Api()
            upstream = stack.enter_context(serving(api))
            (tmp_path / "schema.graphql").write_text(SDL)
            roles = {"reader": ["graph"], "support": ["reader"]}
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "keys": {"store": str(tmp_path / "keys.db")},
                "authorization": {"roles": roles, "rules": [{"operations": ["*"], "allow": ["graph"]}]},
                "graphql": [{"operation": one, "schema": "schema.graphql", **settings} for one in ("ask", "look")],
            }  # fmt: skip
            path = contract(DESCRIPTION, **whole, trail={"path": "asgi.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(DESCRIPTION, **whole)
            return Both(port, gate(path), {role: issue(path, role) for role in roles}, api)

        yield start


def test_an_honest_query_is_answered_with_what_it_asked_for_and_no_more(graph: Any) -> None:
    hosts = graph()
    for _ in range(2):
        assert hosts.query("{ me { n: name } users(first: 2) { id } }") == (
            200, {"data": {"me": {"n": "Jane"}, "users": [{"id": "1"}, {"id": "1"}]}},
        )  # fmt: skip
    query = quote("query Q($n: Int) { users(first: $n) { id } }")
    path = f"/graphql?query={query}&variables={quote(json.dumps({'n': 2}))}&operationName=Q"
    assert hosts.ask(b"", path=path) == (200, {"data": {"users": [{"id": "1"}, {"id": "1"}]}})


def test_errors_of_the_api_tell_nothing_of_its_inside(graph: Any) -> None:
    hosts = graph()
    status, answer = hosts.query("{ broken }")
    assert (status, answer["data"]) == (200, {"broken": None})
    assert answer["errors"] == [
        {"message": "The request could not be answered.", "locations": [{"line": 1, "column": 3}], "path": ["broken"], "extensions": {"code": "INTERNAL"}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ __schema { types { name } } }"},
        {"query": "{ me { emial } }"},
        {"query": "{ users(first: 100000) { id } }"},
        {"query": "query($n: Int) { users(first: $n) { id } }", "variables": {"n": 100000}},
        {"query": "{ " + " ".join(f'a{n}: login(password: "{n}")' for n in range(50)) + " }"},
        {"query": "mutation { " + " ".join(f'a{n}: login(password: "{n}")' for n in range(50)) + " }"},
        {"query": "{ me { ...A } } fragment A on User { friends { ...B } } fragment B on User { friends { ...A } }"},
        {
            "query": "{ me { friends { friends { friends { friends { friends { friends { friends { friends { friends { friends { id } } } } } } } } } } } }"
        },
        [{"query": "{ me { id } }"}, {"query": "{ me { id } }"}],
        {"query": "query A { me { id } } query B { broken }"},
        {"query": "{ me { id } }", "operationName": "Nobody"},
        {"query": 7},
        {"query": ""},
        {},
        b'{"query":"{ me { id } }","query":"{ __schema { types { name } } }"}',
        b'{"query":"{ me { id } }","Query":"{ __schema { types { name } } }"}',
        b"\xef\xbb\xbf" + b'{"query":"{ me { id } }"}',
        b"{ me { id } }",
    ],
)
def test_attacks_do_not_reach_the_api(graph: Any, body: Any) -> None:
    hosts = graph()
    status, answer = hosts.ask(body)
    if body == b'{"query":"{ me { id } }","Query":"{ __schema { types { name } } }"}':
        assert (status, hosts.api.asked) == (200, ['{"query":"{ me { id } }"}'] * 2), "the other member stayed behind"
        return
    assert status in {400, 422}
    assert hosts.api.asked == []
    assert "email" not in json.dumps(answer), "no suggestions"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql"]
)
def test_a_body_of_another_kind_is_refused(graph: Any, media: str) -> None:
    hosts = graph()
    assert hosts.ask({"query": "{ me { id } }"}, media=media)[0] == 415
    assert hosts.api.asked == []


def test_nothing_changes_by_get(graph: Any) -> None:
    hosts = graph()
    for query in ('mutation { login(password: "x") }', 'query A { me { id } } mutation B { login(password: "x") }'):
        for name in ("", "&operationName=B"):
            assert hosts.ask(b"", path=f"/graphql?query={quote(query)}{name}")[0] == 400
    assert hosts.api.asked == []
    assert hosts.query('mutation { login(password: "x") }')[0] == 200


def test_a_query_that_comes_twice_is_refused(graph: Any) -> None:
    hosts = graph()
    one, other = quote("{ me { id } }"), quote("{ broken }")
    assert hosts.ask(b"", path=f"/graphql?query={one}&query={other}")[0] == 400
    assert hosts.api.asked == []


def test_fields_and_the_schema_are_for_those_who_may_see_them(graph: Any) -> None:
    hosts = graph(fields={"User.email": ["support"]}, introspection=["support"])
    assert hosts.query("{ me { email } }")[0] == 403
    assert hosts.api.asked == []
    assert hosts.query("{ me { email } }", "support")[1] == {"data": {"me": {"email": "jane@example.com"}}}
    status, answer = hosts.query('{ __type(name: "User") { fields { name } } }', "support")
    assert (status, len(answer["data"]["__type"]["fields"])) == (200, 4)


def test_the_trail_tells_why_and_not_what_was_asked(graph: Any) -> None:
    hosts = graph()
    hosts.query("{ users(first: 100000) { name } secretalias: me { id } }")
    event = hosts.trail(1)[0]
    assert (event["step"], event["outcome"]) == ("graphql", "refused")
    assert event["reason"].startswith("cost ")
    assert "secretalias" not in json.dumps(event)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"schema": "none.graphql"}, "the schema none.graphql"),
        ({"operation": "aks"}, "no operation 'aks'"),
        ({"fields": {"User.emial": ["a"]}}, "the schema has no field 'User.emial'"),
        ({"depth": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_kept_is_told_when_it_is_loaded(
    contract: Any, tmp_path: Path, settings: Any, words: str
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    path = contract(
        DESCRIPTION, authorization=None, graphql=[{"operation": "ask", "schema": "schema.graphql", **settings}]
    )
    with pytest.raises(NinefoldError, match=words) as fault:
        load_contract(path)
    assert "contract.yaml:" in str(fault.value)

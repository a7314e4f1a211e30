"""A GraphQL API that really executes, behind both hosts."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from graphql import GraphQLError, build_schema, graphql_sync

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Gate

SDL = """
type User { id: ID!, name: String, email: String, friends(first: Int): [User] }
type Query { me: User, users(first: Int): [User], broken: String }
type Mutation { login(password: String): String }
type Subscription { ticks: User }
"""
JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}
TEXTS = ("query", "operationName", "documentId", "doc_id", "id")
TAKES = {
    "type": "object",
    "properties": {
        **{name: {"type": ["string", "null"]} for name in TEXTS},
        **{name: {"type": ["object", "null"]} for name in ("variables", "extensions")},
    },
}
PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string"}} for name in (*TEXTS, "variables", "extensions")
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
    """Executes what it is asked, with mistakes that many make: it says in its errors what went wrong, and too much else."""

    def __init__(self) -> None:
        self.schema = build_schema(SDL)
        self.asked: list[str] = []
        #: What it knows by an id itself.
        self.documents: dict[str, str] = {}

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
        self.asked.append(body.decode() or scope["query_string"].decode())
        said = json.loads(body) if body else _in_query(scope["query_string"].decode())
        if isinstance(said, dict) and (said.get("query") or "").startswith("subscription"):
            await self._events(send)
            return
        answer = [self._answer(one) for one in said] if isinstance(said, list) else self._answer(said)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, said: dict[str, Any]) -> dict[str, Any]:
        id_ = ((said.get("extensions") or {}).get("persistedQuery") or {}).get("sha256Hash") or said.get("documentId")
        result = graphql_sync(
            self.schema,
            said.get("query") or self.documents[str(id_)],
            variable_values=said.get("variables"),
            operation_name=said.get("operationName"),
            field_resolver=self._resolve,
        )
        return {**result.formatted, "extensions": {"tracing": {"host": "10.0.0.7"}}}

    @staticmethod
    async def _events(send: Any) -> None:
        """GraphQL over SSE, its distinct connections mode."""
        fields = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for number in range(2):
            data = json.dumps({"data": {"ticks": {"id": str(number), "secret": "s3cr3t"}}, "extensions": {"host": "a"}})
            event = f"event: next\ndata: {data}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n"})


def _in_query(query: str) -> dict[str, Any]:
    said: dict[str, Any] = {name: value[0] for name, value in parse_qs(query).items()}
    return {name: json.loads(one) if name in {"variables", "extensions"} else one for name, one in said.items()}


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
        self.api.asked.clear()
        found = []
        for gate in self._gates:
            method, fields = ("POST", (f"Content-Type: {media}",)) if content else ("GET", ())
            status, head, answer = gate.get(path, self._keys[role], *fields, method=method, body=content)
            read = json.loads if "json" in head.get("content-type", "") else bytes.decode
            found.append((status, read(answer) if answer else None))
        assert found[0] == found[1]
        assert self.api.asked[:1] == self.api.asked[1:], "the API is asked the same by both"
        return found[0]

    def query(self, text: str, role: str = "reader", **more: Any) -> tuple[int, Any]:
        return self.ask({"query": text, **more}, role)

    @property
    def passed(self) -> str:
        """What the API was asked by the last request; empty: nothing."""
        return self.api.asked[0] if self.api.asked else ""

    def trail(self, count: int) -> list[dict[str, Any]]:
        return self._gates[1].trail(count)


@pytest.fixture(name="graph")
def served(
    contract: Any, serving: Any, gate: Any, issue: Callable[..., str], tmp_path: Path
) -> Iterator[Callable[..., Both]]:
    with contextlib.ExitStack() as stack:

        def start(files: dict[str, str] | None = None, *, parameters: bool = False, **settings: Any) -> Both:
            """`files` are written beside the contract. `parameters`: those of a query are declared for POST too."""
            description = deepcopy(DESCRIPTION)
            description["paths"]["/graphql"]["post"]["parameters"] = PARAMETERS if parameters else []
            api = Api()
            for name, text in (files or {}).items():
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text)
            upstream = stack.enter_context(serving(api))
            (tmp_path / "schema.graphql").write_text(SDL)
            roles = {"reader": ["graph"], "support": ["reader"]}
            whole = {
                "upstream": f"http://127.0.0.1:{upstream}", "keys": {"store": str(tmp_path / "keys.db")},
                "authorization": {"roles": roles, "rules": [{"operations": ["*"], "allow": ["graph"]}]},
                "graphql": [{"operation": one, "schema": "schema.graphql", **settings} for one in ("ask", "look")],
            }  # fmt: skip
            path = contract(description, **whole, trail={"path": "asgi.jsonl"})
            port = stack.enter_context(serving(Guard(api, path)))
            path = contract(description, **whole)
            return Both(port, gate(path), {role: issue(path, role) for role in roles}, api)

        yield start

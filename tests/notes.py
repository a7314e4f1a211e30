"""Two small APIs in which callers keep things of their own, written differently, each with flaws to choose.

`Plain`: statuses, numbers as ids, an API key. `Wrapped`: always 200, an envelope, random ids and a PUT of everything.
Flaws: `read`, `write`, `remove` (no owner is compared), `mass` (every member is taken), `shared` (everybody lists and edits
everything, on purpose), `open` (nobody needs a key), `stuck` (nothing is removed), `deaf` (200 and nothing done).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

KEYS = {"alice-key-1": "alice", "bob-key-22": "bob"}
JSON = {"Content-Type": "application/json"}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}}


def _ids(name: str, kind: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": kind}}]


_NOTE = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"}, "title": {"type": "string"}, "owner": {"type": "string"}, "price": {"type": "number"},
        "verified": {"type": "boolean"},
    },
}  # fmt: skip
_NEW_NOTE = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "maxLength": 100}}}
PLAIN: dict[str, Any] = {
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    "security": [{"key": []}],
    "paths": {
        "/notes": {
            "get": {"operationId": "listNotes", **_answer({"type": "array", "items": _NOTE})},
            "post": {"operationId": "makeNote", **_body(_NEW_NOTE)},
        },
        "/notes/{id}": {
            "parameters": _ids("id", "integer"),
            "get": {"operationId": "getNote", **_answer(_NOTE)},
            "patch": {"operationId": "changeNote", **_body({**_NEW_NOTE, "required": []})},
            "delete": {"operationId": "removeNote", "responses": {}},
        },
    },
}

_TICKET = {
    "type": "object",
    "properties": {
        "ticketId": {"type": "string", "readOnly": True},
        "starts": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d$"},
        "comment": {"type": "string"},
        "state": {"type": "string", "readOnly": True, "enum": ["new", "approved"]},
    },
    "required": ["starts"],
}
_WRAPPED_TICKET = {"type": "object", "properties": {"ok": {"type": "boolean"}, "data": _TICKET}}
WRAPPED: dict[str, Any] = {
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "security": [{"key": []}],
    "paths": {
        "/v1/tickets": {
            "get": {"operationId": "tickets", "responses": {}},
            "post": {"operationId": "open", **_body(_TICKET)},
        },
        "/v1/tickets/{ticket}": {
            "parameters": _ids("ticket", "string"),
            "get": {"operationId": "ticket", **_answer(_WRAPPED_TICKET)},
            "put": {"operationId": "replace", **_body(_TICKET)},
            "delete": {"operationId": "close", "responses": {}},
        },
    },
}


class Plain:
    """Called by the server for every request; `log` has what came: method, path and who asked (nobody: empty)."""

    document = PLAIN
    base = "/notes"

    def __init__(self, *flaws: str) -> None:
        self.flaws = frozenset(flaws)
        self.log: list[tuple[str, str, str]] = []
        self.things: dict[str, dict[str, Any]] = {
            str(number): {"id": number, "title": f"note {who}", "owner": who, "price": 5.0, "verified": False}
            for number, who in enumerate(("alice", "bob", "carol"), 1)
        }
        self.last = 3

    def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
        who = KEYS.get(handler.headers.get("X-API-Key", ""), "")
        self.log.append((handler.method, handler.path, who))
        status, said = self.answer(
            handler.method, handler.path, who or ("nobody" * ("open" in self.flaws)), handler.content
        )
        return status, JSON, b"" if said is None else json.dumps(said).encode()

    def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[int, Any]:
        if not who:
            return 401, {"error": "who are you?"}
        if path == self.base:
            return self._collection(method, who, body)
        thing = self.things.get(path.removeprefix(f"{self.base}/"))
        if thing is None or not self._may(
            {"GET": "read", "PATCH": "write", "DELETE": "remove"}.get(method, ""), thing, who
        ):
            return 404, {"error": "no such note"}
        if method == "PATCH" and "deaf" not in self.flaws:
            given = json.loads(body)
            thing.update(given if "mass" in self.flaws else {one: given[one] for one in given if one == "title"})
        if method == "DELETE":
            if "stuck" not in self.flaws and "deaf" not in self.flaws:
                del self.things[str(thing["id"])]
                if "reuses" in self.flaws:  # somebody else takes the id that is free, at once
                    self.things[str(thing["id"])] = {**thing, "title": "carol's", "owner": "carol"}
            return 204, None
        return 200, thing

    def _may(self, flaw: str, thing: dict[str, Any], who: str) -> bool:
        return (
            bool({flaw, "shared", "open"} & self.flaws)
            or thing["owner"] == who
            or ("deaf" in self.flaws and flaw != "read")
        )

    def _collection(self, method: str, who: str, body: bytes) -> tuple[int, Any]:
        if method != "POST":
            return 200, [one for one in self.things.values() if "shared" in self.flaws or one["owner"] == who]
        given = json.loads(body)
        if not isinstance(given.get("title"), str):
            return 422, {"error": "a title, please"}
        self.last += 1
        made = {"title": given["title"], "price": 5.0, "verified": False, "owner": who}
        made = {**made, **(given if "mass" in self.flaws else {}), "id": self.last}
        self.things[str(self.last)] = made
        return 201, made


class Wrapped:
    """The same in another hand: 200 whatever happens, and `Location` in place of the object."""

    document = WRAPPED

    def __init__(self, *flaws: str) -> None:
        self.flaws = frozenset(flaws)
        self.log: list[tuple[str, str, str]] = []
        self.owners: dict[str, str] = {}
        self.tickets: dict[str, dict[str, Any]] = {}
        for who in ("alice", "bob"):
            self._new(who, {"starts": "2025-03-04T09:00", "comment": f"for {who}"})

    def _new(self, who: str, given: dict[str, Any]) -> str:
        number = uuid.uuid4().hex
        self.owners[number] = who
        kept = given if "mass" in self.flaws else {one: given[one] for one in given if one in {"starts", "comment"}}
        self.tickets[number] = {"state": "new", **kept, "ticketId": number}
        return number

    def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
        who = KEYS.get(handler.headers.get("Authorization", "").removeprefix("Bearer "), "")
        self.log.append((handler.method, handler.path, who))
        said, more = self.answer(handler.method, handler.path, who, handler.content)
        return 200, {**JSON, **more}, json.dumps(said).encode()

    def answer(self, method: str, path: str, who: str, body: bytes) -> tuple[Any, dict[str, str]]:
        if not who:
            return {"ok": False, "error": "log in"}, {}
        if path == "/v1/tickets":
            if method != "POST":
                mine = [t for n, t in self.tickets.items() if "shared" in self.flaws or self.owners[n] == who]
                return {"ok": True, "data": mine}, {}
            given = json.loads(body)
            if len(given.get("starts", "")) != 16:
                return {"ok": False, "error": "when?"}, {}
            return {"ok": True}, {"Location": f"/v1/tickets/{self._new(who, given)}"}
        number = path.rpartition("/")[2]
        flaw = {"GET": "read", "PUT": "write", "DELETE": "remove"}[method]
        if number not in self.tickets or not ({flaw, "shared"} & self.flaws or self.owners[number] == who):
            return {"ok": False, "error": "no such ticket"}, {}
        if method == "PUT":
            given = json.loads(body)
            kept = given if "mass" in self.flaws else {one: given[one] for one in given if one in {"starts", "comment"}}
            self.tickets[number] = {"state": self.tickets[number]["state"], **kept, "ticketId": number}
        if method == "DELETE" and "stuck" not in self.flaws:
            del self.owners[number]
            return {"ok": True, "data": self.tickets.pop(number)}, {}
        return {"ok": True, "data": self.tickets[number]}, {}

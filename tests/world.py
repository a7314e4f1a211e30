"""A random API, its contract, and what they promise, read the slow and plain way.

Nothing here is taken from the guard: `World.lets_in` and `World.lets_out` read the contract as a person does, so that a
mistake in the guard is not repeated in what checks it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

PLAIN_PATH = re.compile(r"(?:/[a-z0-9_-]+)+\Z")


@dataclass(frozen=True)
class Sample:
    """A document as the upstream says it, and what of it may come out; None: nothing, it is not as declared."""

    said: bytes
    kept: Any
    conforms: bool = True


@dataclass(frozen=True)
class Declared:
    """One response of an operation."""

    media: str
    schema: dict[str, Any] | None
    headers: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """One operation as the description has it. `accepts` is the schema of its body, `queries` the names in its query."""

    id: str
    method: str
    path: str
    takes: str
    responses: dict[str, Declared]
    accepts: dict[str, Any] | None = None
    queries: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": self.id, "responses": {}}
        if self.takes:
            found["requestBody"] = {"content": {self.takes: {"schema": self.accepts} if self.accepts else {}}}
        if self.queries:
            found["parameters"] = [{"name": one, "in": "query", "schema": {"type": "string"}} for one in self.queries]
        for status, one in self.responses.items():
            answer: dict[str, Any] = {"description": "-"}
            if one.media:
                answer["content"] = {one.media: {} if one.schema is None else {"schema": one.schema}}
            if one.headers:
                answer["headers"] = {name: {"schema": {"type": "string"}} for name in one.headers}
            found["responses"][status] = answer
        return found


@dataclass(frozen=True)
class Caller:
    """A key: its role and scopes; `lifetime` in seconds; `addresses` are what it is bound to, if to any."""

    role: str
    scopes: tuple[str, ...] = ()
    lifetime: float = 3600.0
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """One request. `in_query`: the key stands there, and in no field. `sample` is the document that the body is.

    `stray`: the body is of another operation than the one that is asked.
    """

    method: str
    path: str
    caller: str
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    in_query: bool = False
    sample: Sample | None = None
    stray: bool = False

    def of(self, name: str) -> str:
        return next((value for known, value in self.fields if known.lower() == name.lower()), "")


@dataclass(frozen=True)
class World:
    """A description, a contract, and the callers that have keys."""

    operations: tuple[Operation, ...]
    contract: dict[str, Any]
    callers: dict[str, Caller] = field(default_factory=dict)

    @property
    def description(self) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for one in self.operations:
            item = paths.setdefault(one.path, {})
            item[one.method.lower()] = one.described()
            if names := re.findall(r"\{(\w+)\}", one.path):
                item["parameters"] = [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
                ]
        return {"openapi": "3.1.0", "info": {"title": "world", "version": "1"}, "paths": paths}

    @property
    def key_field(self) -> str:
        return str(self.contract["keys"].get("header", "X-API-Key"))

    @property
    def key_parameter(self) -> str:
        """The query parameter that may carry a key; empty: none may."""
        return str(self.contract["keys"].get("query", {}).get("name", ""))

    @property
    def narrow(self) -> int:
        """How often each caller may call each operation, where that is few; else 0."""
        rates = self.contract["limits"]["rates"]
        return next((one["burst"] for one in rates if one["per"] == ["caller", "operation"]), 0)

    def meant(self, method: str, path: str) -> Operation | None:
        """The operation at a path, literal segments before parameters; HEAD is GET's."""
        segments = path.partition("?")[0].split("/")
        found: dict[tuple[bool, ...], list[Operation]] = {}
        for one in self.operations:
            wanted = one.path.split("/")
            if len(wanted) == len(segments) and all(
                hole == asked or (hole.startswith("{") and asked) for hole, asked in zip(wanted, segments, strict=True)
            ):
                found.setdefault(tuple(hole.startswith("{") for hole in wanted), []).append(one)
        if not found:
            return None
        best = found[min(found)]
        named = {one.method: one for one in best}
        return named.get(method) or (named.get("GET") if method == "HEAD" else None)

    def opened(self, operation: Operation) -> bool:
        return any("public" in rule for rule in self._rules(operation))

    def lets_in(self, asked: Question) -> bool | None:
        """Whether a request may reach the API: True and False are sure, None leaves it to the guard."""
        path = asked.path.partition("?")[0]
        plain = PLAIN_PATH.match(path) is not None
        operation = self.meant(asked.method, path if plain else unquote(path))
        if operation is None:
            return False
        if asked.in_query and not self.key_parameter and asked.caller not in {"none", "wrong"}:
            return False  # a real key where no key may be
        if not self.opened(operation) and not self._may(operation, asked.caller):
            return False
        origin = asked.of("Origin")
        if origin and origin not in self.contract["origins"]["allow"]:
            return False
        if asked.body:
            if len(asked.body) > int(self.contract["limits"]["body"].removesuffix("B")):
                return False
            if not operation.takes or asked.of("Content-Type") != operation.takes:
                return False
            if operation.accepts is not None and asked.stray:
                return None
            if operation.accepts is not None and (asked.sample is None or not asked.sample.conforms):
                return False
        return True if plain and not self.narrow else None

    def target(self, asked: Question) -> str:
        """What of a request's target goes on: of the query what is declared, as it came."""
        path, _, query = asked.path.partition("?")
        operation = self.meant(asked.method, path if PLAIN_PATH.match(path) else unquote(path))
        names = operation.queries if operation is not None else ()
        kept = [one for one in query.split("&") if one.partition("=")[0] in names]
        return path + ("?" + "&".join(kept) if kept else "")

    def passes_on(self, asked: Question, received: bytes) -> bool:
        """Whether what the API got is what may go in of a body: to the byte, where all of it may."""
        operation = self.meant(asked.method, asked.path.partition("?")[0])
        if operation is None or operation.accepts is None or asked.sample is None:
            return received == asked.body
        if asked.stray:
            return True
        whole = json.loads(asked.body) == asked.sample.kept
        return received == asked.body if whole else json.loads(received) == asked.sample.kept

    def lets_out(self, operation: Operation, status: int) -> Declared | None:
        """What an operation declares for a status."""
        known = operation.responses
        return known.get(str(status)) or known.get(f"{status // 100}XX") or known.get("default")

    def _rules(self, operation: Operation) -> list[dict[str, Any]]:
        every = self.contract.get("authorization", {}).get("rules", [])
        rules = [rule for rule in every if "deny" not in rule]
        own = [rule for rule in rules if operation.id in rule["operations"]]
        return own or [rule for rule in rules if "*" in rule["operations"]]

    def _may(self, operation: Operation, name: str) -> bool:
        caller = self.callers.get(name)
        if caller is None or caller.lifetime < 1 or caller.addresses == ("192.0.2.0/24",):
            return False
        ranges = self.contract["keys"].get("with", {}).get("ip", ["local"])
        if "alone" not in self.contract["keys"] and ranges == ["192.0.2.0/24"]:
            return False
        if "authorization" not in self.contract:
            return True
        roles = self.contract["authorization"]["roles"]
        held = {caller.role}
        for _ in roles:
            held |= {inner for one in held for inner in roles.get(one, ())}
        if caller.scopes:
            held &= set(caller.scopes)
        denials = [rule for rule in self.contract["authorization"]["rules"] if "deny" in rule]
        if any(operation.id in rule["operations"] and _true(rule, caller) for rule in denials):
            return False
        return any(held & set(rule.get("allow", ())) and _true(rule, caller) for rule in self._rules(operation))


def _true(rule: dict[str, Any], caller: Caller) -> bool:
    """Whether a rule's condition is true of a caller; there is only one kind of them here."""
    return "when" not in rule or bool(rule["when"] == f"caller.role == '{caller.role}'")

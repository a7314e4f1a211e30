"""Random APIs with random contracts, and what each of them promises, read the slow and plain way.

Nothing here is taken from the guard: `World.lets_in` and `World.lets_out` read the contract as a person does, so that a
mistake in the guard is not repeated in what checks it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from hypothesis import strategies as st

#: What is planted where nothing was declared. It may never come out.
SECRET = "secret-1b6d"

SCOPES = ("read", "write", "admin")
ORIGINS = ("https://app.example.com", "https://shop.example.com:8443")
KEY_FIELDS = ("X-API-Key", "X-Token", "Authorization")
PLAIN_PATH = re.compile(r"(?:/[a-z0-9_-]+)+\Z")

_LITERALS = ("things", "a", "b", "v1", "items", "one_more")
_NAMES = ("id", "name", "price", "größe", "with space", "deep", "~", "a/b", "back'tick", "\u2028")
_FILLERS = (
    "1", "42", "a", "things", "A", "THINGS", "%31", "%61", "x.y", "a;b", "..", ".", "%2e%2e", "a%2fb", "%5c", "", "a%00", "%ff", "%zz",
    "a%20", "é", "things.",
)  # fmt: skip


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
    """One operation as the description has it."""

    id: str
    method: str
    path: str
    takes: str
    responses: dict[str, Declared]

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": self.id, "responses": {}}
        if self.takes:
            found["requestBody"] = {"content": {self.takes: {}}}
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
    """A key: its role and scopes; `lifetime` in seconds."""

    role: str
    scopes: tuple[str, ...] = ()
    lifetime: float = 3600.0


@dataclass(frozen=True)
class Question:
    """One request."""

    method: str
    path: str
    caller: str
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

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
        return True if plain and not self.narrow else None

    def lets_out(self, operation: Operation, status: int) -> Declared | None:
        """What an operation declares for a status."""
        known = operation.responses
        return known.get(str(status)) or known.get(f"{status // 100}XX") or known.get("default")

    def _rules(self, operation: Operation) -> list[dict[str, Any]]:
        rules = self.contract.get("authorization", {}).get("rules", [])
        own = [rule for rule in rules if operation.id in rule["operations"]]
        return own or [rule for rule in rules if "*" in rule["operations"]]

    def _may(self, operation: Operation, name: str) -> bool:
        caller = self.callers.get(name)
        if caller is None or caller.lifetime < 1:
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
        return any(held & set(rule.get("allow", ())) for rule in self._rules(operation))


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Response schemas of every kind that a projection tells apart."""
    scalars: st.SearchStrategy[dict[str, Any]] = st.sampled_from([
        {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": ["string", "null"]},
        {"enum": ["red", "green"]}, {"type": "number", "format": "double"}, {"type": "integer", "format": "int64"},
    ])  # fmt: skip

    def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        return st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4).map(
            lambda members: {"type": "object", "properties": members}
        )

    def grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        return st.one_of(
            objects(inner),
            inner.map(lambda one: {"type": "array", "items": one}),
            inner.map(lambda one: {"type": "object", "additionalProperties": one}),
            st.lists(objects(scalars), min_size=1, max_size=2).map(_disjoint),
        )

    return st.recursive(scalars, grown, max_leaves=6)


def _disjoint(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """All of some objects, no name in two of them."""
    seen: set[str] = set()
    for part in parts:
        part["properties"] = {name: one for name, one in part["properties"].items() if name not in seen}
        seen |= set(part["properties"])
    return {"allOf": parts}


@st.composite
def samples(draw: st.DrawFn, schema: dict[str, Any]) -> Sample:
    """A document of a schema, with undeclared members planted; sometimes one value of a kind that was not declared."""
    kept, said = draw(_documents(schema))
    if draw(st.integers(0, 4)) == 0:
        spoilt = draw(st.sampled_from([{SECRET: SECRET}, [SECRET], SECRET]))
        kinds = {"object": dict, "array": list, "string": str}
        declared = schema.get("type", "object" if "allOf" in schema else "string")
        if not isinstance(
            spoilt, tuple(kinds[one] for one in ([declared] if isinstance(declared, str) else declared) if one in kinds)
        ):
            return Sample(json.dumps(spoilt).encode(), None, conforms=False)
    style = draw(st.sampled_from([{"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")}]))
    return Sample(json.dumps(said, **style).encode(), kept)


@st.composite
def _documents(draw: st.DrawFn, schema: dict[str, Any]) -> tuple[Any, Any]:
    """What may come out, and what is said."""
    if "allOf" in schema:
        schema = {
            "type": "object",
            "properties": {k: v for part in schema["allOf"] for k, v in part["properties"].items()},
        }
    if "enum" in schema:
        value = draw(st.sampled_from(schema["enum"]))
        return value, value
    kind = schema["type"]
    if kind == "array":
        pairs = draw(st.lists(_documents(schema["items"]), max_size=3))
        return [kept for kept, _ in pairs], [said for _, said in pairs]
    if kind != "object":
        value = draw({
            "string": st.text(max_size=8), "integer": st.integers(), "boolean": st.booleans(),
            "number": st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda one: round(one, 3))),
        }[kind if isinstance(kind, str) else "string"])  # fmt: skip
        value = draw(st.sampled_from([value, value, None])) if isinstance(kind, list) else value
        return value, value
    if "additionalProperties" in schema:
        found = draw(st.dictionaries(st.text(max_size=5), _documents(schema["additionalProperties"]), max_size=3))
        return {name: kept for name, (kept, _) in found.items()}, {name: said for name, (_, said) in found.items()}
    kept, said = {}, {}
    for name, inner in schema["properties"].items():
        if draw(st.integers(0, 3)):
            kept[name], said[name] = draw(_documents(inner))
    planted = draw(st.sampled_from([{}, {SECRET: 1}, {"extra": SECRET}, {"ID": [{"id": SECRET}]}, {"": {SECRET: {}}}]))
    return kept, dict(draw(st.permutations([*said.items(), *planted.items()])))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """An API of a few operations, and a contract for it that can be kept."""
    operations = draw(_operations())
    contract: dict[str, Any] = {
        "api": {"name": "world", "description": "openapi.yaml"},
        "upstream": "http://127.0.0.1:9",
        "encryption": {"plain": "the tests speak plain HTTP on loopback"},
        "origins": {"allow": draw(st.lists(st.sampled_from(ORIGINS), unique=True)), "headers": ["Content-Type"]},
        "trail": {"path": "trail.jsonl", "batch": "10ms"},
        "keys": draw(_keys()),
        "limits": {"body": draw(st.sampled_from(["16B", "1024B"])), "rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}]},
    }  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        few = {"per": ["caller", "operation"], "rate": "1/d", "burst": draw(st.integers(1, 3))}
        contract["limits"]["rates"].append(few)
    if draw(st.integers(0, 4)):
        contract["authorization"] = draw(_authorization([one.id for one in operations]))
    bare = {one.id for one in operations if any(r.media and r.schema is None for r in one.responses.values())}
    named = {
        one.id for one in operations if any("json" in r.media and r.schema is None for r in one.responses.values())
    }
    opened = named | (set(draw(st.lists(st.sampled_from(sorted(bare)), unique=True))) if bare else set())
    contract["responses"] = {"open": dict.fromkeys(sorted(opened), "what it says is nobody's secret")}
    roles = sorted(contract.get("authorization", {}).get("roles", {"reader": []}))
    callers = {role: Caller(role) for role in roles}
    callers["scoped"] = Caller(roles[0], tuple(draw(st.lists(st.sampled_from(SCOPES), min_size=1, unique=True))))
    callers["expired"] = Caller(roles[-1], lifetime=0.001)
    callers["stranger"] = Caller("nobody")
    return World(operations, contract, callers)


@st.composite
def _operations(draw: st.DrawFn) -> tuple[Operation, ...]:
    found: dict[str, list[Operation]] = {}
    for place in range(draw(st.integers(1, 5))):
        kinds = draw(st.lists(st.sampled_from([*_LITERALS, "{}"]), min_size=1, max_size=3))
        path = "".join(f"/{{p{at}}}" if kind == "{}" else f"/{kind}" for at, kind in enumerate(kinds))
        if path in found:
            continue
        methods = draw(
            st.lists(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]), min_size=1, max_size=3, unique=True)
        )
        found[path] = [
            Operation(
                f"op{place}{method}",
                method,
                path,
                draw(st.sampled_from(["", "application/json", "text/plain"])),
                draw(
                    st.dictionaries(
                        st.sampled_from(["200", "201", "404", "4XX", "default"]), _responses(), min_size=1, max_size=3
                    )
                ),
            )
            for method in methods
        ]
    return tuple(one for alike in found.values() for one in alike)


@st.composite
def _responses(draw: st.DrawFn) -> Declared:
    media = draw(st.sampled_from(["application/json", "application/json", "application/hal+json", "text/plain", ""]))
    schema = draw(schemas()) if "json" in media and draw(st.integers(0, 9)) else None
    return Declared(media, schema, draw(st.sampled_from([(), (), ("X-Total",)])))


@st.composite
def _keys(draw: st.DrawFn) -> dict[str, Any]:
    proof: dict[str, Any] = draw(st.sampled_from([
        {}, {"with": {"ip": ["local"]}}, {"with": {"ip": ["127.0.0.0/8"]}}, {"with": {"ip": ["192.0.2.0/24"]}},
        {"alone": "the tests have nothing else to prove"},
    ]))  # fmt: skip
    return {"header": draw(st.sampled_from(KEY_FIELDS)), **proof}


@st.composite
def _authorization(draw: st.DrawFn, operations: list[str]) -> dict[str, Any]:
    some = st.lists(st.sampled_from(SCOPES), min_size=1, max_size=2, unique=True)
    roles: dict[str, list[str]] = {"all": list(SCOPES), "reader": draw(some)}
    roles["writer"] = ["reader", *draw(some)]
    names = st.lists(st.sampled_from(operations), min_size=1, max_size=3, unique=True)
    rules: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        rule: dict[str, Any] = {"operations": draw(st.one_of(names, st.just(["*"])))}
        if rule["operations"] != ["*"] and draw(st.integers(0, 3)) == 0:
            rule["public"] = "it is what the window shows"
        else:
            rule["allow"] = draw(st.lists(st.sampled_from([*SCOPES, *roles]), min_size=1, max_size=2, unique=True))
        rules.append(rule)
    return {"roles": roles, "rules": rules}


@st.composite
def questions(draw: st.DrawFn, world: World) -> Question:
    """A request about one of the world's operations, mostly; or about none."""
    about = draw(st.sampled_from(world.operations))
    path = re.sub(r"\{\w+\}", lambda _: draw(st.sampled_from(_FILLERS)), about.path)
    path = draw(st.sampled_from([
        path, path, path, path, path + "/", path.upper(), "/" + path, path + "?x=1", path + "?x=%00&y=..", path + "/a",
        path.replace("/", "/./", 1), path.replace("/", "//"), path + ";x=1", path.replace("/", "%2f"), "/nothing",
    ])).encode().decode("latin-1")  # fmt: skip
    method = draw(st.sampled_from([about.method] * 4 + ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH", "PUT"]))
    fields: list[tuple[str, str]] = []
    origin = draw(
        st.sampled_from(["", "", "", *ORIGINS, "null", "https://evil.example", "https://app.example.com.evil.example"])
    )
    if origin:
        fields.append(("Origin", origin))
    if method == "OPTIONS":
        fields.append(("Access-Control-Request-Method", draw(st.sampled_from(["GET", "POST", "TRACE"]))))
    body = b""
    if method not in {"HEAD", "GET", "OPTIONS"} and draw(st.booleans()):
        body = draw(st.sampled_from([b"{}", b"x" * 16, b"x" * 17, b"x" * 1025]))
        media = draw(st.sampled_from([about.takes, about.takes, "application/json", "text/xml"]))
        if media:
            fields.append(("Content-Type", media))
    strong = "all" if "all" in world.callers else "reader"
    callers = [*world.callers, strong, strong, strong, "none", "wrong"]
    return Question(method, path, draw(st.sampled_from(callers)), tuple(fields), body)

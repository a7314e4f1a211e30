"""Random APIs with random contracts, the documents that they say, and what they are asked."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st
from tests.world import Caller, Declared, Operation, Question, Sample, World

#: What is planted where nothing was declared. It may never come out.
SECRET = "secret-1b6d"

SCOPES = ("read", "write", "admin")
ORIGINS = ("https://app.example.com", "https://shop.example.com:8443")
KEY_FIELDS = ("X-API-Key", "X-Token", "Authorization")

_LITERALS = ("things", "a", "b", "v1", "items", "one_more")
_NAMES = ("id", "name", "price", "größe", "with space", "deep", "~", "a/b", "back'tick", "\u2028")
_PLAIN_FILLERS = ("1", "42", "a", "things", "0b-_c")
_FILLERS = (
    "1", "42", "a", "things", "A", "THINGS", "%31", "%61", "x.y", "a;b", "..", ".", "%2e%2e", "a%2fb", "%5c", "", "a%00", "%ff", "%zz",
    "a%20", "é", "things.",
)  # fmt: skip


#: Members that no schema here declares.
_PLANTED: list[dict[str, Any]] = [
    {}, {SECRET: 1}, {"extra": SECRET}, {"ID": [{"id": SECRET}]}, {"": {SECRET: {}}}, {'q"': SECRET},
]  # fmt: skip
#: A member that neither goes in nor comes out.
HIDDEN = "hidden"
#: How the names begin that a pattern lets out.
FITTING = "x-"
#: Values of a kind that the schema at hand may not declare.
_SPOILT: list[Any] = [{SECRET: SECRET}, [SECRET], SECRET]


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

    def others(one: dict[str, Any], other: dict[str, Any], *, fitting: bool) -> dict[str, Any]:
        """Named members, one that may not leave, and others beside them."""
        named = {**one["properties"], HIDDEN: {"type": "string", "writeOnly": True, "readOnly": True}}
        more = {"patternProperties": {f"^{FITTING}": other}} if fitting else {"additionalProperties": other}
        return {"type": "object", "properties": named, **more}

    def grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        return st.one_of(
            objects(inner),
            inner.map(lambda one: {"type": "array", "items": one}),
            inner.map(lambda one: {"type": "object", "additionalProperties": one}),
            st.builds(others, objects(scalars), inner, fitting=st.booleans()),
            st.lists(objects(scalars), min_size=1, max_size=2).map(_disjoint),
        )

    whole = st.recursive(scalars, grown, max_leaves=6)
    return st.one_of(objects(whole), objects(whole).map(lambda one: {"type": "array", "items": one}), whole)


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
    if draw(st.integers(0, 5)) == 0 and (spoilt := [one for one in _SPOILT if _kind(one) not in _kinds(schema)]):
        return Sample(json.dumps(draw(st.sampled_from(spoilt))).encode(), None, conforms=False)
    if (
        said
        and isinstance(kept, dict)
        and draw(st.integers(0, 9)) == 0
        and (twice := [one for one in said if one in kept])
    ):
        name = json.dumps(draw(st.sampled_from(twice)))
        return Sample(f"{json.dumps(said)[:-1]}, {name}: null}}".encode(), None, conforms=False)
    indent = draw(st.sampled_from([None, 1]))
    return Sample(json.dumps(said, ensure_ascii=draw(st.booleans()), indent=indent).encode(), kept)


def _kind(value: Any) -> str:
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"


def _kinds(schema: dict[str, Any]) -> set[str]:
    declared = schema.get("type", "object" if "allOf" in schema else "string")
    return {declared} if isinstance(declared, str) else set(declared)


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
            "string": st.text(max_size=8), "integer": st.integers(-(2**63), 2**63 - 1), "boolean": st.booleans(),
            "number": st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda one: round(one, 3))),
        }[kind if isinstance(kind, str) else "string"])  # fmt: skip
        value = draw(st.sampled_from([value, value, None])) if isinstance(kind, list) else value
        return value, value
    named = {name: one for name, one in schema.get("properties", {}).items() if name != HIDDEN}
    planted = draw(st.sampled_from(_PLANTED))
    found: dict[str, tuple[Any, Any]] = {}
    if "additionalProperties" in schema:
        free = st.text(max_size=5).filter(lambda name: name not in named)
        found = draw(st.dictionaries(free, _documents(schema["additionalProperties"]), max_size=3))
        planted = draw(st.sampled_from([{}, {HIDDEN: SECRET}])) if HIDDEN in schema.get("properties", {}) else {}
    if "patternProperties" in schema:
        fitting = st.text(max_size=3).map(lambda name: FITTING + name)
        found = draw(st.dictionaries(fitting, _documents(schema["patternProperties"][f"^{FITTING}"]), max_size=2))
    for name, inner in named.items():
        if draw(st.integers(0, 3)):
            found[name] = draw(_documents(inner))
    kept, said = {name: one for name, (one, _) in found.items()}, {name: one for name, (_, one) in found.items()}
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
        "limits": {"body": draw(st.sampled_from(["16B", "1024B", "1024B", "4096B"])), "rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}]},
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
    callers["bound"] = Caller(roles[0], addresses=draw(st.sampled_from([("127.0.0.0/8",), ("192.0.2.0/24",)])))
    return World(operations, contract, callers)


@st.composite
def _operations(draw: st.DrawFn) -> tuple[Operation, ...]:
    found: dict[str, list[Operation]] = {}
    for place in range(draw(st.integers(1, 5))):
        kinds = draw(st.lists(st.sampled_from([*_LITERALS, "things", "a", *["{}"] * 4]), min_size=1, max_size=3))
        path = "".join(f"/{{p{at}}}" if kind == "{}" else f"/{kind}" for at, kind in enumerate(kinds))
        if path in found:
            continue
        methods = draw(
            st.lists(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]), min_size=1, max_size=3, unique=True)
        )
        takes = draw(st.sampled_from(["", *["application/json"] * 4, "text/plain"]))
        accepts = draw(schemas()) if takes == "application/json" and draw(st.integers(0, 3)) else None
        queries = draw(st.sampled_from([(), ("x",), ("x", "y")]))
        found[path] = [
            Operation(
                f"op{place}{method}",
                method,
                path,
                takes,
                draw(
                    st.dictionaries(
                        st.sampled_from(["200", "200", "201", "404", "4XX", "default"]),
                        _responses(),
                        min_size=1,
                        max_size=3,
                    )
                ),
                accepts,
                queries,
            )
            for method in methods
        ]
    return tuple(one for alike in found.values() for one in alike)


@st.composite
def _responses(draw: st.DrawFn) -> Declared:
    media = draw(st.sampled_from(["application/json"] * 4 + ["application/hal+json", "text/plain", ""]))
    schema = draw(schemas()) if "json" in media and draw(st.integers(0, 9)) else None
    return Declared(
        media,
        schema,
        draw(st.sampled_from([(), (), ("X-Total",), ("X-Total", "Server", "Access-Control-Allow-Origin")])),
    )


@st.composite
def _keys(draw: st.DrawFn) -> dict[str, Any]:
    proof: dict[str, Any] = draw(st.sampled_from([
        {}, {"with": {"ip": ["local"]}}, {"with": {"ip": ["127.0.0.0/8"]}}, {"with": {"ip": ["192.0.2.0/24"]}},
        {"alone": "the tests have nothing else to prove"},
    ]))  # fmt: skip
    query = {"name": "api_key", "why": "a calendar program sends no fields"}
    placed = draw(st.sampled_from([{}, {"query": query}]))
    return {"header": draw(st.sampled_from(KEY_FIELDS)), **proof, **placed}


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
        if "allow" in rule and draw(st.integers(0, 3)) == 0:
            rule["when"] = f"caller.role == '{draw(st.sampled_from(sorted(roles)))}'"
    # what one rule opens to everybody, no other may ask a scope of: that does not compile
    opened = {name for rule in rules if "public" in rule for name in rule["operations"]}
    for rule in rules:
        if "allow" in rule:
            rule["operations"] = [name for name in rule["operations"] if name not in opened]
    denies = draw(st.booleans())
    if denies and (closed := [one for one in operations if one not in opened]):
        denied: list[str] = draw(st.lists(st.sampled_from(closed), min_size=1, unique=True))
        role = draw(st.sampled_from(sorted(roles)))
        rules.append({"operations": denied, "deny": "not for such as these", "when": f"caller.role == '{role}'"})
    return {"roles": roles, "rules": [rule for rule in rules if rule["operations"]]}


@st.composite
def questions(draw: st.DrawFn, world: World) -> Question:
    """A request that one of the world's operations answers, with at most one or two things about it changed."""
    about = draw(st.sampled_from([*world.operations, *(one for one in world.operations if one.accepts)] * 2))
    kinds = ["path", "method", "origin", "body", "caller", "hole", "query", "", ""]
    changed = draw(st.sets(st.sampled_from(kinds), max_size=2))
    holes = _FILLERS if "hole" in changed else _PLAIN_FILLERS
    path = re.sub(r"\{\w+\}", lambda _: draw(st.sampled_from(holes)), about.path)
    if "path" in changed:
        path = draw(st.sampled_from([
            path + "/", path.upper(), "/" + path, path + "?x=1", path + "?x=%00&y=..", path + "/a", path.replace("/", "/./", 1),
            path.replace("/", "//"), path + ";x=1", path.replace("/", "%2f"), "/nothing", path[:-1], path + "%20",
        ]))  # fmt: skip
    method = about.method
    if "method" in changed:
        method = draw(st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH", "PUT"]))
    fields: list[tuple[str, str]] = []
    if "origin" in changed:
        foreign = (
            "null",
            "https://evil.example",
            "https://app.example.com.evil.example",
            "https://app.example.com:444",
        )
        fields.append(("Origin", draw(st.sampled_from([*ORIGINS, *ORIGINS, *foreign]))))
    if method == "OPTIONS":
        fields.append(("Access-Control-Request-Method", draw(st.sampled_from(["GET", "POST", "TRACE"]))))
    body, media = (
        (b"{}", about.takes) if about.takes and method == about.method and draw(st.integers(0, 3)) else (b"", "")
    )
    sample = draw(samples(about.accepts)) if body and about.accepts is not None else None
    body = sample.said if sample is not None else body
    if "body" in changed and method not in {"GET", "HEAD", "OPTIONS"}:
        most = int(world.contract["limits"]["body"].removesuffix("B"))
        body = draw(st.sampled_from([b"x" * most, b"x" * (most + 1), b"x" * (most + 1), b"x" * 4 * most]))
        media = draw(st.sampled_from([*[about.takes] * 5, "application/json", "text/xml"]))
        sample = None
    if body and media:
        fields.append(("Content-Type", media))
    caller = "all" if "all" in world.callers else "reader"
    if "caller" in changed:
        caller = draw(st.sampled_from([*world.callers, "scoped", "none", "wrong"]))
    stray = sample is not None and world.meant(method, path) is not about
    return Question(method, path, caller, tuple(fields), body, "query" in changed, sample, stray)

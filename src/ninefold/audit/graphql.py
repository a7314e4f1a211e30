"""A GraphQL endpoint as it is asked: found by how it answers `{__typename}`, its types by introspection if that answers.

GraphQL specification of October 2021, and GraphQL over HTTP. Only queries are made here, and none with a field whose name
says that it does something.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.answer import Ask
from ninefold.audit.probe import Unanswered
from ninefold.audit.sample import ask_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ninefold.audit.answer import Answer
    from ninefold.contract.description import Description, Operation

#: The cheapest query: every service has an answer to it (GraphQL specification, section 4.1).
HELLO = "{__typename}"

#: A field that no service has.
UNKNOWN = "ninefoldNoSuchField"

#: Where services stand that nobody described.
WELL_KNOWN = ("/graphql", "/api/graphql", "/v1/graphql", "/query")

#: How many candidates may hang or break off before no more are asked; each can cost ten seconds.
UNANSWERED = 2

#: Most root fields that are read, and most members of one.
ROOTS, MEMBERS = 8, 6

_NAMED = re.compile(r"graphql|(?<![a-z])gql(?![a-z])", re.IGNORECASE)
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_JSON = (("Content-Type", "application/json"), ("Accept", "application/json"))

#: Words of fields that do something although they are queries, or that cost much.
_ACTS = re.compile(
    r"^(?:(?:log|sign)_?(?:[Ii]n|[Oo]ut|[Oo]n|[Uu]p|[Oo]ff)|create|update|delete|remove|add|set|send|reset|cancel|start|stop|run"
    r"|execute|trigger|refresh|revoke|verify|confirm|register|export|generate|upload|import|sync|purge|clear|flush|consume|redeem"
    r"|approve|reject|accept|decline|(?:un)?(?:subscribe|like|follow|block|lock)|join|leave|pay|buy|checkout|publish|archive"
    r"|restore|invite|ban|(?:de)?activate|enable|disable|rotate|issue|invalidate|rebuild|reindex|notify|mark|track|increment|do"
    r"|make|save|store|insert|upsert|put|write|apply|process|submit|request|claim|assign|move|merge|kill|shutdown|restart)"
    r"(?=[A-Z_]|$)"
)

_TYPE = "type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}"

#: What is asked of the types; less deep than what tools ask, so that a limit on depth lets more of it through.
_FIELDS = f"fields{{name args{{name defaultValue {_TYPE}}} {_TYPE}}}"
_INTROSPECTION = f"{{__schema{{queryType{{name}} mutationType{{name}} types{{kind name {_FIELDS}}}}}}}"


@dataclass(frozen=True, slots=True)
class Argument:
    """`kind` is the named type below lists and non-null; `required`: it has to be given."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is the named type of what comes; `leaf`: it has no members of its own; `many`: a list; `sure`: never null."""

    name: str
    type: str
    leaf: bool
    many: bool
    sure: bool
    arguments: tuple[Argument, ...]

    @property
    def free(self) -> bool:
        """It can be asked for without an argument."""
        return not any(one.required for one in self.arguments)


@dataclass(frozen=True, slots=True)
class Types:
    """Fields of every object type, by the type's name; queries begin at `root`, mutations at `change`, if at all."""

    root: str
    change: str
    fields: Mapping[str, tuple[Field, ...]]

    def roots(self) -> tuple[Field, ...]:
        """Root fields that may be read: by their names they do nothing, and they tell more than yes."""
        fields = self.fields.get(self.root, ())
        return tuple(one for one in fields if not _ACTS.search(one.name) and one.type != "Boolean")

    def members(self, kind: str) -> str:
        """A selection of the members that cost nothing (`{id name}`), the id first."""
        plain = [one.name for one in self.fields.get(kind, ()) if one.leaf and one.free]
        chosen = sorted(plain, key=lambda one: one != "id")[:MEMBERS]
        return "{" + " ".join(chosen or ["__typename"]) + "}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where queries go, and how: `ask` is the request without a document; `hello` answered `{__typename}`."""

    request: Ask
    operation: Operation | None
    hello: Answer

    def ask(self, document: str, **variables: Any) -> Ask:
        """The request for one document, without credentials."""
        return with_document(self.request, document, variables)

    def batch(self, documents: list[str]) -> Ask:
        """One request for several documents, as services that batch take it; by POST only."""
        return replace(with_document(self.request, ""), body=json.dumps([{"query": one} for one in documents]).encode())


def find(
    send: Callable[[Ask], Answer], description: Description | None, base: str, *, unknown: bool
) -> Endpoint | None:
    """The API's GraphQL endpoint, or None. `send` adds credentials; `unknown`: also try where services often stand.

    What is not called GraphQL by its path or by the description is asked by GET alone: POST may mean something else there.
    Raises `Unanswered` when nothing answers at all.
    """
    missed: list[Unanswered] = []
    answered = False
    for ask, operation in _candidates(description, base, unknown=unknown):
        try:
            answer = send(with_document(ask, HELLO))
        except Unanswered as fault:
            missed.append(fault)
            if len(missed) == UNANSWERED:
                break
            continue
        answered = True
        if isinstance(data := _data(answer), dict) and _NAME.fullmatch(str(data.get("__typename", ""))):
            return Endpoint(ask, operation, answer)
    if missed and not answered:
        raise missed[-1]
    return None


def _candidates(description: Description | None, base: str, *, unknown: bool) -> Iterator[tuple[Ask, Operation | None]]:
    described = [one for one in (description.operations if description else ()) if is_graphql(description, one)]
    for operation in sorted(described, key=lambda one: one.method != "POST"):
        assert description is not None
        yield ask_for(description, operation, {}, base), operation
    if described or not unknown:
        return
    for path in ("", *WELL_KNOWN) if _NAMED.search(base) else WELL_KNOWN:
        if _NAMED.search(base + path):
            yield Ask("POST", base + path or "/"), None
        yield Ask("GET", base + path or "/"), None


def is_graphql(description: Description | None, operation: Operation) -> bool:
    """Whether the description says that this operation takes GraphQL: in its path or words, or by what it takes.

    `query` and `variables` alone may be of a template or a search, and to be sent by POST that is not enough.
    """
    if operation.method == "GET":
        takes = {one.name for one in operation.parameters if one.location == "query"}
    elif operation.method == "POST":
        schema: Any = next((one for media, one in operation.request.items() if "json" in media), None)
        schema = description.resolve(schema) if description and isinstance(schema, dict) else None
        properties = schema.get("properties") if isinstance(schema, dict) else None
        takes = set(properties) if isinstance(properties, dict) else set()
    else:
        return False
    said = f"{operation.path} {operation.id} {operation.summary} {' '.join(operation.tags)}"
    return "query" in takes and ("operationName" in takes or _NAMED.search(said) is not None)


def with_document(ask: Ask, document: str, variables: Mapping[str, Any] | None = None) -> Ask:
    """The same request for this document, in the body or, by GET, in the query (GraphQL over HTTP, section 5.1)."""
    if ask.method == "GET":
        asked = ask.ask("query", document).header("Accept", "application/json")
        return asked.ask("variables", json.dumps(variables)) if variables else asked
    body: dict[str, Any] = {"query": document, **({"variables": variables} if variables else {})}
    fields = tuple(one for one in ask.headers if one[0].lower() not in {"content-type", "accept"})
    return replace(ask, headers=(*fields, *_JSON), body=json.dumps(body).encode())


def odd_documents(types: Types | None) -> Iterator[str]:
    """Documents that must be refused: unknown, ambiguous, of a wrong type; and values that resolvers trip over."""
    yield from (
        f"{{{UNKNOWN}}}",
        "query A{__typename} query B{__typename}",
        "query($a:Int!){__typename @include(if:$a)}",
    )
    for one in types.roots() if types else ():
        needed = [arg for arg in one.arguments if arg.required]
        value = {"ID": '"\'\\""', "String": '"\'\\""', "Int": "-1"}.get(needed[0].kind) if len(needed) == 1 else None
        if value:
            yield f"{{{one.name}({needed[0].name}:{value}){'' if one.leaf else '{__typename}'}}}"


def _data(answer: Answer) -> Any:
    document = answer.json()
    return document.get("data") if isinstance(document, dict) else None


def errors(answer: Answer) -> tuple[dict[str, Any], ...]:
    """The errors of an answer (GraphQL specification, section 7.1.2)."""
    document = answer.json()
    found = document.get("errors") if isinstance(document, dict) else None
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def executed(answer: Answer) -> bool:
    """Whether the document was executed: there are data, or an error that came of a field (section 7.1.2: `path`)."""
    if isinstance(data := _data(answer), dict) and data:
        return True
    found = errors(answer)
    return bool(found) and all(isinstance(one.get("path"), list) and one["path"] for one in found)


def metered(answer: Answer) -> bool:
    """Whether the service says what the query cost it: then there is a budget, and a query may be as large as that."""
    document = answer.json()
    told = document.get("extensions") if isinstance(document, dict) else None
    names = [*(told if isinstance(told, dict) else ()), *(name for name, _ in answer.headers)]
    return any(re.search(r"cost|complexity|throttle|query-?depth", str(name), re.IGNORECASE) for name in names)


def introspected(endpoint: Endpoint, send: Callable[[Ask], Answer]) -> Types | None:
    """The service's types, if it tells them (and in no more than is read of one answer)."""
    answer = send(endpoint.ask(_INTROSPECTION))
    data = _data(answer)
    return read_types(data.get("__schema")) if isinstance(data, dict) else None


def read_types(schema: Any) -> Types | None:
    """The types of an introspection's `__schema` (GraphQL specification, section 4.2); None for anything else."""
    if not isinstance(schema, dict) or not isinstance(types := schema.get("types"), list):
        return None
    root, change = schema.get("queryType"), schema.get("mutationType")
    found = {
        str(one["name"]): tuple(_field(field) for field in one["fields"] if _is_named(field))
        for one in types
        if _is_named(one) and isinstance(one.get("fields"), list) and not one["name"].startswith("__")
    }
    named = [str(one.get("name")) if isinstance(one, dict) else "" for one in (root, change)]
    return Types(named[0], named[1], found)


def _is_named(told: Any) -> bool:
    """Whether it has a name as the grammar has them (section 2.1.9): it goes into documents, and must be no more than that."""
    named = isinstance(told, dict) and isinstance(told.get("name"), str) and _NAME.fullmatch(told["name"])
    arguments = (told.get("args") or ()) if named else ()
    return bool(named) and isinstance(arguments, list | tuple) and all(map(_is_named, arguments))


def _field(told: dict[str, Any]) -> Field:
    kinds = _unwrapped(told.get("type"))
    arguments = []
    for one in told.get("args") or ():
        if isinstance(one, dict):
            layers = _unwrapped(one.get("type"))
            required = layers[0][0] == "NON_NULL" and one.get("defaultValue") is None
            arguments.append(Argument(str(one.get("name")), layers[-1][1], required))
    leaf = kinds[-1][0] in {"SCALAR", "ENUM"}
    many = any(kind == "LIST" for kind, _ in kinds)
    return Field(str(told.get("name")), kinds[-1][1], leaf, many, kinds[0][0] == "NON_NULL", tuple(arguments))


def _unwrapped(kind: Any) -> list[tuple[str, str]]:
    """Each layer of a type from without: its kind and name (`NON_NULL`, `LIST`, then the named one)."""
    layers: list[tuple[str, str]] = []
    while isinstance(kind, dict) and len(layers) < 8:
        layers.append((str(kind.get("kind")), str(kind.get("name"))))
        kind = kind.get("ofType")
    return layers or [("", "")]


def readings(types: Types) -> tuple[tuple[str, str], ...]:
    """Root fields that can be read without an argument, each with a document that reads it."""
    found: list[tuple[str, str]] = []
    for one in types.roots():
        if one.free and len(found) < ROOTS:
            few = next(
                (arg for arg in one.arguments if arg.name in {"first", "limit", "take"} and arg.kind == "Int"), None
            )
            given = f"({few.name}:20)" if few else ""
            found.append((one.name, f"{{{one.name}{given}{'' if one.leaf else types.members(one.type)}}}"))
    return tuple(found)

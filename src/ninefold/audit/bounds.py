"""What a description says of how much a caller may send, and how much of a list comes back at once (sign 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Location
from ninefold.audit.graph import Graph, joined
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.schema import kinds, parts, properties, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.graph import Step
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Most inputs of one operation that a finding names.
_NAMED = 6

_INNER = frozenset({"properties", "items", "allOf", "oneOf", "anyOf"})
_BODIES = re.compile(r"[/+]json$|^application/x-www-form-urlencoded$")
#: Formats that bound what they are the format of; `binary` is an upload, and that has the body's bound.
_BOUNDED = frozenset({"date", "date-time", "time", "duration", "uuid", "ipv4", "ipv6", "binary", "int32", "int64"})
_BOUNDS: Mapping[str, tuple[str, ...]] = {
    "text": ("maxLength", "enum", "const", "pattern"),
    "list": ("maxItems", "enum", "const"),
    "number": ("maximum", "exclusiveMaximum", "enum", "const"),
}
_KINDS = {"string": "text", "array": "list", "integer": "number", "number": "number"}
_WORDS = {"text": "maxLength", "list": "maxItems", "number": "maximum"}

_ID = re.compile(r"(?:^|[._])id$|(?<=[a-z])Ids?$|_ids?$|\[\]$")

_PAGING = re.compile(
    r"limit|page|per_?page|offset|cursor|after|before|since|until|first|last|take|skip|top|start(?:ing)?|marker|continu"
    r"|max_?(?:results|items|keys)|count|size|range",
    re.IGNORECASE,
)
_ENVELOPE = frozenset({"items", "data", "results", "records", "entries", "value"})
_NEXT = re.compile(r"next|cursor|page|has_?more|continu|_?links?$|total", re.IGNORECASE)


def unbounded(target: Target) -> Looked:
    """Text, lists and numbers of request parameters and bodies that may be as long or as large as the caller likes.

    Numbers in a path and by the name of an id are not counted: they cost nothing by being large.
    """
    inputs = [(operation, *one) for operation in target.api.operations for one in _inputs(operation)]
    opened = _Opened(target)
    graph = Graph(target, (schema for _, _, schema, _ in inputs), opened.steps)
    ends: dict[str, dict[int, list[str]]] = {kind: {} for kind in _BOUNDS}
    for node, schema in enumerate(graph.nodes):
        for label, inner in opened.steps(schema):
            for kind in opened.kinds(inner):
                if kind != "number" or not _ID.search(label):
                    ends[kind].setdefault(node, []).append(label)
    paths = {kind: graph.paths(found) for kind, found in ends.items()}
    open_: dict[str, tuple[Operation, dict[str, list[str]]]] = {}
    for operation, name, schema, numbers in inputs:
        _, names = open_.setdefault(operation.pointer, (operation, {}))
        for kind in _BOUNDS:
            if kind == "number" and not numbers:
                continue
            if kind in opened.kinds(schema) and not (kind == "number" and _ID.search(name)):
                names.setdefault(kind, []).append(name or "the body")
            elif (found := paths[kind].get(graph.at(schema))) is not None:
                path, end = found
                names.setdefault(kind, []).extend(joined(name, joined(path, label)) for label in ends[kind][end])
    seen = []
    for operation, found_names in open_.values():
        for kind, names_ in found_names.items():
            shown = ", ".join(f"`{one}`" for one in dict.fromkeys(names_[:_NAMED]))
            more = f" and {len(names_) - _NAMED} more" if len(names_) > _NAMED else ""
            detail = f"{shown}{more}: {kind} without an upper bound ({_WORDS[kind]}) in a request."
            place = Location(operation=operation.id, pointer=operation.pointer)
            seen.append(Observation(place, detail, cause=f"unbounded {kind}"))
    return Looked(len(inputs), tuple(seen))


def _inputs(operation: Operation) -> Iterator[tuple[str, Any, bool]]:
    for parameter in operation.parameters:
        if parameter.location in {"query", "path"}:  # servers bound the header as a whole
            yield parameter.name, parameter.schema, parameter.location == "query"
    for media, schema in operation.request.items():
        if schema is not None and _BODIES.search(media):
            yield "", schema, True


class _Opened:
    """What has no bound in the schemas of one description; each is looked at once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[int, frozenset[str]] = {}

    def kinds(self, schema: Any) -> frozenset[str]:
        """The kinds of values that may stand where this schema holds and have no bound, by it or a part of it."""
        found = resolved(self._target, schema)
        if not isinstance(found, dict):
            return frozenset()
        if id(found) not in self._known:
            self._known[id(found)] = frozenset(self._kinds(found, frozenset(), ()))
        return self._known[id(found)]

    def _kinds(self, found: dict[str, Any], bounded: frozenset[str], above: tuple[int, ...]) -> Iterator[str]:
        """`bounded`: the kinds that a schema around this one bounds (`allOf`)."""
        inner = [resolved(self._target, one) for one in parts(found)]
        bounding = (found, *(resolved(self._target, one) for one in found.get("allOf") or ()))
        words = {word for one in bounding if isinstance(one, dict) for word in one}
        bounded |= {kind for kind, bounds in _BOUNDS.items() if words & set(bounds)}
        if any(isinstance(one, dict) and _is_tuple(one) for one in bounding):
            bounded |= {"list"}
        if found.get("format") in _BOUNDED:
            bounded |= {"text", "number"}
        for kind in kinds(found):
            if kind in _KINDS and _KINDS[kind] not in bounded:
                yield _KINDS[kind]
        for part in inner:
            if isinstance(part, dict) and id(part) not in above:
                yield from self._kinds(part, bounded, (*above, id(found)))

    def steps(self, schema: dict[str, Any]) -> Iterator[Step]:
        """To the members that a caller may send, and the items, of a schema and of its parts."""
        waiting, seen = [schema], {id(schema)}
        while waiting:
            here = waiting.pop()
            for name, member in properties(here).items():
                if not (isinstance(member, dict) and member.get("readOnly") is True):
                    yield name, member
            if "items" in here:
                yield "[]", here["items"]
            for part in parts(here):
                found = resolved(self._target, part)
                if isinstance(found, dict) and id(found) not in seen:
                    seen.add(id(found))
                    waiting.append(found)


def _is_tuple(schema: dict[str, Any]) -> bool:
    """A list with nothing after its first items, or no items at all (JSON Schema 2020-12, 10.3.1.2 and 11.2)."""
    after = schema.get("items", schema.get("unevaluatedItems") if "prefixItems" in schema else None)
    return after is False


def unpaged(target: Target) -> Looked:
    """Operations that list objects and neither take nor give anything to page with, nor say how many can come."""
    at, seen = 0, []
    for operation in target.api.operations:
        lists = tuple(_lists(target, operation))
        at += bool(lists)
        if any(_PAGING.search(one.name) for one in operation.parameters if one.location in {"query", "header"}):
            continue
        endless = next(((pointer, name) for pointer, name, bounded in lists if not bounded), None)
        if endless:
            detail = f"{endless[1]} has neither pages (limit, cursor) nor an end (maxItems): all of it comes at once."
            seen.append(Observation(Location(operation=operation.id, pointer=endless[0]), detail, cause="no pages"))
    return Looked(at, tuple(seen))


def _lists(target: Target, operation: Operation) -> Iterator[tuple[str, str, bool]]:
    """Pointer, name, and whether it has an end, of each list of objects that a GET answers with."""
    if operation.method != "GET":
        return
    for response in operation.responses.values():
        if not response.status.startswith("2"):
            continue
        links = any(name.lower() in {"link", "content-range"} for name in response.headers)
        for schema in response.media.values():
            found = resolved(target, schema)
            if not isinstance(found, dict):
                continue
            if _lists_objects(target, found):
                yield response.pointer, "The list", links or "maxItems" in found
            members = properties(found)
            links |= any(_NEXT.search(name) for name in members)
            for name, member in members.items():
                inner = resolved(target, member)
                if name.lower() in _ENVELOPE and _lists_objects(target, inner):
                    yield response.pointer, f"The list `{name}`", links or "maxItems" in inner


def _lists_objects(target: Target, schema: Any) -> bool:
    if not isinstance(schema, dict) or "array" not in kinds(schema):
        return False
    items = resolved(target, schema.get("items"))
    return isinstance(items, dict) and bool("object" in kinds(items) or _INNER & items.keys())

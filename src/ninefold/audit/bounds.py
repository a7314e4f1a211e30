"""What a description says of how much a caller may send, and how much of a list comes back at once (sign 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Location
from ninefold.audit.rule import Looked, Observation
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    at, seen = 0, []
    for operation in target.api.operations:
        inputs = tuple(_inputs(operation))
        at += len(inputs)
        open_: dict[str, list[str]] = {}
        for name, schema, numbers in inputs:
            for kind, path in _open(target, schema, name, frozenset(), set()):
                if kind != "number" or (numbers and not _ID.search(path)):
                    open_.setdefault(kind, []).append(path or "the body")
        for kind, names in open_.items():
            shown = ", ".join(f"`{one}`" for one in dict.fromkeys(names[:_NAMED]))
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            detail = f"{shown}{more}: {kind} without an upper bound ({_WORDS[kind]}) in a request."
            place = Location(operation=operation.id, pointer=operation.pointer)
            seen.append(Observation(place, detail, cause=f"unbounded {kind}"))
    return Looked(at, tuple(seen))


def _inputs(operation: Operation) -> Iterator[tuple[str, Any, bool]]:
    for parameter in operation.parameters:
        if parameter.location in {"query", "path"}:  # servers bound the header as a whole
            yield parameter.name, parameter.schema, parameter.location == "query"
    for media, schema in operation.request.items():
        if schema is not None and _BODIES.search(media):
            yield "", schema, True


def _open(target: Target, schema: Any, path: str, bounded: frozenset[str], seen: set[int]) -> Iterator[tuple[str, str]]:
    """Kind and path of each unbounded input. `bounded`: the kinds that a schema around this one bounds (`allOf`)."""
    found = resolved(target, schema)
    if not isinstance(found, dict) or id(found) in seen:
        return
    if _INNER & found.keys():
        seen.add(id(found))
    parts = [one for one in found.get("allOf") or () if isinstance(one, dict)]
    words = {
        word for one in (found, *(resolved(target, part) for part in parts)) if isinstance(one, dict) for word in one
    }
    bounded |= {kind for kind, bounds in _BOUNDS.items() if words & set(bounds)}
    if found.get("format") in _BOUNDED:
        bounded |= {"text", "number"}
    for kind in kinds(found):
        if kind in _KINDS and _KINDS[kind] not in bounded:
            yield _KINDS[kind], path
    for part in (one for word in ("allOf", "oneOf", "anyOf") for one in found.get(word) or ()):
        yield from _open(target, part, path, bounded, seen)
    if "items" in found:
        yield from _open(target, found["items"], f"{path}[]", frozenset(), seen)
    for name, member in properties(found).items():
        if not (isinstance(member, dict) and member.get("readOnly") is True):
            yield from _open(target, member, f"{path}.{name}".lstrip("."), frozenset(), seen)


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


def resolved(target: Target, schema: Any) -> Any:
    """The schema behind its references; {} for a reference that leads nowhere, which other rules tell."""
    try:
        return target.api.resolve(schema)
    except DescriptionError:
        return {}


def kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema names (a list of them in JSON Schema 2020-12)."""
    kind = schema.get("type")
    return tuple(one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str))


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema's own properties; none where they are no object."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}

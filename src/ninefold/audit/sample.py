"""A valid request to a described operation: values from examples, defaults and schemas, ids from what the API
listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from ninefold.audit.answer import Answer, Ask
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation, Parameter, Schema

_FORMATS = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "email": "audit@example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "hostname": "example.com",
}

#: How deep in an answer an object is looked for: `{"result": {"data": {...}}}`.
_ENVELOPE = 3

#: Deepest nesting of a made value; past it, a schema that leads back to itself ends.
DEPTH = 6


@dataclass(frozen=True, slots=True)
class Listed:
    """Ids that a list operation answered, for the path template that takes one of them (`/orders/{id}`)."""

    template: str
    ids: tuple[str, ...]


def ask_for(description: Description, operation: Operation, found: dict[str, str], base: str = "") -> Ask:
    """The request without credentials. `found` maps a template up to a parameter (`/orders/{id}`) to a value
    for it.
    """
    path = operation.path
    query: list[tuple[str, str]] = []
    headers: list[tuple[str, str]] = []
    for parameter in operation.parameters:
        if parameter.location == "path":
            at = _template(operation, parameter)
            value = found.get(at) or text(value_for(description, parameter))
            path = path.replace(f"{{{parameter.name}}}", quote(value, safe=""))
        elif parameter.required and parameter.location == "query":
            query.append((parameter.name, text(value_for(description, parameter))))
        elif parameter.required and parameter.location == "header":
            fresh = parameter.name.lower() == "idempotency-key"  # the same twice is the same request to an API
            headers.append((parameter.name, str(uuid4()) if fresh else text(value_for(description, parameter))))
    while "{" in path and "}" in path[path.index("{") :]:  # a template without a declared parameter
        start = path.index("{")
        path = f"{path[:start]}1{path[path.index('}', start) + 1 :]}"
    return Ask(operation.method, base + path, tuple(query), tuple(headers))


def missing_ids(description: Description, operation: Operation) -> set[str]:
    """Templates up to each path parameter for which the description gives no value of its own."""
    return {
        _template(operation, one)
        for one in operation.parameters
        if one.location == "path" and _told(description, one) is None
    }


def ids_in(description: Description, operation: Operation, answer: Answer) -> dict[str, str]:
    """The first id of each list that `answer` holds, for every template below `operation.path` that takes
    one.
    """
    return {one.template: one.ids[0] for one in listed(description, operation, answer)}


def listed(description: Description, operation: Operation, answer: Answer) -> tuple[Listed, ...]:
    """All ids that `answer` lists, for every template one parameter below `operation.path`."""
    if not answer.ok:
        return ()
    rows = rows_in(answer.json())
    if not rows:
        return ()
    below = {
        (one.path, name) for one in description.operations if (name := one_below(operation.path, one.path)) is not None
    }
    found: list[Listed] = []
    for template, name in sorted(below):
        field = id_field(rows[0], name, operation.path)
        ids = tuple(str(row[field]) for row in rows if isinstance(row.get(field), (str, int))) if field else ()
        if ids:
            found.append(Listed(template, ids))
    return tuple(found)


def value_for(description: Description, parameter: Parameter) -> Any:
    """A value that the parameter's schema allows, as far as it tells."""
    told = _told(description, parameter)
    return told if told is not None else made(description, parameter.schema)


def made(description: Description, schema: Schema, depth: int = 0) -> Any:
    """A value that `schema` allows: its own example first, then the least that its words ask for."""
    try:
        schema = description.resolve(schema)
    except DescriptionError:
        return "1"
    if not isinstance(schema, dict):
        return "1"
    told = _in_schema(schema)
    if told is not None:
        return told
    for word in ("allOf", "oneOf", "anyOf"):
        if isinstance(parts := schema.get(word), list) and parts and depth < DEPTH:
            chosen: Schema = next((one for one in parts if one != {"type": "null"}), {})
            return made(description, chosen, depth + 1)
    kind = schema.get("type")
    kind = next((one for one in kind if one != "null"), "string") if isinstance(kind, list) else kind
    if kind in {"integer", "number"}:
        return _number(schema)
    if kind == "boolean":
        return True
    if kind == "array":
        return [made(description, schema.get("items", {}), depth + 1)] if depth < DEPTH else []
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        wanted = schema.get("required", ()) if depth < DEPTH else ()
        return {name: made(description, properties.get(name, {}), depth + 1) for name in wanted}
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return "1".ljust(max(1, int(schema.get("minLength", 1))), "a")


def _number(schema: dict[str, Any]) -> float:
    """1, or the least or most that the schema allows (`exclusiveMinimum` is a number in 3.1, a flag in 3.0)."""
    least, above, most = (schema.get(word) for word in ("minimum", "exclusiveMinimum", "maximum"))
    if isinstance(above, (int, float)) and not isinstance(above, bool):
        return max(above + 1, 1)
    if isinstance(least, (int, float)):
        return max(least + (above is True), 1)
    return min(most, 1) if isinstance(most, (int, float)) else 1


def text(value: Any) -> str:
    """A value as a path or query carries it (style `simple`, OpenAPI 3.1, 4.8.12.2)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(text(one) for one in value)
    return str(value)


def _template(operation: Operation, parameter: Parameter) -> str:
    mark = f"{{{parameter.name}}}"
    head, found, _ = operation.path.partition(mark)
    return head + found


def _told(description: Description, parameter: Parameter) -> Any:
    """What the description itself gives as a value: an example, a default, the first of an enumeration."""
    raw: Any = {}
    pointer = parameter.pointer if parameter.pointer.startswith("#") else f"#{parameter.pointer}"
    try:
        raw = description.resolve(description.at(pointer))
    except DescriptionError:
        raw = {}
    if isinstance(raw, dict):
        if raw.get("example") is not None:
            return raw["example"]
        if isinstance(examples := raw.get("examples"), dict):
            for one in examples.values():
                if isinstance(one, dict) and one.get("value") is not None:
                    return one["value"]
    try:
        schema = description.resolve(parameter.schema)
    except DescriptionError:
        return None
    return _in_schema(schema) if isinstance(schema, dict) else None


def _in_schema(schema: dict[str, Any]) -> Any:
    for word in ("example", "default", "const"):
        if schema.get(word) is not None:
            return schema[word]
    for word in ("examples", "enum"):
        if isinstance(values := schema.get(word), list) and values and values[0] is not None:
            return values[0]
    return None


def rows_in(document: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of the first list in an object (`{"items": [...]}`)."""
    for value in _lists(document):
        rows = [row for row in value if isinstance(row, dict)]
        if rows:
            return rows
    return []


def _lists(document: Any) -> Iterator[list[Any]]:
    if isinstance(document, list):
        yield document
    elif isinstance(document, dict):
        yield from (value for value in document.values() if isinstance(value, list))
        for value in document.values():
            if isinstance(value, dict):
                yield from (inner for inner in value.values() if isinstance(inner, list))


def one_below(path: str, template: str) -> str | None:
    """The parameter's name if `template` is `path/{name}`."""
    head, slash, last = template.rpartition("/")
    if slash and head == path.rstrip("/") and last.startswith("{") and last.endswith("}"):
        return last[1:-1]
    return None


def id_field(row: dict[str, Any], name: str, path: str) -> str | None:
    """Which member of a listed object goes into the parameter: its name, `id`, or what ends in it."""
    thing = path.rstrip("/").rpartition("/")[2].rstrip("s")
    wanted = (name, "id", f"{thing}_id", f"{thing}Id", "uuid", "slug", "key", "name")
    plain = {key.lower().replace("_", ""): key for key in row}
    for one in wanted:
        if (key := plain.get(one.lower().replace("_", ""))) is not None:
            return key
    return next((key for key in row if key.lower().endswith("id")), None)


def usable(identity: object) -> bool:
    """Whether it can be an id, and nothing that leads to another path."""
    if isinstance(identity, bool) or not isinstance(identity, (str, int)):
        return False
    text = str(identity)
    return 0 < len(text) <= 200 and text.strip(".") != "" and text.isprintable() and "/" not in text


def objects_in(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The object itself, then those in its members: envelopes hold what was made."""
    if isinstance(document, dict):
        yield document
        for inner in document.values() if depth < _ENVELOPE else ():
            yield from objects_in(inner, depth + 1)
    elif isinstance(document, list) and len(document) == 1:
        yield from objects_in(document[0], depth)

"""The shape of JSON values that were seen, as a schema: types and members, and no value that could be somebody's.

A shape is an example's, and promises nothing: no member is required and no object closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.inputs.template import is_data, is_id
from ninefold.audit.sensitive import tells

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Deepest nesting, most members of one object, and most elements of one list that are looked at.
DEPTH, MEMBERS, ELEMENTS = 12, 200, 50

#: Longest text that is kept as an example.
_EXAMPLE = 100

#: Members that are named by data, beside ids and tokens: numbers, anything long. Such an object is a map.
_DATA = re.compile(r"\d+|.{61,}", re.DOTALL)
_MASKED = re.compile(r"(?:[*\u2022\u25cf]{2,}|[xX]{4,})[\w -]{0,6}")
_VARIABLE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def shape(value: Any, *, examples: bool = False, depth: int = 0) -> dict[str, Any]:
    """`examples`: keep short scalars of members that are no secret, where the input is written to be shown."""
    if isinstance(value, dict):
        if depth >= DEPTH:
            return {"type": "object"}
        many = len(value) > MEMBERS
        named = {} if many else {name: one for name, one in value.items() if not _is_data(name)}
        rest = [one for name, one in value.items() if name not in named][:ELEMENTS]
        made: dict[str, Any] = {"type": "object"}
        if named or not rest:
            made["properties"] = {name: _member(name, one, examples, depth) for name, one in named.items()}
        if rest:
            made["additionalProperties"] = merged(shape(one, depth=depth + 1) for one in rest)
        return made
    if isinstance(value, list):
        items = merged(shape(one, examples=examples, depth=depth + 1) for one in value[:ELEMENTS] if depth < DEPTH)
        return {"type": "array", "items": items}
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "integer" if isinstance(value, int) else "number"}
    return {"type": "string", "example": "****"} if _MASKED.fullmatch(str(value)) else {"type": "string"}


def _is_data(name: str) -> bool:
    return _DATA.fullmatch(name) is not None or is_data(name)


def _member(name: str, value: Any, examples: bool, depth: int) -> dict[str, Any]:  # noqa: FBT001  # passed on
    found = shape(value, examples=examples, depth=depth + 1)
    scalar = isinstance(value, int | float | str)
    shown = str(value)
    if examples and scalar and len(shown) <= _EXAMPLE and not (tells(name) or _VARIABLE.search(shown) or is_id(shown)):
        return {"example": value, **found}
    return found


def merged(shapes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One schema that allows what each of these does."""
    made: dict[str, Any] = {}
    for one in shapes:
        made = _joined(made, one) if made else one
    return made


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    if one == other or not other:
        return one
    if not one:
        return other
    kinds = list(dict.fromkeys([*_kinds(one), *_kinds(other)]))
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    made: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if "properties" in one or "properties" in other:
        left, right = one.get("properties", {}), other.get("properties", {})
        names = list(dict.fromkeys([*left, *right]))[:MEMBERS]
        made["properties"] = {name: _joined(left.get(name, {}), right.get(name, {})) for name in names}
    for word in ("items", "additionalProperties"):
        if word in one or word in other:
            made[word] = _joined(one.get(word, {}), other.get(word, {}))
    if "example" in one and ("example" in other or not {"string"} & set(_kinds(other))):
        made["example"] = one["example"]
    return made


def _kinds(schema: dict[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]

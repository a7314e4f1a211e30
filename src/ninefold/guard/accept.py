"""Types for msgspec that take nothing which their schema does not take. What a type cannot say exactly, it takes less of.

So a value that a type takes is right, and one that it does not take is looked at again. Where no such type is worth making
(alternatives of one kind, expressions that two engines may read in two ways, schemas that hold themselves) there is none.

Floats: the nearest double of a number that is over a bound is never under it. So a double is held against bounds strictly,
and whoever stands just on one is looked at again.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ninefold.contract.description import unescape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Schema

#: Most parts of one type. What is larger is looked at by JSON Schema alone.
MOST_PARTS = 1500
#: The integers that msgspec holds against bounds.
_LEAST, _MOST = -(2**63), 2**63 - 1

_STRING = frozenset({"type", "minLength", "maxLength", "pattern", "format"})
_NUMBER = frozenset({"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_ARRAY = frozenset({"type", "items", "minItems", "maxItems"})
_OBJECT = frozenset({"type", "properties", "required", "additionalProperties"})
_MAP = frozenset({"type", "additionalProperties", "minProperties", "maxProperties"})

#: Expressions for some of what a format takes; days that not every month has only where they are sure.
_DAY = r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?"
_FORMATS = {
    "date": rf"^{_DAY}\Z",
    "date-time": rf"^{_DAY}T{_CLOCK}\Z",
    "time": rf"^{_CLOCK}\Z",
    "uuid": r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z",
    "ipv4": rf"^{_OCTET}(?:\.{_OCTET}){{3}}\Z",
    "email": rf"^(?=[^@]{{1,60}}@)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@(?:{_LABEL}\.){{1,4}}[A-Za-z]{{2,20}}\Z",
    "uri": r"^https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,100}[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]*)*\Z",
    "hostname": r"^(?:[A-Za-z][A-Za-z0-9]{0,20}\.){0,4}[A-Za-z][A-Za-z0-9]{0,20}\Z",
    "byte": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z",
}
#: Parts that every engine reads alike: characters, sets of ASCII, groups that are not repeated, alternatives, counts.
_PLAIN = r"[A-Za-z0-9_ :@#/,;=&%!~'\"<>-]"
_SET = r"\[\^?(?:[A-Za-z0-9_ .:@+*/,-]|\\-)+\]"
_COUNT = r"[+*?]|\{[0-9]{1,4}(?:,[0-9]{0,4})?\}"
_SURE = re.compile(rf"\^(?:(?:{_PLAIN}|\\[.+*?()\[\]{{}}/-]|{_SET}|\\d)(?:{_COUNT})?|\((?:\?:)?|\)(?![+*?{{])|\|)*\$?")
_COUNTS = re.compile(rf"(?:{_SET}|\\.|[^\\\[])({_COUNT})")
#: How many ways of stepping back an expression may have, beside one count that has no end.
_MOST_WAYS = 1000


def accepted(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """The type, for a schema in the words of `ninefold.contract.dialect`; None: there is none."""
    try:
        made = _Making(definitions).made(schema)
        if made is not None and made is not Raw:
            msgspec.json.Decoder(made)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None  # a union that msgspec does not take, a bound that is no double
    return made


class _Making:
    """One type, part by part."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._above: list[str] = []
        self._known: dict[str, Any] = {}
        self._left = MOST_PARTS

    def made(self, schema: Schema) -> Any:
        """None: there is no type for it."""
        self._left -= 1
        if self._left < 0 or schema is False:
            return None
        if schema is True or not schema:
            return Raw
        if isinstance(schema.get("$ref"), str):
            return self._referred(schema["$ref"]) if len(schema) == 1 else None
        if "allOf" in schema:
            joined = self._joined(schema)
            return self.made(joined) if joined is not None else None
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._either(schema[word]) if len(schema) == 1 else None
        if "enum" in schema or "const" in schema:
            return _named(schema)
        kinds = schema.get("type")
        if kinds is None and "properties" in schema:
            kinds = "object"  # other values are right as well, and are looked at again
        if kinds is None:
            return None
        several = [kinds] if isinstance(kinds, str) else [one for one in kinds if one != "null"]
        if len(several) > 1:
            return None
        part = self._of(several[0], schema) if several else type(None)
        return _nullable(part) if len(several) < len([kinds] if isinstance(kinds, str) else kinds) else part

    def _referred(self, reference: str) -> Any:
        name = unescape(reference.removeprefix("#/$defs/"))
        if name in self._above:
            return None
        if name not in self._known:
            self._above.append(name)
            self._known[name] = self.made(self._definitions[name])
            self._above.pop()
        return self._known[name]

    def _of(self, kind: str, schema: dict[str, Any]) -> Any:
        """The part of a schema that is about one type; keywords of another type say nothing of it."""
        words = set(schema)
        others = {"string": _STRING, "integer": _NUMBER, "number": _NUMBER, "array": _ARRAY, "object": _OBJECT | _MAP}
        if words - frozenset[str]().union(*others.values()):
            return None
        if kind == "null":
            return type(None)
        if kind == "boolean":
            return bool
        if kind == "string":
            return _string(schema)
        if kind in {"integer", "number"}:
            return _number(kind, schema)
        return self._array(schema) if kind == "array" else self._object(schema)

    def _array(self, schema: dict[str, Any]) -> Any:
        items = self.made(schema.get("items", True))
        return None if items is None else _bounded(list.__class_getitem__(items), schema, "minItems", "maxItems")

    def _object(self, schema: dict[str, Any]) -> Any:
        extra = schema.get("additionalProperties", True)
        properties: dict[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        if not properties and not required and isinstance(extra, dict | bool) and extra is not False:
            values = self.made(extra)
            part = None if values is None else dict.__class_getitem__((str, values))
            return None if part is None else _bounded(part, schema, "minProperties", "maxProperties")
        if "minProperties" in schema or "maxProperties" in schema or isinstance(extra, dict):
            return None
        fields: list[Any] = []
        names: dict[str, str] = {}
        for number, name in enumerate(dict.fromkeys([*required, *properties])):
            part = self.made(properties.get(name, extra))
            if part is None:
                return None
            field = f"f{number}"
            names[field] = name
            fields.append((field, part) if name in required else (field, _optional(part), UNSET))
        return msgspec.defstruct("Accepted", fields, rename=names, forbid_unknown_fields=extra is False, gc=False)

    def _either(self, alternatives: list[Any]) -> Any:
        """Something, or null: then `oneOf` says no more than `anyOf`."""
        others = [one for one in alternatives if one != {"type": "null"}]
        if len(others) != 1 or len(alternatives) != 2 or self._takes_null(others[0]):
            return None
        return _nullable(self.made(others[0]))

    def _takes_null(self, schema: Any) -> bool:
        for _ in range(10):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self._definitions[unescape(schema["$ref"].removeprefix("#/$defs/"))]
        kinds = schema.get("type") if isinstance(schema, dict) else None
        return not isinstance(kinds, str) or kinds == "null"

    def _joined(self, schema: dict[str, Any]) -> dict[str, Any] | None:
        """The parts of an `allOf` as one schema, where they are objects with different members that are open to others."""
        rest = {name: one for name, one in schema.items() if name != "allOf"}
        parts = [*schema["allOf"], *([rest] if rest else [])]
        if len(parts) == 1:
            return parts[0] if isinstance(parts[0], dict) else None
        members: dict[str, Any] = {}
        required: list[str] = []
        for one in parts:
            part, names = one, 0
            while isinstance(part, dict) and set(part) == {"$ref"} and names < 10:
                names += 1
                part = self._definitions[unescape(part["$ref"].removeprefix("#/$defs/"))]
            if isinstance(part, dict) and "allOf" in part and self._left > 0:
                self._left -= 1
                part = self._joined(part)
            if not isinstance(part, dict) or set(part) - {"type", "properties", "required"}:
                return None
            if part.get("type", "object") != "object" or part.get("properties", {}).keys() & members.keys():
                return None
            members.update(part.get("properties", {}))
            required += part.get("required", [])
        return {"type": "object", "properties": members, "required": list(dict.fromkeys(required))}


def _nullable(part: Any) -> Any:
    """Unions are of one type and null alone: of a string with an expression and a list, msgspec 0.22 frees memory twice."""
    return None if part is None or part is Raw else Union[part, None]  # noqa: UP007  # made while it runs


def _optional(part: Any) -> Any:
    return Union[part, UnsetType] if part is not Raw else Raw  # noqa: UP007


def _bounded(part: Any, schema: dict[str, Any], least: str, most: str) -> Any:
    limits = {name: schema[word] for name, word in (("min_length", least), ("max_length", most)) if word in schema}
    return Annotated[part, Meta(**limits)] if limits else part


def _string(schema: dict[str, Any]) -> Any:
    limits: dict[str, Any] = {
        name: schema[word]
        for name, word in (("min_length", "minLength"), ("max_length", "maxLength"))
        if word in schema
    }
    if "format" in schema:
        expression = _FORMATS.get(schema["format"])
        if expression is None or "pattern" in schema:
            return None
        limits["pattern"] = expression
    elif "pattern" in schema:
        if not _sure(schema["pattern"]):
            return None
        limits["pattern"] = re.sub(r"(?<!\\)\$\Z", r"\\Z", schema["pattern"].replace(r"\d", "[0-9]"))
        try:
            re.compile(limits["pattern"])
        except re.error:
            return None
    return Annotated[str, Meta(**limits)] if limits else str


def _sure(pattern: str) -> bool:
    """Whether every engine reads it alike, and Python's own in a time that grows with the text alone."""
    if _SURE.fullmatch(pattern) is None:
        return False
    ways, endless = 1, 0
    for count in _COUNTS.findall(pattern):
        least, _, most = count.strip("{}").partition(",")
        if count in {"+", "*"} or (count.endswith(",}")):
            endless += 1
        elif count == "?":
            ways *= 2
        elif most:
            ways *= max(1, int(most) - int(least) + 1)
    return endless <= 1 and ways <= _MOST_WAYS


def _number(kind: str, schema: dict[str, Any]) -> Any:
    least, most = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    whole: dict[str, Any] = {}
    bounds = [
        *([math.ceil(least)] if least is not None else []), *([math.floor(over) + 1] if over is not None else []),
    ]  # fmt: skip
    if bounds:
        whole["ge"] = max(bounds)
    bounds = [
        *([math.floor(most)] if most is not None else []), *([math.ceil(under) - 1] if under is not None else []),
    ]  # fmt: skip
    if bounds:
        whole["le"] = min(bounds)
    if any(not _LEAST <= one <= _MOST for one in whole.values()):
        return None
    integer = Annotated[int, Meta(**whole)] if whole else int
    if kind == "integer":
        return integer
    real: dict[str, Any] = {}
    lower = [float(one) for one in (least, over) if one is not None]
    upper = [float(one) for one in (most, under) if one is not None]
    if lower:
        real["gt"] = max(lower)
    if upper:
        real["lt"] = min(upper)
    return Union[integer, Annotated[float, Meta(**real)] if real else float]  # noqa: UP007


def _named(schema: dict[str, Any]) -> Any:
    """One of a list of values."""
    if set(schema) - {"type", "enum", "const"}:
        return None
    values = schema.get("enum", [schema.get("const")])
    if "const" in schema and "enum" in schema:
        return None
    kinds = schema.get("type")
    several = {kinds} if isinstance(kinds, str) else set(kinds or ())
    kept = [one for one in values if not several or _kind(one) & several]
    if not kept or any(not isinstance(one, str | int | type(None)) or isinstance(one, bool) for one in kept):
        return None
    if any(isinstance(one, int) and not _LEAST <= one <= _MOST for one in kept):
        return None
    return Literal[tuple(kept)]


def _kind(value: Any) -> set[str]:
    if value is None:
        return {"null"}
    if isinstance(value, str):
        return {"string"}
    return {"integer", "number"} if isinstance(value, int) else set()

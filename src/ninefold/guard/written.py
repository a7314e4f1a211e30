"""Values of parameters, read from the text that they were written as (OpenAPI 3.1, 4.8.12; RFC 6570).

A text has one reading or none: `1e3` and `01` are no integers, `True` is no boolean, and of a parameter that holds one
value there is one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ninefold.contract.description import Description, Parameter, Schema

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,308})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,308})(?:\.[0-9]{1,308})?(?:[eE][+-]?[0-9]{1,3})?")
_PARTS = ("allOf", "oneOf", "anyOf")
#: What parts the values of an array that are written in one text.
_DELIMITERS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
#: Deepest nesting of references and alternatives that is looked through for a type.
_DEEPEST = 20


class Miswritten(Exception):
    """The text is no value of its parameter. Says why, never the text."""


class Written:
    """How the values of one parameter are written. Without state."""

    __slots__ = ("_convert", "_members", "array", "explode", "item", "name", "object", "style")

    def __init__(self, parameter: Parameter, description: Description) -> None:
        self.name = parameter.name
        self.style = parameter.style
        self.explode = parameter.explode
        kinds = _kinds(parameter.schema, description, _DEEPEST)
        self.array = "array" in kinds and "string" not in kinds
        self.object = "object" in kinds and not kinds & {"array", "string"}
        self._convert = _converter(kinds)
        #: An item of an array.
        self.item = _converter(_kinds(_item(parameter.schema, description), description, _DEEPEST))
        members = _members(parameter.schema, description, _DEEPEST)
        self._members = {name: _converter(_kinds(one, description, _DEEPEST)) for name, one in members.items()}

    @property
    def members(self) -> frozenset[str]:
        """The names of an object's members: those that are declared."""
        return frozenset(self._members)

    def one(self, text: str) -> Any:
        """A single value."""
        return self._convert(text)

    def items(self, texts: Sequence[str]) -> list[Any]:
        """An array whose items were written one by one."""
        return [self.item(one) for one in texts]

    def joined(self, raw: str, *, encoded: bool) -> Any:
        """An array, or an object (`a,1,b,2`), in one text. `encoded`: parted before it is decoded: items may hold commas."""
        delimiter = _DELIMITERS.get(self.style, ",")
        if encoded:
            texts = [_decoded(one) for one in _parted(raw, delimiter)]
        else:
            texts = [one.strip(" \t") for one in raw.split(delimiter)]
        if not self.object:
            return self.items(texts) if raw else []
        if len(texts) % 2:
            raise Miswritten("is no list of names and values")
        return self.fields(dict(zip(texts[::2], texts[1::2], strict=True)), len(texts) // 2)

    def fields(self, found: Mapping[str, str], count: int) -> dict[str, Any]:
        """An object whose members were written one by one; `count`: how many of them came."""
        if len(found) < count:
            raise Miswritten("has a member twice")
        return {name: self._members.get(name, str)(text) for name, text in found.items()}


def _parted(raw: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return re.split(r"%20|\+", raw)
    if delimiter == "|":
        return re.split(r"\||%7[cC]", raw)
    return raw.split(delimiter)


def _decoded(raw: str) -> str:
    try:
        return unquote(raw.replace("+", " "), errors="strict")
    except UnicodeDecodeError:
        raise Miswritten("is not UTF-8") from None


def _converter(kinds: set[str]) -> Callable[[str], Any]:
    """From a text to the value that it stands for; a text that stands for none stays one, and its schema says what is wrong."""
    numeric = kinds & {"integer", "number"}
    if "string" in kinds or not kinds - {"null"}:
        return str

    def convert(text: str) -> Any:
        if numeric and _INTEGER.fullmatch(text):
            return int(text)
        if "number" in kinds and _NUMBER.fullmatch(text):
            return Decimal(text)
        if "boolean" in kinds and text in {"true", "false"}:
            return text == "true"
        if "null" in kinds and text in {"", "null"}:
            return None
        return text

    return convert


def _kinds(schema: Schema, description: Description, left: int) -> set[str]:
    """The types that a schema takes, as far as it says; by its values where it lists some."""
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or left == 0:
        return set()
    kind = resolved.get("type")
    found = {kind} if isinstance(kind, str) else set(kind if isinstance(kind, list) else ())
    if resolved.get("nullable") is True:
        found.add("null")
    for word in _PARTS:
        for part in resolved.get(word) or ():
            found |= _kinds(part, description, left - 1)
    if not found and isinstance(resolved.get("enum"), list):
        found = {_kind(one) for one in resolved["enum"]}
    if not found and "properties" in resolved:
        found.add("object")
    if not found and "items" in resolved:
        found.add("array")
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "null" if value is None else "string"


def _item(schema: Schema, description: Description) -> Schema:
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict):
        return True
    for one in (resolved, *(description.resolve(part) for word in _PARTS for part in resolved.get(word) or ())):
        if isinstance(one, dict) and isinstance(one.get("items"), dict):
            found: Schema = one["items"]
            return found
    return True


def _members(schema: Schema, description: Description, left: int) -> dict[str, Schema]:
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or left == 0:
        return {}
    found: dict[str, Schema] = {}
    for word in _PARTS:
        for part in resolved.get(word) or ():
            found.update(_members(part, description, left - 1))
    properties = resolved.get("properties")
    return {**found, **(properties if isinstance(properties, dict) else {})}

"""Values as CEL's types: strictly what the description declares, bounded, and text with one reading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unicodedata import is_normalized

from ninefold.guard.foreign import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.attribute import Value

#: The longest text and list that a condition reads. Past them it could take too long to decide.
MOST_CHARACTERS = 16_384
MOST_ITEMS = 1000
MOST_NESTING = 16

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?\Z")


def foreign_text(value: Any) -> str:
    """Text from a request: bounded, and with one reading."""
    if not isinstance(value, str):
        raise Unreadable("it is no string")
    if len(value) > MOST_CHARACTERS:
        raise Unreadable(f"it is longer than {MOST_CHARACTERS} characters")
    if "\0" in value:
        raise Unreadable("it has a NUL, where some servers end it")
    if not value.isascii():
        _whole(value)
        if not is_normalized("NFC", value):
            raise Unreadable("it is not in Unicode's normal form C")
    return value


def _whole(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unreadable("it has half of a surrogate pair") from None
    return value


def answered_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        raise Unreadable("it is no string, or a longer one than conditions read")
    return value if value.isascii() else _whole(value)


def _integer(value: Any) -> int:
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise Unreadable("it is no integer of 64 bits")
    return value


def _double(value: Any) -> float:
    if type(value) is int and -(1 << 53) <= value <= 1 << 53:
        return float(value)
    if type(value) is not float:
        raise Unreadable("it is no number")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise Unreadable("it is neither true nor false")
    return value


def converter(cel: str, value: Value | None, text: Callable[[Any], str]) -> Callable[[Any], Any]:
    """To what a type of CEL is in Python; `value` is what the description says of it, `text` how strings are read."""
    scalars: dict[str, Callable[[Any], Any]] = {
        "string": text, "int": _integer, "double": _double, "bool": _boolean, "timestamp": lambda value: value,
    }  # fmt: skip
    if cel in scalars:
        convert = scalars[cel]
    elif cel.startswith("list("):
        items = value.items if value is not None else None
        inner = converter(items.cel if items is not None else cel[5:-1], items, text)

        def convert(value: Any) -> Any:
            if not isinstance(value, list) or len(value) > MOST_ITEMS:
                raise Unreadable(f"it is no array, or one of more than {MOST_ITEMS} elements")
            return [inner(one) for one in value]
    elif cel == "object" and value is not None:
        convert = _Members(value, text)
    elif cel.startswith("map("):
        others = value.others if value is not None else None
        inner = converter(others.cel if others is not None else cel[12:-1], others, text)

        def convert(value: Any) -> Any:
            if not isinstance(value, dict) or len(value) > MOST_ITEMS:
                raise Unreadable(f"it is no object, or one of more than {MOST_ITEMS} members")
            return {text(name): inner(one) for name, one in value.items()}
    else:

        def convert(value: Any) -> Any:
            return _anything(value, text, MOST_NESTING)

    def read(value: Any) -> Any:
        if value is None:
            raise Unreadable("it is not there")
        return convert(value)

    return read


class _Members:
    """Objects with the members that the description declares, each as it declares it; others, and nulls, are left out."""

    __slots__ = ("_declared", "_folded", "_known", "_text", "_value")

    def __init__(self, value: Value, text: Callable[[Any], str]) -> None:
        self._value = value
        self._text = text
        self._declared = frozenset(value.names())
        self._folded = frozenset(name.casefold() for name in self._declared) if text is foreign_text else frozenset()
        self._known: dict[str, Callable[[Any], Any]] = {}

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise Unreadable("it is no object")
        made = {}
        for name, one in value.items():
            if name in self._declared:
                if one is not None:
                    made[name] = self._of(name)(one)
            elif name.casefold() in self._folded:
                raise Unreadable("it has a member in another spelling")
        return made

    def _of(self, name: str) -> Callable[[Any], Any]:
        known = self._known.get(name)
        if known is None:  # made once it is met, for a schema may hold itself
            member = self._value.member(name)
            assert member is not None
            known = self._known[name] = converter(member.cel, member, self._text)
        return known


def _anything(value: Any, text: Callable[[Any], str], deep: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, str):
        return text(value)
    if not deep or len(value) > MOST_ITEMS:
        raise Unreadable("it is nested too deep, or too long")
    if isinstance(value, dict):
        return {text(name): _anything(one, text, deep - 1) for name, one in value.items()}
    return [_anything(one, text, deep - 1) for one in value]


def _parsed_integer(value: str) -> int:
    if _INTEGER.match(value) is None:
        raise Unreadable("it is no integer")
    return _integer(int(value))


def _parsed_number(value: str) -> float:
    if _NUMBER.match(value) is None:
        raise Unreadable("it is no number")
    return float(value)


def _parsed_boolean(value: str) -> bool:
    if value not in {"true", "false"}:
        raise Unreadable("it is neither true nor false")
    return value == "true"


PARSED: dict[str, Callable[[str], Any]] = {
    "string": lambda value: value, "int": _parsed_integer, "double": _parsed_number, "bool": _parsed_boolean,
}  # fmt: skip

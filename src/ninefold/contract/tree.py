"""The syntax tree of a checked CEL expression, from the wire form in which the library gives it.

That is protobuf's (protobuf.dev/programming-guides/encoding) of `cel.expr.CheckedExpr` (cel-spec, checked.proto and
syntax.proto); of it only what the checks here ask is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_Field = tuple[int, int | bytes]


@dataclass(frozen=True, slots=True)
class Node:
    """One expression. `offset` counts characters from the beginning of the text; -1: it has no place of its own.

    `kind` is `const`, `ident`, `select`, `has`, `call`, `list`, `struct` or `comprehension`. `name` is the identifier, the
    member that is selected, the function, or a comprehension's variable; `text` a constant string; `type_` the type that was
    found, where it is one of the scalar ones. `parts` are its operands in their order (a call's target first).
    """

    kind: str
    offset: int
    name: str = ""
    text: str | None = None
    type_: str = ""
    parts: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        yield self
        for one in self.parts:
            yield from one.walk()


#: `Type.PrimitiveType` and `Type.WellKnownType` of checked.proto.
_PRIMITIVE = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN = {2: "timestamp", 3: "duration"}


def read_tree(serialized: bytes) -> Node:
    """The tree of a serialized `google.protobuf.Any` that holds a `CheckedExpr`."""
    checked = _message(_message(serialized)[2])
    types = {key: _type(value) for key, value in _entries(serialized, 3)}
    positions: dict[int, int] = {}
    if isinstance(info := checked.get(5), bytes):
        for number, value in _fields(info):
            if number == 4 and isinstance(value, bytes):
                entry = _message(value)
                positions[_int(entry.get(1, 0))] = _int(entry.get(2, 0))
    names: dict[int, str] = {}
    for key, value in _entries(serialized, 2):
        named = _message(value).get(1)
        if isinstance(named, bytes):
            names[key] = named.decode()
    return _Reader(types, positions, names).node(checked[4])


def _entries(serialized: bytes, number: int) -> Iterator[tuple[int, bytes]]:
    """A map<int64, message> of the `CheckedExpr`."""
    checked = _message(serialized)[2]
    assert isinstance(checked, bytes)
    for found, value in _fields(checked):
        if found == number and isinstance(value, bytes):
            entry = _message(value)
            inner = entry.get(2, b"")
            yield _int(entry.get(1, 0)), inner if isinstance(inner, bytes) else b""


def _type(value: bytes) -> str:
    for number, inner in _fields(value):
        if number == 3:
            return _PRIMITIVE.get(_int(inner), "")
        if number == 5:
            return _WELL_KNOWN.get(_int(inner), "")
        if number in {6, 7}:
            return "list" if number == 6 else "map"
    return ""


class _Reader:
    def __init__(self, types: dict[int, str], positions: dict[int, int], names: dict[int, str]) -> None:
        self._types = types
        self._positions = positions
        self._names = names

    def node(self, raw: int | bytes) -> Node:
        fields = list(_fields(raw)) if isinstance(raw, bytes) else []
        key = next((_int(value) for number, value in fields if number == 2), 0)
        offset, type_ = self._positions.get(key, -1), self._types.get(key, "")
        for number, value in fields:
            if number == 2 or not isinstance(value, bytes):
                continue
            inner = list(_fields(value))
            if number == 3:
                text = next((one.decode() for at, one in inner if at == 6 and isinstance(one, bytes)), None)
                if text is None and type_ == "string":
                    text = ""
                return Node("const", offset, text=text, type_=type_)
            if number == 4:
                return Node("ident", offset, self._names.get(key) or _text(inner, 1), type_=type_)
            if number == 5:
                if key in self._names:  # a qualified name is one identifier
                    return Node("ident", offset, self._names[key], type_=type_)
                kind = "has" if any(at == 3 and one for at, one in inner) else "select"
                return Node(kind, offset, _text(inner, 2), type_=type_, parts=self._parts(inner, (1,)))
            if number == 6:
                return Node("call", offset, _text(inner, 2), type_=type_, parts=self._parts(inner, (1, 3)))
            if number == 7:
                return Node("list", offset, type_=type_, parts=self._parts(inner, (1,)))
            if number == 8:
                return Node("struct", offset, _text(inner, 1), type_=type_, parts=self._entries(inner))
            if number == 9:
                name, accumulated = _text(inner, 1), self._parts(inner, (2, 4, 5, 6, 7))
                return Node("comprehension", offset, name, type_=type_, parts=accumulated)
        return Node("const", offset)

    def _parts(self, inner: list[_Field], numbers: tuple[int, ...]) -> tuple[Node, ...]:
        return tuple(self.node(value) for wanted in numbers for number, value in inner if number == wanted)

    def _entries(self, inner: list[_Field]) -> tuple[Node, ...]:
        entries = [list(_fields(value)) for number, value in inner if number == 2 and isinstance(value, bytes)]
        return tuple(node for entry in entries for node in self._parts(entry, (3, 4)))


def _text(fields: list[_Field], wanted: int) -> str:
    return next((value.decode() for number, value in fields if number == wanted and isinstance(value, bytes)), "")


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else 0


def _message(raw: int | bytes) -> dict[int, int | bytes]:
    return dict(_fields(raw)) if isinstance(raw, bytes) else {}


def _fields(raw: bytes) -> Iterator[_Field]:
    """The fields of one message in their order; fixed-width values (doubles) are passed over."""
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(raw, place)
            yield tag >> 3, value
        elif kind == 2:
            size, place = _varint(raw, place)
            yield tag >> 3, raw[place : place + size]
            place += size
        else:
            place += 8 if kind == 1 else 4


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place

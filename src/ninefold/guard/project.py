"""Projects a JSON text onto a declared shape: what was not declared is never decoded, so it cannot leave.

A shape becomes a msgspec type that holds the declared members alone; decoding skips the rest (still refusing JSON that
is malformed, RFC 8259), encoding writes what is left. A value of another kind than the declared one raises: it was not
promised, and it might be anything. Integers of any size and decimal digits are kept as they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ninefold.guard.prune import pruner

if TYPE_CHECKING:
    from ninefold.guard.shape import Shape


class Unpromised(Exception):
    """The JSON text is malformed, or holds a value of another kind than the declared one. Says which, never the value."""


#: Members that stay behind are counted in bodies up to this many bytes. Counting costs a third of projecting; of a longer
#: body the trail has only how many bytes stayed behind.
MOST_COUNTED = 8192


class Projector:
    """Compiled once from a shape; called for every response."""

    __slots__ = ("_decode", "_encode", "_exact", "_prune", "structured")

    def __init__(self, shape: Shape, types: Types | None = None) -> None:
        """`types` are those of other projectors of the same shapes, which need not be made again."""
        types = types or Types()
        self._decode = msgspec.json.Decoder(types.of(shape)).decode
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        self._exact = types.exact
        self._prune = pruner(shape) if types.restricted else None
        #: Whether there is something to project: of mere text there is not.
        self.structured = shape.items is not None or shape.members is not None

    def __call__(self, body: bytes) -> tuple[bytes, int, int]:
        """The projected text, and how many members and bytes stayed behind. Raises `Unpromised`.

        Members are not counted past `MOST_COUNTED`; where they are and none stayed behind, no byte of one did.
        """
        try:
            value = self._decode(body)
            if self._prune is not None:
                self._prune(value)
            text = self._encode(value)
            if (
                self._exact
                and (text.find(b"N") >= 0 or text.find(b"I") >= 0)
                and (b"NaN" in text or b"Infinity" in text)
            ):
                msgspec.json.decode(text)  # a string in a number's place may read as one of these; JSON has none
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as fault:
            raise Unpromised(_without_values(fault)) from None
        shorter = len(body) - len(text)
        if not shorter or len(body) > MOST_COUNTED:
            return text, 0, max(shorter, 0)
        # A member's name ends in `":`, and inside a string a quote is always escaped: counting is enough (a string that
        # begins with a colon counts as one more; telling it apart would cost as much as all the rest) unless the body
        # has a backslash, or is written with a space before its colons (before the first: no encoder mixes its styles,
        # and whoever does by hand is miscounted at worst). What is encoded here has neither.
        colon = body.find(b":")
        if body.find(b"\\") < 0 and not body[colon - 1 : colon].isspace():
            withheld = body.count(b'":') - text.count(b'":')
            if withheld >= 0:
                return text, withheld, max(shorter, 0) if withheld else 0
        try:
            withheld = _members(msgspec.json.decode(body)) - _members(msgspec.json.decode(text))
        except RecursionError:
            return text, 0, max(shorter, 0)  # nested too deep to be counted
        return text, withheld, max(shorter, 0) if withheld else 0


def _members(value: Any) -> int:
    """How many members all objects of a value have."""
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    if isinstance(value, list):
        return sum(map(_members, value))
    return 0


def _without_values(fault: Exception) -> str:
    """Msgspec names kinds and places, never values; other faults may quote the body and are told by their kind."""
    return str(fault) if isinstance(fault, msgspec.MsgspecError) else type(fault).__name__


#: Arrays of themselves, with no object between, have no msgspec type; they are followed this deep, and end in null.
MOST_SELF_NESTING = 3


class Types:
    """Shapes to msgspec types. Objects are made empty first and filled after, so that they may hold themselves.

    `exact`: some number's digits matter. `restricted`: some object lets only some names out.
    """

    def __init__(self) -> None:
        self._structs: dict[int, type[msgspec.Struct]] = {}
        self._within: list[int] = []
        self.exact = False
        self.restricted = False

    def of(self, shape: Shape) -> Any:
        if shape.anything:
            return Raw
        if self._within.count(id(shape)) >= MOST_SELF_NESTING:
            return None
        self._within.append(id(shape))
        kinds: Any = None
        for kind in self._kinds(shape):
            kinds = kind | kinds
        self._within.pop()
        return kinds

    def _kinds(self, shape: Shape) -> list[Any]:
        found: list[Any] = []
        if "string" in shape.scalars:
            found.append(str)
        if "boolean" in shape.scalars:
            found.append(bool)
        if "number" in shape.scalars:
            exact = shape.exact and "string" not in shape.scalars  # msgspec tells no Decimal from a str
            self.exact |= exact
            found += [int, Decimal if exact else float]
        elif "integer" in shape.scalars:
            found.append(int)
        if shape.items is not None:
            found.append(list[self.of(shape.items)])  # type: ignore[misc]
        if shape.members is not None:
            found.append(self._object(shape))
        return found

    def _object(self, shape: Shape) -> Any:
        self.restricted |= shape.names is not None
        if shape.others is not None:
            return dict[str, self.of(shape.others)]  # type: ignore[misc]
        if (known := self._structs.get(id(shape))) is not None:
            return known
        assert shape.members is not None
        names = {f"m{place}": name for place, name in enumerate(shape.members)}
        fields = [(name, Any, UNSET) for name in names]
        struct = msgspec.defstruct(f"Object{len(self._structs)}", fields, rename=names, gc=False)
        self._structs[id(shape)] = struct
        within, self._within = self._within, []  # arrays of themselves end at an object, whoever holds it
        for name, member in zip(names, shape.members.values(), strict=True):
            # a member of any kind keeps its bytes; every other one may be absent
            struct.__annotations__[name] = self.of(member) | UnsetType
        self._within = within
        return struct

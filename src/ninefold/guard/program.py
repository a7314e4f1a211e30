"""Shapes as the program that the native projection follows: one for all answers of a description, told apart by their root.

Its form is that of `node` and `member` in `ninefold/native/project.c`.
"""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ninefold.errors import FileError, Place
from ninefold.native.library import PATH, SEED, ffi, library

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from ninefold.guard.lookout import Lookout
    from ninefold.guard.mask import Mask
    from ninefold.guard.outline import Names, Shape

KINDS = {"string": 2, "boolean": 4, "integer": 8, "number": 16, "array": 32, "object": 64}
_ANYTHING, _OTHERS, _ASKED, _MARKED, _FREE, _CHOICE = 1, 128, 256, 512, 1024, 2048
_NONE = -1
#: The highest ceiling: no text has more items.
_MOST = 2**32 - 1
#: How deep a text may nest at all.
MOST_DEPTH = 512


class Made(Struct, frozen=True, gc=False):
    """What runs: the native program, what it asks about a member's name (NULL: nothing), and the functions that follow it.

    `masks` say, by node, what becomes of scalars before they leave; `names` are those of members, by their numbers.
    """

    native: Any
    ask: Any
    project: Any
    marked: Any
    masks: dict[int, Mask]
    names: list[str]


class Program:
    """Grows with each shape that is added; made anew when it is next wanted. For one thread while it grows."""

    __slots__ = ("_deepest", "_nodes", "_numbers", "_shapes", "cuts", "lookout", "made")

    def __init__(self, deepest: int = MOST_DEPTH, lookout: Lookout | None = None, *, cuts: bool = False) -> None:
        """Texts that nest deeper than `deepest` are refused. `lookout`: looks through free texts.

        `cuts`: items past a ceiling stay behind.
        """
        self._deepest = deepest
        self.lookout = lookout
        self.cuts = cuts
        self._numbers: dict[int, int] = {}
        self._shapes: list[Shape] = []
        self._nodes: list[tuple[int, int, int, list[tuple[str, int]]]] = []
        #: None: shapes were added since.
        self.made: Made | None = None

    def add(self, shape: Shape) -> int:
        """The root for this shape; what it holds is added with it."""
        begun = len(self._shapes)
        root = self._number(shape)
        while begun < len(self._shapes):
            self._nodes.append(self._node(self._shapes[begun]))
            begun += 1
        return root

    def make(self) -> Made:
        """Raises `FileError` without the native library or where callbacks are forbidden, `MemoryError` without memory."""
        nodes, members, names = self.packed()
        load = library()
        native = load.nf_make(len(nodes) // 20, nodes, len(members) // 12, members, len(names), names, SEED)
        if native == ffi.NULL:
            raise MemoryError("no memory for the projection of answers")
        load.nf_limit(native, self._deepest)
        for number, shape in enumerate(self._shapes):
            if shape.most is not None and not shape.anything:
                load.nf_ceiling(native, number, min(shape.most, _MOST), self.cuts)
        if self.lookout is not None:
            load.nf_heed(native, self.lookout.native)
        asked = {number: shape.names for number, shape in enumerate(self._shapes) if self._nodes[number][0] & _ASKED}
        ask = _asker({number: names for number, names in asked.items() if names}) if asked else ffi.NULL
        masks = {number: shape.mask for number, shape in enumerate(self._shapes) if shape.mask is not None}
        named = [name for *_, own in self._nodes for name, _ in own]
        self.made = Made(ffi.gc(native, load.nf_free), ask, load.nf_project, load.nf_project_marked, masks, named)
        return self.made

    def packed(self) -> tuple[bytes, bytes, bytes]:
        """The nodes (5 numbers of 32 bits each), their members (3 each), and the members' names.

        Behind the members of a node that chooses stands one more, for the name of the member that tells.
        """
        nodes, members, names = array("i"), array("i"), bytearray()
        for kinds, items, others, own in self._nodes:
            nodes.extend((kinds, items, others, len(members) // 3, len(own) - bool(kinds & _CHOICE)))
            for name, node in own:
                text = name.encode("utf-8", "surrogatepass")
                members.extend((len(names), len(text), node))
                names += text
        return nodes.tobytes(), members.tobytes(), bytes(names)

    def _number(self, shape: Shape) -> int:
        known = self._numbers.get(id(shape))
        if known is None:
            known = self._numbers[id(shape)] = len(self._shapes)
            self._shapes.append(shape)
            self.made = None
        return known

    def _node(self, shape: Shape) -> tuple[int, int, int, list[tuple[str, int]]]:
        if shape.anything:
            return _ANYTHING, _NONE, _NONE, []
        kinds = sum(KINDS[kind] for kind in shape.scalars) + (_MARKED if shape.mask is not None else 0)
        kinds |= _FREE if shape.free and self.lookout is not None else 0
        items = others = _NONE
        own: list[tuple[str, int]] = []
        if shape.items is not None:
            kinds |= KINDS["array"]
            items = self._number(shape.items)
        if shape.choice is not None:
            own = [(value, self._number(one)) for value, one in shape.choice.by.items()]
            own.append((shape.choice.name, _NONE))
            return kinds | _CHOICE, items, self._number(shape.choice.otherwise), own
        if shape.members is not None:
            kinds |= KINDS["object"]
            own = [(name, self._number(member)) for name, member in shape.members.items()]
            if shape.others is not None:
                kinds |= _OTHERS
                others = self._number(shape.others)
                if shape.names is not None:
                    own += [(name, _NONE) for name in sorted(shape.names.hidden)]
                    kinds |= _ASKED if shape.names.patterns is not None or shape.names.kept else 0
        return kinds, items, others, own


def _asker(asked: dict[int, Names]) -> Any:
    """Called back by the projection: whether an object may have a member of this name, unescaped. A fault is a no."""
    lets = {node: _searches(names.patterns) for node, names in asked.items()}
    keeps = {node: _searches(names.kept) for node, names in asked.items()}
    unpack = ffi.unpack

    def ask(node: int, name: Any, length: int) -> bool:
        text = unpack(name, length).decode()
        for fits in keeps[node]:
            if fits(text):
                return False
        for fits in lets[node]:  # noqa: SIM110  # a generator would be half of the time
            if fits(text):
                return True
        return False

    try:
        return ffi.callback("int(uint32_t, const char *, size_t)", ask, error=0)
    except MemoryError:
        raise FileError(
            "cannot ask which names fit `patternProperties`: memory that is written and then run is forbidden here",
            place=Place(str(PATH)),
            remedy="allow it (systemd: MemoryDenyWriteExecute=no), or declare responses without `patternProperties`",
        ) from None


def _every(_: str) -> bool:
    return True


def _searches(patterns: tuple[re.Pattern[str], ...] | None) -> tuple[Callable[[str], object], ...]:
    """None: every name fits."""
    return (_every,) if patterns is None else tuple(pattern.search for pattern in patterns)


def path(text: bytes) -> str:
    """The place that the projection traced, with what a terminal would take for more than text escaped."""
    whole = text.decode(errors="replace")
    return whole if whole.isprintable() else json.dumps(whole)[1:-1]

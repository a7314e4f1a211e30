"""Projects a JSON text onto a declared shape: what was not declared is read past, so it cannot leave.

What is declared leaves byte for byte as it came, but for white space between the parts; what is malformed (RFC 8259), has a
member twice, or is of another kind than the declared one raises: it was not promised, and it might be anything.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from ninefold.guard.behind import behind
from ninefold.guard.program import KINDS, Made, Program, path
from ninefold.native.library import ffi

if TYPE_CHECKING:
    from ninefold.guard.behind import Sampler
    from ninefold.guard.lookout import Judged
    from ninefold.guard.outline import Shape


class Unpromised(Exception):
    """The JSON text is malformed, or holds a value of another kind than the declared one. Says which, never the value."""

    def __init__(self, what: str = "", *, malformed: bool = True, undeclared: bool = False) -> None:
        """`malformed`: it is no JSON with one reading, whatever was declared. `undeclared`: it has members that are not."""
        super().__init__(what)
        self.malformed = malformed
        self.undeclared = undeclared


class Teller(Protocol):
    """Is told what leaks in the free texts of an answer: its kind and its place, as `sql at $.error.detail`.

    To `surplus` are added the items that are past the ceiling of their list.
    """

    leaked: tuple[str, ...]
    surplus: int


_BYTES = ffi.typeof("char[]")
_new = ffi.new_allocator(should_clear_after_alloc=False)
_NULL, _buffer = ffi.NULL, ffi.buffer
_FAULTS = {
    1: "malformed JSON", 3: "nested too deep", 4: "an object has a member twice", 5: "no memory to read it",
    6: "longer than 4 GiB",
}  # fmt: skip
#: So many masked scalars of an answer are looked for at first.
_ROOM_FOR_MARKS = 64
#: Something may stand in a free text that should not leave: `FLAGGED` in project.c.
_FLAGGED = 1 << 62
#: Items are past a ceiling: `PAST` in project.c. Behind the text stand so many bytes that say how many.
_PAST, _COUNT = 1 << 61, 8
#: By no node, in no member that has a name.
_NONE = 0xFFFFFFFF
#: So many leaks of an answer are told with their places; of the rest only how many there are.
MOST_TOLD = 8
#: How long the place of a fault may be, in bytes.
_ROOM = 256


class Projector:
    """Compiled once from a shape; called for every response, from any number of threads."""

    __slots__ = ("_program", "_root", "_sampler", "_sent", "_shape", "_undeclared", "structured")

    def __init__(
        self,
        shape: Shape,
        program: Program,
        undeclared: str = "drop",
        sent: str = "report",
        sampler: Sampler | None = None,
    ) -> None:
        """`program` is that of all answers of the same description.

        `undeclared` is what becomes of members that are not declared. `drop`: they stay behind; `block`: nothing leaves;
        `report`: all leaves, and they are counted. `sent` is what becomes of items past a ceiling: `block`, or as the
        program does. `sampler` says of which answers the members that stayed behind are named; None: of none.
        """
        self._program = program
        self._undeclared = undeclared
        self._sent = sent
        self._shape = shape
        self._sampler = sampler
        self._root = program.add(shape)
        #: Whether there is something to project: of mere text there is not.
        self.structured = shape.structured and not shape.unsaid

    def __call__(self, body: bytes, teller: Teller | None = None, *, view: bool = False) -> tuple[bytes, int, int]:
        """The projected text, and how many members and bytes stayed behind. Raises `Unpromised`.

        `teller` is told what leaks in what leaves, and of items past a ceiling.
        The bytes are those of the members and items with all that was around them; none where nothing stayed behind. `view`:
        the text is not copied once more, and a memoryview stands for it.
        """
        program = self._program
        made = program.made or program.make()
        size = len(body)
        out = _new(_BYTES, size + _COUNT)
        if made.masks:
            told, projected = self._masked(made, body, out, teller)
        else:
            told = made.project(made.native, self._root, body, size, out, made.ask, _NULL)
            projected = None
            if told >= _FLAGGED:
                told, projected = self._masked(made, body, out, teller)
        if told < 0:
            raise self._fault(body)
        written, withheld, surplus = told & 0xFFFFFFFF, told >> 32 & 0x1FFFFFFF, 0
        if told & _PAST:
            surplus = int.from_bytes(_buffer(out)[size : size + _COUNT], sys.byteorder)
            if self._sent == "block":
                raise Unpromised(f"{surplus} items are past the ceiling of their list", malformed=False)
            if teller is not None:
                teller.surplus += surplus
        if withheld and self._undeclared != "drop":
            if self._undeclared == "block":
                raise Unpromised(f"{withheld} members are not declared", malformed=False, undeclared=True)
            return body, withheld, 0
        text: Any = memoryview(_buffer(out, written)) if view else _buffer(out, written)[:]
        left = size - written if withheld or (surplus and program.cuts) else 0
        return text if projected is None else projected, withheld, left

    def places(self, operation: str, now: float, body: bytes) -> tuple[str, ...]:
        """Which members of a text stayed behind, where it is the operation's turn to be told of (`ninefold.guard.behind`)."""
        if self._sampler is None or not self._sampler.wants(operation, now):
            return ()
        return behind(self._shape, body, cuts=self._program.cuts)

    def _masked(self, made: Made, body: bytes, out: Any, teller: Teller | None) -> tuple[int, bytes | None]:
        """What the native call told, and the text with each marked scalar in other words; None where no scalar is."""
        room, marked = _ROOM_FOR_MARKS, ffi.new("uint32_t *")
        while True:
            marks = ffi.new("mark[]", room)
            told = made.marked(made.native, self._root, body, len(body), out, made.ask, _NULL, marks, room, marked)
            if marked[0] <= room:
                break
            room = marked[0]
        if told < 0 or not marked[0]:
            return told, None
        text = _buffer(out, told & 0xFFFFFFFF)
        pieces: list[bytes] = []
        leaks: list[tuple[int, Judged]] = []
        at = spent = 0
        for number in range(marked[0]):
            one = marks[number]
            begins, ends = one.offset, one.offset + one.length
            mask = made.masks.get(one.node)
            if mask is not None:
                token = mask(text[begins:ends])
            else:
                lookout = self._program.lookout
                assert lookout is not None
                member = made.names[one.member] if one.member != _NONE else ""
                judged = lookout.judge(text[begins:ends], member, spent)
                spent += one.length
                if judged is None:
                    continue
                leaks.append((number + 1, judged))
                token = judged.token
            pieces += (text[at:begins], token)
            at = ends
        if leaks:
            self._tell(made, body, leaks, teller)
        if not pieces:
            return told, None
        pieces.append(text[at:])
        return told, b"".join(pieces)

    def _tell(self, made: Made, body: bytes, leaks: list[tuple[int, Judged]], teller: Teller | None) -> None:
        """Raises `Unpromised` where nothing may leave for one of them."""
        for number, judged in leaks:
            if judged.blocks:
                raise Unpromised(f"a leak: {judged.blocks} at {self._place(made, body, number)}", malformed=False)
        if teller is None or len(teller.leaked) > MOST_TOLD:
            return
        found = [f"{' '.join(one.kinds)} at {self._place(made, body, number)}" for number, one in leaks[:MOST_TOLD]]
        more = len(leaks) - len(found)
        teller.leaked += (*found, *([f"and {more} more"] if more else []))

    def _place(self, made: Made, body: bytes, number: int) -> str:
        """Where a marked scalar stands: the text is read once more."""
        trace, marked = ffi.new("char[]", _ROOM), ffi.new("uint32_t *")
        why = ffi.new("fault *", {"position": number, "room": _ROOM, "trace": trace})
        out = _new(_BYTES, len(body) + _COUNT)
        made.marked(made.native, self._root, body, len(body), out, made.ask, why, _NULL, 0, marked)
        return path(ffi.string(trace))

    def _fault(self, body: bytes) -> Unpromised:
        """What was wrong, and where: the text is read once more."""
        made = self._program.made or self._program.make()
        trace = ffi.new("char[]", _ROOM)
        why = ffi.new("fault *", {"room": _ROOM, "trace": trace})
        out = _new(_BYTES, len(body) + _COUNT)
        status = -made.project(made.native, self._root, body, len(body), out, made.ask, why)
        place = f"at {path(ffi.string(trace))}, byte {why.position}"
        if status in _FAULTS:
            return Unpromised(f"{_FAULTS[status]} {place}", malformed=True)
        told = f"expected {_named(why.expected) or 'nothing'}, got {_named(why.found)} {place}"
        return Unpromised(told, malformed=False)


class Partial(Projector):
    """Lets out a part of what another one lets out, and nothing where that one lets out nothing."""

    __slots__ = ("_whole",)

    def __init__(
        self, shape: Shape, program: Program, whole: Projector, sent: str = "report", sampler: Sampler | None = None
    ) -> None:
        super().__init__(shape, program, "drop", sent, sampler)
        self._whole = whole

    def __call__(self, body: bytes, teller: Teller | None = None, *, view: bool = False) -> tuple[bytes, int, int]:
        self._whole(body, view=True)
        return super().__call__(body, teller, view=view)


def _named(kinds: int) -> str:
    return " or ".join(name for name, bit in KINDS.items() if kinds & bit)

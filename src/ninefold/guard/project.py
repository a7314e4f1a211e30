"""Projects a JSON text onto a declared shape: what was not declared is read past, so it cannot leave.

What is declared leaves byte for byte as it came, but for white space between the parts; what is malformed (RFC 8259), has a
member twice, or is of another kind than the declared one raises: it was not promised, and it might be anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.guard.program import KINDS, Made, Program, path
from ninefold.native.library import ffi

if TYPE_CHECKING:
    from ninefold.guard.shape import Shape


class Unpromised(Exception):
    """The JSON text is malformed, or holds a value of another kind than the declared one. Says which, never the value."""

    def __init__(self, what: str = "", *, malformed: bool = True) -> None:
        """`malformed`: it is no JSON with one reading, whatever was declared."""
        super().__init__(what)
        self.malformed = malformed


_BYTES = ffi.typeof("char[]")
_new = ffi.new_allocator(should_clear_after_alloc=False)
_NULL, _buffer = ffi.NULL, ffi.buffer
_FAULTS = {
    1: "malformed JSON", 3: "nested too deep", 4: "an object has a member twice", 5: "no memory to read it",
    6: "longer than 4 GiB",
}  # fmt: skip
#: So many masked scalars of an answer are looked for at first.
_ROOM_FOR_MARKS = 64
#: How long the place of a fault may be, in bytes.
_ROOM = 256


class Projector:
    """Compiled once from a shape; called for every response, from any number of threads."""

    __slots__ = ("_program", "_root", "_undeclared", "structured")

    def __init__(self, shape: Shape, program: Program, undeclared: str = "drop") -> None:
        """`program` is that of all answers of the same description.

        `undeclared` is what becomes of members that are not declared. `drop`: they stay behind; `block`: nothing leaves;
        `report`: all leaves, and they are counted.
        """
        self._program = program
        self._undeclared = undeclared
        self._root = program.add(shape)
        #: Whether there is something to project: of mere text there is not.
        self.structured = not shape.free and (shape.items is not None or shape.members is not None)

    def __call__(self, body: bytes, *, view: bool = False) -> tuple[bytes, int, int]:
        """The projected text, and how many members and bytes stayed behind. Raises `Unpromised`.

        The bytes are those of the members with all that was around them; none where no member stayed behind. `view`: the
        text is not copied once more, and a memoryview stands for it.
        """
        program = self._program
        made = program.made or program.make()
        size = len(body)
        out = _new(_BYTES, size)
        if made.masks:
            told, projected = self._masked(made, body, out)
        else:
            told = made.project(made.native, self._root, body, size, out, made.ask, _NULL)
            projected = None
        if told < 0:
            raise self._fault(body)
        written, withheld = told & 0xFFFFFFFF, told >> 32
        if withheld and self._undeclared != "drop":
            if self._undeclared == "block":
                raise Unpromised(f"{withheld} members are not declared", malformed=False)
            return body, withheld, 0
        text: Any = memoryview(_buffer(out, written)) if view else _buffer(out, written)[:]
        return text if projected is None else projected, withheld, size - written if withheld else 0

    def _masked(self, made: Made, body: bytes, out: Any) -> tuple[int, bytes | None]:
        """What the native call told, and the text with each marked scalar in other words."""
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
        at = 0
        for number in range(marked[0]):
            one = marks[number]
            begins, ends = one.offset, one.offset + one.length
            pieces += (text[at:begins], made.masks[one.node](text[begins:ends]))
            at = ends
        pieces.append(text[at:])
        return told, b"".join(pieces)

    def _fault(self, body: bytes) -> Unpromised:
        """What was wrong, and where: the text is read once more."""
        made = self._program.made or self._program.make()
        trace = ffi.new("char[]", _ROOM)
        why = ffi.new("fault *", {"room": _ROOM, "trace": trace})
        out = _new(_BYTES, len(body))
        status = -made.project(made.native, self._root, body, len(body), out, made.ask, why)
        place = f"at {path(ffi.string(trace))}, byte {why.position}"
        if status in _FAULTS:
            return Unpromised(f"{_FAULTS[status]} {place}", malformed=True)
        told = f"expected {_named(why.expected) or 'nothing'}, got {_named(why.found)} {place}"
        return Unpromised(told, malformed=False)


class Partial(Projector):
    """Lets out a part of what another one lets out, and nothing where that one lets out nothing."""

    __slots__ = ("_whole",)

    def __init__(self, shape: Shape, program: Program, whole: Projector) -> None:
        super().__init__(shape, program)
        self._whole = whole

    def __call__(self, body: bytes, *, view: bool = False) -> tuple[bytes, int, int]:
        self._whole(body, view=True)
        return super().__call__(body, view=view)


def _named(kinds: int) -> str:
    return " or ".join(name for name, bit in KINDS.items() if kinds & bit)

"""Projects a JSON text onto a declared shape: what was not declared is read past, so it cannot leave.

What is declared leaves byte for byte as it came, but for white space between the parts; what is malformed (RFC 8259), has a
member twice, or is of another kind than the declared one raises: it was not promised, and it might be anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.guard.program import KINDS, Program, path
from ninefold.native.library import ffi

if TYPE_CHECKING:
    from ninefold.guard.shape import Shape


class Unpromised(Exception):
    """The JSON text is malformed, or holds a value of another kind than the declared one. Says which, never the value."""


_BYTES = ffi.typeof("char[]")
_new = ffi.new_allocator(should_clear_after_alloc=False)
_NULL, _buffer = ffi.NULL, ffi.buffer
_FAULTS = {
    1: "malformed JSON", 3: "nested too deep", 4: "an object has a member twice", 5: "no memory to read it",
    6: "longer than 4 GiB",
}  # fmt: skip
#: How long the place of a fault may be, in bytes.
_ROOM = 256


class Projector:
    """Compiled once from a shape; called for every response, from any number of threads."""

    __slots__ = ("_program", "_root", "structured")

    def __init__(self, shape: Shape, program: Program) -> None:
        """`program` is that of all answers of the same description."""
        self._program = program
        self._root = program.add(shape)
        #: Whether there is something to project: of mere text there is not.
        self.structured = shape.items is not None or shape.members is not None

    def __call__(self, body: bytes, *, view: bool = False) -> tuple[bytes, int, int]:
        """The projected text, and how many members and bytes stayed behind. Raises `Unpromised`.

        The bytes are those of the members with all that was around them; none where no member stayed behind. `view`: the
        text is not copied once more, and a memoryview stands for it.
        """
        program = self._program
        made = program.made or program.make()
        size = len(body)
        out = _new(_BYTES, size)
        told = made.project(made.native, self._root, body, size, out, made.ask, _NULL)
        if told < 0:
            raise self._fault(body)
        written, withheld = told & 0xFFFFFFFF, told >> 32
        text: Any = memoryview(_buffer(out, written)) if view else _buffer(out, written)[:]
        return text, withheld, size - written if withheld else 0

    def _fault(self, body: bytes) -> Unpromised:
        """What was wrong, and where: the text is read once more."""
        made = self._program.made or self._program.make()
        trace = ffi.new("char[]", _ROOM)
        why = ffi.new("fault *", {"room": _ROOM, "trace": trace})
        out = _new(_BYTES, len(body))
        status = -made.project(made.native, self._root, body, len(body), out, made.ask, why)
        place = f"at {path(ffi.string(trace))}, byte {why.position}"
        if status in _FAULTS:
            return Unpromised(f"{_FAULTS[status]} {place}")
        return Unpromised(f"expected {_named(why.expected) or 'nothing'}, got {_named(why.found)} {place}")


def _named(kinds: int) -> str:
    return " or ".join(name for name, bit in KINDS.items() if kinds & bit)

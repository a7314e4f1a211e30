"""JSON texts one after the other, each projected by itself as soon as it is whole: JSON Lines, and RFC 7464.

They may be cut anywhere, and never end. What is held is one record, of at most `limits.record` bytes. A record that is not as
described ends the stream: those before it were promised, and what comes after it stands on nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ninefold.guard.project import Unpromised

if TYPE_CHECKING:
    from ninefold.guard.project import Projector

_SEPARATOR = b"\x1e"
#: White space of JSON (RFC 8259 section 2).
_SPACE = b" \t\r\n"
#: A text that ends so is whole wherever it stops; a number or a word might go on (RFC 7464 section 2.4).
_CLOSED = (b"}", b"]", b'"')
#: After these a text goes on, and before its first character too.
_OPEN = frozenset({b"", b",", b":", b"{", b"["})
#: How often over a record may be read before its end is known, in lengths of it, and what is free beside that.
_TRIES = 4
_FREE = 65_536
#: Of more pieces than this one is made: the smallest would each take fifty times their size.
MOST_PIECES = 1024


class Reader(Protocol):
    """Reads one stream. `feed` gives what may leave of what came, `end` what is left when no more will come.

    Both raise `Unpromised`, which says the part by its number. `withheld` and `withheld_bytes` count what stayed behind,
    `leaked` tells what leaks in free texts, `surplus` counts the items past a ceiling.
    """

    withheld: int
    withheld_bytes: int
    leaked: tuple[str, ...]
    surplus: int

    def feed(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class _Records:
    """What both kinds have in common: the record at hand, its bound, and its number."""

    __slots__ = ("_held", "_most", "_number", "_projector", "_size", "leaked", "surplus", "withheld", "withheld_bytes")

    def __init__(self, projector: Projector, most: int) -> None:
        """`most` are the bytes of one record."""
        self._projector = projector
        self._most = most
        self._held: list[bytes] = []
        self._size = 0
        self._number = 0
        self.withheld = self.withheld_bytes = self.surplus = 0
        self.leaked: tuple[str, ...] = ()

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._most:
            raise Unpromised(f"record {self._number + 1}: longer than limits.record")
        if data:
            self._held.append(data)
            if len(self._held) > MOST_PIECES:
                self._held = [b"".join(self._held)]

    def _taken(self) -> bytes:
        text = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._size = [], 0
        return text

    def _project(self, text: bytes) -> bytes:
        self._number += 1
        try:
            projected, members, size = self._projector(text, self)
        except Unpromised as fault:
            raise Unpromised(f"record {self._number}: {fault}") from None
        self.withheld += members
        self.withheld_bytes += size
        return projected


class Lines(_Records):
    """JSON Lines: a record ends with its line. An empty line stays one: it keeps a connection alive."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        last = lines.pop()
        found = []
        for line in lines:
            self._hold(line)
            found.append(self._line(self._taken()))
        self._hold(last)
        return b"".join(found)

    def end(self) -> bytes:
        text = self._taken()
        return self._line(text) if text.strip(_SPACE) else b""

    def _line(self, text: bytes) -> bytes:
        return self._project(text) + b"\n" if text.strip(_SPACE) else b"\n"


class Texts(_Records):
    """RFC 7464: a record begins with a separator, and ends with a line feed that nothing but the next one follows.

    Line feeds may stand within a record as well, so that of the last one that came it is tried whether it is whole.
    """

    __slots__ = ("_begun", "_last", "_over", "_tried")

    def __init__(self, projector: Projector, most: int) -> None:
        super().__init__(projector, most)
        self._begun = False  # a separator came
        self._over = False  # the record that it began has left
        self._tried = 0
        self._last = b""  # the last byte of the record at hand that is no space

    def feed(self, data: bytes) -> bytes:
        first, *others = data.split(_SEPARATOR)
        found = []
        self._add(first)
        for one in others:
            found.append(self._whole())
            self._begun, self._over, self._tried, self._last = True, False, 0, b""
            self._add(one)
        found.append(self._early())
        return b"".join(found)

    def end(self) -> bytes:
        return self._whole()

    def _add(self, data: bytes) -> None:
        if (self._over or not self._begun) and data.strip(_SPACE):
            where = f"record {self._number}: " if self._begun else ""
            raise Unpromised(f"{where}bytes stand outside of a record")
        if not self._over and self._begun:
            self._hold(data)
            self._last = data.rstrip(_SPACE)[-1:] or self._last

    def _whole(self) -> bytes:
        """The record that ends here; nothing where it has left, or was none (RFC 7464 section 2.1)."""
        text = self._taken()
        if self._over or not text.strip(_SPACE):
            return b""
        if not text.endswith(b"\n") and not text.rstrip(_SPACE).endswith(_CLOSED):
            self._number += 1
            raise Unpromised(f"record {self._number}: cut short")
        return _SEPARATOR + self._project(text) + b"\n"

    def _early(self) -> bytes:
        """The record at hand, if its last line feed has come and nothing is missing."""
        if not self._held or self._held[-1][-1:] != b"\n" or self._tried > _TRIES * self._size + _FREE:
            return b""
        if self._last in _OPEN:
            return b""
        text = b"".join(self._held)
        self._tried += len(text)
        before = self._number
        try:
            projected = self._project(text)
        except Unpromised:
            self._number = before  # it goes on, or its end will say what is wrong with it
            self._held = [text]
            return b""
        self._taken()
        self._over = True
        return _SEPARATOR + projected + b"\n"

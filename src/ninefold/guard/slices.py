"""A stream on its way through: opened, read part by part and closed again, a slice at a time, so that nobody waits long."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ninefold.guard.coding import Closer, Opener
from ninefold.guard.project import MOST_TOLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.records import Reader

#: So much is read at once, in bytes: of the smallest records, some thousands.
SLICE = 8192
#: For so long within a turn of an event loop, in seconds.
TURN = 0.001


class Slices:
    """What came of one stream, and is not read yet."""

    __slots__ = ("_at", "_closer", "_ended", "_opener", "_pending", "_reader")

    def __init__(self, reader: Reader, came: bytes, leaves: bytes) -> None:
        """The codings are those that the stream comes in and leaves in (`ninefold.guard.coding.CODINGS`; empty: none)."""
        self._reader = reader
        self._opener = Opener(came) if came else None
        self._closer = Closer(leaves) if leaves else None
        self._pending: deque[bytes] = deque()
        self._at = 0
        self._ended = False

    def put(self, data: bytes) -> None:
        """Some of it has come."""
        if data:
            self._pending.append(data)

    def end(self) -> None:
        """All of it has come."""
        self._ended = True

    @property
    def waits(self) -> bool:
        """Whether there is something to read."""
        return bool(self._pending) or self._ended

    @property
    def withheld(self) -> tuple[int, int]:
        """How many members and bytes stayed behind so far."""
        return self._reader.withheld, self._reader.withheld_bytes

    @property
    def leaked(self) -> tuple[str, ...]:
        """What leaks in free texts so far; of many, the first."""
        return self._reader.leaked[:MOST_TOLD]

    @property
    def surplus(self) -> int:
        """How many items are past a ceiling so far."""
        return self._reader.surplus

    def read(self, enough: Callable[[], bool]) -> tuple[bytes, bool]:
        """What may leave of what has come, until it is `enough` or nothing is left; and whether the stream is over with it.

        Raises `Unpromised` and `Miscoded` where it is not what was promised.
        """
        found: list[bytes] = []
        while (data := self._next()) or self._pending:
            if data:
                found.append(self._reader.feed(data))
            if enough():
                return self._shut(found), False
        if not self._ended:
            return self._shut(found), False
        if self._opener is not None:
            self._opener.end()
        found.append(self._reader.end())
        shut = self._shut(found)
        return shut + (self._closer.end() if self._closer is not None else b""), True

    def _next(self) -> bytes:
        """A slice, opened; empty where it takes more to open one."""
        opener = self._opener
        if opener is not None and (data := opener.read(SLICE)):
            return data
        if not self._pending:
            return b""
        first = self._pending[0]
        data = first if len(first) <= SLICE else first[self._at : self._at + SLICE]
        self._at += len(data)
        if self._at >= len(first):
            self._pending.popleft()
            self._at = 0
        if opener is None:
            return data
        opener.feed(data)
        return opener.read(SLICE)

    def _shut(self, found: list[bytes]) -> bytes:
        data = b"".join(found)
        return self._closer.put(data) if self._closer is not None and data else data

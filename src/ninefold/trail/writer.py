"""Appends records to a trail: each is linked to the one before when it comes, and they go to disk in batches."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

import msgspec

from ninefold.errors import Place, TrailError
from ninefold.trail.chain import START, Chain, link, split, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.trail.event import Event, Notice

FORMAT = "ninefold.trail/1"
_TAIL = 1 << 20


class Opened(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of a beginning: of the trail, or of another writer who goes on with it.

    `cut` is how many bytes of an unfinished record were removed: power or disk was lost while it was written.
    """

    time: float
    format: str
    trail: str
    outcome: str
    cut: int = 0


class TrailWriter:
    """The one writer of a file. Raises `TrailError` where it cannot be opened, or another writer has it.

    One thread may `append` while another is in `write`.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise self._error("cannot be opened", fault) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise TrailError(
                "another gateway writes to it",
                place=Place(str(path)),
                remedy="give each gateway a `trail.path` of its own",
            ) from None
        try:
            self._torn = False
            self._length, last, cut = self._end()
            self._chain = Chain(last)
            self._lines: list[bytes] = []
            self.append(Opened(clock(), FORMAT, randomness(16).hex(), "resumed" if self._length else "opened", cut))
            self.write()
        except BaseException:
            os.close(self._file)
            raise

    @property
    def waiting(self) -> int:
        """How many records are not on disk yet."""
        return len(self._lines)

    def append(self, event: Event | Notice | Opened) -> None:
        """Link a record to the one before; the next `write` brings it to disk. No I/O."""
        self._lines.append(self._chain.line(event))

    def write(self) -> None:
        """Bring what was appended to disk; it is there when this returns.

        Raises `TrailError` when it is not; then nothing of the batch is in the file, and all of it still waits.
        """
        count = len(self._lines)
        text = b"".join(self._lines[:count])
        self._same()
        try:
            written = 0
            while written < len(text):
                written += os.pwrite(self._file, text[written:], self._length + written)
            os.fdatasync(self._file)
        except OSError as fault:
            try:
                os.ftruncate(self._file, self._length)
            except OSError as second:
                self._torn = True
                raise self._error("cannot be written, nor cut back", second) from None
            raise self._error("cannot be written", fault) from None
        self._torn = False
        self._length += len(text)
        del self._lines[:count]

    def _same(self) -> None:
        """Raises `TrailError` where the file is no more the one that was opened, or not as it was left.

        Records that go to a file which nobody finds, or behind what somebody else wrote, prove nothing.
        """
        try:
            named, mine = os.stat(self._path), os.fstat(self._file)  # noqa: PTH116  # before each batch
        except OSError as fault:
            raise self._changed(f"cannot be found ({fault.strerror})") from None
        if (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino):
            raise self._changed("was moved or replaced")
        if mine.st_size != self._length and not self._torn:
            raise self._changed("was changed by something else")

    def _changed(self, what: str) -> TrailError:
        return TrailError(
            f"the trail {what} while it was written",
            place=Place(str(self._path)),
            remedy="keep what is there as evidence, give `trail.path` a new file, and restart",
        )

    def close(self) -> None:
        os.close(self._file)

    def _end(self) -> tuple[int, bytes, int]:
        """Where the last whole record ends, its digest, and how much of an unfinished one was cut off behind it."""
        size = os.fstat(self._file).st_size
        if size == 0:
            return 0, START, 0
        reach = min(size, _TAIL)
        tail = os.pread(self._file, reach, size - reach)
        end = tail.rfind(b"\n") + 1
        if end == 0 and size > reach:
            raise self._broken("its last megabyte holds no record")
        cut = reach - end
        lines = tail[:end].split(b"\n")[:-1]
        if not unfinished(tail[end:]) or (not lines and not tail.rstrip(b"\0")):
            raise self._broken(
                "it is no trail" if not lines else "something stands behind its last record that is none"
            )
        if not lines:
            os.ftruncate(self._file, 0)
            return 0, START, cut
        found = split(lines[-1])
        if found is None:
            raise self._broken("its last record is none")
        record, last = found
        if len(lines) > 1 or reach == size:
            before = split(lines[-2]) if len(lines) > 1 else (b"", START)
            if before is None or link(before[1], record) != last:
                raise self._broken("its last record does not follow from the one before")
        if cut:
            os.ftruncate(self._file, size - cut)
        return size - cut, last, cut

    def _broken(self, what: str) -> TrailError:
        return TrailError(
            f"the trail cannot be gone on with: {what}",
            place=Place(str(self._path)),
            remedy="see `ninefold trail verify`, keep the file as evidence, and give `trail.path` a new one",
        )

    def _error(self, what: str, fault: OSError) -> TrailError:
        return TrailError(
            f"the trail {what} ({fault.strerror})",
            place=Place(str(self._path)),
            remedy="make room on the disk and the folder writable",
        )

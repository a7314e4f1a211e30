"""SQLite's WAL index, mapped into memory: whether another process has committed, for a tenth of a microsecond.

The first 48 bytes of the file beside the database that ends in `-shm` hold a counter of commits
(sqlite.org/walformat.html, section 2.1); they are another after each.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

#: So many of its bytes are compared.
HEADER = 48


class Index:
    """A WAL index that is watched, once in a process, however many rings look at it.

    A process loses its POSIX locks on a file as soon as it closes any descriptor of it (fcntl(2)), SQLite's among them; and
    without those the next program that opens the database takes itself for the first, and truncates the index that is
    mapped here (SIGBUS). So the descriptor is kept for as long as any ring needs it.
    """

    __slots__ = ("_file", "_users", "key", "mapped")

    _open: ClassVar[dict[tuple[int, int], Index]] = {}

    def __init__(self, path: Path, key: tuple[int, int]) -> None:
        self.key = key
        self._users = 0
        self._file = path.open("rb")
        self.mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    @classmethod
    def of(cls, path: Path) -> Index:
        """Raises `OSError` or `ValueError` where it cannot be mapped."""
        found = path.stat()
        key = (found.st_dev, found.st_ino)
        index = cls._open.get(key)
        if index is None:
            index = cls._open[key] = cls(path, key)
        index._users += 1
        return index

    def release(self) -> None:
        self._users -= 1
        if not self._users:
            del self._open[self.key]
            self.mapped.close()
            self._file.close()

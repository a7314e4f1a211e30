"""Every active key in memory, and whether it still is what the file says.

Another process that revokes a key commits to the SQLite file; the first 48 bytes of its WAL index (the file beside it
that ends in `-shm`, mapped into memory here) hold a counter of commits and are another then (sqlite.org/walformat.html,
section 2.1). Comparing them costs a tenth of a microsecond, so it is done before each use of the ring. `verify` asks
SQLite itself, and looks whether the files are still the ones that were opened.
"""

from __future__ import annotations

import os
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import FileError, Place
from ninefold.keys.keeper import SCHEMA, VERSION
from ninefold.keys.record import Key
from ninefold.store.index import HEADER, Index
from ninefold.store.sqlite import explained, open_store

if TYPE_CHECKING:
    import mmap


class Ring:
    """The active keys of one file, by digest. Raises `FileError` where it cannot be read."""

    __slots__ = ("_files", "_index", "_keys", "_path", "_read", "_roles", "_seen", "_store", "_version", "_watched")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[bytes, Key] = {}
        self._roles: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
        self._read = 0
        self._version = 0
        self._seen = b""
        self._store: sqlite3.Connection
        self._index: mmap.mmap
        self._watched: Index
        self._files: tuple[tuple[int, int], ...]
        self._open()

    def __len__(self) -> int:
        return len(self._keys)

    def digest(self, text: bytes) -> bytes:
        """What the key with this text is kept by."""
        return sha256(text).digest()

    def present(self, digest: bytes) -> Key | None:
        """The active key with this digest.

        Looking up is by digest, so that the time it takes tells nothing about the secret; a malformed text has a digest
        that no key has, and costs the same.
        """
        return self._keys.get(digest)

    def fresh(self) -> bool:
        """Whether nobody has committed a change since the last `refresh`."""
        return self._index[:HEADER] == self._seen

    def refresh(self) -> None:
        """Read what has changed. Raises `FileError`; then nothing may be admitted by what is in memory."""
        # The header is read before the rows: a change in between is then seen again, and none is missed.
        seen = self._index[:HEADER]
        try:
            rows = self._store.execute(
                "SELECT digest, id, role, scopes, expires, revoked, changed FROM key WHERE changed > ? ORDER BY changed",
                (self._read,),
            )
            for key_digest, key_id, role, scopes, expires, revoked, changed in rows:
                if revoked:
                    self._keys.pop(key_digest, None)
                else:
                    # a million keys share a handful of roles
                    shared = self._roles.setdefault((role, scopes), (role, tuple(scopes.split())))
                    self._keys[key_digest] = Key(key_id, *shared, expires)
                self._read = changed
            self._version = self._store.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        self._seen = seen

    def verify(self) -> None:
        """Ask SQLite whether anything changed, and look whether the files were replaced; read anew what is needed."""
        try:
            files = self._stat()
        except OSError as fault:
            raise FileError(
                f"has gone ({fault.strerror})", place=Place(str(self._path)), remedy="put the file back, or restart"
            ) from None
        if files != self._files:
            self.close()
            self._keys = {}
            self._open()
            return
        try:
            version = self._store.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        if version != self._version or not self.fresh():
            self.refresh()

    def close(self) -> None:
        self._store.close()
        self._watched.release()

    def _open(self) -> None:
        self._read = 0
        self._store = open_store(self._path, SCHEMA, VERSION)
        try:
            self._store.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # makes SQLite map the index
            self._watched = Index.of(Path(f"{self._path}-shm"))
            self._index = self._watched.mapped
            self._files = self._stat()
        except (OSError, ValueError, sqlite3.Error) as fault:
            self._store.close()
            raise FileError(
                f"cannot be watched for changes ({fault})",
                place=Place(str(self._path)),
                remedy="keep the keys on a local file system that supports SQLite's write-ahead log",
            ) from None
        self.refresh()

    def _stat(self) -> tuple[tuple[int, int], ...]:
        found = [os.stat(name) for name in (self._path, f"{self._path}-shm")]  # noqa: PTH116  # four times a second
        return tuple((one.st_dev, one.st_ino) for one in found)

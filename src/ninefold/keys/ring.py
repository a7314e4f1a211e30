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
from ninefold.keys.keeper import MIGRATIONS, SCHEMA, VERSION, bound_of
from ninefold.keys.record import Bound, Key
from ninefold.keys.token import BEGINNING, holds, id_of
from ninefold.store.index import HEADER, Index
from ninefold.store.sqlite import explained, open_store

if TYPE_CHECKING:
    import mmap

#: So many different grants, and owners, are shared between keys; those of more keep their own.
MOST_SHARED = 65_536
_ROWS = """
SELECT digest, id, role, scopes, expires, owner, tenant, tier, bound, imported, changed,
  revoked OR EXISTS (SELECT 1 FROM leaked WHERE leaked.digest = key.digest)
FROM key WHERE changed > ? ORDER BY changed
"""
_Shared = tuple[str, tuple[str, ...], str, str, Bound | None]


class Ring:
    """The active keys of one file, by digest. Raises `FileError` where it cannot be read.

    `held`: the file cannot be read, and what was read before stands for now (`hold`).
    """

    __slots__ = (
        "_files", "_grants", "_index", "_keys", "_owners", "_path", "_read", "_seen", "_store", "_version", "_watched",
        "devices", "held",
    )  # fmt: skip

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[bytes, Key] = {}
        self._grants: dict[tuple[str, ...], _Shared] = {}
        self._owners: dict[str, str] = {}
        self._read = 0
        self._version = 0
        self._seen = b""
        self.held = False
        #: Whether some key that was read is bound to devices.
        self.devices = False
        self._store: sqlite3.Connection
        self._index: mmap.mmap | bytes
        self._watched: Index
        self._files: tuple[tuple[int, int], ...]
        self._open()

    def __len__(self) -> int:
        return len(self._keys)

    def digest(self, text: bytes) -> bytes:
        """What the key with this text is kept by; empty for one that was never issued, by its own checksum."""
        if text[:3] == BEGINNING and not holds(text):
            return b""
        return sha256(text).digest()

    def present(self, digest: bytes) -> Key | None:
        """The active key with this digest.

        Looking up is by digest, so that the time it takes tells nothing about the secret: who wants to learn from it how
        much of a secret is right would have to choose the digest.
        """
        return self._keys.get(digest)

    def named(self, text: bytes) -> str:
        """The id that a key says of itself, whether it exists or not; empty where it says none."""
        return id_of(text)

    def fresh(self) -> bool:
        """Whether nobody has committed a change since the last `refresh`."""
        return self._index[:HEADER] == self._seen

    def hold(self) -> None:
        """Let what is in memory stand, although the file cannot be read, until a `verify` that can."""
        self.held = True
        self._index = self._seen

    def refresh(self) -> None:
        """Read what has changed. Raises `FileError`; then nothing may be admitted by what is in memory."""
        # The header is read before the rows: a change in between is then seen again, and none is missed.
        seen = self._watched.mapped[:HEADER]
        try:
            for (
                digest,
                key_id,
                role,
                scopes,
                expires,
                owner,
                tenant,
                tier,
                bound,
                imported,
                changed,
                gone,
            ) in self._store.execute(_ROWS, (self._read,)):
                if gone:
                    self._keys.pop(digest, None)
                else:
                    shared = self._shared(role, scopes, tenant, tier, bound)
                    self._keys[digest] = Key(
                        key_id, shared[0], shared[1], expires, self._owner(owner), *shared[2:], bool(imported)
                    )
                self._read = changed
            self._version = self._store.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        self._seen = seen
        self._index = self._watched.mapped
        self.held = False

    def verify(self) -> None:
        """Ask SQLite whether anything changed, and look whether the files were replaced; read anew what is needed.

        Raises `FileError`; then what is in memory is what was read before.
        """
        try:
            files = self._stat()
        except OSError as fault:
            raise FileError(
                f"has gone ({fault.strerror})", place=Place(str(self._path)), remedy="put the file back, or restart"
            ) from None
        if files != self._files:
            self._replaced()
            return
        try:
            version = self._store.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        if version != self._version or self.held or not self.fresh():
            self.refresh()

    def close(self) -> None:
        self._store.close()
        self._watched.release()

    def _replaced(self) -> None:
        """Read the file that is there now, from its beginning; what was read of the other is gone only then."""
        other = Ring(self._path)
        self.close()
        for name in Ring.__slots__:
            setattr(self, name, getattr(other, name))

    def _shared(self, role: str, scopes: str, tenant: str, tier: str, bound: str) -> _Shared:
        """A million keys share a handful of grants."""
        named = role, scopes, tenant, tier, bound
        shared = self._grants.get(named)
        if shared is None:
            shared = role, tuple(scopes.split()), tenant, tier, bound_of(bound) if bound else None
            self.devices |= shared[4] is not None and bool(shared[4].devices)
            if len(self._grants) < MOST_SHARED:
                self._grants[named] = shared
        return shared

    def _owner(self, owner: str) -> str:
        if len(self._owners) < MOST_SHARED:
            return self._owners.setdefault(owner, owner)
        return self._owners.get(owner, owner)

    def _open(self) -> None:
        self._store = open_store(self._path, SCHEMA, VERSION, MIGRATIONS)
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
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def _stat(self) -> tuple[tuple[int, int], ...]:
        found = [os.stat(name) for name in (self._path, f"{self._path}-shm")]  # noqa: PTH116  # four times a second
        return tuple((one.st_dev, one.st_ino) for one in found)

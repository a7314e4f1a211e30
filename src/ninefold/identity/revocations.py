"""Which tokens were revoked before they expired: by their `jti`, or all of a subject that were issued until then.

They are in one SQLite file beside the keys'. A reader sees another process's commit before each use, as the key ring does
(`store.index`); what is read is what is new.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import FileError, Place
from ninefold.store.index import HEADER, Index
from ninefold.store.sqlite import explained, open_store, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.identity.token import Token

VERSION = 1
SCHEMA = """
CREATE TABLE revocation (
  kind TEXT NOT NULL CHECK (kind IN ('jti', 'subject')),
  name TEXT NOT NULL,
  revoked REAL NOT NULL,
  changed INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (kind, name)
);
CREATE TABLE secret (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
)
"""
#: A token as old as this is accepted nowhere (`identity.max_age` allows no more), so what was revoked before is forgotten.
KEPT = 401 * 86400.0


class Registrar:
    """Writes revocations. Raises `FileError` where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = open_store(path, SCHEMA, VERSION)

    def close(self) -> None:
        self._store.close()

    def revoke(self, kind: str, name: str, now: float) -> None:
        """No process accepts the token (`jti`), or any that the `subject` has been issued until now, after this returns."""
        try:
            with transaction(self._store):
                self._store.execute("DELETE FROM revocation WHERE revoked < ?", (now - KEPT,))
                self._store.execute(
                    "INSERT INTO revocation (kind, name, revoked, changed)"
                    " VALUES (?, ?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM revocation))"
                    " ON CONFLICT (kind, name) DO UPDATE"
                    " SET revoked = max(revoked, excluded.revoked), changed = excluded.changed",
                    (kind, name, now),
                )
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None

    def all(self) -> list[tuple[str, str, float]]:
        """Each revocation as kind, name and time, oldest first."""
        try:
            return self._store.execute(
                "SELECT kind, name, revoked FROM revocation ORDER BY revoked, kind, name"
            ).fetchall()
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None


class Revocations:
    """What was revoked, in memory. While the file cannot be read, what is known is believed for `stale` seconds."""

    __slots__ = (
        "_clock", "_files", "_good", "_index", "_leeway", "_path", "_read", "_say", "_seen", "_stale", "_store",
        "_subjects", "_tokens", "_version", "_watched", "fault", "some",
    )  # fmt: skip

    def __init__(
        self,
        path: Path,
        *,
        leeway: float = 0.0,
        stale: float = 0.0,
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`leeway` is how far the issuer's clock may be ahead. Raises `FileError`."""
        self._path = path
        self._leeway = leeway
        self._stale = stale
        self._say = say
        self._clock = clock
        self._tokens: set[str] = set()
        self._subjects: dict[str, float] = {}
        self._read = 0
        self._version = 0
        self._seen = b""
        self._good = clock()
        self.fault = ""
        self.some = False
        self._open()

    def holds(self, token: Token) -> bool:
        """Whether a token was revoked."""
        if token.id and token.id in self._tokens:
            return True
        until = self._subjects.get(token.subject)
        return until is not None and token.issued <= until + self._leeway

    def fresh(self) -> bool:
        """Whether nobody has committed a change since the last `refresh`, and what is known may be believed."""
        return self._index[:HEADER] == self._seen

    def refresh(self) -> None:
        """Read what is new. Raises `FileError` where it cannot be read for longer than `stale`."""
        if self.fault:
            self.verify()  # a file that was taken away can still be read by whoever has it open
        else:
            try:
                self._load()
            except FileError as fault:
                self._doubt(fault)
        if not self._seen:
            raise FileError(self.fault, place=Place(str(self._path)), remedy="put the file back")

    def verify(self) -> None:
        """Ask SQLite whether anything changed, and look whether the files were replaced. Called several times a second."""
        try:
            if not self._same():
                self._reopen()
            elif self.fault or self._version != self._store.execute("PRAGMA data_version").fetchone()[0]:
                self._load()
        except FileError as fault:
            self._doubt(fault)
        except Exception as fault:  # noqa: BLE001  # whatever it is, what was revoked is not known, and the host goes on
            self._doubt(FileError(f"cannot be read ({fault})"))
        else:
            self._good = self._clock()
            if self.fault:
                self._say("what tokens were revoked can be read again")
                self.fault = ""

    def secret(self, name: str, randomness: Callable[[int], bytes]) -> bytes:
        """32 bytes that every process with this file has; made by whoever asks first. Raises `FileError`."""
        try:
            self._store.execute("INSERT OR IGNORE INTO secret (name, value) VALUES (?, ?)", (name, randomness(32)))
            found: bytes = self._store.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        return found

    def close(self) -> None:
        self._store.close()
        self._watched.release()

    def _doubt(self, fault: FileError) -> None:
        """It cannot be read: what is known is believed a while longer, or not at all."""
        if not self.fault:
            self._say(f"what tokens were revoked cannot be read: {self._path} {fault.what}")
        self.fault = fault.what
        believed = self._clock() - self._good < self._stale
        self._seen = self._index[:HEADER] if believed else b""

    def _load(self) -> None:
        # The header is read before the rows: a change in between is then seen again, and none is missed.
        seen = self._index[:HEADER]
        try:
            rows = self._store.execute(
                "SELECT kind, name, revoked, changed FROM revocation WHERE changed > ? ORDER BY changed", (self._read,)
            )
            for kind, name, revoked, changed in rows:
                if kind == "jti":
                    self._tokens.add(name)
                else:
                    self._subjects[name] = revoked
                self._read = changed
            self._version = self._store.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        self.some = bool(self._tokens or self._subjects)
        self._seen = seen

    def _open(self) -> None:
        store = open_store(self._path, SCHEMA, VERSION)
        try:
            store.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # makes SQLite map the index
            files = self._stat()
            watched = Index.of(Path(f"{self._path}-shm"))
        except (OSError, ValueError, sqlite3.Error) as fault:
            store.close()
            raise FileError(
                f"cannot be watched for changes ({fault})",
                place=Place(str(self._path)),
                remedy="keep it on a local file system that supports SQLite's write-ahead log",
            ) from None
        self._store, self._watched, self._index, self._files, self._read = store, watched, watched.mapped, files, 0
        self._load()

    def _reopen(self) -> None:
        """Another file stands there. What is known goes on to be: nothing that was revoked is accepted again by it."""
        store, watched = self._store, self._watched
        self._open()
        store.close()
        watched.release()

    def _same(self) -> bool:
        """Whether the files are the ones that were opened. Raises `OSError` where there is none."""
        try:
            return self._stat() == self._files
        except FileNotFoundError:
            self._path.stat()
            return False  # it was put back, without its index

    def _stat(self) -> tuple[tuple[int, int], ...]:
        found = [os.stat(name) for name in (self._path, f"{self._path}-shm")]  # noqa: PTH116  # four times a second
        return tuple((one.st_dev, one.st_ino) for one in found)

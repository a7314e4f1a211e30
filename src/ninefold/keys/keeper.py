"""Issues, lists, rotates and revokes keys. Digests alone are kept; a secret is seen once, by whoever made it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from ninefold.errors import KeyringError
from ninefold.keys.record import Issued, State
from ninefold.keys.token import MintedKey, mint
from ninefold.store.sqlite import explained, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VERSION = 1
#: `changed` rises with every change of a row, so that a reader fetches only what is new to it.
SCHEMA = """
CREATE TABLE key (
  id TEXT PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  name TEXT NOT NULL,
  env TEXT NOT NULL,
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created REAL NOT NULL,
  expires REAL NOT NULL,
  revoked REAL NOT NULL DEFAULT 0,
  replaced_by TEXT NOT NULL DEFAULT '',
  changed INTEGER NOT NULL UNIQUE
)
"""
_COLUMNS = "id, name, env, role, scopes, created, expires, revoked, replaced_by"
_NEXT = "(SELECT coalesce(max(changed), 0) + 1 FROM key)"


class Keeper:
    """The keys of one contract, in one SQLite file. Raises `FileError` where that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = open_store(path, SCHEMA, VERSION)

    def close(self) -> None:
        self._store.close()

    def issue(
        self,
        *,
        role: str,
        scopes: tuple[str, ...],
        name: str,
        env: str,
        lifetime: float,
        now: float,
        randomness: Callable[[int], bytes],
    ) -> MintedKey:
        """A new key that lives `lifetime` seconds."""
        minted = mint(env, randomness)
        with self._change():
            self._insert(minted, role, scopes, name, env, now, now + lifetime)
        return minted

    def find(self, key_id: str) -> Issued:
        """Raises `KeyringError` where there is none."""
        with self._explained():
            row = self._store.execute(f"SELECT {_COLUMNS} FROM key WHERE id = ?", (key_id,)).fetchone()  # noqa: S608
        if row is None:
            raise KeyringError(f"there is no key {key_id!r}", remedy="see `ninefold keys list`")
        return _issued(row)

    def all(self) -> list[Issued]:
        """Every key ever issued, oldest first."""
        with self._explained():
            rows = self._store.execute(f"SELECT {_COLUMNS} FROM key ORDER BY created, id").fetchall()  # noqa: S608
        return [_issued(row) for row in rows]

    def rotate(
        self, key_id: str, *, lifetime: float, overlap: float, now: float, randomness: Callable[[int], bytes]
    ) -> MintedKey:
        """A new key with the old one's rights; the old one is accepted for `overlap` more seconds at the most."""
        old = self.find(key_id)
        if old.state(now) is not State.ACTIVE:
            raise KeyringError(
                f"the key {key_id!r} is {old.state(now)} and cannot be rotated",
                remedy="create a new one with `keys create`",
            )
        minted = mint(old.env, randomness)
        with self._change():
            self._insert(minted, old.role, old.scopes, old.name, old.env, now, now + lifetime)
            self._store.execute(
                f"UPDATE key SET expires = min(expires, ?), replaced_by = ?, changed = {_NEXT} WHERE id = ?",  # noqa: S608
                (now + overlap, minted.id, key_id),
            )
        return minted

    def revoke(self, key_id: str, *, now: float) -> Issued:
        """No gateway accepts the key after this returns. Revoking twice changes nothing."""
        self.find(key_id)
        with self._change():
            self._store.execute(
                f"UPDATE key SET revoked = ?, changed = {_NEXT} WHERE id = ? AND revoked = 0",  # noqa: S608
                (now, key_id),
            )
        return self.find(key_id)

    def _insert(
        self, minted: MintedKey, role: str, scopes: tuple[str, ...], name: str, env: str, now: float, expires: float
    ) -> None:
        self._store.execute(
            "INSERT INTO key (id, digest, name, env, role, scopes, created, expires, changed)"  # noqa: S608
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {_NEXT})",
            (minted.id, minted.digest, name, env, role, " ".join(scopes), now, expires),
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        with self._explained():
            self._store.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._store.execute("ROLLBACK")
                raise
            self._store.execute("COMMIT")


def _issued(row: tuple[str, str, str, str, str, float, float, float, str]) -> Issued:
    key_id, name, env, role, scopes, created, expires, revoked, replaced_by = row
    return Issued(key_id, name, env, role, tuple(scopes.split()), created, expires, revoked, replaced_by)

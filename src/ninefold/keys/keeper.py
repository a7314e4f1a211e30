"""Issues, lists, rotates and revokes keys, and takes those of elsewhere.

Digests alone are kept; a secret is seen once, by whoever made it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.errors import FileError, KeyringError, KeyringProblems, Place, Problem
from ninefold.keys.record import Bound, Grant, Issued, State
from ninefold.keys.token import MintedKey, environment, mint, name_of
from ninefold.store.sqlite import explained, open_store, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

VERSION = 2
#: `changed` rises with every change of a row, so that a reader fetches only what is new to it. `bound` is JSON. A digest
#: in `leaked` is of a key that is not accepted, whatever else this file says.
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
  changed INTEGER NOT NULL UNIQUE,
  owner TEXT NOT NULL DEFAULT '',
  tenant TEXT NOT NULL DEFAULT '',
  tier TEXT NOT NULL DEFAULT '',
  bound TEXT NOT NULL DEFAULT '',
  imported INTEGER NOT NULL DEFAULT 0,
  weak TEXT NOT NULL DEFAULT ''
);
CREATE TABLE leaked (digest BLOB PRIMARY KEY CHECK (length(digest) = 32), told REAL NOT NULL) WITHOUT ROWID
"""
#: By version: what makes a file of it from one of the version before.
MIGRATIONS = {
    2: """
ALTER TABLE key ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN tier TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN bound TEXT NOT NULL DEFAULT '';
ALTER TABLE key ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key ADD COLUMN weak TEXT NOT NULL DEFAULT '';
CREATE TABLE leaked (digest BLOB PRIMARY KEY CHECK (length(digest) = 32), told REAL NOT NULL) WITHOUT ROWID
"""
}
_COLUMNS = (
    "id, name, env, role, scopes, created, expires, revoked, replaced_by, owner, tenant, tier, bound, imported, weak"
)
_NEXT = "(SELECT coalesce(max(changed), 0) + 1 FROM key)"


class Adopted(msgspec.Struct, frozen=True):
    """A key that was made elsewhere, and where it was read."""

    digest: bytes
    grant: Grant
    expires: float
    weak: str
    place: Place


class Keeper:
    """The keys of one contract, in one SQLite file. Raises `FileError` where that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = open_store(path, SCHEMA, VERSION, MIGRATIONS)

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
        owner: str = "",
        tenant: str = "",
        tier: str = "",
        bound: Bound | None = None,
    ) -> MintedKey:
        """A new key that lives `lifetime` seconds."""
        minted = mint(env, randomness)
        grant = Grant(role, scopes, name, owner, tenant, tier, bound or Bound())
        with self._change():
            self._insert(minted.id, minted.digest, grant, env, now, now + lifetime)
        return minted

    def adopt(self, keys: Sequence[Adopted], env: str, now: float, randomness: Callable[[int], bytes]) -> list[str]:
        """Take keys that were made elsewhere, all or none of them, and give their ids.

        `env` is what keys that replace them are for. Raises `KeyringProblems` where one is known already, or has leaked.
        """
        environment(env)
        found: list[Problem] = []
        ids = []
        with self._change():
            for key in keys:
                known = self._store.execute("SELECT id FROM key WHERE digest = ?", (key.digest,)).fetchone()
                if known is not None:
                    found.append(Problem(f"the key is here already, as {known[0]}", key.place, "leave the line out"))
                elif self._has_leaked(key.digest):
                    what = "the key has leaked (`keys leaked`) and is not accepted any more"
                    found.append(Problem(what, key.place, "issue a new one: `ninefold keys create`"))
                elif not found:
                    ids.append(name_of(randomness))
                    self._insert(ids[-1], key.digest, key.grant, env, now, key.expires, imported=True, weak=key.weak)
            if found:
                raise KeyringProblems(found)
        return ids

    def leaked(self, digests: Iterable[bytes], *, now: float) -> list[Issued]:
        """Never accept these keys again, and revoke those that are here; gives them, as they were before."""
        found: dict[str, Issued] = {}
        with self._change():
            for digest in digests:
                self._store.execute("INSERT OR IGNORE INTO leaked (digest, told) VALUES (?, ?)", (digest, now))
                row = self._store.execute(f"SELECT {_COLUMNS} FROM key WHERE digest = ?", (digest,)).fetchone()  # noqa: S608
                if row is not None:
                    one = _issued(row)
                    found.setdefault(one.id, one)
                    self._revoke(one.id, now)
        return list(found.values())

    def due(self, *, now: float, within: float, most: int = -1) -> list[Issued]:
        """Keys that end within so many seconds and were not rotated, the next to end first; at `most` so many (-1: all)."""
        with self._explained():
            rows = self._store.execute(
                f"SELECT {_COLUMNS} FROM key WHERE revoked = 0 AND replaced_by = '' AND expires > ? AND expires <= ?"  # noqa: S608
                " ORDER BY expires, id LIMIT ?",
                (now, now + within, most),
            ).fetchall()
        return [_issued(row) for row in rows]

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
            rows = self._store.execute(f"SELECT {_COLUMNS} FROM key ORDER BY created, rowid").fetchall()  # noqa: S608
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
            self._insert(minted.id, minted.digest, old.grant, old.env, now, now + lifetime)
            self._store.execute(
                f"UPDATE key SET expires = min(expires, ?), replaced_by = ?, changed = {_NEXT} WHERE id = ?",  # noqa: S608
                (now + overlap, minted.id, key_id),
            )
        return minted

    def revoke(self, key_id: str, *, now: float) -> Issued:
        """No gateway accepts the key after this returns. Revoking twice changes nothing."""
        self.find(key_id)
        with self._change():
            self._revoke(key_id, now)
        return self.find(key_id)

    def _revoke(self, key_id: str, now: float) -> None:
        self._store.execute(
            f"UPDATE key SET revoked = ?, changed = {_NEXT} WHERE id = ? AND revoked = 0",  # noqa: S608
            (now, key_id),
        )

    def _has_leaked(self, digest: bytes) -> bool:
        return self._store.execute("SELECT 1 FROM leaked WHERE digest = ?", (digest,)).fetchone() is not None

    def _insert(
        self,
        key_id: str,
        digest: bytes,
        grant: Grant,
        env: str,
        now: float,
        expires: float,
        *,
        imported: bool = False,
        weak: str = "",
    ) -> None:
        bound = "" if grant.bound == Bound() else msgspec.json.encode(grant.bound).decode()
        self._store.execute(
            "INSERT INTO key (id, digest, name, env, role, scopes, created, expires, owner, tenant, tier, bound, imported,"  # noqa: S608
            f" weak, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {_NEXT})",
            (
                key_id, digest, grant.name, env, grant.role, " ".join(grant.scopes), now, expires, grant.owner,
                grant.tenant, grant.tier, bound, imported, weak,
            ),
        )  # fmt: skip

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        with self._explained(), transaction(self._store):
            yield


def _issued(row: tuple[Any, ...]) -> Issued:
    key_id, name, env, role, scopes, created, expires, revoked, replaced_by, *rest = row
    owner, tenant, tier, bound, imported, weak = rest
    return Issued(
        key_id, name, env, role, tuple(scopes.split()), created, expires, revoked, replaced_by, owner, tenant, tier,
        bound_of(bound), bool(imported), weak,
    )  # fmt: skip


def bound_of(text: str) -> Bound:
    """What a row says that its key is bound to. Raises `FileError` where that is unreadable."""
    try:
        return msgspec.json.decode(text, type=Bound) if text else Bound()
    except msgspec.MsgspecError as fault:
        raise FileError(f"the keys' file says of a key what cannot be read: {fault}") from None

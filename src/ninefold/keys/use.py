"""When each key was last used, and from where; and of which keys somebody was reminded. Beside the keys, in a file of its own.

Of its own, because it changes every few seconds: the keys' file changes only when keys do, and no ring reads it for
nothing. What is here is for people. Nothing is decided by it, and the gate stays open when it cannot be written.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec

from ninefold.store.sqlite import explained, open_store, transaction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1
SCHEMA = """
CREATE TABLE use (key TEXT PRIMARY KEY, time REAL NOT NULL, address TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE reminder (key TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (key, day)) WITHOUT ROWID
"""
_DAY = 86400
#: For so many days it is known whether somebody was reminded.
_REMEMBERED = 7


class Use(msgspec.Struct, frozen=True, gc=False):
    """A key's last use: Unix seconds, and the caller's address."""

    time: float
    address: str


class Uses:
    """The file beside the keys in `store`. Raises `FileError` where it cannot be used."""

    def __init__(self, store: Path) -> None:
        self._path = beside(store)
        self._store = open_store(self._path, SCHEMA, VERSION)

    def close(self) -> None:
        self._store.close()

    def write(self, uses: Mapping[str, Use]) -> None:
        """Keep the later one of each of these and what is known. Other processes may do the same."""
        rows = [(key, one.time, one.address) for key, one in uses.items()]
        try:
            with transaction(self._store):
                self._store.executemany(
                    "INSERT INTO use (key, time, address) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
                    " SET time = excluded.time, address = excluded.address WHERE excluded.time > use.time",
                    rows,
                )
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None

    def all(self) -> dict[str, Use]:
        """The last use of each key that was used, by its id."""
        try:
            rows = self._store.execute("SELECT key, time, address FROM use").fetchall()
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        return {key: Use(time, address) for key, time, address in rows}

    def claim(self, key: str, now: float) -> bool:
        """Whether nobody was reminded of a key today (UTC); from now on somebody was."""
        day = int(now // _DAY)
        try:
            self._store.execute("DELETE FROM reminder WHERE day < ?", (day - _REMEMBERED,))
            done = self._store.execute("INSERT OR IGNORE INTO reminder (key, day) VALUES (?, ?)", (key, day))
        except sqlite3.Error as fault:
            raise explained(fault, self._path) from None
        return done.rowcount == 1


def beside(store: Path) -> Path:
    """Where the uses of the keys in `store` are."""
    return store.with_name(f"{store.stem}.used{store.suffix}")


def last_uses(store: Path) -> dict[str, Use]:
    """The last use of each key in `store`; none where nothing was ever written."""
    if not beside(store).exists():
        return {}
    uses = Uses(store)
    try:
        return uses.all()
    finally:
        uses.close()

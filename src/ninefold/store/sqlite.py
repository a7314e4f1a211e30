"""Opens SQLite files the way that Ninefold keeps things: write-ahead log, nothing lost that was acknowledged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from ninefold.errors import FileError, Place, WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: "9fld", so that `file` and other tools know whose database it is.
APPLICATION_ID = 0x39666C64


def open_store(
    path: Path, schema: str, version: int, migrations: Mapping[int, str] | None = None
) -> sqlite3.Connection:
    """Open or create a database with `schema`. Raises `FileError` where the file is something else or cannot be used.

    The file is for its owner alone (mode 0600). `migrations` has, by version, what makes a file of the version before
    one of that version; they run in one transaction, so that nobody ever sees half of them.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass  # another process was quicker
    except OSError as fault:
        raise WriteError(
            f"cannot be created ({fault.strerror})",
            place=Place(str(path)),
            remedy="make the folder exist and be writable",
        ) from None
    try:
        # made in one thread and used in another (an ASGI server's), never in two at once
        store = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    except sqlite3.Error as fault:
        raise explained(fault, path) from None
    try:
        owner, found = (
            store.execute("PRAGMA application_id").fetchone()[0],
            store.execute("PRAGMA user_version").fetchone()[0],
        )
        empty = store.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if not empty:
            _own(path, owner, found, version)
        store.execute("PRAGMA journal_mode = WAL")  # it changes the file, so not before it is known to be ours
        store.execute("PRAGMA synchronous = FULL")
        store.execute("PRAGMA foreign_keys = ON")
        if empty:
            store.execute("BEGIN IMMEDIATE")
            for statement in schema.split(";"):
                store.execute(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
            store.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            store.execute(f"PRAGMA user_version = {version}")
            store.execute("COMMIT")
        elif found < version:
            _migrate(store, version, migrations or {})
    except sqlite3.Error as fault:
        store.close()
        raise explained(fault, path) from None
    except FileError:
        store.close()
        raise
    return store


@contextlib.contextmanager
def transaction(store: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing; nobody else writes meanwhile. Raises `sqlite3.Error`."""
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


def _migrate(store: sqlite3.Connection, version: int, migrations: Mapping[int, str]) -> None:
    with transaction(store):
        # another process may have been quicker
        found = store.execute("PRAGMA user_version").fetchone()[0]
        for number in range(found + 1, version + 1):
            for statement in migrations[number].split(";"):
                store.execute(statement)
        if found < version:
            store.execute(f"PRAGMA user_version = {version}")


def _own(path: Path, owner: int, found: int, version: int) -> None:
    """Raises `FileError` where a database is another program's, or of a newer Ninefold."""
    if owner != APPLICATION_ID:
        raise FileError("is another program's database", place=Place(str(path)), remedy="name another file")
    if found > version:
        raise FileError(f"is of a newer version ({found})", place=Place(str(path)), remedy="upgrade Ninefold")


def explained(fault: sqlite3.Error, path: Path) -> FileError:
    """A fault of SQLite's as an error that says what to do."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    remedies = {
        sqlite3.SQLITE_FULL: ("the disk is full", "make room on the disk"),
        sqlite3.SQLITE_NOTADB: ("is no SQLite database", "name another file, or restore this one from a backup"),
        sqlite3.SQLITE_CORRUPT: ("is damaged", "restore it from a backup"),
        sqlite3.SQLITE_READONLY: ("is read-only", "make it and its folder writable"),
        sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "make it and its folder readable and writable"),
        sqlite3.SQLITE_BUSY: ("is locked by another program for longer than 5 s", "end what holds it"),
        sqlite3.SQLITE_IOERR: ("cannot be read or written", "check the disk"),
    }
    what, remedy = remedies.get(code, (str(fault), "check the file"))
    kind = WriteError if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY} else FileError
    return kind(what, place=Place(str(path)), remedy=remedy)

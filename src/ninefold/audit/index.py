"""Advisories in one SQLite file, found by package: written whole and put in place at once, and only read after that.

Behind the database stands its SHA-256: SQLite finds nothing where a page was cut off or overwritten, and a package that
is not found looks like one that nothing is known against.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import zlib
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote

import msgspec

from ninefold.audit.advisory import AFFECTED, MEMBERS, advisory
from ninefold.audit.osv import RECORD
from ninefold.audit.renown import Exploited, Odds
from ninefold.audit.snapshot import Holding, Snapshot, ecosystems, packages, read_files
from ninefold.errors import FileError, Place, WriteError
from ninefold.store.sqlite import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

#: "9fla", so that no other store of Ninefold's is taken for an index.
_APPLICATION, _VERSION = 0x39666C61, 2
_SCHEMA = """
CREATE TABLE source (
  number INTEGER PRIMARY KEY, label TEXT UNIQUE, kind TEXT, origin TEXT, imported INTEGER, day TEXT, size INTEGER
);
CREATE TABLE holding (source INTEGER, ecosystem TEXT, records INTEGER, day TEXT, PRIMARY KEY (source, ecosystem));
CREATE TABLE record (number INTEGER PRIMARY KEY, source INTEGER, id TEXT, modified TEXT, body BLOB);
CREATE TABLE package (name TEXT, ecosystem TEXT, record INTEGER, PRIMARY KEY (name, ecosystem, record)) WITHOUT ROWID;
CREATE TABLE exploited (source INTEGER, cve TEXT PRIMARY KEY, added TEXT, ransomware INTEGER) WITHOUT ROWID;
CREATE TABLE odds (source INTEGER, cve TEXT PRIMARY KEY, score REAL, percentile REAL) WITHOUT ROWID;
CREATE INDEX record_source ON record (source)
"""
_MAGIC = b"SQLite format 3\0"
#: Octets of SQLite's header, and of the digest behind the database.
_HEADER, _DIGEST = 100, 32
#: Octets that are read at once.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Addition:
    """One source to put in. `kind` is `OSV`, `KEV` or `EPSS`; what an earlier source of the same `label` had is replaced.

    `origin` is the file or URL. `day` (`2026-11-20`) is of when it is; for OSV it may be empty: the newest record's.
    """

    label: str
    kind: str
    origin: str
    day: str
    rows: Iterable[Mapping[str, Any] | Exploited | Odds]


class Held(NamedTuple):
    """What one source has of one ecosystem; `ecosystem` is empty for the catalogue and the table."""

    label: str
    kind: str
    origin: str
    imported: int
    ecosystem: str
    holding: Holding


def is_index(path: Path) -> bool:
    """Whether it is an SQLite file, or is named as an index is and may have been one."""
    if path.suffix == ".db":
        return path.is_file()
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def write_index(path: Path, additions: Iterable[Addition], now: float) -> None:
    """Put `additions` beside what the index at `path` has (or make it), as of `now` (Unix seconds).

    The file is replaced in one step when all of it is written: a reader sees the old or the new one, and a fault leaves
    the old one. Raises `FileError` for what is no index, and `WriteError` where there is no room or no right to write.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as fault:
        raise WriteError(
            f"cannot be created ({fault.strerror})",
            place=Place(str(path)),
            remedy="make the folder exist and be writable",
        ) from None
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as store:
            store.execute("PRAGMA journal_mode = OFF")
            store.execute("PRAGMA synchronous = OFF")  # the whole file is synchronised once, below
            if path.exists():
                with _reading(path) as old:
                    old.backup(store)
            else:
                store.executescript(_SCHEMA)
                store.execute(f"PRAGMA application_id = {_APPLICATION}")
                store.execute(f"PRAGMA user_version = {_VERSION}")
            store.execute("BEGIN")
            for one in additions:
                _add(store, one, int(now))
            store.execute("COMMIT")
        with new.open("r+b") as file:
            digest = _digest(file, new.stat().st_size)
            file.seek(0, os.SEEK_END)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except sqlite3.Error as fault:
        raise explained(fault, path) from None
    except OSError as fault:
        raise WriteError(f"cannot be written ({fault.strerror})", place=Place(str(path)), remedy="make room") from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _add(store: sqlite3.Connection, addition: Addition, now: int) -> None:
    for (old,) in store.execute("SELECT number FROM source WHERE label = ?", (addition.label,)).fetchall():
        store.execute("DELETE FROM package WHERE record IN (SELECT number FROM record WHERE source = ?)", (old,))
        for table in ("record", "holding", "exploited", "odds"):
            store.execute(f"DELETE FROM {table} WHERE source = ?", (old,))  # noqa: S608  # one of the four above
        store.execute("DELETE FROM source WHERE number = ?", (old,))
    added = store.execute(
        "INSERT INTO source (label, kind, origin, imported, day, size) VALUES (?, ?, ?, ?, ?, 0)",
        (addition.label, addition.kind, addition.origin, now, addition.day),
    )
    number, size = added.lastrowid, 0
    held: dict[str, list[Any]] = {}
    for row in addition.rows:
        size += 1
        if isinstance(row, Exploited):
            store.execute(
                "INSERT OR REPLACE INTO exploited VALUES (?, ?, ?, ?)", (number, row.cve, row.added, row.ransomware)
            )
        elif isinstance(row, Odds):
            store.execute(
                "INSERT OR REPLACE INTO odds VALUES (?, ?, ?, ?)", (number, row.cve, row.score, row.percentile)
            )
        else:
            _record(store, number, row, held)
    store.execute("UPDATE source SET size = ? WHERE number = ?", (size, number))
    store.executemany(
        "INSERT INTO holding VALUES (?, ?, ?, ?)",
        [(number, ecosystem, records, addition.day or day) for ecosystem, (records, day) in held.items()],
    )
    if not size:
        raise FileError(
            "there is no OSV record in it", place=Place(addition.origin), remedy="give an export of records"
        )


def _record(store: sqlite3.Connection, source: int | None, row: Mapping[str, Any], held: dict[str, list[Any]]) -> None:
    named = packages(row)
    for ecosystem in ecosystems(row):
        known = held.setdefault(ecosystem, [0, ""])
        known[0] += 1
        known[1] = max(known[1], str(row["modified"])[:10])
    body = zlib.compress(msgspec.json.encode(_kept(row)), 1)
    modified = str(row["modified"])
    at = store.execute(
        "INSERT INTO record (source, id, modified, body) VALUES (?, ?, ?, ?)", (source, row["id"], modified, body)
    ).lastrowid
    store.executemany("INSERT INTO package VALUES (?, ?, ?)", [(name, ecosystem, at) for ecosystem, name in named])


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in MEMBERS if name in row}
    if not kept.get("summary"):
        kept["summary"] = str(row.get("details") or "").partition("\n")[0][:160]
    kept["affected"] = [
        {name: one[name] for name in AFFECTED if name in one}
        for one in row.get("affected") or ()
        if isinstance(one, dict)
    ]
    return kept


def read_index(path: Path, named: Iterable[str]) -> Snapshot:
    """What the index has about the packages `named`. Of a record that two sources have, the one that changed last counts.

    Raises `FileError` for what is no index, or is damaged.
    """
    with _reading(path) as store:
        newest: dict[str, tuple[str, bytes]] = {}
        for name in sorted(set(named)):
            for id_, modified, body in store.execute(
                "SELECT DISTINCT id, modified, body FROM package JOIN record ON number = record WHERE name = ?", (name,)
            ):
                if id_ not in newest or modified > newest[id_][0]:
                    newest[id_] = (modified, body)
        raw = [_body(body, path) for _, body in newest.values()]
        records = tuple(advisory(one) for one in raw if not one.get("withdrawn"))
        cves = sorted({name for one in records for name in one.names if name.startswith("CVE-")})
        exploited = [_one(store, "cve, added, ransomware", "exploited", cve) for cve in cves]
        odds = [_one(store, "cve, score, percentile", "odds", cve) for cve in cves]
        days = store.execute("SELECT kind, max(day) FROM source WHERE kind <> 'OSV' GROUP BY kind ORDER BY kind DESC")
        return Snapshot(
            records,
            _holdings(store),
            {one[0]: Exploited(one[0], one[1], bool(one[2])) for one in exploited if one},
            {one[0]: Odds(*one) for one in odds if one},
            {"CISA KEV" if kind == "KEV" else kind: str(day) for kind, day in days},
        )


def held(path: Path) -> list[Held]:
    """What is in the index, source by source. Raises `FileError`."""
    with _reading(path) as store:
        return [
            Held(label, kind, origin, imported, ecosystem or "", Holding(records or size, day))
            for label, kind, origin, imported, size, ecosystem, records, day in store.execute(
                "SELECT label, kind, origin, imported, size, ecosystem, records, coalesce(holding.day, source.day)"
                " FROM source LEFT JOIN holding ON holding.source = number ORDER BY kind DESC, label, ecosystem"
            )
        ]


def _holdings(store: sqlite3.Connection) -> dict[str, Holding]:
    """By ecosystem, of the source that has most of it: a few new records do not make old ones new."""
    rows = store.execute("SELECT ecosystem, records, day FROM holding ORDER BY records, day")
    return {ecosystem: Holding(records, day) for ecosystem, records, day in rows}


def _one(store: sqlite3.Connection, columns: str, table: str, cve: str) -> Any:
    return store.execute(f"SELECT {columns} FROM {table} WHERE cve = ?", (cve,)).fetchone()  # noqa: S608  # ours, both


def _body(body: bytes, path: Path) -> dict[str, Any]:
    try:
        unpacked = zlib.decompressobj().decompress(body, RECORD)
        return msgspec.json.decode(unpacked, type=dict[str, Any])
    except (zlib.error, msgspec.MsgspecError, TypeError):
        raise FileError("a record in it is damaged", place=Place(str(path)), remedy="make the index anew") from None


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The index, read-only. It is never changed in place, so nothing needs to be locked."""
    _whole(path)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as store:
            yield store
    except sqlite3.Error as fault:
        raise explained(fault, path) from None


def _whole(path: Path) -> None:
    """Raises `FileError` unless it is an index, of this version, and every octet is as it was written.

    The header's fields are SQLite's (https://www.sqlite.org/fileformat2.html, 1.3): user version at 60, application id at 68.
    """
    place = Place(str(path))
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
            if not header.startswith(_MAGIC) or int.from_bytes(header[68:72]) != _APPLICATION:
                raise FileError(
                    "is no index of advisories", place=place, remedy="name one that `ninefold advisories` made"
                )
            found = int.from_bytes(header[60:64])
            if found != _VERSION:
                remedy = "remove it, and make it anew by fetch or import"
                raise FileError(f"is an index of another version ({found})", place=place, remedy=remedy)
            size = os.fstat(file.fileno()).st_size - _DIGEST
            file.seek(0)
            if _digest(file, size) != file.read(_DIGEST):
                remedy = "remove it, and make it anew by fetch or import"
                raise FileError("is damaged: it is not as it was written", place=place, remedy=remedy)
    except OSError as fault:
        raise FileError(f"cannot be read ({fault.strerror})", place=place, remedy="make it readable") from None


def _digest(file: BinaryIO, size: int) -> bytes:
    """Of the next `size` octets, or of what there is."""
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(size, _CHUNK))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.digest()


def read_advisories(path: Path, named: Iterable[str]) -> Snapshot:
    """The records about the packages `named`, from an index or from files. Raises `FileError`."""
    return read_index(path, named) if is_index(path) else read_files(path, named)

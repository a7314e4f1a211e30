"""What is known about packages at one time: OSV records, with where they are from, of which day, and how many."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ninefold.audit import version
from ninefold.audit.advisory import Advisory, advisory
from ninefold.audit.osv import documents, records
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ninefold.audit.renown import Exploited, Odds

_ECOSYSTEM = re.compile(rb"[\"']?\becosystem[\"']?\s*:\s*[\"']?([A-Za-z.]+(?: [A-Za-z]+)*(?::[\w.]+)?)")
_MODIFIED = re.compile(rb"[\"']?\bmodified[\"']?\s*:\s*[\"']?(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of one ecosystem: how many records, and of which day (`2026-11-20`, or empty)."""

    records: int
    day: str

    def age(self, now: float) -> int | None:
        """Whole days since then, at `now` (Unix seconds). None: the day is not known."""
        try:
            return (datetime.fromtimestamp(now, UTC).date() - date.fromisoformat(self.day)).days
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`records` are those about the packages that were asked for, withdrawn ones left out; `holdings` says what there is
    by ecosystem. `exploited` and `odds` are by CVE; `renown` has the days of the catalogue (`KEV`) and table (`EPSS`).
    """

    records: tuple[Advisory, ...]
    holdings: Mapping[str, Holding]
    exploited: Mapping[str, Exploited] = field(default_factory=dict)
    odds: Mapping[str, Odds] = field(default_factory=dict)
    renown: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many records there are of all packages."""
        return sum(one.records for name, one in self.holdings.items() if ":" not in name)

    def told(self, ecosystems: Iterable[str]) -> str:
        """Where the records of these are from, for a report: `PyPI 3329 records of 2024-10-10`."""
        held = [
            f"{name} {one.records} record{'s' if one.records != 1 else ''} of {one.day or 'no date'}"
            for name in sorted({version.base(one) for one in ecosystems})
            if (one := self.holdings.get(name))
        ]
        return ", ".join(held + [f"{name} of {day}" for name, day in self.renown.items()]) or "none of these ecosystems"


def read_files(path: Path, named: Iterable[str]) -> Snapshot:
    """The records about the packages `named` (canonical names) below `path`. Raises `FileError` when there is nothing to read,
    or it is broken.
    """
    names = [re.escape(one).replace(r"\-", "[-_.]+") for one in set(named)]
    wanted = re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])".encode(), re.IGNORECASE) if names else None
    found: list[Advisory] = []
    count: Counter[str] = Counter()
    days: dict[str, str] = {}
    total = 0
    for name, raw in documents(path):
        if name.endswith((".yaml", ".yml")) and not (wanted and wanted.search(raw)):
            told = _ECOSYSTEM.findall(raw)
            day = _MODIFIED.search(raw)  # a file of YAML is one record; it is parsed only when it is needed
            if day:
                total += 1
                named_here = {version.release(one.decode()) for one in told}
                _count(count, days, named_here | {version.base(one) for one in named_here}, day[1].decode())
            continue
        for one in records(name, raw):
            total += 1
            _count(count, days, ecosystems(one), str(one["modified"])[:10])
            if not one.get("withdrawn") and wanted and wanted.search(raw):
                found.append(advisory(one))
    if not total:
        raise FileError(
            "there is no OSV record in it",
            place=Place(str(path)),
            remedy="give a folder, .json, .tar.gz or .zip of records, or an index made by `ninefold advisories import`",
        )
    return Snapshot(tuple(found), {name: Holding(number, days[name]) for name, number in sorted(count.items())})


def packages(record: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Of what a raw record speaks: ecosystem (with its release, where releases differ) and name as that compares names."""
    affected = record.get("affected")
    told = (one.get("package") for one in affected if isinstance(one, dict)) if isinstance(affected, list) else ()
    named = (
        (version.release(str(one.get("ecosystem", ""))), str(one.get("name", "")))
        for one in told
        if isinstance(one, dict)
    )
    return {(ecosystem, version.name(version.base(ecosystem), name)) for ecosystem, name in named if ecosystem and name}


def ecosystems(record: Mapping[str, Any]) -> set[str]:
    """Of which ecosystems a raw record speaks, and of which releases of them."""
    told = {ecosystem for ecosystem, _ in packages(record)}
    return told | {version.base(one) for one in told}


def _count(count: Counter[str], days: dict[str, str], named: Iterable[str], day: str) -> None:
    for name in named:
        count[name] += 1
        days[name] = max(days.get(name, ""), day)

"""Whatever tells of an API's traffic: records of an observing guard, trails, access logs, HAR recordings, put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ninefold.audit.inputs import har
from ninefold.audit.inputs.content import described
from ninefold.audit.inputs.traffic import segments
from ninefold.contract.draft import Traffic
from ninefold.contract.source import read_bytes
from ninefold.learn.log import lines
from ninefold.learn.measure import Measured, measure
from ninefold.learn.record import MOST_BYTES, Record
from ninefold.learn.record import read as read_record
from ninefold.learn.sighting import Sighting, names
from ninefold.learn.sketch import sketch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ninefold.contract.description import Description, Operation
    from ninefold.learn.log import Line

#: Enough of a file to tell what it is.
_HEAD = 4096
#: Longest query that is looked at.
_LONGEST_QUERY = 8192


@dataclass(slots=True)
class Evidence:
    """`seen` are descriptions of what was seen, one a source. `requests` are counted by source, `keys` by the header field."""

    seen: list[Description] = field(default_factory=list)
    measured: Measured = field(default_factory=Measured)
    requests: list[tuple[str, int]] = field(default_factory=list)
    left_out: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    would: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def proposal(self) -> Traffic:
        """What a contract's draft may say of callers."""
        most = self.keys.most_common(1)
        return Traffic(tuple(self.measured.rates()), tuple(sorted(self.origins))[:20], most[0][0] if most else "")


def gather(paths: Sequence[Path], operations: Iterable[Operation] = (), server: str = "") -> Evidence:
    """Read all of it. Raises `FileError`, or `DescriptionError` for a broken recording."""
    found = Evidence()
    templates = {one.id: tuple(one.path.strip("/").split("/")) for one in operations if one.path.strip("/")}
    logged: list[Line] = []
    for path in paths:
        kind = _kind(path)
        if kind == "record":
            record = read_record(read_bytes(path, MOST_BYTES), str(path))
            found.requests.append((str(path), record.requests))
            _count(found, record)
            found.seen.append(sketch(record, str(path), server))
        elif kind == "har":
            description = described(read_bytes(path, har.MOST_BYTES), str(path))
            found.notes += description.notes
            found.seen.append(description)
        else:
            told = list(lines(path))
            logged += told
            record = _recorded(told, templates)
            found.requests.append((str(path), record.requests))
            found.left_out += record.left_out
            found.seen.append(sketch(record, str(path), server))
    found.measured = measure(logged)
    return found


def _kind(path: Path) -> str:
    """By how it begins: logs have an object a line, and the others one object."""
    head = read_bytes(path, har.MOST_BYTES)[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n") if path.exists() else b""
    if head[:1] != b"{":
        return "log"
    if b'"ninefold_record"' in head[:64]:
        return "record"
    first = head.partition(b"\n")[0].strip()
    whole_line = first.endswith(b"}") and len(first) > 2
    return "log" if whole_line and b'"log"' not in first[:32] else "har"


def _count(found: Evidence, record: Record) -> None:
    found.left_out += record.left_out
    for sighting in record.sightings:
        found.origins.update(sighting.origins)
        found.would.update(sighting.would)
        found.served.update(sighting.served)
        for raw in sighting.credentials.values():
            if raw.get("in") == "header" and raw.get("name") != "Authorization":
                found.keys[str(raw["name"])] += sighting.requests


def _recorded(told: Iterable[Line], templates: dict[str, tuple[str, ...]]) -> Record:
    """A log's requests as sightings. There are no bodies in it, and of fields only who called."""
    record = Record()
    for line in told:
        path, _, query = line.target.partition("?")
        pairs = parse_qsl(query[:_LONGEST_QUERY], keep_blank_values=True)
        record.add(
            Sighting(
                line.method,
                templates.get(line.operation) or segments(path),
                line.operation if line.operation in templates else "",
                1,
                0,
                line.time,
                line.time,
                names(pairs),
                answers={str(line.status): {}} if 200 <= line.status < 600 else {},
            )
        )
    return record

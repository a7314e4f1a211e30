"""Whether a trail is whole: from its first record to its last, each follows from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ninefold.errors import Place, TrailError
from ninefold.trail.chain import START, link, split, unfinished
from ninefold.trail.read import MOST_LINE

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """`records` hold, up to `broken` (a line's number, 1 is the first; 0: none is broken).

    `torn`: the file ends inside a record, as after a loss of power. `cuts` are the lines at which a writer found and
    removed such an end.
    """

    records: int
    broken: int
    offset: int
    what: str
    torn: int
    cuts: tuple[int, ...]
    last: str

    @property
    def holds(self) -> bool:
        return not self.broken


def verify(path: Path) -> Verdict:
    """Read a trail from end to end. Raises `TrailError` where it cannot be read."""
    before = START
    number = offset = torn = 0
    cuts: list[int] = []
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_LINE):
                if not line.endswith(b"\n"):
                    if len(line) == MOST_LINE:
                        return Verdict(
                            number, number + 1, offset, "it is longer than any record", 0, tuple(cuts), before.hex()
                        )
                    if not unfinished(line) or not (number or line.rstrip(b"\0")):
                        return Verdict(
                            number,
                            number + 1,
                            offset,
                            "it is no record, nor the beginning of one",
                            0,
                            tuple(cuts),
                            before.hex(),
                        )
                    torn = len(line)
                    break
                what = _fault(line[:-1], before)
                if what:
                    return Verdict(number, number + 1, offset, what, 0, tuple(cuts), before.hex())
                found = split(line[:-1])
                assert found is not None
                before = found[1]
                number += 1
                offset += len(line)
                if b'"cut":' in found[0] and _resumed(found[0]):
                    cuts.append(number)
    except OSError as fault:
        raise TrailError(
            f"the trail cannot be read ({fault.strerror})", place=Place(str(path)), remedy="name the file of a trail"
        ) from None
    return Verdict(number, 0, offset, "", torn, tuple(cuts), before.hex())


def _resumed(record: bytes) -> bool:
    try:
        told = msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("outcome") == "resumed"


def _fault(line: bytes, before: bytes) -> str:
    found = split(line)
    if found is None:
        return "it has not the form of a record"
    record, digest = found
    if link(before, record) != digest:
        return "it does not follow from the record before: one of them was changed, removed, added or moved"
    try:
        msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "it is no JSON"
    return ""

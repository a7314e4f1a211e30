"""Two audits of one API, before and after: which signs were closed, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.finding import Method
from ninefold.audit.report.card import ran, tiles, verdict
from ninefold.audit.report.text import count

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit, Finding
    from ninefold.audit.report.card import Tile

GUARD, SOURCE = "by the guard", "by a change in the source"


@dataclass(frozen=True, slots=True)
class Change:
    """One sign. `how` says what became of it, in words; empty where there was nothing and there is nothing.

    `good`: it was shown and is closed, and that is proven.
    """

    before: Tile
    after: Tile
    how: str
    good: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`not_again` are the rules that ran before and not after, by sign and id: without them, nothing is proven."""

    before: Audit
    after: Audit
    changes: tuple[Change, ...]
    again: int
    not_again: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether every rule that ran before ran again, and every sign is clear."""
        return not self.not_again and all(one.after.state == "clear" for one in self.changes)

    @property
    def verdict(self) -> str:
        """`9 of 9 signs before, 0 of 9 signs after`."""
        return f"{verdict(self.before)} before, {verdict(self.after)} after"


def compare(before: Audit, after: Audit) -> Comparison:
    """Hold the two against each other."""
    first, second = ran(before), ran(after)
    missing = {(one.sign, one.rule) for one in before.outcomes if one.rule in first - second}
    changes = tuple(
        _change(old, new, sum(sign == old.number for sign, _ in missing))
        for old, new in zip(tiles(before), tiles(after), strict=True)
    )
    return Comparison(before, after, changes, len(first & second), tuple(rule for _, rule in sorted(missing)))


def closed_by(findings: tuple[Finding, ...]) -> str:
    """What it took to close these findings.

    The source where a finding stands in a file of the source or a manifest, or where no contract lines close it; the
    guard for all others. A live finding may name a file too, the API's log: that is not the source.
    """
    source = [
        (one.method is Method.STATIC and any(place.file for place in one.places)) or not one.contract
        for one in findings
    ]
    return " and ".join(words for words, true in ((GUARD, not all(source)), (SOURCE, any(source))) if true)


def _change(old: Tile, new: Tile, missing: int) -> Change:
    if new.state == "shown":
        return Change(old, new, "not closed" if old.state == "shown" else "shown now", good=False)
    if new.state == "unknown":
        return Change(old, new, "not proven" if old.state == "shown" else "", good=False)
    if missing:
        return Change(old, new, f"not proven: {count(missing, 'rule')} did not run again", good=False)
    if {one.fingerprint for one in new.excused} - {one.fingerprint for one in old.excused}:
        return Change(old, new, "excused by the baseline, not closed", good=False)
    closed = old.state == "shown"
    return Change(old, new, closed_by(old.findings) if closed else "", good=closed)

"""Findings that somebody accepted, with a reason and an end date. An excuse covers the places it names and no
new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Finding, Passed
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ninefold.audit.finding import Location, Outcome

_VERSION = 1
_REMEDY = 'write each as {"fingerprint": ..., "rule": ..., "places": [...], "reason": why, "until": "2027-01-31"}'


@dataclass(frozen=True, slots=True)
class Excuse:
    """`until` is the last day on which it holds (UTC)."""

    fingerprint: str
    rule: str
    places: frozenset[str]
    reason: str
    until: date

    def covers(self, finding: Finding, now: float) -> bool:
        """Whether this excuses the whole finding at `now` (Unix seconds)."""
        return _day(now) <= self.until and not self.beyond(finding)

    def beyond(self, finding: Finding) -> frozenset[str]:
        """Where the finding shows and this does not reach."""
        return frozenset(anchor(place) for place in finding.places) - self.places

    def told(self, finding: Finding, now: float) -> str:
        """What this says of the finding at `now`, for people."""
        if _day(now) > self.until:
            return f"accepted until {self.until}, now counts again ({self.reason})"
        if new := sorted(self.beyond(finding)):
            return f"accepted until {self.until}, but not at {', '.join(new[:3])}: counts again ({self.reason})"
        return f"accepted until {self.until} ({self.reason})"


def stale(excuses: Mapping[str, Excuse], outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """The excuses that no finding fits, in words. One whose rule did not run to its end may still be needed: not told."""
    outcomes = tuple(outcomes)
    found = {one.fingerprint for one in outcomes if isinstance(one, Finding)}
    ran = {one.rule for one in outcomes if isinstance(one, Finding | Passed)}
    return tuple(
        f"{one.rule} ({one.fingerprint}), accepted until {one.until}: {one.reason}"
        for one in excuses.values()
        if one.fingerprint not in found and one.rule in ran
    )


def _day(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def anchor(place: Location) -> str:
    """What stays the same of a place when lines move and hosts change."""
    if place.file:
        return place.file
    return place.operation or place.pointer or place.url


def read_baseline(path: Path) -> Mapping[str, Excuse]:
    """Excuses by fingerprint. Raises `FileError` for a file that is none, or one without reason or end."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as fault:
        raise FileError(
            f"the baseline cannot be read ({fault.strerror})",
            place=Place(str(path)),
            remedy="mend --baseline",
        ) from None
    except ValueError as fault:
        line, column = getattr(fault, "lineno", 0), getattr(fault, "colno", 0)
        raise FileError(
            f"the baseline is no JSON ({fault})",
            place=Place(str(path), line, column),
            remedy="write it anew with --write-baseline",
        ) from None
    if not isinstance(document, dict) or document.get("ninefold_baseline") != _VERSION:
        raise FileError(
            "this is no baseline of version 1",
            place=Place(str(path)),
            remedy="write one with --write-baseline",
        )
    excuses = [_excuse(one, at, path) for at, one in enumerate(document.get("excuses", ()), 1)]
    return {one.fingerprint: one for one in excuses}


def render_baseline(findings: Iterable[Finding], reason: str, until: date) -> str:
    """A baseline that excuses exactly these findings, as JSON text."""
    excuses = [
        {
            "fingerprint": one.fingerprint,
            "rule": one.rule,
            "places": sorted({anchor(place) for place in one.places}),
            "reason": reason,
            "until": until.isoformat(),
        }
        for one in findings
    ]
    return json.dumps({"ninefold_baseline": _VERSION, "excuses": excuses}, indent=2, ensure_ascii=False) + "\n"


def _excuse(raw: Any, at: int, path: Path) -> Excuse:
    place = Place(str(path))
    try:
        reason, places = raw["reason"], raw["places"]
        if not isinstance(reason, str) or not reason.strip():
            raise FileError(f"excuse {at} gives no reason", place=place, remedy="say why it is accepted")
        return Excuse(
            str(raw["fingerprint"]),
            str(raw.get("rule", "")),
            frozenset(str(one) for one in places),
            reason,
            date.fromisoformat(raw["until"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise FileError(f"excuse {at} is not whole ({fault})", place=place, remedy=_REMEDY) from None

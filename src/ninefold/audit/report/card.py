"""The nine signs of an audit at a glance: what every report begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ninefold.audit.finding import Errored, Finding, Passed, Severity, Skipped
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

#: The mark that goes with a sign's state, so that no state is told by colour alone.
MARKS = {"shown": "✗", "clear": "✓", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One sign. `state` is `shown`, `clear` or `unknown`; `findings`, the worst first, are those that no baseline excuses.

    `notices` are those of severity `info`, `excused` those that a baseline excuses; `passed`, `skipped` and `errored`
    count rules.
    """

    number: int
    title: str
    state: str
    findings: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    excused: tuple[Finding, ...]
    passed: int
    skipped: int
    errored: int


def tiles(audit: Audit) -> tuple[Tile, ...]:
    """All nine, in their order."""
    worst = ordered(audit)
    made = []
    for sign in SIGNS:
        mine = [one for one in audit.outcomes if one.sign == sign.number]
        made.append(
            Tile(
                number=sign.number,
                title=sign.title,
                state=audit.state(sign.number),
                findings=tuple(one for one in worst if one.sign == sign.number and one.severity is not Severity.INFO),
                notices=tuple(one for one in worst if one.sign == sign.number and one.severity is Severity.INFO),
                excused=tuple(one for one in mine if isinstance(one, Finding) and one.baselined),
                passed=sum(isinstance(one, Passed) for one in mine),
                skipped=sum(isinstance(one, Skipped) for one in mine),
                errored=sum(isinstance(one, Errored) for one in mine),
            )
        )
    return tuple(made)


def ordered(audit: Audit) -> list[Finding]:
    """Findings and notices that no baseline excuses, the worst first; of equals, what is confirmed first."""
    found = (*audit.findings, *audit.notices)
    return sorted(found, key=lambda one: (-one.severity.rank, one.confidence.value, one.sign, one.rule))


def verdict(audit: Audit) -> str:
    """`3 of 9 signs`, and how many are unknown: unknown is never green."""
    states = [audit.state(sign.number) for sign in SIGNS]
    unknown = states.count("unknown")
    return f"{states.count('shown')} of {len(SIGNS)} signs" + (f", {unknown} unknown" if unknown else "")


def coverage(audit: Audit) -> tuple[int, int]:
    """How many rules ran to their end, of how many that were chosen."""
    return len(ran(audit)), len({one.rule for one in audit.outcomes})


def ran(audit: Audit) -> frozenset[str]:
    """The rules that ran to their end."""
    return frozenset(one.rule for one in audit.outcomes if isinstance(one, Finding | Passed))


def when(audit: Audit) -> str:
    """`23 November 2026, 21:31 UTC`."""
    return datetime.fromtimestamp(audit.started, UTC).strftime("%-d %B %Y, %H:%M UTC")


def known(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Rules by id. A report of another version may name one that is not there."""
    return {rule.id: rule for rule in rules}

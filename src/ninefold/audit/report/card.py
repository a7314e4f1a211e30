"""The nine signs of an audit at a glance: what every report begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.finding import Errored, Finding, Passed, Skipped
from ninefold.audit.signs.order import RULES, SIGNS

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

#: A sign's state in the words that people read.
WORDS = {"shown": "shown", "clear": "not shown", "unknown": "not verified"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One sign. `passed`, `skipped` and `errored` count rules, `findings` root causes."""

    number: int
    title: str
    state: str
    findings: tuple[Finding, ...]
    passed: int
    skipped: int
    errored: int


def tiles(audit: Audit) -> tuple[Tile, ...]:
    """All nine, in their order."""
    return tuple(
        Tile(
            sign.number,
            sign.title,
            audit.state(sign.number),
            tuple(one for one in ordered(audit) if one.sign == sign.number),
            sum(isinstance(one, Passed) and one.sign == sign.number for one in audit.outcomes),
            sum(isinstance(one, Skipped) and one.sign == sign.number for one in audit.outcomes),
            sum(isinstance(one, Errored) and one.sign == sign.number for one in audit.outcomes),
        )
        for sign in SIGNS
    )


def ordered(audit: Audit) -> list[Finding]:
    """Findings that nothing excuses, the worst first."""
    return sorted(audit.findings, key=lambda one: (-one.severity.rank, one.confidence.value, one.sign, one.rule))


def verdict(audit: Audit) -> str:
    """`3 of 9 signs`, and how many could not be verified: unknown is never green."""
    states = [tile.state for tile in tiles(audit)]
    unknown = states.count("unknown")
    return f"{states.count('shown')} of 9 signs" + (f", {unknown} not verified" if unknown else "")


def rule_of(rule_id: str) -> Rule | None:
    """The rule with this id; None for one of another version."""
    return next((rule for rule in RULES if rule.id == rule_id), None)

"""The score of an audit: 0 to 100 and a letter, for each sign and for the whole, from what was found and how sure it is.

Every point that is missing is a charge, and names the finding that took it and why. A letter is an upper bound: what was
not looked at can only lower it. So it is withheld where too little was checked, and provisional until enough was.
docs/score.md tells the model for people; the tables below are the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence, Finding, Method, Passed, Severity, Skipped
from ninefold.audit.signs.order import RULES, SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

#: Points that one cause takes from its sign before the weights.
POINTS = {Severity.CRITICAL: 50, Severity.HIGH: 25, Severity.MEDIUM: 10, Severity.LOW: 4, Severity.INFO: 0}

#: Weights: how sure, and whether the running API showed it or a file did.
SURE = {Confidence.CONFIRMED: 1.0, Confidence.SUSPECTED: 0.4}
SEEN = {Method.LIVE: 1.0, Method.STATIC: 0.8}

#: The weight of what is wrong in an answer alone (a missing field, a banner): nobody gets in by it.
ANSWER = 0.6

#: The rules about answers alone. All others are about what a request can do.
ANSWERS = frozenset({
    "encryption-hsts", "encryption-cookie-flags", "dependencies-disclosed", "standard-undeclared-refusal",
    "standard-challenge", "standard-refusals-differ", "standard-three-way", "limits-undeclared", "limits-unpaged-list",
    "limits-no-retry-after", "filtering-open-schema", "filtering-verbose-errors", "filtering-banner",
    "monitoring-no-request-id", "cors-no-vary",
})  # fmt: skip

#: The most that a sign, and the whole, can have with one such finding.
CAPS = {
    (Severity.CRITICAL, Confidence.CONFIRMED): 29,
    (Severity.HIGH, Confidence.CONFIRMED): 59,
    (Severity.MEDIUM, Confidence.CONFIRMED): 89,
    (Severity.CRITICAL, Confidence.SUSPECTED): 59,
    (Severity.HIGH, Confidence.SUSPECTED): 74,
}

#: The most that suspicion takes, however much of it there is: it alone is no F.
SUSPICION = 60.0

#: The least score of each letter.
LETTERS = ((90, "A"), (75, "B"), (60, "C"), (45, "D"), (30, "E"), (0, "F"))
NONE = "-"

#: Coverage in per cent, below which the whole has no letter, and below which its letter is provisional.
WITHHELD, PROVISIONAL = 40, 80


class Standing(StrEnum):
    """What a letter is worth."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Charge:
    """What one finding took from its sign, and why, as a product in words. `cap`: the most it leaves; 100 is none."""

    sign: int
    rule: str
    fingerprint: str
    confidence: Confidence
    points: float
    why: str
    cap: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign, or the whole (`sign` 0). `score` 0 to 100, None where it is not known; `coverage` 0 to 100 per cent.

    `checked` of `applies` rules ran to their end. A letter that is withheld is `-`.
    """

    sign: int
    score: int | None
    letter: str
    standing: Standing
    coverage: int
    checked: int
    applies: int
    cap: int

    @property
    def told(self) -> str:
        """`B 82`; `B? 82` while it is provisional; `≤ 82` where it is withheld; `-` where nothing is known."""
        if self.score is None:
            return NONE
        words = {Standing.FINAL: self.letter, Standing.PROVISIONAL: f"{self.letter}?", Standing.WITHHELD: "≤"}
        return f"{words[self.standing]} {self.score}"


@dataclass(frozen=True)
class Score:
    """`whole` stands for all nine `signs`; `charges` have every point that is missing from those, the most first."""

    whole: Mark
    signs: tuple[Mark, ...]
    charges: tuple[Charge, ...]

    @property
    def standing(self) -> Standing:
        return self.whole.standing

    def charge(self, finding: Finding) -> Charge | None:
        """What this finding took; None: nothing."""
        return self._by_finding.get((finding.rule, finding.fingerprint, finding.confidence))

    @cached_property
    def _by_finding(self) -> dict[tuple[str, str, Confidence], Charge]:
        return {(one.rule, one.fingerprint, one.confidence): one for one in self.charges if one.points}

    @property
    def told(self) -> str:
        """`C (provisional, at best), 61 of 100, 72 % checked`: for every report the same words."""
        if self.standing is Standing.WITHHELD:
            return f"no letter: only {self.whole.coverage} % was checked (at best {self.whole.score} of 100)"
        more = " (provisional, at best)" if self.standing is Standing.PROVISIONAL else ""
        return f"{self.whole.letter}{more}, {self.whole.score} of 100, {self.whole.coverage} % checked"


def score(audit: Audit, *, rules: Sequence[Rule] = RULES) -> Score:
    """The score of this audit. `rules` are those that there are: what was not chosen was not checked."""
    charges = sorted(
        _charges(audit.findings), key=lambda one: (-one.points, one.cap, one.sign, one.rule, one.fingerprint)
    )
    signs = tuple(_mark(sign.number, audit, charges, rules) for sign in SIGNS)
    checked, applies = sum(one.checked for one in signs), sum(one.applies for one in signs)
    lost = [_lost(sign.number, charges) for sign in SIGNS]
    loss = _falling(proven for proven, _ in lost) + min(SUSPICION, _falling(guessed for _, guessed in lost))
    cap = min((one.cap for one in charges), default=100)
    known = all(one.score is not None for one in signs)
    return Score(_marked(0, _left(loss, cap), (checked, applies), cap, known=known), signs, tuple(charges))


def _charges(findings: Iterable[Finding]) -> Iterable[Charge]:
    """One for each root cause. The second of a rule and sureness counts half, the third a third: it is one habit more."""
    groups: dict[tuple[int, str, Confidence], dict[str, list[Finding]]] = {}
    for one in findings:
        groups.setdefault((one.sign, one.rule, one.confidence), {}).setdefault(one.fingerprint, []).append(one)
    for causes in groups.values():
        worst = [max(same, key=lambda one: (_points(one), _why(one))) for same in causes.values()]
        for nth, one in enumerate(sorted(worst, key=lambda one: (-_points(one), one.fingerprint)), 1):
            share = f" / {nth}, as cause {nth} of its rule" if nth > 1 else ""
            cap = min(CAPS.get((same.severity, same.confidence), 100) for same in causes[one.fingerprint])
            yield Charge(
                one.sign, one.rule, one.fingerprint, one.confidence, _points(one) / nth, f"{_why(one)}{share}", cap
            )


def _points(one: Finding) -> float:
    """What it weighs before causes of one rule share."""
    side = ANSWER if one.rule in ANSWERS else 1.0
    return POINTS[one.severity] * SURE[one.confidence] * SEEN[one.method] * side * _reach(len(one.places))


def _reach(places: int) -> float:
    """How much more a cause weighs that shows in many places: 1 for one, 1.5 for four, never more than 2."""
    return min(2.0, 1 + math.log2(max(1, places)) / 4)


def _why(one: Finding) -> str:
    side = f" x answer only {ANSWER}" if one.rule in ANSWERS else ""
    reach = f" x {len(one.places)} places {_reach(len(one.places)):.2f}" if len(one.places) > 1 else ""
    return (
        f"{one.severity.value} {POINTS[one.severity]} x {one.confidence.value} {SURE[one.confidence]:g}"
        f" x {one.method.value} {SEEN[one.method]:g}{side}{reach}"
    )


def _lost(sign: int, charges: Sequence[Charge]) -> tuple[float, float]:
    """What a sign lost by what is confirmed, and by what is suspected; at most 100, and at most `SUSPICION`."""
    mine = [one for one in charges if one.sign == sign]
    proven = math.fsum(one.points for one in mine if one.confidence is Confidence.CONFIRMED)
    guessed = math.fsum(one.points for one in mine if one.confidence is Confidence.SUSPECTED)
    return min(100.0, proven), min(SUSPICION, guessed)


def _mark(sign: int, audit: Audit, charges: Sequence[Charge], rules: Sequence[Rule]) -> Mark:
    cap = min((one.cap for one in charges if one.sign == sign), default=100)
    covered = _coverage(sign, audit, rules)
    if audit.state(sign) == "unknown":
        return Mark(sign, None, NONE, Standing.WITHHELD, _share(*covered), *covered, cap)
    return _marked(sign, _left(sum(_lost(sign, charges)), cap), covered, cap, known=True)


def _marked(sign: int, points: int, covered: tuple[int, int], cap: int, *, known: bool) -> Mark:
    """An F stays one, whatever is looked at yet. `known`: every part of it is."""
    letter, coverage = next(letter for least, letter in LETTERS if points >= least), _share(*covered)
    standing = Standing.PROVISIONAL if coverage < PROVISIONAL or not known else Standing.FINAL
    standing = Standing.WITHHELD if coverage < WITHHELD else standing
    standing = Standing.FINAL if letter == "F" else standing
    return Mark(sign, points, NONE if standing is Standing.WITHHELD else letter, standing, coverage, *covered, cap)


def _coverage(sign: int, audit: Audit, rules: Sequence[Rule]) -> tuple[int, int]:
    """How many rules ran to their end, of how many that have something to say of this API, chosen or not."""
    mine = [one for one in audit.outcomes if one.sign == sign]
    ran = {one.rule for one in mine if isinstance(one, Finding | Passed)}
    idle = {one.rule for one in mine if isinstance(one, Skipped) and not one.applies}
    there = {one.rule for one in mine} | {rule.id for rule in rules if rule.sign == sign}
    return len(ran), len(there - (idle - ran))


def _share(checked: int, applies: int) -> int:
    """Per cent, rounded down: what was not checked is never rounded away. Where nothing applies, nothing was checked."""
    return 100 * checked // applies if applies else 0


def _falling(losses: Iterable[float]) -> float:
    """The worst sign in full, the second by half, the third by a third: the good ones do not hide it."""
    return math.fsum(one / nth for nth, one in enumerate(sorted(losses, reverse=True), 1))


def _left(loss: float, cap: int) -> int:
    return max(0, min(cap, math.floor(100 - loss)))

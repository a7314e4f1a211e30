"""What an audit said, held against what is true."""

from __future__ import annotations

import enum
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .truth import Label, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


#: What a person gives an audit, and did not: leave, or a key, without which a rule cannot ask.
_OPTION = re.compile(r"--(?:active|registry|expired-key|revoked-key)\b")


class Verdict(enum.StrEnum):
    TRUE_POSITIVE = "true positive"
    FALSE_POSITIVE = "false positive"
    FALSE_NEGATIVE = "false negative"
    TRUE_NEGATIVE = "true negative"
    MISPLACED = "misplaced"  # found, but nowhere where it is: a false positive and a false negative at once
    SKIPPED = "skipped"  # and there is nothing of that kind: as it should be
    UNCHECKED = "unchecked"  # the rule did not run, or not to its end: never a true negative


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in one audit. `confidence` is the best that it claimed: confirmed, suspected or nothing."""

    audit: str
    rule: str
    truth: Truth
    verdict: Verdict
    confidence: str = ""
    says: str = ""
    beside: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def unasked(self) -> bool:
        """Whether the rule was not tried for want of an option that the audit was not given."""
        return self.verdict is Verdict.UNCHECKED and _OPTION.search(self.says) is not None


def judge(audit: str, rule: str, truth: Truth, outcomes: Sequence[Mapping[str, Any]]) -> Row:
    """`outcomes` are those of the report, of this rule alone."""
    findings = [one for one in outcomes if one["kind"] == "finding"]
    if not findings:
        short = [one for one in outcomes if one["kind"] != "passed"]
        if truth.label is Label.NOT_APPLICABLE and short and all(one["kind"] == "skipped" for one in short):
            return Row(audit, rule, truth, Verdict.SKIPPED)
        if short or not outcomes:
            reason = "; ".join(f"{one['kind']}: {one.get('reason') or one.get('detail', '')}" for one in short)
            reason = re.sub(r"(?<=127\.0\.0\.1):\d+", "", reason)  # another port in each run
            return Row(audit, rule, truth, Verdict.UNCHECKED, says=reason or "the report does not mention it")
        missed = truth.label is Label.SHOWN
        return Row(audit, rule, truth, Verdict.FALSE_NEGATIVE if missed else Verdict.TRUE_NEGATIVE, missed=truth.at)
    confidence = "confirmed" if any(one["confidence"] == "confirmed" for one in findings) else "suspected"
    says = re.sub(r"(?<=127\.0\.0\.1):\d+", "", " | ".join(one["detail"] for one in findings))
    if truth.label is not Label.SHOWN:
        return Row(audit, rule, truth, Verdict.FALSE_POSITIVE, confidence, says)
    places = [words(place, one["detail"]) for one in findings for place in one["places"]]
    beside = tuple(dict.fromkeys(place for place in places if truth.at and not any(part in place for part in truth.at)))
    missed_places = tuple(part for part in truth.at if not any(part in place for place in places))
    lost = bool(truth.at) and len(missed_places) == len(truth.at)
    verdict = Verdict.MISPLACED if lost else Verdict.TRUE_POSITIVE
    return Row(audit, rule, truth, verdict, confidence, says, beside, missed_places)


def words(place: Mapping[str, Any], detail: str) -> str:
    """A place of the report in one text, in which a label's `at` is looked for."""
    parts = [place.get("operation"), place.get("url"), place.get("pointer"), place.get("file"), f"({detail})"]
    return " ".join(str(part) for part in parts if part)


def judge_all(audit: str, truths: Mapping[str, Truth], outcomes: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    grouped: dict[str, list[Mapping[str, Any]]] = {rule: [] for rule in truths}
    for one in outcomes:
        grouped.setdefault(one["rule"], []).append(one)
    return tuple(judge(audit, rule, truths[rule], grouped[rule]) for rule in truths)


@dataclass(frozen=True, slots=True)
class Green:
    """A sign that an audit called clear. `there` are its rules whose sign is there all the same; `unchecked` those that
    apply and did not run.
    """

    audit: str
    sign: int
    there: tuple[str, ...]
    unchecked: tuple[str, ...]


def greens(audit: str, report: Mapping[str, Any], rows: Iterable[Row]) -> tuple[Green, ...]:
    """The signs that `report` calls clear, and what speaks against that."""
    sign_of = {one["rule"]: one["sign"] for one in report["outcomes"]}
    known = [row for row in rows if row.rule in sign_of]
    made = []
    for sign in (one["sign"] for one in report["signs"] if one["state"] == "clear"):
        here = [row for row in known if sign_of[row.rule] == sign]
        there = tuple(row.rule for row in here if row.truth.label is Label.SHOWN)
        made.append(Green(audit, sign, there, tuple(row.rule for row in here if row.verdict is Verdict.UNCHECKED)))
    return tuple(made)


@dataclass(slots=True)
class Tally:
    """Counts of rows. Confidences apart: a confirmed finding is to be right always, a suspected one more often than not."""

    hits: Counter[str] = field(default_factory=Counter)  # by confidence
    alarms: Counter[str] = field(default_factory=Counter)  # false ones, by confidence
    missed: int = 0
    quiet: int = 0
    unchecked: int = 0
    unchecked_shown: int = 0
    unasked_shown: int = 0

    def add(self, row: Row) -> None:
        match row.verdict:
            case Verdict.TRUE_POSITIVE:
                self.hits[row.confidence] += 1
            case Verdict.FALSE_POSITIVE:
                self.alarms[row.confidence] += 1
            case Verdict.MISPLACED:
                self.alarms[row.confidence] += 1
                self.missed += 1
            case Verdict.FALSE_NEGATIVE:
                self.missed += 1
            case Verdict.TRUE_NEGATIVE | Verdict.SKIPPED:
                self.quiet += 1
            case Verdict.UNCHECKED:
                self.unchecked += 1
                self.unchecked_shown += row.truth.label is Label.SHOWN
                self.unasked_shown += row.unasked and row.truth.label is Label.SHOWN

    @property
    def shown(self) -> int:
        """In how many audits the sign was there to be found."""
        return self.hits.total() + self.missed + self.unchecked_shown

    def precision(self, confidence: str) -> float | None:
        """Of the findings of that confidence, the share that was right; nothing without findings."""
        return _share(self.hits[confidence], self.hits[confidence] + self.alarms[confidence])

    def recall(self, confidence: str | None = None) -> float | None:
        """Of what was there, the share that was found (as confirmed, as suspected, or at all). What was not checked
        counts as not found.
        """
        return _share(self.hits[confidence] if confidence else self.hits.total(), self.shown)

    def recall_asked(self) -> float | None:
        """The same of what the audit could ask with the options that it was given."""
        return _share(self.hits.total(), self.shown - self.unasked_shown)


def tally(rows: Iterable[Row]) -> Tally:
    made = Tally()
    for row in rows:
        made.add(row)
    return made


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

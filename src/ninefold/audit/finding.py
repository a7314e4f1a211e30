"""A finding: what is wrong, where, how sure we are, the evidence, and what closes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is if it is true. Not how sure we are: that is `Confidence`.

    What is `info` is worth knowing and wrong by nothing that is known: it is listed, shows no sign and takes no points.
    """

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for `info` up to 4 for `critical`."""
        return ("info", "low", "medium", "high", "critical").index(self.value)


class Confidence(StrEnum):
    """How sure we are. `confirmed`: read in black and white, or held baseline, attack, control and repeat."""

    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"


class Method(StrEnum):
    """How a rule looks: at files, or at the running API."""

    STATIC = "static"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response as evidence. Secrets are cut before they get here; bodies are excerpts."""

    role: str  # baseline, attack, control, repeat
    request: str
    response: str
    again: str = ""  # a line for a POSIX shell that does it once more; empty where none can


@dataclass(frozen=True, slots=True)
class Location:
    """Where: an operation, a JSON Pointer in the description, a file and line, or a URL; what is not known is empty."""

    operation: str = ""
    pointer: str = ""
    file: str = ""
    line: int = 0
    url: str = ""

    def __str__(self) -> str:
        if self.file:
            at = f"{self.file}:{self.line}" if self.line else self.file
            return f"{at}#{self.pointer}" if self.pointer else at
        return self.operation or self.pointer or self.url


@dataclass(frozen=True, slots=True)
class Finding:
    """One root cause. `places` are where it shows; `fingerprint` is stable over runs (rule and first place)."""

    rule: str
    sign: int
    severity: Severity
    confidence: Confidence
    method: Method
    title: str
    detail: str
    places: tuple[Location, ...]
    evidence: tuple[Exchange | str, ...]
    remedy: str
    contract: str  # the contract lines that close it, as YAML; empty: only the source can
    fingerprint: str
    baselined: bool = False
    excuse: str = ""  # what a baseline says of it, in words: why and until when, or why that no longer holds


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rule did not run, and why. Never green. `asked`: its needs were given or it was named, so it is missed.

    `applies`: False where nothing of the kind that the rule is about was there; what was not given is not verified.
    """

    rule: str
    sign: int
    method: Method
    reason: str
    asked: bool = False
    applies: bool = True


@dataclass(frozen=True, slots=True)
class Errored:
    """The rule could not finish, and why. Never green."""

    rule: str
    sign: int
    method: Method
    reason: str


@dataclass(frozen=True, slots=True)
class Passed:
    """The rule ran to its end and found nothing. `looked_at` says on how many things it was tried, `note` on what it rests."""

    rule: str
    sign: int
    method: Method
    looked_at: int
    note: str = ""


Outcome = Finding | Skipped | Errored | Passed


class Verdict(StrEnum):
    """How the sides of a clause stand to each other. Fewer than two that say something are no comparison."""

    AGREE = "agree"
    DRIFT = "drift"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise, three ways: what the contract declares, the description says and the running API shows, in words.

    A side that says nothing, or was not looked at, is empty. `rules` are those whose outcomes speak for a side.
    """

    name: str
    declared: str
    described: str
    observed: str
    verdict: Verdict
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """Sensitive data that requests bring: its kind, its name with underscores, and the operations that take it.

    `used` says what shows that it is needed; empty: nothing does.
    """

    kind: str
    name: str
    places: tuple[Location, ...]
    used: str


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished audit. `outcomes` has, for every selected rule, its findings, or that it passed, was skipped, or failed.

    `started` is Unix seconds, `took` seconds. `target` names all that was looked at; `url`, `description` and `source`
    each of it as it was given, empty where it was not. `stale` are the excuses of the baseline that fit nothing any more.
    `left` is what the audit made in the API and could not remove. `notes` say what else a reader
    must know of what was looked at. `collected` is the sensitive data that requests bring, by its description.
    """

    target: str
    started: float
    took: float
    requests: int
    ninefold: str
    outcomes: tuple[Outcome, ...]
    url: str = ""
    description: str = ""
    source: str = ""
    clauses: tuple[Clause, ...] = ()
    stale: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    collected: tuple[Collected, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding that no baseline excuses, and that is more than a notice."""
        return tuple(one for one in self._found if one.severity is not Severity.INFO)

    @property
    def notices(self) -> tuple[Finding, ...]:
        """The findings of severity `info` that no baseline excuses."""
        return tuple(one for one in self._found if one.severity is Severity.INFO)

    @property
    def _found(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.outcomes if isinstance(one, Finding) and not one.baselined)

    def state(self, sign: int) -> str:
        """`shown`: a finding that is no notice. `unknown`: nothing ran, or something that was meant to could not, or failed.
        `clear`: else.
        """
        mine = [one for one in self.outcomes if one.sign == sign]
        if any(one.sign == sign for one in self.findings):
            return "shown"
        missed = any(isinstance(one, Errored) or (isinstance(one, Skipped) and one.asked) for one in mine)
        if missed or not any(isinstance(one, Passed | Finding) for one in mine):
            return "unknown"
        return "clear"

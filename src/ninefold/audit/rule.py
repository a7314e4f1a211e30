"""A rule: one frozen record and one function. It looks at a target and tells what it saw, and on how many
things.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Confidence, Exchange, Location, Method, Severity
    from ninefold.audit.target import Target


class Needs(StrEnum):
    """What a rule cannot do without; the value is how a person gives it.

    A rule that says `DESCRIPTION` reads promises, and what is not there means something to it. `REQUESTS` is for a rule
    that judges only what is there (examples will do), `FLOWS` for one that judges how tokens are got, `OPERATIONS` for one
    to which paths and methods are enough.
    """

    DESCRIPTION = "a description of the API (the DESCRIPTION argument)"
    REQUESTS = "a description of the API, or requests to it (the DESCRIPTION argument)"
    FLOWS = "a description of the API, or requests with OAuth 2.0 (the DESCRIPTION argument)"
    OPERATIONS = "the API's operations (the DESCRIPTION argument)"
    FLEET = "several APIs (several DESCRIPTIONs, or --fleet FILE)"
    SOURCE = "the API's source (--source DIR)"
    URL = "the running API (--url URL)"
    LOG = "the API's own log (--log FILE)"
    ALERTS = "the place where the API's alerts arrive (--alerts)"
    KEY = "a key that the API accepts (--key or --header)"
    KEYS = "two keys of different callers (--key, twice)"
    EXPIRED = "a key of that caller that has expired (--expired-key)"
    REVOKED = "a key of that caller that was revoked or rotated (--revoked-key)"
    ADVISORIES = "known vulnerabilities as OSV records (--advisories PATH)"
    CONTRACT = "the contract that the API is to keep (--contract FILE)"
    ACTIVE = "leave to change things (--active)"
    COMPONENTS = "the API's source or bill of materials (--source DIR or --sbom FILE)"
    REGISTRY = "leave to ask the package registries (--registry)"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen. Observations of one rule with the same `cause` are one finding with several places.

    `severity` and `confidence` speak when this one thing is worse, milder, or less sure than its rule says.
    """

    place: Location
    detail: str
    evidence: tuple[Exchange | str, ...] = ()
    cause: str = ""
    severity: Severity | None = None
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Something that a rule did not read, and why. `missed`: the audit is incomplete without it."""

    reason: str
    missed: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """`at`: on how many things the rule was tried. None at all is no pass: it is reported as skipped.

    `left`: what else there was of its kind. It is reported as skipped beside what was seen or passed. `note`: what a pass
    rests on (a source of data, its date and coverage).
    """

    at: int
    seen: tuple[Observation, ...] = ()
    left: tuple[Left, ...] = ()
    note: str = ""


class Untried(Exception):
    """The rule could not be tried, and why. Reported as skipped, never as passed.

    `missed`: it was meant for this target, so the audit is incomplete without it. False: nothing here is of
    the kind that the rule is about, unless it `applies`: then it stays unverified, and nothing was done wrong.
    """

    def __init__(self, reason: str, *, missed: bool = True, applies: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.missed = missed
        self.applies = missed or applies


@dataclass(frozen=True, slots=True)
class Rule:
    """`owasp` is `API8:2023`, `cwe` `CWE-942`, `asvs` `V3.4.2` (5.0). `contract`: the YAML lines that close
    it, or empty.

    `active`: the rule changes things, and runs only with leave. `exhausting`: it wears out the API's patience
    (a burst), so it runs after the others. `closing`: it holds what the others found against each other, and runs last.
    """

    id: str
    sign: int
    method: Method
    severity: Severity
    confidence: Confidence
    title: str
    owasp: str
    cwe: str
    asvs: str
    why: str
    remedy: str
    contract: str
    needs: tuple[Needs, ...]
    look: Callable[[Target], Looked]
    active: bool = False
    exhausting: bool = False
    closing: bool = False

"""One flaw, whoever wrote of it: records that name each other as aliases are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.advisory import Kind
from ninefold.audit.finding import Severity
from ninefold.audit.version import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.advisory import Advisory
    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.renown import Exploited, Odds
    from ninefold.audit.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Flaw:
    """`records` say it of one package. `exploited` is CISA's entry, `odds` EPSS's, of the CVE of it that is worst off."""

    records: tuple[Advisory, ...]
    exploited: Exploited | None = None
    odds: Odds | None = None
    kind: Kind = Kind.FLAW

    @property
    def names(self) -> tuple[str, ...]:
        """Every id and alias, CVE numbers first."""
        told = dict.fromkeys(name for one in self.records for name in one.names)
        return tuple(sorted(told, key=lambda name: not name.startswith("CVE-")))

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def severity(self) -> Severity:
        """Critical where it is exploited; else the worst that a record says; medium where none does."""
        if self.exploited:
            return Severity.CRITICAL
        told = [one.severity for one in self.records if one.severity is not None]
        unknown = Severity.LOW if self.kind is Kind.UNSOUND else Severity.MEDIUM
        return max(told, key=lambda one: one.rank, default=unknown)

    @property
    def scored(self) -> Advisory:
        """The record with the highest score, or the first."""
        return max(self.records, key=lambda one: -1.0 if one.score is None else one.score)

    @property
    def told(self) -> str:
        """One line of evidence: `CVE-2020-28493: summary (CVSS 5.3; EPSS 0.2%, above 57% of all)`."""
        best, facts = self.scored, []
        if best.score is not None:
            facts.append(f"CVSS {best.score:.1f}")
        if self.exploited:
            since = f" since {self.exploited.added}" if self.exploited.added else ""
            by = ", by ransomware too" if self.exploited.ransomware else ""
            facts.append(f"known to be exploited (CISA KEV{since}{by})")
        if self.odds:
            facts.append(f"EPSS {self.odds.score:.1%}, percentile {self.odds.percentile * 100:.0f}")
        summary = next((one.summary for one in self.records if one.summary), "")
        others = f" = {', '.join(self.names[1:5])}" if len(self.names) > 1 else ""
        return f"{self.name}{others}: {summary}" + (f" ({'; '.join(facts)})" if facts else "")


def flaws(hits: Iterable[Advisory], pin: Pin, known: Snapshot) -> tuple[Flaw, ...]:
    """The flaws that these records tell of, worst first."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for hit in hits:
        names, members = set(hit.names), [hit]
        rest = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members = group[1] + members
            else:
                rest.append(group)
        groups = [*rest, (names, members)]
    made = [_flaw(members, pin, known) for _, members in groups]
    return tuple(sorted(made, key=lambda one: (-one.severity.rank, one.name)))


def _flaw(members: list[Advisory], pin: Pin, known: Snapshot) -> Flaw:
    cves = dict.fromkeys(name for one in members for name in one.names if name.startswith("CVE-"))
    odds = [known.odds[cve] for cve in cves if cve in known.odds]
    kinds = {one.kind(pin.name, pin.ecosystem) for one in members}
    return Flaw(
        tuple(sorted(members, key=lambda one: one.id)),
        next((known.exploited[cve] for cve in cves if cve in known.exploited), None),
        max(odds, key=lambda one: one.score, default=None),
        Kind.UNSOUND if kinds == {Kind.UNSOUND} else Kind.FLAW,
    )


def fixed_in(pin: Pin, known: Iterable[Advisory]) -> str:
    """The least later version that none of the records about the package affects; empty if none is known."""
    records = tuple(one for one in known if one.kind(pin.name, pin.ecosystem) in {Kind.FLAW, Kind.UNSOUND})
    mine = key(pin.ecosystem, pin.version)
    if mine is None:
        return ""
    fixes = {text for one in records for text in one.fixes(pin.name, pin.ecosystem)}
    later = sorted(
        ((at, text) for text in fixes if (at := key(pin.ecosystem, text)) is not None and at > mine),
        key=lambda one: one[0],
    )
    return next(
        (text for _, text in later if not any(one.affects(pin.name, text, pin.ecosystem) for one in records)), ""
    )

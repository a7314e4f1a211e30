"""One known flaw as an OSV record (https://ossf.github.io/osv-schema/), and which versions it is in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]
from cvss.exceptions import CVSSError  # type: ignore[import-untyped]
from packaging.utils import canonicalize_name

from ninefold.audit import version
from ninefold.audit.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
_VECTORS: Mapping[str, Callable[[str], Any]] = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}

#: Members of a record, and of each `affected` in it, that are read here; the rest need not be kept.
MEMBERS = ("id", "modified", "withdrawn", "aliases", "summary", "severity", "database_specific")
AFFECTED = ("package", "ranges", "versions", "severity", "database_specific", "ecosystem_specific")


class Kind(StrEnum):
    """What a record is about: a flaw, or (RustSec's `informational`) a package that nobody maintains, or a notice."""

    FLAW = "flaw"
    UNSOUND = "unsound"
    UNMAINTAINED = "unmaintained"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record. `severity` is None where neither the record nor its package says; `score` is CVSS's, 0 to 10."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity | None
    affected: tuple[Mapping[str, Any], ...]
    modified: str = ""
    score: float | None = None
    vector: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Its id and those by which others know it."""
        return (self.id, *self.aliases)

    @property
    def name(self) -> str:
        """The CVE number if it has one, as people know it."""
        return next((one for one in self.names if one.startswith("CVE-")), self.id)

    def kind(self, package: str, ecosystem: str | None) -> Kind:
        """What it says about this package."""
        for one in self.about(package, ecosystem):
            told = str(_mapping(one.get("database_specific")).get("informational"))
            if told in {Kind.UNMAINTAINED, Kind.NOTICE, Kind.UNSOUND}:
                return Kind(told)
        return Kind.FLAW

    def affects(self, package: str, text: str, ecosystem: str | None) -> bool:
        """Whether the version `text` of this package is vulnerable. `ecosystem` None: in whichever the name is known."""
        return any(_affects(one, text) for one in self.about(package, ecosystem))

    def unsure(self, package: str, text: str, ecosystem: str) -> bool:
        """Whether it cannot be said: no version is named, and a range has ends that are no versions there."""
        return any(_unsure(one) and not _affects(one, text) for one in self.about(package, ecosystem))

    def about(self, package: str, ecosystem: str | None) -> Iterator[Mapping[str, Any]]:
        """What it says of this package. Where releases have records of their own, only those of the same release."""
        for one in self.affected:
            told = str(_mapping(one.get("package")).get("name", ""))
            if ecosystem is None:
                if canonicalize_name(told) == package:
                    yield one
            elif (
                same(str(_mapping(one.get("package")).get("ecosystem", "")), ecosystem)
                and version.name(version.base(ecosystem), told) == package
            ):
                yield one

    def fixes(self, package: str, ecosystem: str | None) -> Iterator[str]:
        """Versions that the record calls fixed."""
        for one in self.about(package, ecosystem):
            for span in _list(one.get("ranges")):
                if span.get("type") != "GIT":
                    yield from (str(event["fixed"]) for event in _list(span.get("events")) if "fixed" in event)


def same(told: str, ecosystem: str) -> bool:
    """Whether a record's ecosystem is this one. `Debian:12` is not `Debian:11`; `Maven:https://...` is Maven."""
    return version.release(told) == version.release(ecosystem)


def advisory(raw: Mapping[str, Any]) -> Advisory:
    """A record as OSV writes it, of the form that `osv.records` holds it to."""
    affected = tuple(_list(raw.get("affected")))
    score, vector = _score(raw, affected)
    return Advisory(
        str(raw.get("id", "")),
        tuple(str(one) for one in raw.get("aliases") or () if isinstance(one, str)),
        str(raw.get("summary") or str(raw.get("details") or "").partition("\n")[0])[:160],
        _severity(raw, score),
        affected,
        str(raw.get("modified", "")),
        score,
        vector,
    )


def _score(raw: Mapping[str, Any], affected: Iterable[Mapping[str, Any]]) -> tuple[float | None, str]:
    """The base score of the newest kind of vector that can be read, and the vector."""
    told = [one for holder in (raw, *affected) for one in _list(holder.get("severity"))]
    for kind, reader in _VECTORS.items():
        for one in told:
            vector = str(one.get("score"))
            if one.get("type") == kind and len(vector) < 512:
                try:
                    return float(reader(vector).scores()[0]), vector
                except (CVSSError, ValueError, IndexError, TypeError):
                    continue
    return None, ""


def _severity(raw: Mapping[str, Any], score: float | None) -> Severity | None:
    if str(raw.get("id", "")).startswith("MAL-"):  # a package that was made to do harm (OpenSSF malicious packages)
        return Severity.CRITICAL
    if score is not None:
        return rating(score)
    return _WORDS.get(str(_mapping(raw.get("database_specific")).get("severity")).upper())


def rating(score: float) -> Severity:
    """CVSS v3.1 section 5, the qualitative scale."""
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in steps if score >= least), Severity.INFO)


def _affects(affected: Mapping[str, Any], text: str) -> bool:
    """The evaluation that the OSV schema gives; GIT ranges say nothing about versions."""
    ecosystem = version.base(str(_mapping(affected.get("package")).get("ecosystem", "")))
    mine = version.key(ecosystem, text)
    if any(
        text == str(one) or (mine is not None and version.key(ecosystem, str(one)) == mine)
        for one in affected.get("versions") or ()
    ):
        return True
    return mine is not None and any(
        _within(mine, ecosystem, _list(span.get("events"))) for span in _spans(affected) if _read(span, ecosystem)
    )


def _spans(affected: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (one for one in _list(affected.get("ranges")) if one.get("type") in {"ECOSYSTEM", "SEMVER"})


def _read(span: Mapping[str, Any], ecosystem: str) -> bool:
    """Whether all its ends are versions of the ecosystem; `*` is the limit that is none."""
    ends = (text for event in _list(span.get("events")) for text in event.values() if text != "*")
    return all(version.key(ecosystem, str(text)) is not None for text in ends)


def _unsure(affected: Mapping[str, Any]) -> bool:
    ecosystem = str(_mapping(affected.get("package")).get("ecosystem", ""))
    return not all(_read(span, ecosystem) for span in _spans(affected))


def _within(mine: version.Key, ecosystem: str, events: Iterable[Mapping[str, Any]]) -> bool:
    told = sorted(
        (
            (at, kind)
            for event in events
            for kind, text in event.items()
            if (at := version.key(ecosystem, str(text))) is not None
        ),
        key=lambda one: (one[0], one[1] == "introduced"),
    )
    limits = [at for at, kind in told if kind == "limit"]
    if limits and not any(mine < at for at in limits):
        return False
    inside = False
    for at, kind in told:
        if kind == "introduced" and mine >= at:
            inside = True
        elif (kind == "fixed" and mine >= at) or (kind == "last_affected" and mine > at):
            inside = False
    return inside


def _list(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list | tuple) else iter(())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

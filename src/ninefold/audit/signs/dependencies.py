"""Sign 4, outdated or vulnerable dependencies: known vulnerabilities, open versions, versions told to the
world.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ninefold.audit.advisory import Advisories, Advisory, read_advisories
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.manifests.read import Manifests, manifests
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.version import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Fields that say which software answers.
_FIELDS = (
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime-version",
    "via",
)
_PRODUCT = re.compile(r"([A-Za-z][A-Za-z0-9_.+-]*)[/ ]v?(\d+(?:\.\d+)+[A-Za-z0-9.+-]*)")


def _read(target: Target) -> Manifests:
    found = manifests(target.tree)
    if not found.read:
        others = f"; {', '.join(found.unread)}" if found.unread else ""
        raise Untried(f"no manifest or lock file that can be read was found in the source{others}")
    return found


def _vulnerable(target: Target) -> Looked:
    if target.advisories is None:
        raise Untried("not verified: without advisories (--advisories PATH) nothing is known about any version")
    found = _read(target)
    pins = [pin for pin in found.pins if pin.ecosystem != "Docker"]  # an image is no package; OSV knows none
    pinned = [pin for pin in pins if pin.version and pin.version != "url"]
    known = read_advisories(target.advisories, {pin.name for pin in pinned})
    source = f"{known.total} records, the newest of {known.newest or 'no date'}"
    seen = []
    for pin in pinned:
        hits = [one for one in known.records if one.affects(pin.name, pin.version, pin.ecosystem)]
        if hits:
            seen.append(_hit(pin, hits, source))
    if not seen:
        _verified(found, pins, pinned, known)
    return Looked(len(pinned), tuple(seen))


def _verified(found: Manifests, pins: list[Pin], pinned: list[Pin], known: Advisories) -> None:
    """Nothing was found: was all of it looked for? Raises `Untried` where it was not."""
    if found.unread:
        raise Untried(f"not verified: {', '.join(found.unread)}; in the other manifests nothing was found")
    if len(pinned) < len(pins):
        raise Untried(
            f"not verified: {len(pins) - len(pinned)} of {len(pins)} dependencies have no exact version; "
            "in the others nothing was found"
        )
    if unknown := sorted({pin.ecosystem for pin in pinned} - known.ecosystems):
        raise Untried(f"not verified: the advisories have no record of {', '.join(unknown)}")
    if odd := [pin for pin in pinned if key(pin.ecosystem, pin.version) is None]:
        shown = ", ".join(f"{pin.name} {pin.version}" for pin in odd[:5])
        raise Untried(f"not verified: {len(odd)} versions cannot be ordered ({shown})")


def _hit(pin: Pin, hits: list[Advisory], source: str) -> Observation:
    names = list(dict.fromkeys(one.name for one in hits))
    told = [one.severity for one in hits if one.severity is not None]
    fix = fixed_in(pin, hits)
    close = f"; {fix} has none of them" if fix else "; no fixed version is known"
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return Observation(
        Location(file=pin.file, line=pin.line),
        f"{pin.name} {pin.version} has {len(names)} known "
        f"vulnerabilit{'ies' if len(names) > 1 else 'y'} ({listed}){close}.",
        (*(f"{one.name}: {one.summary}" for one in hits[:6]), f"advisories: {source}"),
        cause=f"{pin.name} {pin.version}",
        severity=max(told, key=lambda one: one.rank) if told else Severity.MEDIUM,
    )


def fixed_in(pin: Pin, hits: Iterable[Advisory]) -> str:
    """The least later version that none of the records affects; empty if none is known."""
    records = tuple(hits)
    mine = key(pin.ecosystem, pin.version)
    if mine is None:
        return ""
    fixes = {text for hit in records for text in hit.fixes(pin.name, pin.ecosystem)}
    later = sorted((at, text) for text in fixes if (at := key(pin.ecosystem, text)) is not None and at > mine)
    return next(
        (text for _, text in later if not any(hit.affects(pin.name, text, pin.ecosystem) for hit in records)), ""
    )


def _unpinned(target: Target) -> Looked:
    found = _read(target)
    seen = tuple(
        Observation(
            Location(file=pin.file, line=pin.line),
            f"`{pin.text}` lets the next install choose the version.",
            cause=f"open versions in {pin.file}",
        )
        for pin in found.pins
        if not pin.version
    )
    return Looked(len(found.pins), seen)


def _disclosed(target: Target) -> Looked:
    calls = target.survey.calls()
    told: dict[tuple[str, str], tuple[Call, str]] = {}
    for call in calls:
        for name in _FIELDS:
            for product, version in _PRODUCT.findall(call.answer.header(name) or ""):
                if product.upper() != "HTTP":  # `Via: HTTP/1.1 proxy` names the protocol
                    told.setdefault((product, version), (call, name))
    packages = {canonicalize_name(product) for product, _ in told}
    known = read_advisories(target.advisories, packages).records if target.advisories and told else ()
    seen = []
    for (product, version), (call, field) in told.items():
        again = target.probe.send(target.survey.as_caller(call.ask))
        if (product, version) not in _PRODUCT.findall(again.header(field) or ""):
            continue
        hits = [one for one in known if one.affects(canonicalize_name(product), version, ecosystem=None)]
        names = ", ".join(dict.fromkeys(one.name for one in hits))
        worst = max((one.severity or Severity.MEDIUM for one in hits), key=lambda one: one.rank, default=None)
        detail = f"`{field}` says {product} {version}" + (
            f", which has known vulnerabilities: {names}." if hits else "."
        )
        seen.append(
            Observation(
                call.place,
                detail,
                (call.answer.exchange("attack"), again.exchange("repeat")),
                cause=f"{product} {version}",
                severity=worst,
                confidence=Confidence.SUSPECTED if hits else None,
            )
        )
    return Looked(len(calls), tuple(seen))


RULES = (
    Rule(
        id="dependencies-vulnerable",
        sign=4,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A dependency has known vulnerabilities",
        owasp="API8:2023",
        cwe="CWE-1395",
        asvs="V15.2.1",
        why="What is known about the version is known to attackers too, often with a working program.",
        remedy="Raise the dependency to the fixed version that the finding names, and install from the lock file.",
        contract="",
        needs=(Needs.SOURCE,),
        look=_vulnerable,
    ),
    Rule(
        id="dependencies-unpinned",
        sign=4,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Dependencies are not pinned",
        owasp="API8:2023",
        cwe="CWE-1357",
        asvs="V15.1.2",
        why="Nobody can say which version runs, so nobody can say whether it is vulnerable.",
        remedy="Commit a lock file with exact versions and hashes (`uv lock`, `pip-compile --generate-hashes`, "
        "`npm install`, `cargo generate-lockfile`), and name base images by their digest.",
        contract="",
        needs=(Needs.SOURCE,),
        look=_unpinned,
    ),
    Rule(
        id="dependencies-disclosed",
        sign=4,
        method=Method.LIVE,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Answers tell the version of the software behind them",
        owasp="API8:2023",
        cwe="CWE-200",
        asvs="V13.4.6",
        why="Who knows the version looks up its vulnerabilities instead of searching for them.",
        remedy="Take product and version out of `Server`, `X-Powered-By` and their kin, and keep the software current.",
        contract="responses: {errors: scrub}\n",
        needs=(Needs.URL,),
        look=_disclosed,
    ),
)

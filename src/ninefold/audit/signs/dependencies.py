"""Sign 4, outdated or vulnerable dependencies: known vulnerabilities, open versions, versions told to the
world.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ninefold.audit.assess import assess
from ninefold.audit.components import chains, components
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.flaw import fixed_in
from ninefold.audit.index import read_advisories
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried

if TYPE_CHECKING:
    from ninefold.audit.assess import Assessment
    from ninefold.audit.components import Chains
    from ninefold.audit.flaw import Flaw
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


def _vulnerable(target: Target) -> Looked:
    done = assess(target)
    ways = chains(done.found.pins)
    seen = tuple(_hit(pin, found, done, ways) for pin, found in done.flawed.items())
    if not seen and done.missed:
        raise Untried(f"not verified: {done.missed}; otherwise nothing was found ({done.source})")
    note = "; ".join((done.source, *done.quiet))
    return Looked(
        len(done.asked), seen, f"not verified beyond what was found: {done.missed}" if done.missed else "", note
    )


def _hit(pin: Pin, found: list[Flaw], done: Assessment, ways: Chains) -> Observation:
    names = [one.name for one in found]
    fix = fixed_in(pin, done.about[pin.ecosystem, pin.name])
    close = f"; {fix} has none of them" if fix else "; no fixed version is known"
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    exploited = [one.name for one in found if one.exploited]
    known = f" Attackers use {', '.join(exploited[:3])} (CISA KEV)." if exploited else ""
    way = ways.told(pin)
    quiet = tuple(one for one in done.quiet if f" in {pin.name} {pin.version} " in one)
    return Observation(
        Location(file=pin.file, line=pin.line),
        f"{pin.name} {pin.version} has {len(names)} known "
        f"vulnerabilit{'ies' if len(names) > 1 else 'y'} ({listed}){close}.{known}{f' {way}' if way else ''}",
        (*(one.told for one in found[:6]), *quiet[:3], done.source),
        cause=f"{pin.name} {pin.version}",
        severity=found[0].severity,
    )


def _unpinned(target: Target) -> Looked:
    found = components(target)
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
        needs=(Needs.COMPONENTS,),
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

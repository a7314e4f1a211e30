"""Sign 4, outdated or vulnerable dependencies: known vulnerabilities, open versions, missing hashes, what is withdrawn,
given up, behind or unused, and versions told to the world.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from ninefold.audit.advisory import Kind
from ninefold.audit.assess import assess
from ninefold.audit.components import chains, components
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.flaw import fixed_in
from ninefold.audit.index import read_advisories
from ninefold.audit.rule import Left, Looked, Needs, Observation, Rule, Untried
from ninefold.audit.unused import unused
from ninefold.audit.upkeep import deprecated, major, outdated, yanked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.assess import Assessment
    from ninefold.audit.components import Chains
    from ninefold.audit.flaw import Flaw
    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.audit.upkeep import Learned

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
    left = (Left(f"not verified beyond what was found: {done.missed}", missed=True),) if done.missed else ()
    return Looked(len(done.asked), seen, left, note)


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
        (done.source, *(one.told for one in found[:6]), *quiet[:3]),
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


def _unhashed(target: Target) -> Looked:
    """A file that has no digest at all, or some that lack it; one finding a file."""
    told = [pin for pin in components(target).pins if pin.exact and pin.hashed is not None]
    some = {pin.file for pin in told if pin.hashed}
    seen = tuple(
        Observation(
            Location(file=pin.file, line=pin.line),
            f"`{pin.text[:80]}` has no hash, and others in the file do."
            if pin.file in some
            else f"no entry of {pin.file} has a hash, so whatever is served under these names is installed.",
            cause=f"no hashes in {pin.file}",
        )
        for pin in told
        if not pin.hashed
    )
    return Looked(len(told), seen)


def _kept(learned: Learned, target: Target, seen: Iterable[Observation]) -> Looked:
    """Raises `Untried` where nothing at all was learned. What a registry was asked for and did not tell is missed."""
    asked = target.supply.registries is not None
    if not learned.of:
        raise Untried(f"not verified: {learned.missed or 'there is no exact version to ask for'}", missed=asked)
    left = (Left(f"not verified: {learned.missed}", missed=True),) if learned.silent and asked else ()
    note = learned.note + (f"; not verified: {learned.missed}" if learned.silent and not asked else "")
    return Looked(learned.of, tuple(seen), left, note)


def _yanked(target: Target) -> Looked:
    learned = yanked(target)
    return _kept(learned, target, (_told(pin, "was withdrawn", why) for pin, why in learned.told))


def _deprecated(target: Target) -> Looked:
    learned = deprecated(target)
    return _kept(learned, target, (_told(pin, "is deprecated or given up", why) for pin, why in learned.told))


def _told(pin: Pin, what: str, why: str) -> Observation:
    place = Location(file=pin.file, line=pin.line)
    because = f": {why.rstrip('.')}." if why else "; no reason is given."
    return Observation(place, f"{pin.name} {pin.version} {what}{because}", cause=f"{pin.name} {pin.version}")


def _outdated(target: Target) -> Looked:
    learned = outdated(target)
    seen = []
    for pin, latest in learned.told:
        behind = major(pin.version) != major(latest.partition(" ")[0])
        seen.append(
            Observation(
                Location(file=pin.file, line=pin.line),
                f"{pin.name} {pin.version}: the newest release is {latest}{', a new major version' if behind else ''}.",
                cause=pin.name,
                severity=Severity.LOW if behind else Severity.INFO,
            )
        )
    return _kept(learned, target, seen)


def _unused(target: Target) -> Looked:
    told = unused(target.tree)
    seen = tuple(
        Observation(
            Location(file=one.file, line=one.line),
            f"{one.name} is required, and no file imports or names it.",
            ("told by deptry (DEP002)",),
            cause=one.name,
        )
        for one in told.unused
    )
    doubt = (
        f"not judged, for their modules are not known here: {', '.join(told.doubtful[:10])}" if told.doubtful else ""
    )
    if told.doubtful and not seen:
        raise Untried(f"not verified: {doubt}", missed=False)
    return Looked(told.asked, seen, note=doubt)


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
        name = canonicalize_name(product)
        flawed = (one for one in known if one.kind(name, None) in {Kind.FLAW, Kind.UNSOUND})
        hits = [one for one in flawed if one.affects(name, version, ecosystem=None)]
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
        id="dependencies-unhashed",
        sign=4,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Dependencies are installed without their hash",
        owasp="API8:2023",
        cwe="CWE-494",
        asvs="V15.2.4",
        why="A registry, a mirror or whoever stands between can serve another file under the same name and version.",
        remedy="Lock with hashes (`pip-compile --generate-hashes`, `uv pip compile --generate-hashes`, `npm install`) and "
        "install with `--require-hashes` or `npm ci`.",
        contract="",
        needs=(Needs.SOURCE,),
        look=_unhashed,
    ),
    Rule(
        id="dependencies-yanked",
        sign=4,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="A version was withdrawn by its makers",
        owasp="API8:2023",
        cwe="CWE-1395",
        asvs="V15.2.1",
        why="Makers withdraw what is broken, vulnerable or not theirs; nobody mends it afterwards.",
        remedy="Move to a version that stands, and lock again.",
        contract="",
        needs=(Needs.COMPONENTS,),
        look=_yanked,
    ),
    Rule(
        id="dependencies-deprecated",
        sign=4,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="A dependency is deprecated or no longer maintained",
        owasp="API8:2023",
        cwe="CWE-1104",
        asvs="V15.2.1",
        why="The next vulnerability in it will not be mended.",
        remedy="Move to what its makers name instead, or to something that is maintained.",
        contract="",
        needs=(Needs.COMPONENTS,),
        look=_deprecated,
    ),
    Rule(
        id="dependencies-outdated",
        sign=4,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="A dependency is behind its newest release",
        owasp="API8:2023",
        cwe="CWE-1104",
        asvs="V15.2.1",
        why="Fixes come with new versions; the further behind, the longer the way on the day that one is urgent.",
        remedy="Raise it, at best by a machine that proposes every new release (Dependabot, Renovate).",
        contract="",
        needs=(
            Needs.COMPONENTS,
            Needs.REGISTRY,
        ),
        look=_outdated,
    ),
    Rule(
        id="dependencies-unused",
        sign=4,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.SUSPECTED,
        title="A dependency is not used",
        owasp="API8:2023",
        cwe="CWE-1164",
        asvs="V15.2.3",
        why="What nobody uses is attacked, updated and trusted all the same.",
        remedy="Take it out of the requirements, and lock again; if something loads it by name, say so where it is required.",
        contract="",
        needs=(Needs.SOURCE,),
        look=_unused,
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

"""Which known flaws the components of an API have, and what of them could not be looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.advisory import Kind
from ninefold.audit.components import components
from ninefold.audit.flaw import flaws
from ninefold.audit.index import read_advisories
from ninefold.audit.rule import Untried
from ninefold.audit.version import RELEASED, base, key, release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.advisory import Advisory
    from ninefold.audit.flaw import Flaw
    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.manifests.read import Manifests
    from ninefold.audit.snapshot import Snapshot
    from ninefold.audit.supply import Supply
    from ninefold.audit.target import Target
    from ninefold.audit.vex import Statement


@dataclass(frozen=True, slots=True)
class Verdict:
    """One flaw of one component. `said` is the statement that holds of it, if there is one."""

    pin: Pin
    flaw: Flaw
    said: Statement | None = None

    @property
    def quiet(self) -> bool:
        """Whether a statement says that it does not count."""
        return self.said is not None and self.said.quiet


@dataclass(frozen=True, slots=True)
class Assessment:
    """`about` has every record about a package, by ecosystem and name; `missed` says what was not looked up, or is empty."""

    found: Manifests
    asked: tuple[Pin, ...]
    verdicts: tuple[Verdict, ...]
    about: dict[tuple[str, str], tuple[Advisory, ...]]
    source: str
    missed: str

    @property
    def flawed(self) -> dict[Pin, list[Flaw]]:
        """What counts, by component."""
        made: dict[Pin, list[Flaw]] = {}
        for one in self.verdicts:
            if not one.quiet:
                made.setdefault(one.pin, []).append(one.flaw)
        return made

    @property
    def quiet(self) -> tuple[str, ...]:
        """What does not count, each with its reason."""
        return tuple(
            f"{one.flaw.name} in {one.pin.name} {one.pin.version} does not count: {one.said.told}"
            for one in self.verdicts
            if one.quiet and one.said
        )


def assess(target: Target) -> Assessment:
    """Raises `Untried` where there are no components or no advisories, `FileError` where they are broken."""
    found = components(target)
    pins = [pin for pin in found.pins if pin.ecosystem != "Docker"]  # an image is no package; OSV knows none
    asked = tuple(pin for pin in pins if pin.exact)
    if target.advisories is None:
        fetch = " ".join(["ninefold advisories fetch", *sorted({base(pin.ecosystem) for pin in pins})])
        raise Untried(
            f"not verified: there are no advisories, so nothing is known about any version; `{fetch}` gets them, "
            "`ninefold advisories import FILE` takes what was got elsewhere, --advisories PATH names them"
        )
    known = read_advisories(target.advisories, {pin.name for pin in asked})
    about = _about(asked, known)
    verdicts = []
    unsure: set[str] = set()
    for pin in asked:
        mine = [
            one
            for one in about[pin.ecosystem, pin.name]
            if one.kind(pin.name, pin.ecosystem) in {Kind.FLAW, Kind.UNSOUND}
        ]
        hits = [one for one in mine if one.affects(pin.name, pin.version, pin.ecosystem)]
        unsure |= {one.name for one in mine if one.unsure(pin.name, pin.version, pin.ecosystem)}
        verdicts += [Verdict(pin, one, _said(pin, one, target)) for one in flaws(hits, pin, known)]
    answered = sum(release(pin.ecosystem) in known.holdings for pin in asked)
    source = f"advisories: {known.told(pin.ecosystem for pin in pins)}; {answered} of {len(pins)} components looked up"
    missed = _missed(found, pins, asked, known, target.supply, target.now)
    if unsure:
        missed.append(f"ranges of {_few(sorted(unsure))} cannot be read")
    return Assessment(found, asked, tuple(verdicts), about, source, "; ".join(missed))


def _about(asked: Iterable[Pin], known: Snapshot) -> dict[tuple[str, str], tuple[Advisory, ...]]:
    by: dict[str, list[Advisory]] = {}
    for record in known.records:
        for name in {_plain(str((one.get("package") or {}).get("name", ""))) for one in record.affected}:
            by.setdefault(name, []).append(record)
    return {
        (pin.ecosystem, pin.name): tuple(
            one for one in by.get(_plain(pin.name), ()) if any(one.about(pin.name, pin.ecosystem))
        )
        for pin in asked
    }


def _plain(name: str) -> str:
    """A name by which records are sorted: alike for all that any ecosystem calls the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _said(pin: Pin, flaw: Flaw, target: Target) -> Statement | None:
    """The statement that holds. Where two disagree, the flaw counts."""
    mine = [one for one in target.supply.vex if one.covers(pin, flaw, target.now)]
    return min(mine, key=lambda one: one.quiet, default=None)


def _missed(
    found: Manifests, pins: list[Pin], asked: tuple[Pin, ...], known: Snapshot, supply: Supply, now: float
) -> list[str]:
    """Was all of it looked for? What was not, each in a few words."""
    told = []
    if found.unread:
        told.append(f"not read: {', '.join(found.unread)}")
    if len(asked) < len(pins):
        told.append(f"{len(pins) - len(asked)} of {len(pins)} dependencies have no exact version")
    ecosystems = sorted({release(pin.ecosystem) for pin in asked})
    if unknown := [one for one in ecosystems if one not in known.holdings]:
        told.append(f"the advisories have no record of {', '.join(unknown)}")
    for ecosystem in ecosystems:
        if (held := known.holdings.get(ecosystem)) is None:
            continue
        age = held.age(now)
        if age is None:
            told.append(f"the advisories of {ecosystem} have no date")
        elif age > supply.oldest:
            told.append(
                f"the advisories of {ecosystem} are of {held.day}, {age} days old (at most {supply.oldest}; "
                "--advisories-max-age), so what was published since is not known"
            )
    odd = [pin for pin in asked if key(pin.ecosystem, pin.version) is None and release(pin.ecosystem) in known.holdings]
    if odd:
        told.append(f"{len(odd)} versions cannot be ordered ({_few([f'{pin.name} {pin.version}' for pin in odd])})")
    if loose := [pin.name for pin in asked if pin.ecosystem in RELEASED]:
        told.append(f"the release of the distribution is not told ({_few(loose)})")
    return told


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

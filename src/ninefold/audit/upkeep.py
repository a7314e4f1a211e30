"""How components are kept: withdrawn, deprecated, given up or behind; from lock files, advisories and registries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from ninefold.audit.advisory import Kind
from ninefold.audit.components import components, unique
from ninefold.audit.index import read_advisories
from ninefold.audit.registry import Entry, Unknown
from ninefold.audit.version import base, key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.snapshot import Snapshot
    from ninefold.audit.target import Target

#: The one ecosystem whose advisories tell systematically of packages that nobody maintains (RustSec).
_INFORMED = "crates.io"


@dataclass
class Learned:
    """`told` is what was learned of components, worst first; `of` how many something is known about, and who said it.

    `silent` has the components of which nobody told anything, each with why.
    """

    told: list[tuple[Pin, str]] = field(default_factory=list)
    of: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    silent: dict[str, list[str]] = field(default_factory=dict)

    def know(self, source: str) -> None:
        self.of += 1
        self.sources[source] = self.sources.get(source, 0) + 1

    def miss(self, pin: Pin, why: str) -> None:
        self.silent.setdefault(why, []).append(pin.name)

    @property
    def note(self) -> str:
        """On what it rests."""
        return ", ".join(f"{number} by {source}" for source, number in self.sources.items())

    @property
    def missed(self) -> str:
        """Of which components nothing was learned, and why."""
        return "; ".join(
            f"{len(names)} not known ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}): {why}"
            for why, names in self.silent.items()
        )


def yanked(target: Target) -> Learned:
    """Versions that were taken back after they were published."""
    made = Learned()
    for pin in _asked(target):
        if pin.yanked is not None or "yanked" in pin.tells:
            made.know("lock files")
            if pin.yanked is not None:
                made.told.append((pin, pin.yanked))
        elif (entry := _entry(target, pin, made)) is not None and (why := _of(entry.yanked, pin)) is not None:
            made.told.append((pin, why))
    return made


def deprecated(target: Target) -> Learned:
    """Versions and projects that their makers call deprecated, or that nobody maintains."""
    made = Learned()
    asked = _asked(target)
    known = read_advisories(target.advisories, {pin.name for pin in asked}) if target.advisories else None
    for pin in asked:
        given_up = list(_given_up(pin, known))
        if pin.deprecated is not None:
            made.know("lock files")
            made.told.append((pin, pin.deprecated or "deprecated"))
        elif given_up:
            made.know("advisories")
            made.told.append((pin, f"unmaintained: {given_up[0]}"))
        elif "deprecated" in pin.tells:
            made.know("lock files")
        elif base(pin.ecosystem) == _INFORMED and known and _INFORMED in known.holdings:
            made.know("advisories")
        elif (entry := _entry(target, pin, made)) is not None:
            if (why := _of(entry.deprecated, pin)) is not None:
                made.told.append((pin, why or "deprecated"))
            elif entry.status in {"deprecated", "archived", "quarantined"}:
                made.told.append(
                    (pin, f"the project is {entry.status}" + (f": {entry.reason}" if entry.reason else ""))
                )
    return made


def outdated(target: Target) -> Learned:
    """Versions after which a newer one was released; the text says how far they are behind."""
    made = Learned()
    for pin in _asked(target):
        entry = _entry(target, pin, made)
        if entry is None:
            continue
        mine, newest = key(pin.ecosystem, pin.version), key(pin.ecosystem, entry.latest)
        if mine is not None and newest is not None and mine < newest:
            since = entry.days.get(entry.latest, "")
            made.told.append((pin, entry.latest + (f" of {since}" if since else "")))
    return made


def major(version: str) -> str:
    """What changes when a release breaks its users: the first number, or the first that is not 0."""
    numbers = version.removeprefix("v").split(".")
    return next((".".join(numbers[: at + 1]) for at, one in enumerate(numbers[:2]) if one != "0"), "0.0")


def _asked(target: Target) -> list[Pin]:
    return unique(pin for pin in components(target).pins if pin.exact)


def _entry(target: Target, pin: Pin, made: Learned) -> Entry | None:
    """What the registry says of it. Only what a project asks for itself is looked up, or what may be that."""
    registries = target.supply.registries
    if registries is None:
        made.miss(pin, "its lock file does not tell, and no registry was asked (--registry)")
        return None
    if pin.direct is False:
        return None
    found = registries.entry(pin.ecosystem, pin.name)
    if isinstance(found, Unknown):
        made.miss(pin, found.reason)
        return None
    made.know(f"the registry of {pin.ecosystem} (direct ones alone)")
    return found


def _of(told: dict[str, str], pin: Pin) -> str | None:
    if pin.ecosystem == "PyPI":
        try:
            return told.get(str(Version(pin.version)))
        except InvalidVersion:
            return None
    return told.get(pin.version)


def _given_up(pin: Pin, known: Snapshot | None) -> Iterator[str]:
    for one in known.records if known else ():
        if one.kind(pin.name, pin.ecosystem) is Kind.UNMAINTAINED and one.affects(pin.name, pin.version, pin.ecosystem):
            yield f"{one.name} {one.summary}".strip()

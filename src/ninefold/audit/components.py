"""The components of an API: what its manifests and lock files tell, and its bill of materials; and how they got there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.manifests.cyclonedx import read_sbom
from ninefold.audit.manifests.read import Manifests, manifests
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.target import Target


def components(target: Target) -> Manifests:
    """Raises `Untried` where there is nothing that can be read, and `FileError` for a bill that is none."""
    found = manifests(target.source) if target.source else Manifests((), (), ())
    bill = target.supply.sbom
    if bill is not None:
        pins, unnamed = read_sbom(bill)
        unread = found.unread
        if unnamed:
            shown = ", ".join(unnamed[:3]) + (", ..." if len(unnamed) > 3 else "")
            unread = (*unread, f"{bill.name} ({len(unnamed)} components without a purl: {shown})")
        found = Manifests((*found.pins, *pins), (*found.read, bill.name), unread)
    if not found.read:
        others = f"; {', '.join(found.unread)}" if found.unread else ""
        raise Untried(f"no manifest or lock file that can be read was found in the source{others}")
    return found


@dataclass(frozen=True, slots=True)
class Chains:
    """How each dependency is asked for, from the requirement of the project's own down; where the file tells."""

    _over: dict[tuple[str, str, str], tuple[str, str, str] | None]

    def of(self, pin: Pin) -> tuple[str, ...]:
        """The names from the requirement to `pin`; one alone: it is direct. Empty: the file does not tell."""
        at: tuple[str, str, str] | None = (pin.file, pin.name, pin.version)
        if at not in self._over:
            return ()
        names: list[str] = []
        while at is not None:
            names.append(f"{at[1]} {at[2]}" if names else at[1])
            at = self._over[at]
        return tuple(reversed(names))

    def told(self, pin: Pin) -> str:
        """A sentence for a report, or nothing."""
        chain = self.of(pin)
        if not chain:
            return ""
        if len(chain) == 1:
            return "It is required directly."
        return f"It comes through {' → '.join(chain)}: raise {chain[0]}, or override the version."


def chains(pins: Sequence[Pin]) -> Chains:
    """The shortest way to each, file by file. Where a lock does not say what is direct, what nobody asks for is."""
    over: dict[tuple[str, str, str], tuple[str, str, str] | None] = {}
    by: dict[tuple[str, str], list[Pin]] = {}
    for pin in pins:
        by.setdefault((pin.file, pin.name), []).append(pin)
    told = {pin.file for pin in pins if pin.direct}
    linked = {pin.file for pin in pins if pin.needs} - told
    needed = {(pin.file, need.name) for pin in pins for need in pin.needs}
    waiting = deque(pin for pin in pins if pin.direct or (pin.file in linked and (pin.file, pin.name) not in needed))
    over |= {_key(pin): None for pin in waiting}
    while waiting:
        one = waiting.popleft()
        for need in dict.fromkeys(one.needs):
            for other in by.get((one.file, need.name), ()):
                if _key(other) not in over and need.version in {"", other.version}:
                    over[_key(other)] = _key(one)
                    waiting.append(other)
    return Chains(over)


def _key(pin: Pin) -> tuple[str, str, str]:
    return pin.file, pin.name, pin.version


def unique(pins: Iterable[Pin]) -> list[Pin]:
    """One of each ecosystem, name and version, the first."""
    return list({(pin.ecosystem, pin.name, pin.version): pin for pin in reversed(list(pins))}.values())[::-1]

"""What the schemas of one place come to, while they are gone through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.guard.atom import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Schema
    from ninefold.guard.alternatives import Alternatives

#: What a shape is made of: a schema (its `id`), and the names of members that may not leave of it.
Atom = tuple[int, frozenset[str]]


@dataclass(slots=True)
class Gathering:
    """What the schemas of one place come to, once members of it have told what is `decided`.

    `told` are members that would tell more, each with the values that it may have, the outermost first; where it is `melting`
    nobody asks them. `unsaid`: they say nothing of it, and there are names that do not leave as they are anywhere.
    """

    decided: Mapping[str, str]
    melting: bool
    atoms: dict[Atom, dict[str, Any]] = field(default_factory=dict)
    seen: set[Atom] = field(default_factory=set)
    told: dict[str, dict[str, None]] = field(default_factory=dict)
    anything: bool = False
    melts: bool = False
    unsaid: bool = False

    @property
    def is_object(self) -> bool:
        """Whether one may stand there by what was gathered."""
        return any("object" in kinds(atom) for atom in self.atoms.values())

    def picked(self, alternatives: Alternatives) -> tuple[Schema, ...]:
        """Those that it may be."""
        name = alternatives.name
        if name is not None and name in self.decided:
            return alternatives.by.get(self.decided[name], ()) + alternatives.always
        if name is not None and not self.melting:
            self.told.setdefault(name, {}).update(dict.fromkeys(alternatives.by))
        else:
            self.melts |= name is not None or alternatives.melts
        return alternatives.shown

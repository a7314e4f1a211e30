"""What may stand at one place of a JSON text, and which of its members may leave or go in.

`ninefold.guard.shape` makes it of schemas, and `ninefold.guard.program` of it a program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from ninefold.guard.mask import Mask


@dataclass(frozen=True, slots=True)
class Names:
    """Which members may leave of an object that may have others than those it names.

    `hidden` (`writeOnly`) may not, nor those that fit one of `kept`; of the rest those that fit one of `patterns`, or all
    of them (None).
    """

    hidden: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] | None
    kept: tuple[re.Pattern[str], ...] = ()

    def lets(self, name: str) -> bool:
        """Whether a member of this name may leave."""
        if name in self.hidden or any(pattern.search(name) for pattern in self.kept):
            return False
        return self.patterns is None or any(pattern.search(name) for pattern in self.patterns)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """An object whose member `name` tells by which shape it leaves: by one of `by`, which are by its values.

    For any other value, and where it has no such member, by `otherwise`: what all of them let out.
    """

    name: str
    by: Mapping[str, Shape]
    otherwise: Shape


@dataclass(slots=True, eq=False)
class Shape:
    """What may stand at one place. `anything` wins over the rest; `null` may stand everywhere.

    `scalars` are JSON Schema's names. `items` is set where an array may stand; `members`, or `choice`, where an object may;
    `others` where members that have no name in the schema may leave too (`additionalProperties`, `patternProperties`), and is
    the shape of all of those; `names` then says which, where not all may. `mask` says that what stands there, a scalar then, is
    put in other words before it leaves. `free`: a text that stands there may say anything. `most` is how many items an array
    may have; None: any number. `melts`: there were alternatives that nothing tells apart, and it is all of them.
    `unsaid`: nothing was said of it, and it has members only because some are hidden or masked everywhere.
    """

    anything: bool = False
    scalars: set[str] = field(default_factory=set)
    items: Shape | None = None
    members: dict[str, Shape] | None = None
    others: Shape | None = None
    names: Names | None = None
    mask: Mask | None = None
    free: bool = False
    most: int | None = None
    choice: Choice | None = None
    melts: bool = False
    unsaid: bool = False

    @property
    def structured(self) -> bool:
        """Whether an array or an object may stand there."""
        return self.items is not None or self.members is not None or self.choice is not None

"""What a schema lets out, with everything that is not about shape left away.

A schema's alternatives (`oneOf`, `anyOf`) and parts (`allOf`, `$ref`) melt into one `Shape`: a member may leave when any
of them declares it. That is all that a projection needs, and it ends for every recursive schema, because a shape is
known by the set of schemas that it was made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Schema

#: More distinct shapes than this in one response is no description that a person wrote.
MOST_SHAPES = 20_000

_OWN = (
    "type",
    "properties",
    "items",
    "prefixItems",
    "additionalProperties",
    "patternProperties",
    "enum",
    "const",
)
_CONDITIONAL = ("then", "else")
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class Names:
    """Which members may leave of an object that may have others than those it names.

    `hidden` (`writeOnly`) may not; of the rest those that fit one of `patterns`, or all of them (None).
    """

    hidden: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] | None


@dataclass(slots=True, eq=False)
class Shape:
    """What may stand at one place. `anything` wins over the rest; `null` may stand everywhere.

    `scalars` are JSON Schema's names. `items` is set where an array may stand, `members` where an object may; `others`
    where members that have no name in the schema may leave too (`additionalProperties`, `patternProperties`), and is the
    shape of all of those; `names` then says which, where not all may.
    """

    anything: bool = False
    scalars: set[str] = field(default_factory=set)
    items: Shape | None = None
    members: dict[str, Shape] | None = None
    others: Shape | None = None
    names: Names | None = None


class Shapes:
    """Shapes of one description's schemas, each made once."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._known: dict[frozenset[int], Shape] = {}
        self._kept: list[Any] = []  # the ids above stay those of living schemas

    def of(self, *schemas: Schema) -> Shape:
        """The shape that all of `schemas` together let out. Raises `DescriptionError` on a dangling `$ref`."""
        atoms: dict[int, dict[str, Any]] = {}
        anything = False
        for schema in schemas:
            anything |= not self._gather(schema, atoms, set())
        key = frozenset(atoms) | ({0} if anything else frozenset())
        if (known := self._known.get(key)) is not None:
            return known
        if len(self._known) >= MOST_SHAPES:
            raise DescriptionError(
                f"the response schemas unfold into more than {MOST_SHAPES} shapes",
                place=Place(self._description.source),
                remedy="give the alternatives (oneOf, anyOf) fewer branches that refer to each other",
            )
        shape = self._known[key] = Shape(anything=anything)
        self._kept.extend(atoms.values())
        if not anything:
            self._fill(shape, list(atoms.values()))
        return shape

    def _gather(self, schema: Schema, atoms: dict[int, dict[str, Any]], seen: set[int]) -> bool:
        """Collect the schemas that say something of their own; False: one alternative says nothing, so anything goes."""
        resolved = self._description.resolve(schema)
        if resolved is False:
            return True
        if not isinstance(resolved, dict):
            return False
        if id(resolved) in seen:
            return True
        seen.add(id(resolved))
        own = any(name in resolved for name in _OWN)
        if own:
            atoms[id(resolved)] = resolved
        bounded = own
        for name in _CONDITIONAL:
            if name in resolved:
                self._gather(resolved[name], atoms, seen)
        for part in resolved.get("allOf") or ():
            bounded |= self._gather(part, atoms, seen)
        for name in ("oneOf", "anyOf"):
            if alternatives := resolved.get(name):
                bounded |= min([self._gather(one, atoms, seen) for one in alternatives])  # each is gathered
        return bounded

    def _fill(self, shape: Shape, atoms: list[dict[str, Any]]) -> None:
        items: list[Schema] = []
        objects: list[_Object] = []
        array = False
        for atom in atoms:
            kinds = _kinds(atom)
            shape.scalars |= kinds & _SCALARS
            if "array" in kinds:
                array = True
                found = [*(atom.get("prefixItems") or ()), *([atom["items"]] if "items" in atom else ())]
                items.extend(found or [True])
            if "object" in kinds:
                objects.append(self._object(atom))
        if array:
            shape.items = self.of(*items)
        if objects:
            members = dict.fromkeys(name for one in objects for name in one.members)
            shape.members = {name: self.of(*(part for one in objects for part in one.of(name))) for name in members}
            others = [part for one in objects for part in one.others]
            if others:
                shape.others = self.of(*others)
                hidden = frozenset(name for one in objects for name in one.hidden if name not in members)
                free = any(one.extra is not False for one in objects)
                if hidden or not free:
                    patterns = tuple(pattern for one in objects for pattern in one.patterns)
                    shape.names = Names(hidden, None if free else patterns)

    def _object(self, atom: dict[str, Any]) -> _Object:
        found = _Object(extra=atom.get("additionalProperties", False))
        for name, member in (atom.get("properties") or {}).items():
            resolved = self._description.resolve(member)
            if isinstance(resolved, dict) and resolved.get("writeOnly") is True:
                found.hidden.add(name)
            else:
                found.members[name] = member
        for text, member in (atom.get("patternProperties") or {}).items():
            found.patterns[self._pattern(text)] = member
        return found

    def _pattern(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text)
        except re.error as fault:
            raise DescriptionError(
                f"a response schema has a pattern for names that cannot be read ({fault})",
                place=Place(self._description.source),
                remedy="mend the key of `patternProperties` (ECMA-262, in the part that Python reads too)",
            ) from None


@dataclass(slots=True)
class _Object:
    """What one schema says of an object. `extra` is its `additionalProperties`; without one nothing more may leave."""

    extra: Schema
    members: dict[str, Schema] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    patterns: dict[re.Pattern[str], Schema] = field(default_factory=dict)

    @property
    def others(self) -> list[Schema]:
        return [*self.patterns.values(), *([] if self.extra is False else [self.extra])]

    def of(self, name: str) -> list[Schema]:
        """What it says of the member of a name: `additionalProperties` speaks of those that nothing else does."""
        found = [member for pattern, member in self.patterns.items() if pattern.search(name)]
        if name in self.members:
            found.append(self.members[name])
        if not found and name not in self.hidden and self.extra is not False:
            found.append(self.extra)
        return found


def _kinds(atom: dict[str, Any]) -> set[str]:
    """The types that one schema admits, by its `type`, or by what its other keywords imply."""
    declared = atom.get("type")
    if isinstance(declared, str):
        return {declared}
    if isinstance(declared, list):
        return {one for one in declared if isinstance(one, str)}
    kinds: set[str] = set()
    if any(name in atom for name in ("properties", "additionalProperties", "patternProperties")):
        kinds.add("object")
    if "items" in atom or "prefixItems" in atom:
        kinds.add("array")
    for value in [*(atom.get("enum") or ()), *([atom["const"]] if "const" in atom else ())]:
        kinds.add(_kind_of(value))
    return kinds


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "null"

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
#: Characters that a member's name in JSON holds as escapes (RFC 8259 section 7); a projector knows names as they stand.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_CONDITIONAL = ("then", "else")
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


@dataclass(frozen=True, slots=True)
class Names:
    """Which members may leave of an object that may have others than those it names.

    `known` may, `hidden` (`writeOnly`) may not; of the rest those that fit one of `patterns`, or all of them (None).
    """

    known: frozenset[str]
    hidden: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] | None

    def lets(self, name: str) -> bool:
        if name in self.known or name in self.hidden:
            return name in self.known
        return self.patterns is None or any(pattern.search(name) for pattern in self.patterns)


@dataclass(slots=True, eq=False)
class Shape:
    """What may stand at one place. `anything` wins over the rest; `null` may stand everywhere.

    `scalars` are JSON Schema's names; `exact` says that a number's digits matter (no `format: double`).
    `items` is set where an array may stand, `members` where an object may; `others` is set where members that have no
    name in the schema may leave too (`additionalProperties`), and is then the shape of all of them, named or not;
    `names` then says which, where not all may.
    """

    anything: bool = False
    scalars: set[str] = field(default_factory=set)
    exact: bool = False
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
        members: dict[str, list[Schema]] = {}
        others: list[Schema] = []
        hidden: set[str] = set()
        fitting: list[str] = []
        array = anonymous = anyhow = object_ = False
        for atom in atoms:
            kinds = _kinds(atom)
            shape.scalars |= kinds & _SCALARS
            if "number" in kinds and atom.get("format") not in {"double", "float"}:
                shape.exact = True
            if "array" in kinds:
                array = True
                found = [*(atom.get("prefixItems") or ()), *([atom["items"]] if "items" in atom else ())]
                items.extend(found or [True])
            if "object" in kinds:
                object_ = True
                for name, member in (atom.get("properties") or {}).items():
                    resolved = self._description.resolve(member)
                    if isinstance(resolved, dict) and resolved.get("writeOnly") is True:
                        hidden.add(name)
                        continue
                    members.setdefault(name, []).append(member)
                extra = atom.get("additionalProperties", False)
                patterns = atom.get("patternProperties") or {}
                fitting.extend(patterns)
                anyhow |= extra is not False
                if extra is not False or patterns:
                    anonymous = True
                    others.extend([*patterns.values(), *([extra] if extra is not False else [])])
        if array:
            shape.items = self.of(*items)
        if object_:
            shape.members = {name: self.of(*found) for name, found in members.items()}
            if anonymous:
                shape.others = self.of(*others, *(one for found in members.values() for one in found))
                if hidden - members.keys() or not anyhow:
                    patterns_ = None if anyhow else self._patterns(fitting)
                    shape.names = Names(frozenset(members), frozenset(hidden), patterns_)
            elif escaped := next((name for name in members if _ESCAPED.search(name)), ""):
                raise DescriptionError(
                    f"a response schema has the member {escaped!r}, and a name that JSON must escape cannot be let out",
                    place=Place(self._description.source),
                    remedy="rename it; or let the operation's responses pass unread (`responses.open`)",
                )

    def _patterns(self, texts: list[str]) -> tuple[re.Pattern[str], ...]:
        try:
            return tuple(re.compile(text) for text in texts)
        except re.error as fault:
            raise DescriptionError(
                f"a response schema has a pattern for names that cannot be read ({fault})",
                place=Place(self._description.source),
                remedy="mend the key of `patternProperties` (ECMA-262, in the part that Python reads too)",
            ) from None


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

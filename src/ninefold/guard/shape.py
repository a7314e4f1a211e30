"""What a schema lets out, with everything that is not about shape left away.

Of a request it is what a schema lets in: the same, with `readOnly` in the place of `writeOnly`, and objects open of whose
members nothing is said at all.

A schema's alternatives (`oneOf`, `anyOf`) and parts (`allOf`, `$ref`) melt into one `Shape`: a member may leave when any
of them declares it, and no part of the same value says `writeOnly` of it (JSON Schema 2020-12, validation, 9.4: one that says
so is enough). That is all that a projection needs, and it ends for every recursive schema, because a shape is known by the
set of schemas that it was made of, each with the names that may not leave of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ninefold.contract.description import Description, Schema
    from ninefold.guard.mask import Mask

#: What a shape is made of: a schema (its `id`), and the names of members that may not leave of it.
_Known = tuple[int, frozenset[str]]

#: More distinct shapes than this in one response is no description that a person wrote.
MOST_SHAPES = 20_000

_OWN = (
    "type", "properties", "items", "prefixItems", "additionalProperties", "patternProperties", "enum", "const",
)  # fmt: skip
_MEMBERS = ("properties", "additionalProperties", "patternProperties")
_CONDITIONAL = ("then", "else")
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


#: What a schema that says nothing lets out, in words.
_FREE: dict[str, Any] = {"type": [*sorted(_SCALARS), "array", "object"], "items": True, "additionalProperties": True}


@dataclass(frozen=True, slots=True)
class Names:
    """Which members may leave of an object that may have others than those it names.

    `hidden` (`writeOnly`) may not, nor those that fit one of `kept`; of the rest those that fit one of `patterns`, or all
    of them (None).
    """

    hidden: frozenset[str]
    patterns: tuple[re.Pattern[str], ...] | None
    kept: tuple[re.Pattern[str], ...] = ()


@dataclass(slots=True, eq=False)
class Shape:
    """What may stand at one place. `anything` wins over the rest; `null` may stand everywhere.

    `scalars` are JSON Schema's names. `items` is set where an array may stand, `members` where an object may; `others`
    where members that have no name in the schema may leave too (`additionalProperties`, `patternProperties`), and is the
    shape of all of those; `names` then says which, where not all may. `mask` says that what stands there, a scalar then, is
    put in other words before it leaves. `free`: nothing was said of it, and it has members only because some are hidden.
    """

    anything: bool = False
    scalars: set[str] = field(default_factory=set)
    items: Shape | None = None
    members: dict[str, Shape] | None = None
    others: Shape | None = None
    names: Names | None = None
    mask: Mask | None = None
    free: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """What becomes of members by their names: of all objects, or of those that one schema (by its `id`) is about."""

    hidden: frozenset[str] = frozenset()
    hidden_of: Mapping[int, frozenset[str]] = field(default_factory=dict)
    masked: Mapping[str, Mask] = field(default_factory=dict)
    masked_of: Mapping[int, Mapping[str, Mask]] = field(default_factory=dict)

    @property
    def hides(self) -> bool:
        """Whether some of them do not leave."""
        return bool(self.hidden or self.hidden_of)

    @property
    def says(self) -> bool:
        """Whether something becomes of any."""
        return bool(self.hides or self.masked or self.masked_of)


#: Nothing is hidden, nothing masked.
PLAIN = Fields()


class Shapes:
    """Shapes of one description's schemas, each made once.

    `request`: of what goes in. `fields`: what some do not see as it is.
    """

    def __init__(self, description: Description, *, request: bool = False, fields: Fields = PLAIN) -> None:
        self._description = description
        self._fields = fields
        self._masks: dict[tuple[int, Mask], Shape] = {}
        self._request = request
        #: The keyword of what stays behind.
        self._word = "readOnly" if request else "writeOnly"
        self._known: dict[frozenset[_Known], Shape] = {}
        self._unfilled: list[tuple[Shape, list[tuple[dict[str, Any], frozenset[str]]]]] = []
        self._late: list[tuple[Shape, Shape]] = []
        self._kept: list[Any] = []  # the ids above stay those of living schemas
        self._inner: dict[tuple[int, str | None], Schema] = {}
        self._kept_back: dict[int, tuple[Schema, bool]] = {}
        self._hidden: dict[int, tuple[Schema, frozenset[str]]] = {}

    def of(self, *schemas: Schema) -> Shape:
        """The shape that all of `schemas` together let out. Raises `DescriptionError` on a dangling `$ref`."""
        try:
            shape = self._of(schemas)
            while self._unfilled:
                self._fill(*self._unfilled.pop())
            while self._late:  # what is masked was not filled when it was met
                masked, behind = self._late.pop()
                free = behind.anything or behind.free
                if not free and (behind.items is not None or behind.members is not None):
                    raise DescriptionError(
                        "a member that `responses.mask` names is an object or an array",
                        place=Place(self._description.source),
                        remedy="name the members inside of it that are to be masked",
                    )
                masked.scalars = set(_SCALARS) if free else behind.scalars
        except RecursionError:
            raise DescriptionError(
                "the parts of a response schema (allOf, oneOf, anyOf) nest too deep",
                place=Place(self._description.source),
                remedy="say in fewer steps what the schema is made of",
            ) from None
        return shape

    def _of(self, schemas: Iterable[Schema]) -> Shape:
        atoms: dict[_Known, dict[str, Any]] = {}
        anything = False
        for schema in schemas:
            anything |= not self._gather(schema, frozenset(), atoms, set())
        free = anything and self._fields.says
        if free:  # anything but what is hidden, or masked, wherever it is
            anything = False
            atoms[id(_FREE), self._fields.hidden] = _FREE
        key: frozenset[_Known] = frozenset(atoms) | ({(0, frozenset())} if anything else frozenset())
        if (known := self._known.get(key)) is not None:
            return known
        if len(self._known) >= MOST_SHAPES:
            raise DescriptionError(
                f"the response schemas unfold into more than {MOST_SHAPES} shapes",
                place=Place(self._description.source),
                remedy="give the alternatives (oneOf, anyOf) fewer branches that refer to each other",
            )
        shape = self._known[key] = Shape(anything=anything, free=free)
        self._kept.extend(atoms.values())
        if not anything:
            self._unfilled.append((shape, [(atom, hidden) for (_, hidden), atom in atoms.items()]))
        return shape

    def _gather(
        self, schema: Schema, hidden: frozenset[str], atoms: dict[_Known, dict[str, Any]], seen: set[_Known]
    ) -> bool:
        """Collect the schemas that say something of their own; False: one alternative says nothing, so anything goes.

        `hidden` are the names of members that what this is a part of does not let out.
        """
        resolved = self._description.resolve(schema)
        if resolved is False:
            return True
        if not isinstance(resolved, dict):
            return False
        hidden |= self._hides(resolved)
        known = (id(resolved), hidden)
        if known in seen:
            return True
        seen.add(known)
        own = any(name in resolved for name in _OWN)
        if own:
            atoms[known] = resolved
        either = [self._gather(resolved[name], hidden, atoms, seen) for name in _CONDITIONAL if name in resolved]
        bounded = own or (len(either) == len(_CONDITIONAL) and all(either))
        for part in resolved.get("allOf") or ():
            bounded |= self._gather(part, hidden, atoms, seen)
        for name in ("oneOf", "anyOf"):
            if alternatives := resolved.get(name):
                shown = [one for one in alternatives if not self._write_only(one)]
                bounded |= min(
                    [self._gather(one, hidden, atoms, seen) for one in shown], default=True
                )  # each is gathered
        return bounded

    def _write_only(self, schema: Schema) -> bool:
        """Whether a value never leaves: beside a `$ref` or behind it, a part says so, or each of the alternatives does."""
        if not isinstance(schema, dict):
            return False
        if id(schema) not in self._kept_back:
            self._kept_back[id(schema)] = schema, False  # while it is looked at: what leads back to it says nothing new
            self._kept_back[id(schema)] = (
                schema,
                (
                    schema.get(self._word) is True
                    or any(self._write_only(part) for part in schema.get("allOf") or ())
                    or any(
                        all(self._write_only(one) for one in schema.get(name) or [True]) for name in ("oneOf", "anyOf")
                    )
                    or (isinstance(to := schema.get("$ref"), str) and self._write_only(self._description.at(to)))
                ),
            )
        return self._kept_back[id(schema)][1]

    def _hides(self, schema: Schema) -> frozenset[str]:
        """The names of the members that a schema and its parts say `writeOnly` of."""
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict):
            return frozenset()
        if id(resolved) not in self._hidden:
            self._hidden[id(resolved)] = resolved, frozenset()
            own = (resolved.get("properties") or {}).items()
            hidden = frozenset(name for name, member in own if self._write_only(member))
            hidden |= self._fields.hidden | self._fields.hidden_of.get(id(resolved), frozenset())
            self._hidden[id(resolved)] = resolved, hidden.union(*map(self._hides, resolved.get("allOf") or ()))
        return self._hidden[id(resolved)][1]

    def _fill(self, shape: Shape, atoms: list[tuple[dict[str, Any], frozenset[str]]]) -> None:
        items: list[Schema] = []
        objects: list[_Object] = []
        array = False
        # a value is not told from one of another alternative: what one of them hides from a caller, all of them do
        unseen = frozenset[str]().union(*(self._fields.hidden_of.get(id(atom), ()) for atom, _ in atoms))
        for atom, hides in atoms:
            kinds = _kinds(atom)
            shape.scalars |= kinds & _SCALARS
            if "array" in kinds:
                array = True
                items.extend(self._elements(atom))
            if "object" in kinds:
                objects.append(self._object(atom, hides | unseen))
        if not all(one.bare for one in objects):
            for one in objects:
                one.extra = False if one.bare else one.extra
        if array:
            shape.items = self._of(items)
        if objects:
            members = dict.fromkeys(name for one in objects for name in one.members)
            masks = dict(self._fields.masked)
            for atom, _ in atoms:
                masks.update(self._fields.masked_of.get(id(atom), {}))
            if any(one.others for one in objects):  # what may have any name may have one of these
                hidden_here = {name for one in objects for name in one.hidden}
                members.update(
                    dict.fromkeys(
                        name for name in masks if name not in hidden_here and any(one.of(name) for one in objects)
                    )
                )
            shape.members = {
                name: self._member(name, [part for one in objects for part in one.of(name)], masks) for name in members
            }
            others = [part for one in objects for part in one.others]
            if others:
                shape.others = self._of(others)
                hidden = frozenset(name for one in objects for name in one.hidden if name not in members)
                kept = tuple(pattern for one in objects for pattern in one.kept)
                free = any(one.extra is not False for one in objects)
                if hidden or kept or not free:
                    patterns = tuple(pattern for one in objects for pattern in one.patterns)
                    shape.names = Names(hidden, None if free else patterns, kept)

    def _member(self, name: str, parts: list[Schema], masks: Mapping[str, Mask]) -> Shape:
        shape = self._of(parts)
        mask = masks.get(name)
        if mask is None:
            return shape
        known = self._masks.get((id(shape), mask))
        if known is None:
            scalars = set(_SCALARS) if shape.anything else shape.scalars
            known = self._masks[id(shape), mask] = Shape(scalars=scalars, mask=mask)
            self._kept.append(shape)
            self._late.append((known, shape))
        return known

    def _elements(self, atom: dict[str, Any]) -> list[Schema]:
        """What an array may hold. One that is named with all that is in it (`enum`, `const`) may hold that."""
        items = atom.get("items", ())
        listed = [*(atom.get("prefixItems") or ()), *(items if isinstance(items, (list, tuple)) else [items])]
        if not listed:
            values = [value for value in _values(atom) if isinstance(value, list)]
            listed = [self._named(atom, None, [one for value in values for one in value])] if values else [True]
        return [False if self._write_only(one) else one for one in listed]

    def _named(self, atom: dict[str, Any], name: str | None, values: list[Any]) -> Schema:
        """The schema of what is in the values of an atom; the same one each time, else shapes of it would never end."""
        return self._inner.setdefault((id(atom), name), {"enum": values})

    def _object(self, atom: dict[str, Any], hides: frozenset[str]) -> _Object:
        free = self._request and not any(word in atom for word in (*_MEMBERS, "enum", "const"))
        extra = atom.get("additionalProperties", free)
        found = _Object(extra=False if self._write_only(extra) else extra, hidden=set(hides), bare=free)
        for text, member in (atom.get("patternProperties") or {}).items():
            if self._write_only(member):
                found.kept.append(self._pattern(text))
            else:
                found.patterns[self._pattern(text)] = member
        named: dict[str, Any] = atom.get("properties") or {}
        if not any(word in atom for word in _MEMBERS):
            values = [value for value in _values(atom) if isinstance(value, dict)]
            names = dict.fromkeys(name for value in values for name in value)
            named = {name: self._named(atom, name, [one[name] for one in values if name in one]) for name in names}
        for name, member in named.items():
            if name in hides or any(pattern.search(name) for pattern in found.kept):
                found.hidden.add(name)
            else:
                found.members[name] = member
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
    """What one schema says of an object. `extra` is its `additionalProperties`; without one nothing more may leave.

    `bare`: it says nothing of members; open, if no other schema of the same object does.
    """

    extra: Schema
    bare: bool = False
    members: dict[str, Schema] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    patterns: dict[re.Pattern[str], Schema] = field(default_factory=dict)
    kept: list[re.Pattern[str]] = field(default_factory=list)

    @property
    def others(self) -> list[Schema]:
        return [*self.patterns.values(), *([] if self.extra is False else [self.extra])]

    def of(self, name: str) -> list[Schema]:
        """What it says of the member of a name: `additionalProperties` speaks of those that nothing else does."""
        if name in self.hidden or any(pattern.search(name) for pattern in self.kept):
            return []
        found = [member for pattern, member in self.patterns.items() if pattern.search(name)]
        if name in self.members:
            found.append(self.members[name])
        if not found and self.extra is not False:
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
    return kinds.union(_kind_of(value) for value in _values(atom))


def _values(atom: dict[str, Any]) -> list[Any]:
    return [*(atom.get("enum") or ()), *([atom["const"]] if "const" in atom else ())]


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

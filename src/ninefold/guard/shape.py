"""What a schema lets out, with everything that is not about shape left away.

Of a request it is what a schema lets in: the same, with `readOnly` in the place of `writeOnly`, and objects open of whose
members nothing is said at all.

A schema's parts (`allOf`, `$ref`) melt into one `Shape`: a member may leave when any of them declares it, and no part of the
same value says `writeOnly` of it (JSON Schema 2020-12, validation, 9.4: one that says so is enough). Of its alternatives
(`oneOf`, `anyOf`) that one which a member of the value tells (`ninefold.guard.alternatives`) melts in, by a `Choice`; all of
them do where nothing tells. That ends for every recursive schema, because a shape is known by the set of schemas that it was
made of, each with the names that may not leave of it, or by the schemas of its place and what their members told so far.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError, Place
from ninefold.guard.alternatives import Teller
from ninefold.guard.atom import MEMBERS, OWN, SCALARS, Members, is_free, kinds, most, values
from ninefold.guard.gathering import Atom, Gathering
from ninefold.guard.meet import Meets
from ninefold.guard.outline import Choice, Names, Shape

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from ninefold.contract.description import Description, Schema
    from ninefold.guard.mask import Mask

#: What members tell of the object that they are in, by their names.
_Decided = tuple[tuple[str, str], ...]

#: More distinct shapes than this in one response is no description that a person wrote.
MOST_SHAPES = 20_000

_CONDITIONAL = ("then", "else")
#: Beside what a shape is made of: alternatives that nothing tells apart.
_MELTED: Atom = (-1, frozenset())
#: So many members, one after the other, may tell by which shape an object leaves, with so many ways in all.
MOST_ASKED, MOST_WAYS = 4, 1024
#: What a schema that says nothing lets out, in words.
_ANYTHING: dict[str, Any] = {"type": [*sorted(SCALARS), "array", "object"], "items": True, "additionalProperties": True}


@dataclass(frozen=True, slots=True)
class Fields:
    """What becomes of members by their names: of all objects, or of those that one schema (by its `id`) is about.

    `expected` are those whose texts are not looked through (`responses.leaks`).
    """

    hidden: frozenset[str] = frozenset()
    hidden_of: Mapping[int, frozenset[str]] = field(default_factory=dict)
    masked: Mapping[str, Mask] = field(default_factory=dict)
    masked_of: Mapping[int, Mapping[str, Mask]] = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    expected_of: Mapping[int, frozenset[str]] = field(default_factory=dict)

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

    `request`: of what goes in. `fields`: what some do not see as it is. `bounded`: `maxItems` counts.
    """

    def __init__(
        self, description: Description, *, request: bool = False, fields: Fields = PLAIN, bounded: bool = False
    ) -> None:
        self._description = description
        self._fields = fields
        self._masks: dict[tuple[int, Mask], Shape] = {}
        self._request = request
        self._bounded = bounded
        #: The keyword of what stays behind.
        self._word = "readOnly" if request else "writeOnly"
        self._known: dict[Hashable, Shape] = {}
        self._most = MOST_SHAPES
        self._melts = False  # telling alternatives apart would make too many of them
        self._teller = Teller(description, self._write_only)
        self._meets = Meets()
        self._choosing: list[tuple[Choice, bool]] = []
        self._unfilled: list[tuple[Shape, list[tuple[dict[str, Any], frozenset[str]]]]] = []
        self._late: list[tuple[Shape, Shape]] = []
        self._spared: dict[int, Shape] = {}
        self._copied: list[tuple[Shape, Shape]] = []
        self._kept: list[Any] = []  # the ids above stay those of living schemas
        self._inner: dict[tuple[int, str | None], Schema] = {}
        self._kept_back: dict[int, tuple[Schema, bool]] = {}
        self._hidden: dict[int, tuple[Schema, frozenset[str]]] = {}

    def of(self, *schemas: Schema) -> Shape:
        """The shape that all of `schemas` together let out. Raises `DescriptionError` on a dangling `$ref`."""
        begun = len(self._known)
        try:
            try:
                return self._whole(schemas)
            except _TooManyError:
                self._forget(begun)
                return self._whole(schemas)
        except RecursionError:
            raise DescriptionError(
                "the parts of a response schema (allOf, oneOf, anyOf) nest too deep",
                place=Place(self._description.source),
                remedy="say in fewer steps what the schema is made of",
            ) from None

    def _whole(self, schemas: Iterable[Schema]) -> Shape:
        shape = self._of(schemas)
        while self._unfilled:
            self._fill(*self._unfilled.pop())
        while self._late:  # what is masked was not filled when it was met
            masked, behind = self._late.pop()
            unsaid = behind.anything or behind.unsaid
            if behind.structured and not unsaid:
                raise DescriptionError(
                    "a member that `responses.mask` names is an object or an array",
                    place=Place(self._description.source),
                    remedy="name the members inside of it that are to be masked",
                )
            masked.scalars = set(SCALARS) if unsaid else behind.scalars
        while self._copied:
            self._copy(*self._copied.pop())
        while self._choosing:
            choice, hidden = self._choosing.pop()
            self._meets.settle(choice, hidden=hidden)
        return shape

    def _forget(self, begun: int) -> None:
        """Give up what was made since, and telling alternatives apart with it: as many shapes are free for the rest."""
        while len(self._known) > begun:
            self._known.popitem()
        self._unfilled.clear()
        self._late.clear()
        self._copied.clear()
        self._choosing.clear()
        self._melts = True
        self._most = begun + MOST_SHAPES

    def _of(self, schemas: Iterable[Schema], decided: _Decided = (), ways: int = 1) -> Shape:
        place = tuple(schemas)
        met = self._met(place, decided, melts=self._melts or len(decided) == MOST_ASKED)
        if met.told and not met.anything:
            name, told = next(iter(met.told.items()))
            values = [value for value in told if self._met(place, (*decided, (name, value)), melts=True).is_object]
            if values and ways * len(values) <= MOST_WAYS:
                return self._choice(place, decided, met, (name, values), ways * len(values))
            met = self._met(place, decided, melts=True)
        key = (
            frozenset(met.atoms)
            | ({(0, frozenset[str]())} if met.anything else set())
            | ({_MELTED} if met.melts else set())
        )
        if (known := self._known.get(key)) is not None:
            return known
        shape = self._new(key, met)
        shape.anything = met.anything
        return shape

    def _met(self, schemas: tuple[Schema, ...], decided: _Decided, *, melts: bool) -> Gathering:
        met = Gathering(dict(decided), melting=melts)
        for schema in schemas:
            met.anything |= not self._gather(schema, frozenset(), met)
        if met.anything and self._fields.says:  # anything but what is hidden, or masked, wherever it is
            met.anything, met.unsaid, met.told = False, True, {}
            met.atoms[id(_ANYTHING), self._fields.hidden] = _ANYTHING
        return met

    def _choice(
        self, schemas: tuple[Schema, ...], decided: _Decided, met: Gathering, told: tuple[str, list[str]], ways: int
    ) -> Shape:
        """A place where a member tells, by one of these values, what an object is; what is no object melts."""
        key = (frozenset(map(id, schemas)), decided)
        if (known := self._known.get(key)) is not None:
            return known
        shape = self._new(key, met)
        self._kept.extend(schemas)
        name, values = told
        by = {value: self._of(schemas, (*decided, (name, value)), ways) for value in values}
        shape.choice = Choice(name, by, Shape(members={}))
        self._choosing.append((shape.choice, any(name in hidden for _, hidden in met.atoms)))
        return shape

    def _new(self, key: Hashable, met: Gathering) -> Shape:
        if len(self._known) >= self._most:
            if not self._melts:
                raise _TooManyError
            raise DescriptionError(
                f"the response schemas unfold into more than {MOST_SHAPES} shapes",
                place=Place(self._description.source),
                remedy="give the alternatives (oneOf, anyOf) fewer branches that refer to each other",
            )
        shape = self._known[key] = Shape(melts=met.melts, unsaid=met.unsaid)
        self._kept.extend(met.atoms.values())
        if not met.anything:
            self._unfilled.append((shape, [(atom, hidden) for (_, hidden), atom in met.atoms.items()]))
        return shape

    def _gather(self, schema: Schema, hidden: frozenset[str], met: Gathering) -> bool:
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
        if known in met.seen:
            return True
        met.seen.add(known)
        own = any(name in resolved for name in OWN)
        if own:
            met.atoms[known] = resolved
        either = [self._gather(resolved[name], hidden, met) for name in _CONDITIONAL if name in resolved]
        bounded = own or (len(either) == len(_CONDITIONAL) and all(either))
        for part in resolved.get("allOf") or ():
            bounded |= self._gather(part, hidden, met)
        for name in ("oneOf", "anyOf"):
            if resolved.get(name):
                shown = met.picked(self._teller.of(resolved, name))
                bounded |= min([self._gather(one, hidden, met) for one in shown], default=True)  # each is gathered
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
        objects: list[Members] = []
        array = False
        # a value is not told from one of another alternative: what one of them hides from a caller, all of them do
        unseen = frozenset[str]().union(*(self._fields.hidden_of.get(id(atom), ()) for atom, _ in atoms))
        for atom, hides in atoms:
            found = kinds(atom)
            shape.scalars |= found & SCALARS
            shape.free |= "string" in found and is_free(atom)
            if "array" in found:
                array = True
                items.extend(self._elements(atom))
            if "object" in found and shape.choice is None:
                objects.append(self._object(atom, hides | unseen))
        if not all(one.bare for one in objects):
            for one in objects:
                one.extra = False if one.bare else one.extra
        if array:
            shape.items = self._of(items)
            shape.most = most(atom for atom, _ in atoms) if self._bounded else None
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
            expected = self._fields.expected.union(*(self._fields.expected_of.get(id(atom), ()) for atom, _ in atoms))
            shape.members = {
                name: self._member(name, [part for one in objects for part in one.of(name)], masks, expected)
                for name in members
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

    def _member(self, name: str, parts: list[Schema], masks: Mapping[str, Mask], expected: frozenset[str]) -> Shape:
        shape = self._of(parts)
        mask = masks.get(name)
        if mask is None:
            return self._spare(shape) if name in expected else shape
        known = self._masks.get((id(shape), mask))
        if known is None:
            scalars = set(SCALARS) if shape.anything else shape.scalars
            known = self._masks[id(shape), mask] = Shape(scalars=scalars, mask=mask)
            self._kept.append(shape)
            self._late.append((known, shape))
        return known

    def _spare(self, shape: Shape) -> Shape:
        """The same, but no text of it (of an array: of what is in it) is looked through."""
        known = self._spared.get(id(shape))
        if known is None:
            known = self._spared[id(shape)] = Shape()
            self._kept.append(shape)
            self._copied.append((known, shape))
        return known

    def _copy(self, spared: Shape, shape: Shape) -> None:
        """Once it is filled. What is in objects is looked through: it has names of its own."""
        spared.anything, spared.scalars, spared.mask = shape.anything, shape.scalars, shape.mask
        spared.members, spared.choice = shape.members, shape.choice
        spared.others, spared.names, spared.most, spared.melts = shape.others, shape.names, shape.most, shape.melts
        spared.unsaid = shape.unsaid
        spared.items = self._spare(shape.items) if shape.items is not None else None

    def _elements(self, atom: dict[str, Any]) -> list[Schema]:
        """What an array may hold. One that is named with all that is in it (`enum`, `const`) may hold that."""
        items = atom.get("items", ())
        listed = [*(atom.get("prefixItems") or ()), *(items if isinstance(items, (list, tuple)) else [items])]
        if not listed:
            arrays = [value for value in values(atom) if isinstance(value, list)]
            listed = [self._named(atom, None, [one for value in arrays for one in value])] if arrays else [True]
        return [False if self._write_only(one) else one for one in listed]

    def _named(self, atom: dict[str, Any], name: str | None, values: list[Any]) -> Schema:
        """The schema of what is in the values of an atom; the same one each time, else shapes of it would never end."""
        return self._inner.setdefault((id(atom), name), {"enum": values})

    def _object(self, atom: dict[str, Any], hides: frozenset[str]) -> Members:
        free = self._request and not any(word in atom for word in (*MEMBERS, "enum", "const"))
        extra = atom.get("additionalProperties", free)
        found = Members(extra=False if self._write_only(extra) else extra, hidden=set(hides), bare=free)
        for text, member in (atom.get("patternProperties") or {}).items():
            if self._write_only(member):
                found.kept.append(self._pattern(text))
            else:
                found.patterns[self._pattern(text)] = member
        named: dict[str, Any] = atom.get("properties") or {}
        if not any(word in atom for word in MEMBERS):
            whole = [value for value in values(atom) if isinstance(value, dict)]
            names = dict.fromkeys(name for value in whole for name in value)
            named = {name: self._named(atom, name, [one[name] for one in whole if name in one]) for name in names}
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


class _TooManyError(Exception):
    """Telling alternatives apart makes more shapes than are allowed."""

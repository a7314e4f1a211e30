"""What several shapes all let out: for an object of which it is not known by which of them it leaves.

It is never more than any of them lets out. A member on whose kinds they do not agree stays behind: whatever were said of it, an
honest value might be another one, and the whole answer would be withheld for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.outline import Names, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ninefold.guard.outline import Choice

#: More shapes than this are not made; what would need them stays behind.
MOST_SHAPES = 20_000


def leaves(shape: Shape) -> Iterator[Shape]:
    """The shapes by which an object may leave at a place."""
    if shape.choice is None:
        yield shape
    else:
        for one in shape.choice.by.values():
            yield from leaves(one)


class Meets:
    """Of the shapes of one description, which are known by then. Each set of them is met once."""

    def __init__(self) -> None:
        self._known: dict[frozenset[int], Shape | None] = {}
        self._kept: list[Sequence[Shape]] = []  # the ids above stay those of living shapes
        self._unfilled: list[tuple[Shape, Sequence[Shape]]] = []

    def settle(self, choice: Choice, *, hidden: bool) -> None:
        """Find out what leaves where the member that tells does not: what all let out of an object, and that member itself.

        `hidden`: that one stays behind in some of them.
        """
        shapes = _unique(one for each in choice.by.values() for one in leaves(each))
        self._unfilled.append((choice.otherwise, shapes))
        while self._unfilled:
            self._members(*self._unfilled.pop())
        if not hidden:
            _tells(choice, [one.members[choice.name] for one in shapes if one.members and choice.name in one.members])

    def _of(self, met: Iterable[Shape]) -> Shape | None:
        """None: they do not agree on what may stand there."""
        shapes = _unique(met)
        if len(shapes) == 1:
            return shapes[0]
        key = frozenset(map(id, shapes))
        if key not in self._known:
            self._kept.append(shapes)
            self._known[key] = self._new(key, shapes)
        return self._known[key]

    def _new(self, key: frozenset[int], shapes: Sequence[Shape]) -> Shape | None:
        first, masks = shapes[0], {one.mask for one in shapes} - {None}
        if len(masks) > 1 or len(self._known) >= MOST_SHAPES or not all(_alike(first, one) for one in shapes):
            return None
        if first.anything:
            return first
        if masks:
            return next(one for one in shapes if one.mask is not None)
        shape = Shape(
            scalars=first.scalars, free=any(one.free for one in shapes), unsaid=all(one.unsaid for one in shapes)
        )
        self._known[key] = shape  # while it is made: arrays of arrays may lead back to it
        if first.items is not None:
            shape.items = self._of(one.items for one in shapes if one.items is not None)
            if shape.items is None:
                return None
            ceilings = [one.most for one in shapes]
            shape.most = None if None in ceilings else max(one for one in ceilings if one is not None)
        if _is_object(first):
            shape.members = {}
            self._unfilled.append((shape, _unique(one for each in shapes for one in leaves(each))))
        return shape

    def _members(self, shape: Shape, shapes: Sequence[Shape]) -> None:
        shape.members = {}
        shape.others, shape.names = self._others(shapes)
        gone = set()
        for name in dict.fromkeys(name for one in shapes for name in one.members or ()):
            parts = [_part(one, name) for one in shapes]
            met = self._of(part for part in parts if part is not None) if None not in parts else None
            if met is None:
                gone.add(name)
            else:
                shape.members[name] = met
        if shape.others is not None and gone:
            names = shape.names or Names(frozenset(), None)
            shape.names = Names(names.hidden | gone, names.patterns, names.kept)

    def _others(self, shapes: Sequence[Shape]) -> tuple[Shape | None, Names | None]:
        """What they all say of members that have no name. Expressions that differ have no common one: then nothing leaves."""
        others = [one.others for one in shapes if one.others is not None]
        names = [one.names for one in shapes if one.names is not None]
        patterns = list(dict.fromkeys(one.patterns for one in names if one.patterns is not None))
        if len(others) < len(shapes) or len(patterns) > 1:
            return None, None
        shape = self._of(others)
        if shape is None or not names:
            return shape, None
        hidden = frozenset(name for one in names for name in one.hidden)
        kept = tuple(dict.fromkeys(pattern for one in names for pattern in one.kept))
        return shape, Names(hidden, patterns[0] if patterns else None, kept)


def _tells(choice: Choice, known: Sequence[Shape]) -> None:
    """Whatever its value, the member that tells leaves; `known` is what it is where it is let out by its name."""
    members, names = choice.otherwise.members, choice.otherwise.names
    if members is None or choice.name in members or len({one.mask for one in known}) != 1:
        return
    members[choice.name] = Shape(scalars={"string"}, mask=known[0].mask, free=any(one.free for one in known))
    if names is not None:
        choice.otherwise.names = Names(names.hidden - {choice.name}, names.patterns, names.kept)


def _part(shape: Shape, name: str) -> Shape | None:
    """What a member of this name leaves by."""
    if shape.members is not None and name in shape.members:
        return shape.members[name]
    return shape.others if shape.names is None or shape.names.lets(name) else None


def _alike(one: Shape, other: Shape) -> bool:
    """Whether the same kinds of values may stand there."""
    return (
        one.anything is other.anything
        and (one.anything or one.scalars == other.scalars)
        and (one.items is None) is (other.items is None)
        and _is_object(one) is _is_object(other)
    )


def _is_object(shape: Shape) -> bool:
    return shape.members is not None or shape.choice is not None


def _unique(shapes: Iterable[Shape]) -> list[Shape]:
    return list({id(one): one for one in shapes}.values())

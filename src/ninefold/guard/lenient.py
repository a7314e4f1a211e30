"""Shapes that let in values of other types than are described, and of members still only those that are declared."""

from __future__ import annotations

from ninefold.guard.outline import Shape

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_ANYTHING = Shape(anything=True)


class Lenient:
    """For `requests.invalid: report`: a value of the wrong type is told, and gets nothing else past."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Shape, Shape]] = {}  # with the shapes themselves, so that their ids stay theirs
        self._unfilled: list[tuple[Shape, Shape]] = []

    def of(self, shape: Shape) -> Shape:
        """As `shape`, but that there may be anything where it has no member, and no item, of which it says something."""
        made = self._of(shape)
        while self._unfilled:
            self._fill(*self._unfilled.pop())
        return made

    def _of(self, shape: Shape) -> Shape:
        if shape.anything or (shape.items is None and shape.members is None):
            return _ANYTHING
        known = self._known.get(id(shape))
        if known is None:
            known = self._known[id(shape)] = shape, Shape(scalars=set(_SCALARS))
            self._unfilled.append(known)
        return known[1]

    def _fill(self, shape: Shape, made: Shape) -> None:
        of = self._of
        made.items = of(shape.items) if shape.items is not None else _ANYTHING
        if shape.members is None:
            made.members, made.others = {}, _ANYTHING
        else:
            made.members = {name: of(one) for name, one in shape.members.items()}
            made.others = of(shape.others) if shape.others is not None else None
            made.names = shape.names

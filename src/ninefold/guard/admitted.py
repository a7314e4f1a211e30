"""The names of members that may go in with an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.guard.outline import Shape


class Admitted:
    """As a projection of the same shape would let them in (`ninefold.guard.project`)."""

    __slots__ = ("_shape", "any", "named")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        #: Those that have a schema of their own.
        self.named = frozenset(shape.members or ())
        #: Whether nothing is said of any.
        self.any = shape.anything or (not self.named and shape.others is not None and shape.names is None)

    def __contains__(self, name: str) -> bool:
        shape = self._shape
        if name in self.named or shape.anything:
            return True
        if shape.others is None:
            return False
        names = shape.names
        if names is None:
            return True
        if name in names.hidden or any(pattern.search(name) for pattern in names.kept):
            return False
        return names.patterns is None or any(pattern.search(name) for pattern in names.patterns)

"""What goes in, compiled: parameters and bodies of one description's operations, held against their schemas.

Pure. What is wrong is told in `Flaw`s for the caller, with places and without values; what cannot be read in one way raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ninefold.guard.admitted import Admitted
from ninefold.guard.lenient import Lenient
from ninefold.guard.program import Program
from ninefold.guard.project import Projector
from ninefold.guard.shape import Shapes
from ninefold.guard.treatment import is_json
from ninefold.guard.validate import Validators

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Operation, Schema
    from ninefold.contract.requests import Requests
    from ninefold.guard.outline import Shape
    from ninefold.guard.validate import Validator


class Entrance:
    """Of one description. Add every operation's schemas, then `ready`."""

    def __init__(self, description: Description, settings: Requests) -> None:
        self.description = description
        self.settings = settings
        self._shapes = Shapes(description, request=True)
        self._program = Program(settings.depth)
        self._lenient = Lenient()
        self._projectors: dict[int, tuple[Schema, Projector]] = {}
        self._validators = Validators(description, request=True)

    def projector(self, schema: Schema) -> Projector:
        """Keeps what is declared to go in. Raises `DescriptionError` where the schema refers to nothing."""
        known = self._projectors.get(id(schema))
        if known is None:
            known = self._projectors[id(schema)] = schema, self._projector(self._shapes.of(schema))
        return known[1]

    def members(self, schema: Schema) -> dict[str, Projector]:
        """The same of each member that an object of it may have by its name; of one that is an array, of an item."""
        named = self._shapes.of(schema).members or {}
        return {
            name: self._projector(one.items if one.items is not None and one.members is None else one)
            for name, one in named.items()
        }

    def admitted(self, schema: Schema) -> Admitted:
        """The names that may go in with it. Raises `DescriptionError` where the schema refers to nothing."""
        return Admitted(self._shapes.of(schema))

    def structured(self, schema: Schema) -> bool:
        """Whether it is about an object or an array, and not a text. Raises `DescriptionError` as the others do."""
        shape = self._shapes.of(schema)
        return shape.members is not None or shape.items is not None

    def _projector(self, shape: Shape) -> Projector:
        if (
            self.settings.invalid == "report"
        ):  # what is not as described goes on all the same; what is not declared does not
            shape = self._lenient.of(shape)
        return Projector(shape, self._program)

    def validator(self, schema: Schema) -> Validator:
        """Raises `DescriptionError` where the schema refers to nothing."""
        return self._validators.of(schema)

    def add(self, operation: Operation) -> None:
        """All that an operation takes. Raises `DescriptionError` where a schema refers to nothing."""
        for parameter in operation.parameters:
            self.validator(parameter.schema)
        for media, schema in operation.request.items():
            if schema is not None and is_json(media):
                self.projector(schema)
                self.validator(schema)

    @property
    def odd(self) -> tuple[str, ...]:
        """Keywords of the schemas that say nothing as they stand, a sentence each."""
        return self._validators.odd

    def ready(self) -> None:
        """Make now what the first request would wait for. Raises `DescriptionError`, `FileError`."""
        if self._projectors:
            self._program.make()
        self._validators.ready()


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What goes on: `content` is the same object where nothing stayed behind, `dropped` how many members did."""

    content: bytes
    dropped: int

"""One parameter of an operation: how it is written, and what its schema takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.guard.flaw import Flaw
from ninefold.guard.foreign import Malformed
from ninefold.guard.incoming import Incoming
from ninefold.guard.written import Written

if TYPE_CHECKING:
    from ninefold.contract.description import Parameter
    from ninefold.guard.entrance import Entrance, Kept

_UNDECLARED = Flaw("", "undeclared", "has members that are not declared, or may not be sent")


class Value:
    """One parameter: how it is written, and what its schema takes."""

    __slots__ = (
        "_reports", "admitted", "empty", "explode", "listed", "media", "name", "read", "required", "style", "validate",
        "written",
    )  # fmt: skip

    def __init__(self, parameter: Parameter, entrance: Entrance) -> None:
        self.name = parameter.name
        self.required = parameter.required
        self.style, self.explode, self.empty = parameter.style, parameter.explode, parameter.empty
        self.media = parameter.media
        self.written = Written(parameter, entrance.description)
        self.validate = entrance.validator(parameter.schema)
        self.admitted = entrance.admitted(parameter.schema)
        #: Reads the JSON that it is written in; None: it is not.
        self.read = Incoming(parameter.schema, entrance) if "json" in parameter.media else None
        #: Whether it is an array whose items stand in the query one by one.
        self.listed = self.written.array and self.explode and self.style == "form" and not self.media
        self._reports = entrance.settings.undeclared == "report"

    def text(self, text: str) -> tuple[Flaw, ...]:
        """What is wrong with a value that is written in one text, decoded."""
        if self.read is not None:
            kept, flaws = self.json(text)
            return flaws or (() if kept is None or self._reports or not kept.dropped else (_UNDECLARED,))
        if self.media:
            return self.validate.of_value(text)
        whole = self.written
        return (
            self.value(whole.joined(text, encoded=False))
            if whole.array or whole.object
            else self.value(whole.one(text))
        )

    def json(self, text: str) -> tuple[Kept | None, tuple[Flaw, ...]]:
        """What may go on of a JSON text, and what is wrong with it."""
        assert self.read is not None
        try:
            return self.read(text.encode(), self.media)
        except Malformed:
            return None, (Flaw("", "content", "is no JSON that has one reading"),)

    def value(self, value: Any) -> tuple[Flaw, ...]:
        """What is wrong with one that was read. Of an object in one text no member can be cut out, so all are declared."""
        if isinstance(value, dict) and not self._reports and any(name not in self.admitted for name in value):
            return (_UNDECLARED,)
        return self.validate.of_value(value)

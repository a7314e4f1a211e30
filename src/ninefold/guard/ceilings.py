"""How long lists may be, by operation (`limits.lists`): what a page may be asked for, and where an answer has its lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ninefold.contract.lists import MOST
from ninefold.contract.sequence import sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation, Parameter, Schema
    from ninefold.contract.lists import Lists
    from ninefold.guard.outline import Shape

#: Names of page sizes, as `plain` gives them; and those that say something else as often, where the answer is no list.
SIZES = frozenset({
    "itemsperpage", "limit", "maxitems", "maxrecords", "maxresults", "pagelimit", "pagesize", "perpage", "resultsperpage",
})  # fmt: skip
AMBIGUOUS = frozenset({"count", "fetch", "first", "results", "rows", "size", "take", "top"})

_PARTS = ("allOf", "anyOf", "oneOf")
#: Schemas that nest deeper are not looked into.
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Size:
    """A query parameter that says how many items a page has. `member`: a part of it does (`page[size]`); empty: all of it.

    `maximum` is the declared one; None: there is none.
    """

    parameter: Parameter
    member: str = ""
    maximum: int | None = None


class Ceilings:
    """Of one contract. Without state."""

    def __init__(self, lists: Lists, description: Description) -> None:
        self.lists = lists
        self._description = description

    def of(self, operation: Operation) -> int | None:
        """Most items of a page; None: there is no ceiling."""
        lists = self.lists
        if operation.id in lists.open:
            return None
        written = lists.operations.get(operation.id, lists.most)
        if written is not None:
            return written
        return max([MOST, *(one.maximum for one in self.sizes(operation).values() if one.maximum is not None)])

    def sizes(self, operation: Operation) -> dict[str, Size]:
        """The parameters that say how many items a page has, by their plain names."""
        found: dict[str, Size] = {}
        lists: bool | None = None
        for parameter in operation.parameters:
            if parameter.location != "query":
                continue
            for name, member, schema in self._said(parameter):
                known = parameter.name in self.lists.sizes and not member
                whole, maximum = self._number(schema, _DEEPEST)
                if not known and operation.method in {"GET", "HEAD"} and whole:
                    if name in AMBIGUOUS and lists is None:
                        lists = self._lists(operation)
                    known = name in SIZES or (name in AMBIGUOUS and bool(lists))
                if known:
                    found[name] = Size(parameter, member, maximum)
        return found

    def _said(self, parameter: Parameter) -> Iterator[tuple[str, str, Schema]]:
        """What a parameter is called in a query, the member that it is, and its schema: an object comes in parts."""
        yield plain(parameter.name), "", parameter.schema
        resolved = self._description.resolve(parameter.schema)
        if isinstance(resolved, dict) and isinstance(members := resolved.get("properties"), dict):
            stem = parameter.name if parameter.style == "deepObject" else ""
            for name, schema in members.items():
                yield plain(f"{stem}{name}"), name, schema

    def _number(self, schema: Schema, left: int) -> tuple[bool, int | None]:
        """Whether a schema takes whole numbers, and the highest that it takes, where it says so."""
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict) or left == 0:
            return False, None
        kind = resolved.get("type")
        kinds = {kind} if isinstance(kind, str) else set(kind if isinstance(kind, list) else ())
        whole = bool(kinds & {"integer", "number"})
        maximum = _whole(resolved.get("maximum"))
        values = resolved.get("enum")
        if isinstance(values, list) and values and all(_whole(one) is not None for one in values):
            whole, maximum = True, max(one for one in map(_whole, values) if one is not None)
        for word in _PARTS:
            parts = resolved.get(word)
            several = [self._number(one, left - 1) for one in parts] if isinstance(parts, list) else []
            numbers = [most for one, most in several if one]
            bounds = [most for most in numbers if most is not None]
            whole |= bool(numbers)
            if word == "allOf":
                bounds = [most for _, most in several if most is not None]
                maximum = min([*bounds, *([maximum] if maximum is not None else [])], default=None)
            elif numbers and len(bounds) == len(numbers) and maximum is None:
                maximum = max(bounds)
        return whole, maximum

    def _lists(self, operation: Operation) -> bool:
        """Whether an answer of success is a list, or has one in it."""
        return any(
            sequence(media) is not None or (schema is not None and self._lists_in(schema, _DEEPEST, top=True))
            for status, response in operation.responses.items()
            if status[:1] in {"2", "d"}
            for media, schema in response.media.items()
        )

    def _lists_in(self, schema: Schema, left: int, *, top: bool) -> bool:
        resolved = self._description.resolve(schema)
        if not isinstance(resolved, dict) or left == 0:
            return False
        kind = resolved.get("type")
        if kind == "array" or (isinstance(kind, list) and "array" in kind) or "items" in resolved:
            return True
        parts = [one for word in _PARTS for one in resolved.get(word) or ()]
        if any(self._lists_in(one, left - 1, top=top) for one in parts):
            return True
        members = resolved.get("properties")
        return top and isinstance(members, dict) and any(
            self._lists_in(one, left - 1, top=False) for one in members.values()
        )  # fmt: skip


def plain(name: str) -> str:
    """A parameter's name as it may be written: `page[size]`, `pageSize` and `PAGE_SIZE` are the same to some API."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def capped(shape: Shape, most: int) -> Shape:
    """The shape with a ceiling for what is a list at its top: itself, or its declared members; else the same object."""
    if shape.anything:
        return shape
    if (choice := shape.choice) is not None:  # one leads to the next at most `MOST_ASKED` times
        by = {value: capped(one, most) for value, one in choice.by.items()}
        return replace(_bounded(shape, most), choice=replace(choice, by=by, otherwise=capped(choice.otherwise, most)))
    members = {name: _bounded(one, most) for name, one in (shape.members or {}).items()}
    if shape.items is None and not any(
        one is not shape.members[name] for name, one in members.items() if shape.members
    ):
        return shape
    return replace(_bounded(shape, most), members=None if shape.members is None else members)


def _bounded(shape: Shape, most: int) -> Shape:
    if shape.anything or shape.items is None:
        return shape
    return replace(shape, most=most if shape.most is None else min(shape.most, most))


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

"""Which members of an answer stayed behind, by their places: told of a few answers alone, for it takes reading them once more.

A place is a JSON Pointer (RFC 6901) in which `*` stands for every item of a list, and for names that the description does not
have. The last name in it is the API's own word, that nobody promised: one that may be data and no name is `?`.
"""

from __future__ import annotations

import json
import re
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ninefold.contract.description import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.guard.outline import Names, Shape

#: Places that are told of one answer, the longest name in one, and the values that are looked at for them, in their order.
MOST_PLACES, LONGEST_NAME, MOST_VALUES = 8, 64, 4096
#: The longest answer that is read once more, in bytes.
MOST_READ = 65_536
#: Of one operation it is told once in so many seconds, and of all together no sooner than so many after the last.
EACH, ANY = 60.0, 0.25
#: Names that nobody gives a member: of a person, or a number.
_DATA = re.compile(r".@|[0-9]{4}")
#: A longer name fits no pattern (`native/project.c`).
_MOST_ASKED = 256
#: So many members tell, one after the other, by which shape an object leaves (`MOST_CHOICES` there).
_MOST_CHOICES = 8

#: Where a value stands, its shape, and the value.
_Value: TypeAlias = "tuple[str, Shape, Any]"


class Sampler:
    """Says which answers are looked at. Threads may share it: then one more may be."""

    __slots__ = ("_any", "_each")

    def __init__(self) -> None:
        self._each: dict[str, float] = {}
        self._any = float("-inf")

    def wants(self, operation: str, now: float) -> bool:
        """Whether it is the turn of an operation, of which there are as many as are declared; `now` never goes back."""
        if now - self._any < ANY or now - self._each.get(operation, float("-inf")) < EACH:
            return False
        self._any = self._each[operation] = now
        return True


def behind(shape: Shape, text: bytes, *, cuts: bool) -> tuple[str, ...]:
    """The places of members that do not leave of a text, which is as its shape says. `cuts`: nor do items past a ceiling."""
    if len(text) > MOST_READ:
        return ()
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    found: dict[str, None] = {}
    waiting: list[Iterator[_Value]] = [iter([("", shape, whole)])]
    left = MOST_VALUES
    while waiting and left > 0:
        one = next(waiting[-1], None)
        if one is None:
            waiting.pop()
            continue
        left -= 1
        place, of, value = one
        if isinstance(value, list) and of.items is not None:
            waiting.append(zip(repeat(f"{place}/*"), repeat(of.items), islice(value, of.most if cuts else None)))
        elif isinstance(value, dict) and (of := _chosen(of, value)).members is not None:
            inner: list[_Value] = []
            for name, member in islice(value.items(), left):
                below = of.members.get(name)
                known = below is not None
                if below is None and of.others is not None and _lets(of.names, name):
                    below = of.others
                if below is None:
                    found[f"{place}/{_told(name)}"] = None
                elif isinstance(member, list | dict):
                    inner.append((f"{place}/{escape(name) if known else '*'}", below, member))
                if len(found) == MOST_PLACES:
                    return tuple(found)
            left -= len(value)
            waiting.append(iter(inner))
    return tuple(found)


def _chosen(shape: Shape, value: dict[str, Any]) -> Shape:
    """The shape by which an object leaves: its members are asked in turn."""
    for _ in range(_MOST_CHOICES):
        if (choice := shape.choice) is None:
            return shape
        told = value.get(choice.name)
        shape = choice.by.get(told, choice.otherwise) if isinstance(told, str) else choice.otherwise
    return shape


def _lets(names: Names | None, name: str) -> bool:
    """Whether a member without a name in the schema may leave, as the projection asks."""
    if names is None:
        return True
    if name in names.hidden:
        return False
    if names.patterns is None and not names.kept:
        return True
    if len(name.encode("utf-8", "surrogatepass")) > _MOST_ASKED or any(one.search(name) for one in names.kept):
        return False
    return names.patterns is None or any(one.search(name) for one in names.patterns)


def _told(name: str) -> str:
    """A name out of the text: on one line, short, or not at all."""
    if len(name) > LONGEST_NAME or _DATA.search(name):
        return "?"
    return escape(name if name.isprintable() else json.dumps(name)[1:-1])

"""A JSON body on its way in: one reading or none, bounded, without what is not declared, and as its schema says.

The order is by cost: the native projection reads the text once, refuses what nests too deep and members that come twice, and
only what went wrong is looked at closely.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import escape
from ninefold.guard.charset import is_utf8
from ninefold.guard.entrance import Kept
from ninefold.guard.flaw import Flaw
from ninefold.guard.foreign import Malformed, read_json
from ninefold.guard.project import Unpromised
from ninefold.guard.validate import MOST_FLAWS, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Schema
    from ninefold.guard.entrance import Entrance

_LONGEST_NAME = 64


class Incoming:
    """Compiled once from a body's schema; called for every body. Without state."""

    __slots__ = ("_bounds", "_drops", "_judges", "_project", "_refuses", "_validate")

    def __init__(self, schema: Schema, entrance: Entrance) -> None:
        """Raises `DescriptionError` where the schema refers to nothing."""
        settings = entrance.settings
        self._project = entrance.projector(schema)
        self._validate = entrance.validator(schema)
        self._bounds = settings.members, settings.items
        self._drops = settings.undeclared == "drop"
        self._refuses = settings.undeclared == "refuse"
        self._judges = settings.invalid == "refuse"

    def __call__(self, content: bytes, media: str) -> tuple[Kept, tuple[Flaw, ...]]:
        """What goes on, and what is wrong with it. Raises `Malformed`: it has no one reading, or is past a bound."""
        if not is_utf8(media):
            raise Malformed("the body says that it is not UTF-8")
        try:
            projected, dropped, _ = self._project(content)
        except Unpromised as fault:
            return self._unpromised(content, fault)
        self._bounded(content)
        kept = Kept(content, 0)
        if dropped and self._drops:
            kept = Kept(projected, dropped)
        elif dropped:
            read_json(content)  # what stays behind may come twice, what goes on may not
            kept = Kept(content, dropped)
            if self._refuses:
                return kept, tuple(_undeclared(content, projected))
        try:
            return kept, self._validate(projected if self._drops else content)
        except Unreadable as fault:
            raise Malformed(f"the body is {fault}") from None

    def _unpromised(self, content: bytes, fault: Unpromised) -> tuple[Kept, tuple[Flaw, ...]]:
        """The text is no JSON, or a value in it is of another type than is declared: that its schema tells better."""
        if fault.malformed:
            raise Malformed(f"the body is not to be read in one way: {fault}") from None
        read_json(content)  # what follows the fault was not read yet
        self._bounded(content)
        try:
            flaws = self._validate(content)
        except Unreadable as unread:
            raise Malformed(f"the body is {unread}") from None
        return Kept(content, 0), flaws or (Flaw("", "type", f"is not as described: {fault}"),)

    def _bounded(self, content: bytes) -> None:
        """Raises `Malformed` past a bound. Nearly every body is far from it by its bytes alone."""
        members, items = self._bounds
        # a member takes four bytes, an item two
        if len(content) <= 4 * members and len(content) < 2 * items:
            return
        if content.count(b":") <= members and content.count(b",") < items:
            return
        counted_members, counted_items = _counted(content)
        if counted_members > members:
            raise Malformed(f"the body has more than requests.members ({members})")
        if counted_items > items:
            raise Malformed(f"the body has more than requests.items ({items})")


def _counted(content: bytes) -> tuple[int, int]:
    """Members of all objects, items of all arrays."""
    try:
        waiting = [json.loads(content)]
    except (ValueError, RecursionError):
        raise Malformed("the body is no JSON") from None
    members = items = 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            members += len(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            items += len(one)
            waiting.extend(one)
    return members, items


def _undeclared(content: bytes, projected: bytes) -> Iterator[Flaw]:
    """The places of members that stayed behind."""
    waiting: deque[tuple[str, Any, Any]] = deque([("", json.loads(content), json.loads(projected))])
    found = 0
    while waiting and found < MOST_FLAWS:
        pointer, was, now = waiting.popleft()
        if isinstance(was, dict) and isinstance(now, dict):
            for name, one in was.items():
                place = f"{pointer}/{escape(name[:_LONGEST_NAME])}"
                if name in now:
                    waiting.append((place, one, now[name]))
                elif found < MOST_FLAWS:
                    found += 1
                    yield Flaw(place, "undeclared", "is not declared, or may not be sent")
        elif isinstance(was, list) and isinstance(now, list):
            waiting.extend((f"{pointer}/{number}", *both) for number, both in enumerate(zip(was, now, strict=False)))

"""`application/x-www-form-urlencoded` (WHATWG URL, section 5): declared fields, each as its schema says."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from ninefold.guard.bodies.fields import Fields
from ninefold.guard.charset import is_utf8
from ninefold.guard.entrance import Kept
from ninefold.guard.flaw import Flaw
from ninefold.guard.foreign import Malformed, Unreadable, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Schema
    from ninefold.guard.entrance import Entrance


class Form:
    """Called for every body. Without state."""

    __slots__ = ("_fields", "_most", "_undeclared")

    def __init__(self, schema: Schema, encoding: Mapping[str, Any], entrance: Entrance) -> None:
        self._fields = Fields(schema, encoding, entrance)
        self._undeclared = entrance.settings.undeclared
        self._most = entrance.settings.members

    def __call__(self, content: bytes, media: str) -> tuple[Kept, tuple[Flaw, ...]]:
        """What goes on, and what is wrong with it. Raises `Malformed`: servers read it in several ways."""
        if not is_utf8(media):
            raise Malformed("the body says that it is not UTF-8")
        if content.count(b"&") >= self._most:
            raise Malformed(f"the body has more than requests.members ({self._most})")
        try:
            found = read_query(content)
        except Unreadable:
            raise Malformed(
                "the form has a `;`, a broken escape, or is not UTF-8, which servers read in several ways"
            ) from None
        left = {name: None for name in found if name not in self._fields.declared and not self._fields.open}
        if left and self._undeclared == "refuse":
            return Kept(content, len(left)), tuple(
                Flaw(f"/{name[:64]}", "undeclared", "is not declared") for name in islice(left, 20)
            )
        flaws = self._fields.flaws({name: texts for name, texts in found.items() if name not in left}, len(content))
        if not left or self._undeclared == "report":
            return Kept(content, len(left)), flaws
        kept = [part for part in content.split(b"&") if unquote_plus(part.partition(b"=")[0].decode()) not in left]
        return Kept(b"&".join(kept), len(left)), flaws

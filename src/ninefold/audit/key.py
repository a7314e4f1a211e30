"""A credential that the audit was given, and where it goes in a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.audit.answer import Ask
    from ninefold.contract.description import Description

_PLACED = re.compile(r"(header|query|cookie):([^=\s]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """`value` goes to `name` in `place` (`header`, `query` or `cookie`); `also` are header fields that go
    with it.
    """

    place: str
    name: str
    value: str = field(repr=False)
    also: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def on(self, ask: Ask) -> Ask:
        """The request with this credential."""
        for name, value in self.also:
            ask = ask.header(name, value)
        if self.place == "query":
            return ask.ask(self.name, self.value)
        if self.place == "cookie":
            return ask.header("Cookie", f"{self.name}={self.value}")
        return ask.header(self.name, self.value)

    def wrong(self) -> Key:
        """A credential of the same shape that nobody was given: every letter and digit moved on by half its
        alphabet.
        """
        head, space, tail = self.value.rpartition(" ")
        return replace(self, value=head + space + tail.translate(_MOVED), also=())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not reach a report; of `Bearer x` the `x` too."""
        values = (self.value, *(value for _, value in self.also))
        return (*values, *(value.rpartition(" ")[2] for value in values if " " in value))


def _moved() -> dict[int, str]:
    rows = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")
    return {ord(one): row[(at + len(row) // 2) % len(row)] for row in rows for at, one in enumerate(row)}


_MOVED = _moved()


def parse_key(text: str, description: Description | None, also: tuple[tuple[str, str], ...] = ()) -> Key:
    """`--key`: a bare value, or `header:NAME=VALUE`, `query:NAME=VALUE`, `cookie:NAME=VALUE`, `bearer:VALUE`.

    A bare value goes where the description wants a key; without one, to `X-API-Key`.
    """
    if found := _PLACED.fullmatch(text):
        return Key(found[1], found[2], found[3], also)
    if text.startswith("bearer:"):
        return Key("header", "Authorization", f"Bearer {text.removeprefix('bearer:')}", also)
    for scheme in description.schemes.values() if description else ():
        if scheme.kind == "apiKey" and scheme.raw.get("in") in {"header", "query", "cookie"}:
            return Key(str(scheme.raw["in"]), str(scheme.raw.get("name", "X-API-Key")), text, also)
    for scheme in description.schemes.values() if description else ():
        bearer = scheme.kind == "http" and str(scheme.raw.get("scheme", "")).lower() == "bearer"
        if bearer or scheme.kind in {"oauth2", "openIdConnect"}:
            return Key("header", "Authorization", f"Bearer {text}", also)
    return Key("header", "X-API-Key", text, also)

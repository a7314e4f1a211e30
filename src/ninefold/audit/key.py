"""A credential that the audit was given, and where it goes in a request."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field, replace
from hashlib import sha512
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.audit.answer import Ask
    from ninefold.contract.description import Description

_ROWS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_PLACED = re.compile(r"(header|query|cookie):([^=\s]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """`value` goes to `name` in `place` (`header`, `query`, `cookie`); `also` are header fields that go with it."""

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
        """A credential of the same shape that nobody was given, from which this one cannot be told."""
        head, space, tail = self.value.rpartition(" ")
        return replace(self, value=head + space + _other(tail))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not reach a report: of `Bearer x` the `x` too, and the wrong key, for its shape."""
        values = (self.value, self.wrong().value, *(value for _, value in self.also))
        return (*values, *(value.rpartition(" ")[2] for value in values if " " in value))


def _other(value: str) -> str:
    """Each letter and digit replaced by another of its alphabet that a digest chose, so that nothing leads back."""
    digest = sha512(value.encode()).digest()
    made = []
    for at, one in enumerate(value):
        others = next((row for row in _ROWS if one in row), one).replace(one, "") or one
        made.append(others[digest[at % len(digest)] % len(others)])
    return "".join(made)


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

"""Requests that have one reading and are read at a glance, without the parser: a strict part of what it accepts.

A plain request is a GET, HEAD or DELETE in origin form whose fields are each `name: value` on one line, once, and neither
frame nor switch nor end a message. Whatever else comes goes to the parser, which accepts or refuses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ninefold.guard.plan import Plan

# RFC 9112 section 3, RFC 3986 section 3.3: no method with a body, no escapes beyond RFC 3986's own, no fragment.
_LINE = re.compile(
    rb"(GET|HEAD|DELETE) ((/[A-Za-z0-9_~!$&'()*+,=:@%./;-]*)(?:\?[A-Za-z0-9_~!$&'()*+,=:@%./?;-]*)?) HTTP/1\.1"
)
# RFC 9110 sections 5.1 and 5.5, without the underscore that some servers read as a hyphen.
_FIELD = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z-]++): ([!-~][\t -~]*+(?<![\t ]))")
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"upgrade", b"connection", b"expect", b"te", b"trailer"})
#: More lines are not remembered, nor longer ones, nor the values of these fields.
MOST_LINES = 4096
MOST_BYTES = 256
_SECRET = frozenset(
    {b"authorization", b"cookie", b"proxy-authorization", b"x-api-key", b"x-auth-token", b"x-csrf-token"}
)
_BLANK = [b"", b""]


class RequestLine(msgspec.Struct, gc=False):
    """A plain request line. `target` is in origin form; `plan` is what it asks for, once that is known."""

    method: str
    verb: bytes
    target: bytes
    path: str
    plan: Plan | None = None


def request_line(text: bytes) -> RequestLine | None:
    """A plain request line, without its end; None: it is for the parser."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    verb, target, path = found.groups()
    return RequestLine(verb.decode(), verb, target, path.decode())


class FieldLines:
    """Reads header blocks. Lines that callers share (their browser's, what they accept) are remembered, read.

    `secret` are lowercase names beside the well-known ones whose values are not kept in memory for that.
    """

    __slots__ = ("_known", "_secret")

    def __init__(self, secret: frozenset[bytes] = frozenset()) -> None:
        self._secret = _SECRET | secret
        self._known: dict[bytes, tuple[bytes, bytes, bytes]] = {}

    def read(self, block: bytes) -> tuple[dict[bytes, bytes], list[bytes]] | None:
        """The fields of a block that ends with its blank line, by lowercase name, and its lines; None: for the parser."""
        texts = block.split(b"\r\n")
        if texts[-2:] != _BLANK:
            return None
        del texts[-2:]
        known = self._known
        fields: dict[bytes, bytes] = {}
        lines = []
        for text in texts:
            field = known.get(text) or self._read(text)
            if field is None:
                return None
            name, value, line = field
            fields[name] = value
            lines.append(line)
        if len(fields) != len(lines) or not lines or not _FRAMING.isdisjoint(fields):
            return None
        return fields, lines

    def _read(self, text: bytes) -> tuple[bytes, bytes, bytes] | None:
        found = _FIELD.fullmatch(text)
        if found is None:
            return None
        name = found[1].lower()
        field = name, found[2], text + b"\r\n"
        if len(text) <= MOST_BYTES and name not in self._secret:
            if len(self._known) >= MOST_LINES:
                self._known.clear()
            self._known[text] = field
        return field

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
_BLOCK = re.compile(rb"(?:[!#$%&'*+.^`|~0-9A-Za-z-]++: [!-~][\t -~]*+(?<![\t ])\r\n)++\r\n")
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"upgrade", b"connection", b"expect", b"te", b"trailer"})


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


def field_lines(block: bytes) -> tuple[dict[bytes, bytes], list[bytes]] | None:
    """The fields of a header block that ends with its blank line, by lowercase name, and its lines; None: for the parser."""
    if _BLOCK.fullmatch(block) is None:
        return None
    lines = block.split(b"\r\n")
    del lines[-2:]
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b": ")
        fields[name.lower()] = value
    if len(fields) != len(lines) or not _FRAMING.isdisjoint(fields):
        return None
    return fields, lines

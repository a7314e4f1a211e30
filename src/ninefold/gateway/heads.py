"""The headers of the upstream's answers, remembered: an upstream says the same things over and over.

Every line was accepted by the parser before it is remembered. A whole header is remembered when its message has one
reading that needs no parser's state: a final status, a length, a connection that goes on. The same bytes before a body of
just that length are the same message.
"""

from __future__ import annotations

import msgspec

from ninefold.gateway import wire
from ninefold.guard.coding import PLAIN, recoded
from ninefold.guard.treatment import Treatment, Way

#: A header line: lowercase name, value, both as a line again.
Line = tuple[bytes, bytes, bytes]

#: So many lines are remembered, and so many whole headers, each of at most so many bytes.
MOST_LINES = 4096
MOST_HEADS = 1024
MOST_BYTES = 4096
#: An API that answers one header in more ways than this is answered the long way.
MOST_BEGINNINGS = 32
#: What the header of a scrubbed error says of the body that stands in for the upstream's.
_PROBLEM = b"content-type: application/problem+json\r\ncache-control: no-store\r\n"


class Head(msgspec.Struct, gc=False):
    """What an answer's header says. `length` is -1 where it tells none; `private`: nothing is said about caching.

    `varied`: it would be another one under another `Accept-Encoding`.

    `beginnings` has, by the treatment's `id`, that treatment and what `begin` said.
    """

    status: int
    lines: list[Line]
    media: bytes = b""
    encoding: bytes = b""
    length: int = -1
    chunked: bool = False
    private: bool = True
    cookies: bool = False
    varied: bool = False
    beginnings: dict[int, tuple[Treatment, bytes]] = {}  # each head gets its own

    def beginning(self, treatment: Treatment, *, secure: bool, coding: bytes | None = None) -> bytes:
        """How the answer to the caller begins: its status, and the fields that may leave.

        `coding` is that of a body that came in one, and leaves in this (empty: in plain); None: it leaves as it came.
        """
        allowed = treatment.fields
        parts = [wire.STATUS_LINES[self.status]]
        told = self.lines
        if coding is not None:
            allowed |= {b"content-encoding"}
            fields = [(name, value) for name, value, _ in told if name in treatment.fields]
            told = [(name, value, b"%b: %b\r\n" % (name, value)) for name, value in recoded(fields, coding)]
        for name, value, line in told:
            if name in allowed:
                hardens = secure and name == b"set-cookie"
                parts.append(b"set-cookie: %b\r\n" % wire.hardened(value) if hardens else line)
        if treatment.way is Way.SCRUB:
            parts.append(_PROBLEM)
        return b"".join(parts)

    def begin(self, treatment: Treatment, most: int) -> bytes:
        """`beginning` for an answer that needs no more than its body, of at most `most` bytes where it is projected.

        Empty where it does need more: then it goes the long way.
        """
        whole = (treatment.way is Way.PASS and not treatment.reason) or (
            treatment.way is Way.PROJECT and self.encoding in PLAIN and self.length <= most
        )
        begins = self.beginning(treatment, secure=False) if whole and not self.cookies else b""
        if len(self.beginnings) < MOST_BEGINNINGS:
            self.beginnings[id(treatment)] = treatment, begins
        return begins


class Heads:
    """Of one upstream. What is asked for again and again costs one look-up; the memory is bounded."""

    __slots__ = ("_lines", "whole")

    def __init__(self) -> None:
        self._lines: dict[bytes, Line] = {}
        self.whole: dict[bytes, Head] = {}

    def read(self, status: int, text: bytes) -> Head:
        """A header that the parser has accepted, up to (without) its blank line. Raises `ValueError`.

        That is, where it is framed in a way that another reader could take for a different one.
        """
        known = self._lines
        head = Head(status, [known.get(line) or self._line(line) for line in text.split(b"\r\n")[1:]])
        names = [name for name, _, _ in head.lines]
        if names.count(b"content-type") > 1 or names.count(b"content-encoding") > 1:
            raise ValueError("it says twice what its body is")
        for name, value, _ in head.lines:
            if name == b"content-type":
                head.media = value
            elif name == b"content-length":
                head.length = int(value)
            elif name == b"content-encoding":
                head.encoding = value.lower()
            elif name == b"cache-control":
                head.private = False
            elif name == b"set-cookie":
                head.cookies = True
            elif name == b"vary":
                head.varied = head.varied or b"accept-encoding" in value.lower()
            elif name == b"transfer-encoding":
                head.chunked = True
                if value.lower() != b"chunked":
                    raise ValueError("the transfer coding is not `chunked` alone")
        return head

    def remember(self, text: bytes, head: Head) -> None:
        """Keep a header, with its blank line, whose message was whole and left its connection usable."""
        if head.length < 0 or head.chunked or head.status in {204, 304} or len(text) > MOST_BYTES:
            return
        if len(self.whole) >= MOST_HEADS:
            self.whole.clear()
        self.whole[text] = head

    def _line(self, line: bytes) -> Line:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        field = name, value, b"%b: %b\r\n" % (name, value)
        if len(self._lines) >= MOST_LINES:
            self._lines.clear()
        self._lines[line] = field
        return field

"""The hash chain: each record carries a digest of itself and of all before it.

A record is one line of JSON whose last member is `"chain":"<64 hex digits>"`, so that jq and a person read it. The digest
is SHA-256 over the digest before (32 bytes; zeros before the first) and the record's JSON without that member. Who changes,
removes, adds or reorders a record must make every later one anew; where the last ones are known elsewhere, he cannot.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

START = bytes(32)
#: What stands before the digest, and the length of all that is added to a record's JSON.
MARK = b',"chain":"'
SUFFIX = len(MARK) + 64 + 2


class Chain:
    """Goes on with a chain from the digest before."""

    __slots__ = ("_encode", "last")

    def __init__(self, last: bytes = START) -> None:
        self.last = last
        self._encode = msgspec.json.Encoder().encode

    def line(self, record: object) -> bytes:
        """The next record's line. `last` is the digest after it."""
        text = self._encode(record)
        self.last = last = sha256(self.last + text).digest()
        return b'%b,"chain":"%b"}\n' % (text[:-1], last.hex().encode())


def split(line: bytes) -> tuple[bytes, bytes] | None:
    """A line (without its end) as the record's JSON and its digest; None: it has not the form of a record."""
    if len(line) <= SUFFIX or line[-SUFFIX : -SUFFIX + len(MARK)] != MARK or line[-2:] != b'"}':
        return None
    try:
        found = bytes.fromhex(line[-66:-2].decode("ascii"))
    except ValueError:
        return None
    return line[:-SUFFIX] + b"}", found


#: How each record begins: `time` is the first member of all of them.
BEGINNING = b'{"time":'


def unfinished(rest: bytes) -> bool:
    """Whether what stands behind the last record is the beginning of another, as a loss of power leaves it.

    A file system may leave zeros in place of what was not written yet.
    """
    text = rest.rstrip(b"\0")
    return text.startswith(BEGINNING) or BEGINNING.startswith(text)


def link(before: bytes, record: bytes) -> bytes:
    """The digest of a record after another."""
    return sha256(before + record).digest()

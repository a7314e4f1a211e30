"""Content codings (RFC 9110 section 8.4.1): what came compressed is opened, within a bound, and closed again in the same one.

Read are `gzip` (RFC 1952), `br` (RFC 7932), `zstd` (RFC 8878) and `deflate`, where it is the zlib format that its name stands
for (RFC 1950). Opening goes piece by piece, so that a bomb (CWE-409) costs no more than the bound it is held against. Whoever
says one coding and sends another, ends early, or goes on after the end, is refused.
"""

from __future__ import annotations

import re
import sys
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Codings that are opened, each under the name that it is closed with.
CODINGS = {b"gzip": b"gzip", b"x-gzip": b"gzip", b"br": b"br", b"zstd": b"zstd", b"deflate": b"deflate"}
#: Of those the ones that an API is asked for: `deflate` has two readings in the field, and who takes it takes `gzip`.
ASKED = (b"gzip", b"br", b"zstd")
#: Codings under which a body is what it says.
PLAIN = frozenset({b"", b"identity"})

#: Levels at which a second of work on JSON saves most (docs/adr/0016-streams.md has what was measured).
_GZIP, _BR, _ZSTD = 4, 4, 3
#: The largest window of zstd in HTTP, 8 MiB (RFC 9659).
_ZSTD_WINDOW = 23
#: So much is opened at once where a whole body is, and so much is handed to a decoder at once.
_PIECE = 1 << 20
_BITE = 1 << 14
#: So many members a whole body may have, and so many in a row that hold nothing.
_MOST_MEMBERS = 4096
_MOST_EMPTY = 64

_ACCEPTED = re.compile(
    rb"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*(?:;[ \t]*[qQ]=((?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))[ \t]*)?\Z"
)


class Miscoded(Exception):
    """What came is not in the coding that it is said to be in, or is too much once it is opened. Says which."""


class TooLong(Miscoded):
    """It opens to more than it may."""

    def __init__(self) -> None:
        super().__init__("it opens to more than limits.response")


class _Decoder(Protocol):
    """One member or frame. `take` gives at most about `most` bytes; `fed`: it has more to give before it wants more."""

    over: bool
    fed: bool

    def take(self, data: bytes, most: int) -> bytes: ...

    @property
    def rest(self) -> bytes: ...


class _Zlib:
    def __init__(self, bits: int) -> None:
        self._made = zlib.decompressobj(bits)
        self.over = self.fed = False

    def take(self, data: bytes, most: int) -> bytes:
        found = self._made.decompress(self._made.unconsumed_tail + data, most)
        self.over = self._made.eof
        self.fed = not self.over and (bool(self._made.unconsumed_tail) or len(found) == most)
        return found

    @property
    def rest(self) -> bytes:
        return self._made.unused_data


class _Brotli:
    """Its library itself refuses bytes that follow the end."""

    def __init__(self) -> None:
        self._made = brotli.Decompressor()
        self.over = self.fed = False
        self.rest = b""

    def take(self, data: bytes, most: int) -> bytes:
        found: bytes = self._made.process(data, output_buffer_limit=most)
        self.over = self._made.is_finished()
        self.fed = not self.over and (len(found) >= most or not self._made.can_accept_more_data())
        return found


class _Zstd:
    def __init__(self) -> None:
        self._made = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})
        self.over = self.fed = False

    def take(self, data: bytes, most: int) -> bytes:
        found = self._made.decompress(data, most)
        self.over = self._made.eof
        self.fed = not self.over and not self._made.needs_input
        return found

    @property
    def rest(self) -> bytes:
        return self._made.unused_data


def _decoder(coding: bytes) -> _Decoder:
    if coding == b"gzip":
        return _Zlib(31)
    if coding == b"deflate":
        return _Zlib(15)
    return _Brotli() if coding == b"br" else _Zstd()


#: Codings whose bodies may have several members or frames, one after the other (RFC 1952 section 2.2, RFC 8878 section 3).
_SEVERAL = frozenset({b"gzip", b"zstd"})
_FAULTS = (zlib.error, brotli.error, zstd.ZstdError, EOFError)


class Opener:
    """Opens one body as it comes: `feed` what came, `read` until it gives nothing, and `end` when no more will come."""

    __slots__ = ("_at", "_begun", "_coding", "_decoder", "_empty", "_left", "_members", "_most_members", "_waiting")

    def __init__(self, coding: bytes, members: int = 0) -> None:
        """`coding` is one of the values of `CODINGS`; of `members` or frames it may have so many, 0: any number."""
        self._coding = coding
        self._decoder = _decoder(coding)
        self._waiting = self._left = b""
        self._at = 0
        self._begun = False
        self._members = self._empty = 0
        self._most_members = members

    def feed(self, data: bytes) -> None:
        self._waiting, self._at = self._waiting[self._at :] + data if self._waiting else data, 0

    def read(self, most: int) -> bytes:
        """What is open, at most about `most` bytes; empty: it wants more. Raises `Miscoded`."""
        while True:
            there = self._left or self._at < len(self._waiting)
            if not there and not self._decoder.fed:
                return b""
            if self._decoder.over:
                self._next_member()
            decoder = self._decoder
            data = b"" if decoder.fed else self._bite()
            try:
                found = decoder.take(data, most)
            except _FAULTS:
                raise Miscoded(f"it is no {self._coding.decode()}") from None
            self._begun = True
            if decoder.over:
                self._left = decoder.rest
            decoder.fed = decoder.fed and bool(data or found)
            if found:
                self._empty = 0
                return found

    def _bite(self) -> bytes:
        """What the decoder gets next: little at a time, for what the end of a member leaves of it is copied."""
        if self._left:
            data, self._left = self._left, b""
            return data
        data = self._waiting[self._at : self._at + _BITE]
        self._at += len(data)
        if self._at == len(self._waiting):
            self._waiting, self._at = b"", 0
        return data

    def _next_member(self) -> None:
        self._members += 1
        self._empty += 1
        if self._coding not in _SEVERAL:
            raise Miscoded(f"bytes follow the end of its {self._coding.decode()}")
        if self._empty > _MOST_EMPTY or 0 < self._most_members <= self._members:
            raise Miscoded("it has too many members")
        self._decoder = _decoder(self._coding)

    def end(self) -> None:
        """No more will come. Raises `Miscoded` where something is missing."""
        if self._begun and not self._decoder.over:
            raise Miscoded(f"its {self._coding.decode()} is cut short")


def opened(body: bytes, coding: bytes, most: int) -> bytes:
    """A whole body out of its coding; of nothing, nothing. Raises `Miscoded`, also past `most` bytes."""
    opener = Opener(coding, _MOST_MEMBERS)
    opener.feed(body)
    parts: list[bytes] = []
    size = 0
    while part := opener.read(min(_PIECE, most + 1 - size)):
        size += len(part)
        if size > most:
            raise TooLong
        parts.append(part)
    opener.end()
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Closer:
    """Closes a stream as it goes: what is put in can be opened at once at the other end."""

    __slots__ = ("_brotli", "_zlib", "_zstd")

    def __init__(self, coding: bytes) -> None:
        """`coding` is one of the values of `CODINGS`."""
        self._zlib = self._brotli = self._zstd = None
        if coding == b"br":
            self._brotli = brotli.Compressor(quality=_BR)
        elif coding == b"zstd":
            self._zstd = zstd.ZstdCompressor(_ZSTD)
        else:
            self._zlib = zlib.compressobj(_GZIP, zlib.DEFLATED, 31 if coding == b"gzip" else 15)

    def put(self, data: bytes) -> bytes:
        """What is to be sent now, all of `data` in it."""
        if self._zlib is not None:
            return self._zlib.compress(data) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if self._zstd is not None:
            return self._zstd.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)
        assert self._brotli is not None
        return bytes(self._brotli.process(data) + self._brotli.flush())

    def end(self) -> bytes:
        """What comes after the last of it."""
        if self._zlib is not None:
            return self._zlib.flush()
        if self._zstd is not None:
            return self._zstd.flush()
        assert self._brotli is not None
        return bytes(self._brotli.finish())


def closed(body: bytes | memoryview, coding: bytes) -> bytes:
    """A whole body in a coding, one of the values of `CODINGS`."""
    if coding == b"br":
        return bytes(brotli.compress(body, quality=_BR))
    if coding == b"zstd":
        return zstd.compress(body, _ZSTD)
    return zlib.compress(body, _GZIP, 31 if coding == b"gzip" else 15)


@lru_cache(maxsize=256)
def accepted(field: bytes) -> frozenset[bytes]:
    """The codings that an `Accept-Encoding` takes, of those that are known here (RFC 9110 section 12.5.3).

    Of a field that is malformed, none.
    """
    weights: dict[bytes, bool] = {}
    for part in field.split(b","):
        if not part.strip(b" \t"):
            continue
        found = _ACCEPTED.match(part)
        if found is None:
            return frozenset()
        name, weight = found[1].lower(), found[2]
        weights[CODINGS.get(name, name)] = weight is None or weight.strip(b"0.") != b""
    rest = weights.get(b"*", False)
    return frozenset(name for name in CODINGS.values() if weights.get(name, rest))


@lru_cache(maxsize=256)
def asking(field: bytes) -> bytes:
    """What an API is asked for on behalf of a caller's `Accept-Encoding`: of it, what can be opened; empty: nothing.

    The caller's order and weights stay; `*` asks for each that he did not name.
    """
    takes = accepted(field)
    found: dict[bytes, bytes] = {}
    others = b""
    for part in field.split(b","):
        name, semicolon, weight = part.strip(b" \t").partition(b";")
        name = name.strip(b" \t").lower()
        if name == b"*":
            others = semicolon + weight
        else:
            found[CODINGS.get(name, name)] = semicolon + weight
    asked = [name + weight for name, weight in found.items() if name in takes and name in ASKED]
    return b", ".join(asked + [name + others for name in ASKED if name in takes and name not in found])


def recoded(fields: Sequence[tuple[bytes, bytes]], coding: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of an answer that came in some coding, or might have, and leaves in this one (empty: in plain).

    Its tag is weak and it says that it varies; `Content-Encoding` is not among the given ones.
    """
    found = [(name, weak(value) if name == b"etag" else value) for name, value in fields if name != b"vary"]
    found.append((b"vary", varies(b", ".join(value for name, value in fields if name == b"vary"))))
    return [*found, (b"content-encoding", coding)] if coding else found


def varies(field: bytes) -> bytes:
    """`Vary` of an answer that is another one under another `Accept-Encoding`, made of the one that it has."""
    names = [name.strip(b" \t").lower() for name in field.split(b",")]
    if b"*" in names or b"accept-encoding" in names:
        return field
    return field + b", Accept-Encoding" if field else b"Accept-Encoding"


def weak(tag: bytes) -> bytes:
    """An entity tag for an answer that is no longer the same to the byte (RFC 9110 section 8.8.1)."""
    return tag if tag[:2] == b"W/" else b"W/" + tag

"""The JA4 fingerprint of a TLS ClientHello (FoxIO, JA4, BSD-3-Clause): how a client greets, before anything is secret.

Pure: bytes in, text out. QUIC and DTLS do not come over these connections. What cannot be read has no fingerprint, which is
the empty text.
"""

from __future__ import annotations

import hashlib

#: Most bytes of a ClientHello with its records. OpenSSL takes no more in a record; honest ones have two thousand.
MOST = 16_384 + 512

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ALPN, _SIGNATURES, _VERSIONS = 0x0000, 0x0010, 0x000D, 0x002B
_NAMES = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_NOTHING = "000000000000"


def hello(data: bytes) -> bytes | None:
    """The ClientHello at the beginning of a connection, over as many records as it takes; None: more must come.

    Raises `ValueError` for what is none (RFC 8446 sections 4.1.2 and 5.1).
    """
    message, at = bytearray(), 0
    while True:
        if data[at : at + 1] not in {b"", b"\x16"} or data[at + 1 : at + 2] not in {b"", b"\x03"}:
            raise ValueError("no handshake record")
        if len(data) - at < 5:
            break
        length = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < length <= 16_384:
            raise ValueError("no TLS record")
        message += data[at + 5 : at + 5 + length]
        at += 5 + length
        if message and message[0] != _CLIENT_HELLO:
            raise ValueError("no ClientHello")
        if len(message) >= 4 and len(message) >= (whole := 4 + int.from_bytes(message[1:4], "big")):
            return bytes(message[4:whole])
        if at > len(data):
            break
    if len(data) >= MOST:
        raise ValueError("the ClientHello is too long")
    return None


def ja4(body: bytes) -> str:
    """The fingerprint of a ClientHello, without its header. Raises `ValueError` where it breaks off."""
    reader = _Reader(body)
    version = reader.number(2)
    reader.take(32)
    reader.vector(1)
    suites = [one for one in _numbers(reader.vector(2)) if not _is_grease(one)]
    reader.vector(1)
    extensions: dict[int, bytes] = {}
    listed = []
    if not reader.ended:
        inner = _Reader(reader.vector(2))
        while not inner.ended:
            kind, content = inner.number(2), inner.vector(2)
            if not _is_grease(kind):
                listed.append(kind)
                extensions.setdefault(kind, content)
    if not reader.ended:
        raise ValueError("bytes follow the ClientHello's extensions")
    if _VERSIONS in extensions:
        offered = _numbers(_Reader(extensions[_VERSIONS]).vector(1))
        version = max((one for one in offered if not _is_grease(one)), default=0)
    signatures = []
    if _SIGNATURES in extensions:
        signatures = [one for one in _numbers(_Reader(extensions[_SIGNATURES]).vector(2)) if not _is_grease(one)]
    known = sorted(kind for kind in listed if kind not in {_SERVER_NAME, _ALPN})
    described = _hexadecimal(known) + (f"_{_hexadecimal(signatures)}" if signatures else "")
    return (
        f"t{_NAMES.get(version, '00')}{'d' if _SERVER_NAME in extensions else 'i'}"
        f"{min(len(suites), 99):02}{min(len(listed), 99):02}{_protocol(extensions.get(_ALPN))}"
        f"_{_digest(_hexadecimal(sorted(suites)))}_{_digest(described) if known else _NOTHING}"
    )


def _protocol(content: bytes | None) -> str:
    """The first and last character of the first protocol; of its hexadecimal form where they are no letters or digits."""
    if content is None:
        return "00"
    listed = _Reader(_Reader(content).vector(2))
    first = b"" if listed.ended else listed.vector(1)
    if not first:
        return "00"
    ends = first[:1] + first[-1:]
    return ends.decode("ascii") if ends.isalnum() else first.hex()[0] + first.hex()[-1]


def _is_grease(value: int) -> bool:
    """RFC 8701 section 2."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _numbers(data: bytes) -> list[int]:
    if len(data) % 2:
        raise ValueError("a list breaks off")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _hexadecimal(values: list[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else _NOTHING


class _Reader:
    """Bytes from front to back (RFC 8446 section 3.4)."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("it breaks off")
        self._at += count
        return found

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))

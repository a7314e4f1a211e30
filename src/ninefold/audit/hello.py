"""A ClientHello of TLS 1.2 and older, and what a server answers before anything is secret (RFC 5246 section 7.4).

Today's OpenSSL no longer offers what is weak, so whether a server still takes it is asked by hand: nothing is agreed on,
the connection ends after the server's first words. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

#: Most bytes of an answer that are read: a long chain of certificates comes before what is looked for.
MOST = 128 * 1024

_HANDSHAKE, _ALERT = 22, 21
_SERVER_HELLO, _KEY_EXCHANGE, _DONE = 2, 12, 14

#: Named groups (RFC 8422 section 5.1.1): of today, and those of less than 224 bits.
GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
SMALL_GROUPS = (0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x000F, 0x0010, 0x0011, 0x0012, 0x0013)

_SIGNATURES = (0x0804, 0x0805, 0x0806, 0x0403, 0x0503, 0x0603, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server chose. `version` and `suite` are code points, 0 if it chose nothing; `alert` is its alert's
    description (RFC 5246 section 7.2), -1 if none came. `group` is the named curve and `prime` the bits of the
    Diffie-Hellman prime that it offered, 0 if none.
    """

    version: int = 0
    suite: int = 0
    alert: int = -1
    group: int = 0
    prime: int = 0


def client_hello(
    host: str, suites: tuple[int, ...], random: bytes, *, version: int = 0x0303, groups: tuple[int, ...] = GROUPS
) -> bytes:
    """One record. `random`: 32 bytes. `version`: 0x0300 for SSL 3.0 up to 0x0303 for TLS 1.2."""
    listed = b"".join(suite.to_bytes(2, "big") for suite in (*suites, 0x00FF))  # RFC 5746: renegotiation is safe
    body = version.to_bytes(2, "big") + random + b"\x00" + _vector(listed, 2) + b"\x01\x00"
    if version > 0x0300:
        body += _vector(_extensions(host, groups), 2)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", _HANDSHAKE, min(version, 0x0301), len(message)) + message


def _extensions(host: str, groups: tuple[int, ...]) -> bytes:
    name = b"" if _is_address(host) else _vector(b"\x00" + _vector(host.encode("idna"), 2), 2)
    two = [one.to_bytes(2, "big") for one in groups], [one.to_bytes(2, "big") for one in _SIGNATURES]
    told = (
        (0, name),
        (10, _vector(b"".join(two[0]), 2)),
        (11, b"\x01\x00"),
        (13, _vector(b"".join(two[1]), 2)),
        (23, b""),
    )
    return b"".join(struct.pack("!H", kind) + _vector(data, 2) for kind, data in told if data or kind == 23)


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def reply(data: bytes) -> Reply | None:
    """What the server has said, once it has said enough: an alert, or all up to ServerHelloDone. None: more must come.

    Raises `ValueError` for what is no TLS.
    """
    handshake, at, alert = bytearray(), 0, -1
    while len(data) - at >= 5:
        kind, major, length = data[at], data[at + 1], int.from_bytes(data[at + 3 : at + 5], "big")
        if kind not in {_HANDSHAKE, _ALERT} or major != 3 or length > 18_432:
            raise ValueError("no TLS record")
        fragment = data[at + 5 : at + 5 + length]
        if len(fragment) < length:
            break
        at += 5 + length
        if kind == _ALERT and length == 2:
            alert = fragment[1]
            break
        handshake += fragment
    found, whole = _messages(bytes(handshake))
    if alert >= 0 and not found.suite:
        return Reply(alert=alert)
    return found if whole or alert >= 0 else None


def _messages(data: bytes) -> tuple[Reply, bool]:
    """What the messages tell, and whether ServerHelloDone was the last."""
    version = suite = group = prime = at = 0
    while len(data) - at >= 4:
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + 4 : at + 4 + length]
        if len(body) < length:
            break
        at += 4 + length
        if kind == _SERVER_HELLO:
            if len(body) < 38 or len(body) < 37 + body[34]:
                raise ValueError("a ServerHello that breaks off")
            version, after = int.from_bytes(body[:2], "big"), 35 + body[34]
            suite = int.from_bytes(body[after : after + 2], "big")
        elif kind == _KEY_EXCHANGE and suite in FINITE:
            prime = int.from_bytes(body[2 : 2 + int.from_bytes(body[:2], "big")], "big").bit_length()
        elif kind == _KEY_EXCHANGE and body[:1] == b"\x03":
            group = int.from_bytes(body[1:3], "big")
        elif kind == _DONE:
            return Reply(version, suite, -1, group, prime), True
    return Reply(version, suite, -1, group, prime), False


#: Cipher suites by what is weak about them (the IANA registry of TLS parameters; RFC 9325 sections 4.1 and 4.2).
MODERN = (0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0x009E, 0x009F)
ELLIPTIC = (0xC02B, 0xC02C, 0xC02F, 0xC030, 0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028)
FINITE = frozenset({0x0033, 0x0039, 0x0067, 0x006B, 0x009E, 0x009F, 0xCCAA, 0x0016, 0x0045, 0x0088})
NO_ENCRYPTION = (0x0001, 0x0002, 0x003B, 0xC006, 0xC010, 0xC001, 0xC00B, 0xC015)
ANONYMOUS = (
    0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7, 0x0046, 0x0089, 0xC016, 0xC017, 0xC018, 0xC019,
)  # fmt: skip
BREAKABLE = (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0009, 0x000C, 0x000F, 0x0012, 0x0015)
RC4 = (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011)
TRIPLE_DES = (0x000A, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012)
STATIC_RSA = (0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D, 0x0041, 0x0084, 0xC09C, 0xC09D)

#: An unassigned one, which no server can choose: the control.
NO_SUITE = (0x5A17,)

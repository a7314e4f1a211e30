"""The text of an API key: `nf_<env>_<id>_<secret><checksum>`.

The prefix lets secret scanners find a leaked one, the id names it without telling it, the secret has 190 bits, and the
checksum (CRC-32) tells a mistyped or made-up one from a real one without a look-up.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ninefold.errors import KeyringError

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECKSUM = 12, 32, 6
#: How every key begins that was made here.
BEGINNING = b"nf_"
#: A key that was made here, within other text.
ANYWHERE = re.compile(rb"nf_[a-z0-9]{1,8}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}")
#: What two digits are worth.
_PAIRS = {bytes((a, b)): high * 62 + low for high, a in enumerate(_DIGITS) for low, b in enumerate(_DIGITS)}


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key. `text` is the secret: it is shown once, kept nowhere, and hides itself in `repr`."""

    id: str
    digest: bytes
    text: str = field(repr=False)


def mint(env: str, randomness: Callable[[int], bytes]) -> MintedKey:
    """A new key for an environment (`live`, `test`). `randomness(n)` gives n random bytes. Raises `KeyringError`."""
    environment(env)
    name = name_of(randomness)
    body = b"nf_%b_%b_%b" % (env.encode(), name.encode(), _random(_SECRET, randomness))
    text = body + _checksum(body)
    return MintedKey(name, digest(text), text.decode())


def environment(env: str) -> None:
    """Raises `KeyringError` where a key's text cannot say that it is for this one."""
    if not re.fullmatch(r"[a-z0-9]{1,8}", env):
        raise KeyringError(f"{env!r} is no environment", remedy="use up to 8 lower-case letters and digits, as `live`")


def name_of(randomness: Callable[[int], bytes]) -> str:
    """A new id of a key."""
    return _random(_ID, randomness).decode()


def digest(text: bytes) -> bytes:
    """SHA-256. Fast on purpose: the secret has more bits than can be guessed, unlike a password."""
    return hashlib.sha256(text).digest()


def well_formed(text: bytes) -> bool:
    """Whether this could be a key that was made here: its shape and its checksum."""
    return ANYWHERE.fullmatch(text) is not None and holds(text)


def holds(text: bytes) -> bool:
    """Whether a text ends with its checksum. It costs a third of a microsecond, half as much as its digest."""
    try:
        high, middle, low = _PAIRS[text[-6:-4]], _PAIRS[text[-4:-2]], _PAIRS[text[-2:]]
    except KeyError:
        return False
    return zlib.crc32(text[:-_CHECKSUM]) == (high * 3844 + middle) * 3844 + low


def id_of(text: bytes) -> str:
    """The id that a key says of itself; empty where it has not the form of one that was made here."""
    return text.split(b"_")[2].decode() if well_formed(text) else ""


def _checksum(body: bytes) -> bytes:
    value = zlib.crc32(body)
    value, a = divmod(value, 62)
    value, b = divmod(value, 62)
    value, c = divmod(value, 62)
    value, d = divmod(value, 62)
    value, e = divmod(value, 62)
    return bytes((_DIGITS[value], _DIGITS[e], _DIGITS[d], _DIGITS[c], _DIGITS[b], _DIGITS[a]))


def _random(length: int, randomness: Callable[[int], bytes]) -> bytes:
    """Base-62 digits, each as likely as the other: bytes past the last whole multiple of 62 are thrown away."""
    found = bytearray()
    while len(found) < length:
        found += bytes(_DIGITS[value % 62] for value in randomness(length) if value < 248)
    return bytes(found[:length])

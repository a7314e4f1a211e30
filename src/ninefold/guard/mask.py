"""Scalars of an answer in other words: enough to recognise what is one's own, too little to use what is not.

A mask takes and gives a JSON token. Whatever it does not fit (a number where a text was expected, no mail address) is hidden
whole; a number stays a number, and a text a text, so that the answer is still what its schema says. `null` says nothing and
stays.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TypeAlias

#: What stands in place of a text.
HIDDEN = "****"
_TEXT, _NUMBER = b'"', b"-0123456789"
#: A mail address, as far as it has to be one here: its first letter, and the name of a host (in any script).
_ADDRESS = re.compile(r"([^\s@])\S*@((?:[\w-]{1,63}\.)*(?!\d+\Z)[\w-]{1,63})")


@dataclass(frozen=True, slots=True)
class Redact:
    """Nothing of it is told."""

    def __call__(self, token: bytes) -> bytes:
        return _hidden(token)


@dataclass(frozen=True, slots=True)
class Last4:
    """The last four characters of a text of at least eight; of a shorter one, nothing."""

    def __call__(self, token: bytes) -> bytes:
        text = _text(token)
        return _token(HIDDEN + text[-4:]) if text is not None and len(text) >= 8 else _hidden(token)


@dataclass(frozen=True, slots=True)
class Email:
    """The first letter and the domain of a mail address."""

    def __call__(self, token: bytes) -> bytes:
        found = _ADDRESS.fullmatch(_text(token) or "")
        return _token(f"{found[1]}***@{found[2]}") if found is not None else _hidden(token)


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The same text for the same value, and no way back without the key: HMAC-SHA-256, its first 16 bytes in hex (RFC 2104)."""

    key: bytes

    def __call__(self, token: bytes) -> bytes:
        text = _text(token)
        return _hidden(token) if text is None else _token(hmac.digest(self.key, text.encode(), "sha256")[:16].hex())


@dataclass(frozen=True, slots=True)
class Range:
    """A number as the one that its range of `size` begins with."""

    size: int

    def __call__(self, token: bytes) -> bytes:
        if token[:1] not in _NUMBER:
            return _hidden(token)
        try:
            steps = (Decimal(token.decode()) / self.size).to_integral_value(ROUND_FLOOR)
            return str(int(steps) * self.size).encode() if abs(steps) < 10**18 else _hidden(token)
        except (ArithmeticError, ValueError):
            return _hidden(token)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for every text."""

    text: str

    def __call__(self, token: bytes) -> bytes:
        del token
        return _token(self.text)


Mask: TypeAlias = Redact | Last4 | Email | Pseudonym | Range | Sentence


def _text(token: bytes) -> str | None:
    if token[:1] != _TEXT:
        return None
    try:
        text: str = json.loads(token)
        text.encode()  # half of a surrogate pair is no text
    except ValueError:
        return None
    return text


def _token(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _hidden(token: bytes) -> bytes:
    if token[:1] == _TEXT:
        return _token(HIDDEN)
    if token[:1] in _NUMBER:
        return b"0"
    return b"null" if token == b"null" else b"false"

"""Passwords by argon2id (RFC 9106)."""

from __future__ import annotations

from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from ninefold.errors import KeyringError

#: RFC 9106 section 4, second recommended option: 64 MiB, three passes.
_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)
LEAST, MOST = 12, 128
#: What the password of nobody is compared with, so that an unknown name takes as long as a known one.
_NOBODY = _HASHER.hash("nobody's")


def encode(password: str) -> str:
    """Raises `KeyringError` where it is too short or too long (NIST SP 800-63B section 5.1.1.2)."""
    password = normal(password)
    if not LEAST <= len(password) <= MOST:
        raise KeyringError(
            f"the password has {len(password)} characters",
            remedy=f"give it {LEAST} to {MOST}; a sentence is easy to keep",
        )
    if any(0xD800 <= ord(one) < 0xE000 for one in password):
        raise KeyringError("the password is not in UTF-8", remedy="write it in UTF-8")
    return _HASHER.hash(password)


def matches(encoded: str | None, password: str) -> bool:
    """Whether a password is the encoded one; None: there is no such user, and it takes the same time to say no."""
    try:
        return _HASHER.verify(encoded or _NOBODY, normal(password[: MOST + 1])) and encoded is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def normal(text: str) -> str:
    """One text for what two keyboards write in two ways (NFC, as RFC 8265 section 4.2 asks)."""
    return normalize("NFC", text)

"""Passwords by argon2id (RFC 9106), and how often one may be tried."""

from __future__ import annotations

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
    if not LEAST <= len(password) <= MOST:
        raise KeyringError(
            f"the password has {len(password)} characters",
            remedy=f"give it {LEAST} to {MOST}; a sentence is easy to keep",
        )
    return _HASHER.hash(password)


def matches(encoded: str | None, password: str) -> bool:
    """Whether a password is the encoded one; None: there is no such user, and it takes the same time to say no."""
    try:
        return _HASHER.verify(encoded or _NOBODY, password[: MOST + 1]) and encoded is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


class Attempts:
    """Failures by name: after `free` of them each further one waits twice as long as the last, at most `most` seconds.

    Names that nobody has count like others, so that waiting tells nothing. Of so many names as `room` the oldest is forgotten.
    """

    def __init__(self, free: int = 5, most: float = 900.0, room: int = 10_000) -> None:
        self._free = free
        self._most = most
        self._room = room
        self._failures: dict[str, tuple[int, float]] = {}

    def wait(self, name: str, now: float) -> float:
        """Seconds until this name may be tried again; `now` is on a clock that never goes back."""
        count, last = self._failures.get(name, (0, now))
        if count < self._free:
            return 0.0
        return max(0.0, last + min(self._most, 2.0 ** min(count - self._free, 30)) - now)

    def failed(self, name: str, now: float) -> None:
        count, _ = self._failures.pop(name, (0, now))
        if len(self._failures) >= self._room:
            del self._failures[next(iter(self._failures))]
        self._failures[name] = (count + 1, now)

    def succeeded(self, name: str) -> None:
        self._failures.pop(name, None)

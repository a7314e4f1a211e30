"""What the guard asks about API keys; `ninefold.keys` answers it."""

from __future__ import annotations

from typing import Protocol


class BoundTo(Protocol):
    """What a key is bound to: one of each that is named. Ranges, origins, JA4 fingerprints, SHA-256 thumbprints in hex."""

    @property
    def addresses(self) -> tuple[str, ...]: ...
    @property
    def origins(self) -> tuple[str, ...]: ...
    @property
    def devices(self) -> tuple[str, ...]: ...
    @property
    def certificates(self) -> tuple[str, ...]: ...


class KnownKey(Protocol):
    """A key that was issued. `scopes` narrows what the role holds; empty: all of it. `expires` is Unix seconds.

    `owner`, `tenant` and `tier` are what whoever issued it said of it; empty: nothing. `guessable`: it was made elsewhere,
    so nobody knows how hard it is to guess.
    """

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def expires(self) -> float: ...
    @property
    def owner(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def bound(self) -> BoundTo | None: ...
    @property
    def guessable(self) -> bool: ...


class Keyring(Protocol):
    """The issued keys, in memory. `held`: they cannot be read now, and are what they were (`keys.stale`)."""

    @property
    def held(self) -> bool: ...

    def fresh(self) -> bool:
        """Whether nobody has changed the keys since they were read."""
        ...

    def digest(self, text: bytes) -> bytes:
        """What a key with this text is kept by; empty: by its own checksum no key has it."""
        ...

    def named(self, text: bytes) -> str:
        """The id that a key of this text says of itself, whether it was issued or not; empty: it is of no such form."""
        ...

    def present(self, digest: bytes) -> KnownKey | None:
        """The key with this digest; None: unknown or revoked."""
        ...

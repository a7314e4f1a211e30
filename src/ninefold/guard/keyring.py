"""What the guard asks about API keys; `ninefold.keys` answers it."""

from __future__ import annotations

from typing import Protocol


class KnownKey(Protocol):
    """A key that was issued. `scopes` narrows what the role holds; empty: all of it. `expires` is Unix seconds.

    `owner`, `tenant` and `tier` are what whoever issued it said of it; empty: nothing.
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


class Keyring(Protocol):
    """The issued keys, in memory."""

    def fresh(self) -> bool:
        """Whether nobody has changed the keys since they were read."""
        ...

    def digest(self, text: bytes) -> bytes:
        """What a key with this text is kept by."""
        ...

    def present(self, digest: bytes) -> KnownKey | None:
        """The key with this digest; None: malformed, unknown or revoked."""
        ...

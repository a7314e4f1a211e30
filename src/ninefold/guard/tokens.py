"""What the guard asks about tokens; `ninefold.identity` answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class KnownToken(Protocol):
    """A token that was verified. `roles` are what it claims of the contract's, `scopes` what it allows.

    `jkt` is the thumbprint of the key that its holder has to prove to have (RFC 9449 section 6), `x5t` that of his certificate
    (`x5t#S256`, RFC 8705 section 3.1); empty where it is not bound to one. `claims` are those that the contract has kept.
    """

    @property
    def subject(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def jkt(self) -> bytes: ...
    @property
    def x5t(self) -> bytes: ...
    @property
    def claims(self) -> Mapping[str, Any] | None: ...


class Doubt(Protocol):
    """Why a token, or its proof, does not hold. `unavailable`: that cannot be known now. `nonce`: what it should hold.

    `guess`: whoever came with it may have made it up.
    """

    @property
    def reason(self) -> str: ...
    @property
    def unavailable(self) -> bool: ...
    @property
    def nonce(self) -> str: ...
    @property
    def guess(self) -> bool: ...


class Tokens(Protocol):
    """The tokens that were verified, in memory."""

    def fresh(self) -> bool:
        """Whether nobody has revoked a token since it was last looked at."""
        ...

    def digest(self, field: bytes) -> bytes:
        """What the token in an `Authorization` field is known by."""
        ...

    def present(self, digest: bytes, at: float, now: float) -> KnownToken | None:
        """The token with this digest; None: the host has to bring it. `at` is Unix seconds, `now` a monotonic clock."""
        ...

    def doubts(
        self, field: bytes, proof: bytes, jkt: bytes, method: str, path: str, at: float, now: float
    ) -> Doubt | None:
        """Why the proof of possession that came with a token bound to `jkt` does not hold; None: it does, and is used up."""
        ...

"""A key as it is kept: everything but its secret."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Bound(msgspec.Struct, frozen=True, gc=False):
    """What a key is bound to: one of each that is named. Nothing named: it is not bound to that.

    `addresses` are ranges (`10.0.0.0/8`), `origins` browsers' (`https://app.example.com`), `devices` JA4 fingerprints, and
    `certificates` the SHA-256 thumbprints of client certificates, 64 lowercase hex digits.
    """

    addresses: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


class Key(msgspec.Struct, frozen=True, gc=False):
    """What the guard needs to know of an active key. `expires` is Unix seconds; `scopes` narrows its role, if any.

    `guessable`: it was imported, and nobody knows how it was made.
    """

    id: str
    role: str
    scopes: tuple[str, ...]
    expires: float
    owner: str = ""
    tenant: str = ""
    tier: str = ""
    bound: Bound | None = None
    guessable: bool = False


class State(StrEnum):
    """Whether a key is accepted. `replaced`: rotated, and accepted until its overlap ends."""

    ACTIVE = "active"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a key gives, and to whom: all of it but its secret and its times. A rotated key has that of the old one.

    `name` is whose it is or what for; `owner`, `tenant` and `tier` are what rules and limits may ask for.
    """

    role: str = ""
    scopes: tuple[str, ...] = ()
    name: str = ""
    owner: str = ""
    tenant: str = ""
    tier: str = ""
    bound: Bound = Bound()


class Issued(msgspec.Struct, frozen=True):
    """A key as its keeper sees it. Times are Unix seconds; `revoked` is 0 while it is not.

    `imported`: it was made elsewhere. `weak` is why it was taken although it is short, or could be guessed.
    """

    id: str
    name: str
    env: str
    role: str
    scopes: tuple[str, ...]
    created: float
    expires: float
    revoked: float
    replaced_by: str
    owner: str = ""
    tenant: str = ""
    tier: str = ""
    bound: Bound = Bound()
    imported: bool = False
    weak: str = ""

    @property
    def grant(self) -> Grant:
        return Grant(self.role, self.scopes, self.name, self.owner, self.tenant, self.tier, self.bound)

    def state(self, now: float) -> State:
        if self.revoked:
            return State.REVOKED
        if now >= self.expires:
            return State.EXPIRED
        return State.REPLACED if self.replaced_by else State.ACTIVE

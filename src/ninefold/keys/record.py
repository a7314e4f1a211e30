"""A key as it is kept: everything but its secret."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Key(msgspec.Struct, frozen=True, gc=False):
    """What the guard needs to know of an active key. `expires` is Unix seconds; `scopes` narrows its role, if any."""

    id: str
    role: str
    scopes: tuple[str, ...]
    expires: float
    owner: str = ""
    tenant: str = ""
    tier: str = ""


class State(StrEnum):
    """Whether a key is accepted. `replaced`: rotated, and accepted until its overlap ends."""

    ACTIVE = "active"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Issued(msgspec.Struct, frozen=True):
    """A key as its keeper sees it. Times are Unix seconds; `revoked` is 0 while it is not."""

    id: str
    name: str
    env: str
    role: str
    scopes: tuple[str, ...]
    created: float
    expires: float
    revoked: float
    replaced_by: str

    def state(self, now: float) -> State:
        if self.revoked:
            return State.REVOKED
        if now >= self.expires:
            return State.EXPIRED
        return State.REPLACED if self.replaced_by else State.ACTIVE

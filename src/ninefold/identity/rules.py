"""What has to be true of a token: the contract's `identity` section, as the checks use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.contract.identity import Identity


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds and bytes; `bound` is `dpop`, `certificate` or empty. Names of claims may be JSON pointers (RFC 6901)."""

    issuer: str
    audience: frozenset[str]
    algorithms: frozenset[str]
    profile: str
    bound: str
    required: tuple[str, ...]
    subject: str
    scopes: str
    roles: str
    tenant: str
    kept: tuple[str, ...]
    leeway: float
    max_age: float
    most: int

    @classmethod
    def of(cls, identity: Identity) -> Rules:
        claims = identity.claims
        return cls(
            identity.issuer, frozenset(identity.audience), frozenset(identity.algorithms), identity.profile,
            identity.bound or "", claims.required, claims.subject, claims.scopes, claims.roles, claims.tenant, claims.kept,
            identity.leeway, identity.max_age, identity.size,
        )  # fmt: skip

    @property
    def symmetric(self) -> bool:
        return any(one.startswith("HS") for one in self.algorithms)

"""What the guard asks about client certificates; its host answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ninefold.guard.request import Certificate


class Authority(Protocol):
    """The authorities that the contract names, and what they have revoked."""

    def fault(self, certificate: Certificate, time: float) -> str:
        """Why a certificate of theirs proves nothing at `time` (Unix seconds), though its own dates hold; empty: it does."""
        ...

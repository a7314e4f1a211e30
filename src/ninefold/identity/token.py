"""A token that was verified: what the guard has to know of it, in as few bytes as hold it."""

from __future__ import annotations

from typing import Any

import msgspec


class Token(msgspec.Struct, frozen=True, gc=False):
    """`subject` is whom it is about, `id` its `jti`, `roles` what it claims of the contract's, `scopes` what it allows.

    `issued` and `expires` are Unix seconds; at `expires` it is looked at anew. `signer` is the thumbprint of the key that
    signed it; empty where the issuer was asked. `jkt` is the thumbprint of the key that its holder proves to have (RFC 9449
    section 6), `x5t` that of his certificate (`x5t#S256`, RFC 8705 section 3.1), 32 bytes each; empty: it is not bound to one.
    `claims` are those that the contract has kept, None where it has none.
    """

    subject: str
    id: str
    tenant: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    issued: float
    expires: float
    signer: str = ""
    jkt: bytes = b""
    x5t: bytes = b""
    claims: dict[str, Any] | None = None


class Refused(msgspec.Struct, frozen=True, gc=False):
    """Why a token is none. `unavailable`: it might be one, and that cannot be known now.

    `nonce` is what a proof should have held (RFC 9449 section 9); empty: it was not for that. `guess`: whoever came with it
    may have made it up; a token that has expired was none.
    """

    reason: str
    unavailable: bool = False
    nonce: str = ""
    guess: bool = True

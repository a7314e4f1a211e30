"""Clients that prove themselves by a key pair (RFC 7523 section 3), read as strictly as any other JWT here.

Authlib's own reader takes the algorithms that its JOSE library holds for good, HS256 among them, and not those that are
announced here; so what is held against a client's keys is `identity`'s own, and Authlib is told the outcome.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from ninefold.identity.fault import BadToken
from ninefold.identity.keyset import KeySet
from ninefold.identity.segment import check_header, media, members, split

if TYPE_CHECKING:
    from ninefold.identity.service.registry import Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA", "Ed25519")
#: RFC 7523 section 3 leaves it to the service how long an assertion may live.
MOST_SECONDS = 300.0
LEEWAY = 30.0
_MOST_BYTES = 8192
_MOST_TEXT = 256
#: What the assertion of nobody is held against, so that it costs something, too.
_NOBODY = (
    b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", '
    b'"y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}'
)


class Assertion:
    """What a client says of itself, not yet verified. `id` is its `jti`, `expires` Unix seconds. Raises `BadToken`."""

    def __init__(self, text: str, audience: str, now: float) -> None:
        self._text = text.encode("ascii")
        head, body, _ = split(self._text, _MOST_BYTES)
        header = members(head, "header")
        check_header(header)
        if header["alg"] not in ALGORITHMS:
            raise BadToken("its algorithm is not one that is announced")
        # draft-ietf-oauth-rfc7523bis gives it a type; access tokens and proofs have others
        if media(header) not in {"", "jwt", "client-authentication+jwt"}:
            raise BadToken("its type (typ) is another")
        self._algorithm: str = header["alg"]
        self._key_id: str | None = header.get("kid")
        found = members(body, "payload")
        self.client = _text(found, "sub")
        if _text(found, "iss") != self.client:
            raise BadToken("its issuer is not its subject")
        if found.get("aud") != audience:
            raise BadToken("it is for somebody else (aud): the issuer, alone, is what it has to be for")
        self.id = _text(found, "jti")
        self.expires = _instant(found, "exp")
        if not now < self.expires + LEEWAY:
            raise BadToken("it has expired")
        if self.expires > now + MOST_SECONDS + LEEWAY:
            raise BadToken(f"it lives longer than {MOST_SECONDS:g} s")
        for name in ("iat", "nbf"):
            if name in found and _instant(found, name) > now + LEEWAY:
                raise BadToken(f"it is not valid yet ({name})")

    def verify(self, client: Client | None) -> None:
        """Raises `BadToken` where none of the client's keys signed it; None: there is no such client."""
        keys = client.keys.encode() if client is not None and client.proof == "private_key_jwt" else b""
        KeySet.read(keys or _NOBODY, symmetric=False).find(self._key_id if keys else None, self._algorithm).verify(
            self._text, self._algorithm
        )
        if not keys:
            raise BadToken("no client is known by a key so")


def _text(found: dict[str, Any], name: str) -> str:
    text = found.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= _MOST_TEXT:
        raise BadToken(f"its {name} is none")
    return text


def _instant(found: dict[str, Any], name: str) -> float:
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > 1e12:
        raise BadToken(f"its {name} is no time")
    return float(value)

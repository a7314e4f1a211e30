"""The keys that sign tokens: ES256, made and retired by themselves, published before their first token and until their last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from ninefold.identity.service.registry import Registry

ALGORITHM = "ES256"


class Signing:
    """A key is made every `turn` seconds, published at once, used from `announce` seconds later until its successor is,
    and published for as long as a token that it signed may live (`lifetime`). `believed` is for how many seconds others may
    go on with what was published.
    """

    def __init__(self, registry: Registry, *, turn: float, announce: float, lifetime: float) -> None:
        self._registry = registry
        self._turn = turn
        self._announce = announce
        self._lifetime = lifetime
        self._read: dict[str, ECKey] = {}
        self.believed = min(300.0, announce / 2)

    def sign(self, claims: dict[str, Any], now: float) -> str:
        """An access token (RFC 9068)."""
        keys = self._keys(now)
        ready = [key for key, created in keys if created + self._announce <= now]
        # only a service's very first key is used before everybody had the time to read it
        key = ready[-1] if ready else keys[0][0]
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def published(self, now: float) -> dict[str, Any]:
        """The JWK set (RFC 7517) with the public halves alone."""
        return {"keys": [key.as_dict(private=False) | {"use": "sig", "alg": ALGORITHM} for key, _ in self._keys(now)]}

    def _keys(self, now: float) -> list[tuple[ECKey, float]]:
        found = self._registry.signing()
        if not found or found[-1][2] + self._turn <= now:
            made = ECKey.generate_key("P-256", auto_kid=True)
            self._registry.turn(
                str(made.kid),
                json.dumps(made.as_dict(private=True)),
                now,
                newest=now - self._turn,
                settled=now - self._announce - self._lifetime,
            )
            found = self._registry.signing()
        self._read = {kid: self._read.get(kid) or ECKey.import_key(json.loads(key)) for kid, key, _ in found}
        return [(self._read[kid], created) for kid, _, created in found]

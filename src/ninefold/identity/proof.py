"""Verifies that the caller has the key that its token is bound to (RFC 9449). Pure: time is an argument."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from joserfc.util import urlsafe_b64decode

from ninefold.identity.claims import MOST_TEXT
from ninefold.identity.fault import BadToken
from ninefold.identity.keyset import Signer, signer
from ninefold.identity.segment import check_header, media, members, split

if TYPE_CHECKING:
    from typing import Any

MOST_BYTES = 8192
#: Keys of so many callers are remembered, read.
MOST_KEYS = 4096
#: Seconds for which a nonce is the newest; it is accepted for as long again.
NONCE_SECONDS = 150
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds. `jkt` is the thumbprint of the key that made it (RFC 7638, 32 bytes), `id` its `jti`."""

    jkt: bytes
    id: str
    nonce: str


class Prover:
    """Checks proofs against what the contract says of them. `origins` are where callers reach the API."""

    def __init__(self, origins: tuple[str, ...], algorithms: tuple[str, ...], window: float, leeway: float) -> None:
        self._origins = frozenset(map(_origin, origins))
        self._algorithms = frozenset(algorithms)
        self._window = window
        self._leeway = leeway
        self._keys: dict[bytes, tuple[Signer, str, bytes]] = {}

    def verify(self, text: bytes, token: bytes | None, method: str, path: str, now: float) -> Proof:
        """Raises `BadToken` where it is not one for this request (RFC 9449 section 4.3).

        `token` is the access token that it comes with; None: it comes to get one (section 5).
        """
        head, body, _ = split(text, MOST_BYTES)
        key, algorithm, jkt = self._keys.get(head) or self._key(head)
        found = members(body, "payload")
        if found.get("htm") != method:
            raise BadToken("the proof is for another method (htm)")
        if not self._here(found.get("htu"), path):
            raise BadToken("the proof is for another URL (htu)")
        issued = found.get("iat")
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            raise BadToken("the proof says not when it was made (iat)")
        if not now - self._window - self._leeway <= issued <= now + self._leeway:
            raise BadToken("the proof was not made just now (iat)")
        known_as = found.get("jti")
        if not isinstance(known_as, str) or not 0 < len(known_as) <= MOST_TEXT:
            raise BadToken("the proof has no id (jti)")
        if token is not None and found.get("ath") != urlsafe_b64encode(sha256(token).digest()).rstrip(b"=").decode():
            raise BadToken("the proof is for another token (ath)")
        nonce = found.get("nonce", "")
        if not isinstance(nonce, str):
            raise BadToken("the proof's nonce is no text")
        key.verify(text, algorithm)
        return Proof(jkt, known_as, nonce)

    def _key(self, head: bytes) -> tuple[Signer, str, bytes]:
        """What a proof's header says. A caller sends the same one again and again, so it is remembered, read."""
        header: dict[str, Any] = members(head, "header")
        check_header(header, embedded="jwk")
        if media(header) != "dpop+jwt":
            raise BadToken("it is no proof (typ)")
        algorithm, named = header["alg"], header.get("jwk")
        if algorithm not in self._algorithms:
            raise BadToken("the proof's algorithm is not one of identity.dpop.algorithms")
        if not isinstance(named, dict) or named.get("kty") == "oct":
            raise BadToken("the proof brings no public key (jwk)")
        key = signer(named)
        if not key.fits(algorithm):
            raise BadToken("the proof's algorithm is not one for its key")
        if len(self._keys) >= MOST_KEYS:
            self._keys.clear()
        found = self._keys[head] = key, algorithm, urlsafe_b64decode(key.thumbprint.encode())
        return found

    def _here(self, url: object, path: str) -> bool:
        """Whether a URL is the one of this request, after normalising both (RFC 3986 section 6.2); its query is ignored."""
        if not isinstance(url, str) or not url.isascii() or len(url) > 4096:
            return False
        try:
            parts = urlsplit(url)
            origin = _origin(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            return False
        return origin in self._origins and _path(parts.path) == _path(path)


def _origin(url: str) -> str:
    """An origin without the port that its scheme has anyway. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.username is not None or parts.hostname is None:
        raise ValueError("it is no origin")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, _DEFAULT_PORTS.get(parts.scheme)} else "")


def _path(path: str) -> str:
    return _ESCAPE.sub(_unescaped, path) or "/"


def _unescaped(found: re.Match[str]) -> str:
    char = chr(int(found[0][1:], 16))
    return char if char in _UNRESERVED else found[0].upper()


class Nonces:
    """Nonces that every process with the same secret makes and knows, without remembering any."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def newest(self, time: float) -> str:
        return self._made(int(time) // NONCE_SECONDS)

    def fresh(self, nonce: str, time: float) -> bool:
        turn = int(time) // NONCE_SECONDS
        given = nonce.encode("utf-8", "replace")
        return any(hmac.compare_digest(given, self._made(one).encode()) for one in (turn, turn - 1) if one >= 0)

    def _made(self, turn: int) -> str:
        told = turn.to_bytes(8, "big")
        return urlsafe_b64encode(told[-5:] + hmac.digest(self._secret, b"dpop" + told, "sha256")[:19]).decode()


class Replays:
    """The proofs of the last window, so that none is taken twice. `most` at once; then none is taken at all."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._turned = 0.0
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()

    def full(self, now: float) -> bool:
        """Whether another cannot be remembered. `now` is seconds on a clock that never goes back."""
        if now - self._turned >= self._seconds:
            stale = now - self._turned >= 2 * self._seconds
            self._older = set() if stale else self._recent
            self._recent = set()
            self._turned = now
        return len(self._recent) + len(self._older) >= self._most

    def take(self, proof: Proof, now: float) -> bool:
        """Whether this proof comes for the first time; it is remembered."""
        self.full(now)
        known = sha256(proof.jkt + proof.id.encode("utf-8", "surrogatepass")).digest()[:16]
        if known in self._recent or known in self._older:
            return False
        self._recent.add(known)
        return True

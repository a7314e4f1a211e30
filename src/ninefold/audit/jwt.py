"""Tokens as RFC 7519 writes them, taken apart, and forged on purpose. By hand: no library makes what is wrong here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Digests of the HMAC algorithms (RFC 7518 section 3.2).
_DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

#: Longest token that is looked at, in characters.
_LONGEST = 8192

#: Secrets from documentation, tutorials and templates, most of them many times leaked.
_SECRETS = (
    "secret", "secretkey", "secret_key", "secret-key", "my_secret", "mysecret", "my-secret", "mysecretkey",
    "my_secret_key", "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret",
    "a-string-secret-at-least-256-bits-long", "your-secret-key", "your_secret_key", "yoursecretkey", "your-secret",
    "your_jwt_secret", "jwt", "jwt_secret", "jwt-secret", "jwtsecret", "jwtsecretkey", "jwt_secret_key",
    "JWT_SECRET", "SECRET_KEY", "SECRET", "Secret", "supersecret", "super-secret", "super_secret", "supersecretkey",
    "super-secret-key", "super_secret_key", "topsecret", "top-secret", "top_secret", "changeme", "change-me",
    "change_me", "changeit", "changethis", "change-this", "please-change-me", "password", "Password", "passw0rd",
    "password123", "admin", "administrator", "root", "test", "testing", "test-secret", "test_secret", "testsecret",
    "dev", "development", "dev-secret", "dev_secret", "devsecret", "default", "example", "example_key",
    "example-secret", "demo", "key", "private", "privatekey", "private_key", "token", "token_secret", "tokensecret",
    "session_secret", "access", "access_secret", "access-secret", "accesstoken", "access_token_secret",
    "refresh_secret", "auth", "auth_secret", "api", "api_secret", "apikey", "apisecret", "hmac", "hs256",
    "hs256-secret", "signing-key", "signingkey", "signature", "shh", "shhhhh", "shhhhhared-secret", "keyboard cat",
    "keyboardcat", "qwerty", "letmein", "123", "1234", "12345", "123456", "1234567", "12345678", "123456789",
    "1234567890", "0123456789", "abc123", "abcd1234", "abcdefgh", "foo", "bar", "foobar", "node", "express",
    "flask", "django", "spring", "laravel", "rails", "production", "insecure", "nosecret", "none", "null",
    "undefined", "0", "1", "x", "a",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A signed token in compact form (RFC 7515 section 3.1). `raw` is it as it was given."""

    raw: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg", ""))

    @property
    def body(self) -> str:
        """The claims as they stand in the token, still encoded."""
        return self.raw.split(".")[1]

    @property
    def signed(self) -> bytes:
        """What the signature is made over."""
        return self.raw.rpartition(".")[0].encode("ascii")


def parse(text: str) -> Token | None:
    """The token in a credential's value, after `Bearer ` if that is there. None: it is no signed JWT."""
    raw = text.rpartition(" ")[2]
    parts = raw.split(".")
    if len(raw) > _LONGEST or len(parts) != 3 or not raw.isascii():
        return None
    try:
        header, claims = (json.loads(decoded(part)) for part in parts[:2])
        signature = decoded(parts[2])
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict) or not isinstance(header.get("alg"), str):
        return None
    return Token(raw, header, claims, signature)


def encoded(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """Raises `ValueError` for what is no base64url."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def unsigned(token: Token, algorithm: str = "none") -> str:
    """The same claims under `alg: none`, with an empty signature (RFC 7519 section 6)."""
    return f"{_part({**_plain_header(token), 'alg': algorithm})}.{token.body}."


def altered(token: Token) -> str:
    """The same token with other bytes for a signature, of the same length."""
    other = b"\x5a" * (len(token.signature) or 32)  # nothing of its own, for this one is shown
    return f"{token.raw.rpartition('.')[0]}.{encoded(other)}"


def stripped(token: Token) -> str:
    """The same header and claims with no signature behind them."""
    return f"{token.raw.rpartition('.')[0]}."


def keyed(
    token: Token, secret: bytes, *, claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None
) -> str:
    """The token signed with HMAC. `header` are members beside `alg` and `typ`; the claims are its own unless given.

    The token's own HMAC algorithm is kept; any other becomes HS256.
    """
    algorithm = token.algorithm if token.algorithm in _DIGESTS else "HS256"
    body = token.body if claims is None else _part(claims)
    head = f"{_part({**_plain_header(token), **(header or {}), 'alg': algorithm})}.{body}"
    return f"{head}.{encoded(hmac.digest(secret, head.encode('ascii'), _DIGESTS[algorithm]().name))}"


def weak_secret(token: Token, names: tuple[str, ...]) -> str | None:
    """The well-known secret that the token was signed with, tried here without asking anybody. None: it is none of them.

    `names` are the words that the API calls itself, from which a secret is often made.
    """
    return next((secret for secret in _candidates(names) if signed_with(token, secret)), None)


def signed_with(token: Token, secret: str) -> bool:
    """Whether an HMAC with this secret is the token's signature."""
    digest = _DIGESTS.get(token.algorithm)
    return digest is not None and hmac.compare_digest(
        hmac.digest(secret.encode(), token.signed, digest().name), token.signature
    )


def _candidates(names: tuple[str, ...]) -> Iterator[str]:
    yield ""
    yield from _SECRETS
    for name in names[:6]:
        yield name
        for joint in ("-", "_", ""):
            for word in (
                "secret",
                "key",
                "secret-key",
                "secret_key",
                "jwt",
                "jwt-secret",
                "token",
                "api",
                "dev",
                "123",
                "2024",
                "2025",
            ):
                yield f"{name}{joint}{word}"
            yield f"secret{joint}{name}"
            yield f"my{joint}{name}{joint}secret"


def _plain_header(token: Token) -> dict[str, Any]:
    """The header without what says which key is meant."""
    return {name: value for name, value in token.header.items() if name in {"typ", "alg"}}


def _part(value: Mapping[str, Any]) -> str:
    return encoded(json.dumps(dict(value), separators=(",", ":")).encode())

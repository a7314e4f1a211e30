"""Attacks on tokens and proofs, each under the clause that has it refused; and what is odd and yet good.

Each makes, of a world with an issuer and its keys, the header fields of a request. `reason` is a part of what the trail
says of it, so that an attack is known to end where it is meant to.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.identity.issuing import URL, Issuer, b64, decoded, ec, encoded, proof, sign

Make = Callable[["World"], "str | list[str]"]


def _weak() -> RSAKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RSAKey.generate_key(1024, {"kid": "weak"})


@dataclass
class World:
    """An issuer with a key of each kind, and a caller with his own."""

    issuer: Issuer
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "rsa"}))
    weak: RSAKey = field(default_factory=_weak)
    ed: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", {"kid": "ed"}))
    p384: ECKey = field(default_factory=lambda: ec("p384", "P-384"))
    mine: ECKey = field(default_factory=ec)
    other: ECKey = field(default_factory=ec)

    def __post_init__(self) -> None:
        for key in (self.rsa, self.weak, self.ed, self.p384):
            self.issuer.keys.append(key.as_dict(private=False, use="sig"))

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return self.issuer.token(header, **claims)

    def signed(self, key: Any, header: dict[str, Any], algorithm: str = "", **claims: Any) -> str:
        return sign(self.issuer.header(**header), self.issuer.claims(**claims), key, algorithm)

    def raw(self, header: Any = None, payload: Any = None) -> str:
        """Signed as the issuer would, whatever the bytes."""
        return sign(
            self.issuer.header() if header is None else header,
            self.issuer.claims() if payload is None else payload,
            self.issuer.key,
            "ES256",
        )

    def bound(self, **claims: Any) -> str:
        return self.token(None, **{"cnf": {"jkt": self.mine.thumbprint()}, **claims})

    def proven(
        self, token: str = "", key: Any = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> list[str]:
        token = token or self.bound()
        about = {"url": claims.pop("htu", f"{URL}/things"), "method": claims.pop("htm", "GET")}
        return [
            f"Authorization: DPoP {token}",
            f"DPoP: {proof(key or self.mine, token, header=header, **about, **claims)}",
        ]


def _swapped(w: World) -> str:
    one, two = w.token(), w.token(None, sub="mallory")
    return ".".join([*two.split(".")[:2], one.split(".")[2]])


def _signature(w: World, change: Callable[[bytes], bytes]) -> str:
    head, body, signature = w.token().split(".")
    return f"{head}.{body}.{b64(change(decoded(signature)))}"


def _der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def _payload(w: World, *changes: tuple[str, str]) -> bytes:
    text = json.dumps(w.issuer.claims(exp=1234567890123 // 1))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def _loose_bits(w: World) -> str:
    """The same bytes in other characters: the last one of 86 has four bits that say nothing."""
    token = w.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) | 1]


#: What is refused where tokens stand alone: the clause, a part of the reason, and how it is made.
BEARER: list[tuple[str, str, Make]] = [
    ("RFC 8725 3.1: no algorithm, no signature", "no compact JWS", lambda w: sign(w.issuer.header(alg="none"), w.issuer.claims(), None)),
    ("RFC 8725 3.1: no algorithm, some signature", "identity.algorithms", lambda w: w.signed(w.issuer.key, {"alg": "none"}, "ES256")),
    ("RFC 8725 3.1: no algorithm, in other letters", "identity.algorithms", lambda w: w.signed(w.issuer.key, {"alg": "nOnE"}, "ES256")),
    ("RFC 8725 3.1: a public key as a secret (PEM)", "identity.algorithms", lambda w: w.signed(w.rsa.as_pem(private=False), {"alg": "HS256", "kid": "rsa"})),
    ("RFC 8725 3.1: a public key as a secret (modulus)", "identity.algorithms", lambda w: w.signed(decoded(str(w.rsa.as_dict()["n"])), {"alg": "HS256", "kid": "rsa"})),
    ("RFC 8725 3.1: ES256 with an RSA key", "not one for its key", lambda w: w.signed(w.rsa, {"alg": "ES256", "kid": "rsa"}, "RS256")),
    ("RFC 8725 3.1: RS256 with an EC key", "not one for its key", lambda w: w.signed(w.issuer.key, {"alg": "RS256"}, "ES256")),
    ("RFC 8725 3.1: an algorithm that is not pinned", "identity.algorithms", lambda w: w.signed(w.rsa, {"alg": "RS512", "kid": "rsa"})),
    ("RFC 8725 3.1: an empty secret", "identity.algorithms", lambda w: f"{encoded(w.issuer.header(alg='HS256'))}.{encoded(w.issuer.claims())}.{b64(b'x' * 32)}"),
    ("RFC 7518 3.3: an RSA key of 1024 bits", "no key of the issuer's", lambda w: w.signed(w.weak, {"alg": "RS256", "kid": "weak"})),
    ("RFC 7518 3.4: ECDSA with r and s of zero", "signature does not hold", lambda w: _signature(w, lambda _: bytes(64))),
    ("RFC 7518 3.4: ECDSA with r of zero", "signature does not hold", lambda w: _signature(w, lambda raw: bytes(32) + raw[32:])),
    ("RFC 7518 3.4: ECDSA with s of zero", "signature does not hold", lambda w: _signature(w, lambda raw: raw[:32] + bytes(32))),
    ("RFC 7518 3.4: ECDSA in DER", "signature does not hold", lambda w: _signature(w, _der)),
    ("RFC 7518 3.4: ECDSA cut short", "signature does not hold", lambda w: _signature(w, lambda raw: raw[:63])),
    ("RFC 7518 3.4: ECDSA with more behind it", "signature does not hold", lambda w: _signature(w, lambda raw: raw + b"\0")),
    ("RFC 7518 3.4: a key on another curve", "not one for its key", lambda w: w.signed(w.p384, {"alg": "ES256", "kid": "p384"}, "ES384")),
    ("RFC 8725 3.3: the signature of another token", "signature does not hold", _swapped),
    ("RFC 8725 3.3: signed by somebody else", "signature does not hold", lambda w: w.signed(w.other, {})),
    ("RFC 8725 3.3: another payload under a good signature", "signature does not hold", lambda w: ".".join([w.token().split(".")[0], encoded(w.issuer.claims(sub="root")), w.token().split(".")[2]])),
    ("RFC 8725 3.3: another header over a good signature", "signature does not hold", lambda w: ".".join([encoded(w.issuer.header(x=1)), *w.token().split(".")[1:]])),
    ("RFC 7516 3.1: encrypted", "encrypted", lambda w: f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}.AA.AA.AA.AA"),
    ("RFC 7516 4.1.2: enc in a header with three parts", "header is one of a JWE", lambda w: w.token({"enc": "A128GCM"})),
    ("RFC 7516 4.1.3: compressed", "header is one of a JWE", lambda w: w.token({"zip": "DEF"})),
    ("RFC 8725 3.10: jku", "a key of its own (jku)", lambda w: w.signed(w.other, {"jku": "https://evil.example/jwks"})),
    ("RFC 8725 3.10: jwk", "a key of its own (jwk)", lambda w: w.signed(w.other, {"jwk": w.other.as_dict(private=False)})),
    ("RFC 8725 3.10: x5u", "a key of its own (x5u)", lambda w: w.signed(w.other, {"x5u": "https://evil.example/cert.pem"})),
    ("RFC 8725 3.10: x5c", "a key of its own (x5c)", lambda w: w.signed(w.other, {"x5c": ["MIIB"]})),
    ("RFC 7515 4.1.11: crit that is not understood", "(crit)", lambda w: w.token({"crit": ["exp"], "exp": 1})),
    ("RFC 7515 4.1.11: crit that is empty", "(crit)", lambda w: w.token({"crit": []})),
    ("RFC 7515 4.1.11: crit that names nothing there", "(crit)", lambda w: w.token({"crit": ["x"]})),
    ("RFC 7797 3: the payload as it is", "(crit)", lambda w: w.token({"b64": False, "crit": ["b64"]})),
    ("RFC 7797 6: the payload as it is, without crit", "(b64)", lambda w: w.token({"b64": False})),
    ("RFC 8725 3.11: nested", "(cty)", lambda w: w.token({"cty": "JWT"})),
    ("RFC 8725 3.10: kid as a path", "no key of the issuer's", lambda w: w.token({"kid": "../../../../dev/null"})),
    ("RFC 8725 3.10: kid as SQL", "no key of the issuer's", lambda w: w.token({"kid": "x' UNION SELECT 'k'--"})),
    ("RFC 8725 3.10: kid with a NUL", "key id is none", lambda w: w.token({"kid": "first\0"})),
    ("RFC 8725 3.10: kid too long", "key id is none", lambda w: w.token({"kid": "k" * 1000})),
    ("RFC 7515 4.1.4: kid that is a number", "key id is none", lambda w: w.token({"kid": 1})),
    ("RFC 7515 4.1.4: kid that is empty", "key id is none", lambda w: w.token({"kid": ""})),
    ("RFC 7515 4.1.4: kid of no key", "no key of the issuer's", lambda w: w.token({"kid": "second"})),
    ("RFC 7515 4.1.4: kid of another key", "not one for its key", lambda w: w.token({"kid": "ed"})),
    ("RFC 8725 2.4: alg twice", "header is no JSON", lambda w: w.raw(b'{"typ":"at+jwt","alg":"ES256","kid":"first","alg":"ES256"}')),
    ("RFC 8725 2.4: sub twice", "payload is no JSON", lambda w: w.raw(None, _payload(w, ('"sub": "alice"', '"sub": "alice", "sub": "root"')))),
    ("RFC 8725 2.4: aud twice, deep down", "payload is no JSON", lambda w: w.raw(None, _payload(w, ('"sub": "alice"', '"sub": "alice", "x": [{"a": 1, "a": 2}]')))),
    ("RFC 7519 7.2: no JSON", "payload is no JSON", lambda w: w.raw(None, b"sub=alice")),
    ("RFC 7519 7.2: an array", "no JSON object", lambda w: w.raw(None, b"[]")),
    ("RFC 7519 7.2: nothing at all", "payload is no JSON", lambda w: w.raw(None, b" ")),
    ("RFC 8725 3.7: UTF-16", "payload is no JSON", lambda w: w.raw(None, _payload(w).decode().encode("utf-16"))),
    ("RFC 8725 3.7: no UTF-8", "payload is no JSON", lambda w: w.raw(None, _payload(w, ("alice", "ali\xff")).decode().encode("latin-1"))),
    ("RFC 8725 3.7: a byte order mark", "payload is no JSON", lambda w: w.raw(None, b"\xef\xbb\xbf" + _payload(w))),
    ("RFC 8259 9: deeper than anything", "payload is no JSON", lambda w: w.raw(None, b"[" * 5000)),
    ("RFC 7519 4.1.1: another issuer", "issuer is another", lambda w: w.token(None, iss="https://evil.example")),
    ("RFC 7519 4.1.1: no issuer", "issuer is another", lambda w: w.token(None, iss=...)),
    ("RFC 7519 4.1.1: issuers", "issuer is another", lambda w: w.token(None, iss=[w.issuer.url])),
    ("RFC 7519 4.1.1: an issuer that is nearly it", "issuer is another", lambda w: w.token(None, iss=w.issuer.url + "/")),
    ("RFC 7519 4.1.3: another audience", "another audience", lambda w: w.token(None, aud="https://other.example.com")),
    ("RFC 7519 4.1.3: no audience", "audience is none", lambda w: w.token(None, aud=...)),
    ("RFC 7519 4.1.3: an empty audience", "audience is none", lambda w: w.token(None, aud=[])),
    ("RFC 7519 4.1.3: an audience that begins like it", "another audience", lambda w: w.token(None, aud="https://things.example.com.evil.example")),
    ("RFC 7519 4.1.3: an audience in an object", "audience is none", lambda w: w.token(None, aud=[{"aud": "https://things.example.com"}])),
    ("RFC 7519 4.1.4: expired", "expired", lambda w: w.token(None, exp=int(time.time()) - 31, iat=int(time.time()) - 60)),
    ("RFC 7519 4.1.4: no expiry", "no exp", lambda w: w.token(None, exp=...)),
    ("RFC 7519 4.1.4: an expiry in words", "exp is no time", lambda w: w.token(None, exp="9999999999")),
    ("RFC 7519 4.1.4: an expiry that is true", "exp is no time", lambda w: w.token(None, exp=True)),
    ("RFC 7519 4.1.4: an expiry past all time", "exp is no time", lambda w: w.raw(None, _payload(w, ("1234567890123", "1e400")))),
    ("RFC 7519 4.1.4: an expiry that is no number", "payload is no JSON", lambda w: w.raw(None, _payload(w, ("1234567890123", "NaN")))),
    ("RFC 7519 4.1.4: an expiry of a million digits", "payload is no JSON", lambda w: w.raw(None, _payload(w, ("1234567890123", "9" * 4400)))),
    ("RFC 7519 4.1.4: an expiry before the epoch", "exp is no time", lambda w: w.token(None, exp=-1)),
    ("RFC 7519 4.1.5: not yet", "not valid yet", lambda w: w.token(None, nbf=int(time.time()) + 40)),
    ("RFC 7519 4.1.5: a beginning in words", "nbf is no time", lambda w: w.token(None, nbf="now")),
    ("RFC 7519 4.1.5: a beginning that is null", "nbf is no time", lambda w: w.token(None, nbf=None)),
    ("RFC 7519 4.1.6: from the future", "in the future", lambda w: w.token(None, iat=int(time.time()) + 40)),
    ("RFC 7519 4.1.6: never issued", "no iat", lambda w: w.token(None, iat=...)),
    ("RFC 7519 4.1.6: older than is accepted", "older than identity.max_age", lambda w: w.token(None, iat=int(time.time()) - 3700)),
    ("RFC 7519 4.1.7: no jti", "no jti", lambda w: w.token(None, jti=...)),
    ("RFC 7519 4.1.7: a jti that is no text", "jti is no plain text", lambda w: w.token(None, jti=["x"])),
    ("RFC 9068 2.2: no subject", "no sub", lambda w: w.token(None, sub=...)),
    ("RFC 9068 2.2: no client", "no client_id", lambda w: w.token(None, client_id=...)),
    ("RFC 8725 3.11: typ of another token", "(typ)", lambda w: w.token({"typ": "JWT"})),
    ("RFC 8725 3.11: no typ", "(typ)", lambda w: w.token({"typ": ...})),
    ("RFC 8725 3.11: typ of a proof", "(typ)", lambda w: w.token({"typ": "dpop+jwt"})),
    ("RFC 8725 3.11: typ of a logout token", "(typ)", lambda w: w.token({"typ": "logout+jwt"})),
    ("RFC 8725 3.11: typ that is no text", "type is no text", lambda w: w.token({"typ": ["at+jwt"]})),
    ("RFC 8725 3.12: an ID token", "another kind of token (at_hash)", lambda w: w.token(None, at_hash="x")),
    ("RFC 8725 3.12: an ID token with a nonce", "another kind of token (nonce)", lambda w: w.token(None, nonce="x")),
    ("RFC 8417 2.2: a security event", "another kind of token (events)", lambda w: w.token(None, events={})),
    ("RFC 8725 3.8: a subject with a line break", "sub is no plain text", lambda w: w.token(None, sub="alice\r\nX-Ninefold-Caller: root")),
    ("RFC 8725 3.8: a subject with a NUL", "sub is no plain text", lambda w: w.token(None, sub="alice\0")),
    ("RFC 8725 3.8: half a character", "sub is no plain text", lambda w: w.raw(None, _payload(w, ("alice", "\\ud800"), ("1234567890123", str(int(time.time()) + 99))))),
    ("RFC 8725 3.8: a subject that is a number", "sub is no plain text", lambda w: w.token(None, sub=1)),
    ("RFC 8725 3.8: a subject without end", "sub is no plain text", lambda w: w.token(None, sub="a" * 300)),
    ("RFC 9068 2.2.3: scopes in an object", "scope is no list", lambda w: w.token(None, scope={"things:read": True})),
    ("RFC 9068 2.2.3: scopes that are no words", "scope holds something else", lambda w: w.token(None, scope=["things:read", 1])),
    ("RFC 8725 3.2: longer than is looked into", "longer than identity.size", lambda w: w.token(None, x="x" * 7000)),
    ("RFC 7515 2: padding", "no compact JWS", lambda w: w.token() + "=="),
    ("RFC 7515 2: the other alphabet", "no compact JWS", lambda w: w.token().replace(".", "+.", 1)),
    ("RFC 7515 2: a space inside", "no compact JWS", lambda w: w.token().replace(".", ". ", 1)),
    ("RFC 7515 2: bits that say nothing", "signature does not hold", _loose_bits),
    ("RFC 7515 7.1: two parts", "no compact JWS", lambda w: w.token().rpartition(".")[0]),
    ("RFC 7515 7.1: four parts", "no compact JWS", lambda w: w.token() + ".e30"),
    ("RFC 7515 7.1: an empty part", "no compact JWS", lambda w: w.token().replace(".", "..", 1).rpartition(".")[0]),
    ("RFC 7515 7.2: as JSON", "no compact JWS", lambda w: json.dumps({"payload": "e30", "signatures": []})),
    ("RFC 7515 4.1.1: no alg", "names no algorithm", lambda w: sign(w.issuer.header(alg=...), w.issuer.claims(), w.issuer.key, "ES256")),
    ("RFC 7515 4.1.1: alg that is a list", "names no algorithm", lambda w: w.signed(w.issuer.key, {"alg": ["ES256"]}, "ES256")),
    ("RFC 7800 3.1: bound in a way that is not known", "(cnf)", lambda w: w.token(None, cnf={"kid": "x"})),
    ("RFC 7800 3.1: bound to no object", "(cnf)", lambda w: w.token(None, cnf="x")),
    ("RFC 9449 7.2: a bound token, borne", "identity.bound", lambda w: w.bound()),
    ("RFC 8705 3: bound to a certificate that is not shown", "bound to a certificate", lambda w: w.token(None, cnf={"x5t#S256": b64(bytes(32))})),
    ("RFC 8705 3.1: bound to half a thumbprint", "thumbprint", lambda w: w.token(None, cnf={"x5t#S256": b64(bytes(16))})),
    ("RFC 6750 2.1: under another scheme", "another scheme", lambda w: [f"Authorization: Basic {w.token()}"]),
    ("RFC 6750 2.1: a good token under DPoP", "another scheme", lambda w: [f"Authorization: DPoP {w.token()}"]),
    ("RFC 6750 2.1: two of them", "more than one token", lambda w: [f"Authorization: Bearer {w.token()}", f"Authorization: Bearer {w.token()}"]),
    ("RFC 6750 2.1: two in one field", "no compact JWS", lambda w: f"{w.token()}, Bearer {w.token()}"),
    ("RFC 6750 2.1: the scheme alone", "no compact JWS", lambda w: ["Authorization: Bearer"]),
    ("RFC 6750 2.1: no scheme", "another scheme", lambda w: [f"Authorization: {w.token()}"]),
    ("RFC 6750 2.1: in the proxy's field", "no token was presented", lambda w: [f"Proxy-Authorization: Bearer {w.token()}"]),
    ("RFC 6750 3: none", "no token was presented", lambda w: []),
]  # fmt: skip

#: Odd, and as good as any other.
GOOD: list[tuple[str, Make]] = [
    ("ES256", lambda w: w.token()),
    ("RS256", lambda w: w.signed(w.rsa, {"alg": "RS256", "kid": "rsa"})),
    ("PS256", lambda w: w.signed(w.rsa, {"alg": "PS256", "kid": "rsa"})),
    ("EdDSA", lambda w: w.signed(w.ed, {"alg": "EdDSA", "kid": "ed"})),
    ("Ed25519", lambda w: w.signed(w.ed, {"alg": "Ed25519", "kid": "ed"})),
    ("no kid, and one key for the algorithm", lambda w: w.signed(w.rsa, {"alg": "RS256", "kid": ...})),
    ("typ in full", lambda w: w.token({"typ": "application/at+jwt"})),
    ("typ in other letters", lambda w: w.token({"typ": "AT+JWT"})),
    ("a header field that nobody knows", lambda w: w.token({"x5t": "AAAA", "vendor": {"a": 1}})),
    ("several audiences", lambda w: w.token(None, aud=["https://other.example.com", "https://things.example.com"])),
    ("times with fractions", lambda w: w.token(None, exp=time.time() + 9.5, iat=time.time() - 0.5, nbf=time.time())),
    ("a clock that is ahead", lambda w: w.token(None, iat=int(time.time()) + 20, nbf=int(time.time()) + 20)),
    ("a clock that is behind", lambda w: w.token(None, exp=int(time.time()) - 10, iat=int(time.time()) - 60)),
    ("scopes in a list", lambda w: w.token(None, scope=["things:read"])),
    ("a role in place of a scope", lambda w: w.token(None, scope=..., roles=["reader"])),
    ("claims that nobody knows", lambda w: w.token(None, vendor={"a": [1, 2.5, None, "x"]}, email="a@example.com")),
    ("a subject in another script", lambda w: w.token(None, sub="Zoë 例")),
    ("the scheme in other letters", lambda w: [f"Authorization: bEARER {w.token()}"]),
    ("two spaces behind the scheme", lambda w: [f"Authorization: Bearer  {w.token()}"]),
]  # fmt: skip

#: What is refused where tokens are bound to a key (RFC 9449).
DPOP: list[tuple[str, str, Make]] = [
    ("RFC 9449 4.3 (1): no proof", "no proof of possession", lambda w: w.proven()[:1]),
    ("RFC 9449 4.3 (1): two proofs", "more than one proof", lambda w: [*(one := w.proven()), one[1]]),
    ("RFC 9449 4.3 (2): no JWT", "no compact JWS", lambda w: [w.proven()[0], "DPoP: proof"]),
    ("RFC 9449 4.3 (2): a name twice", "header is no JSON", lambda w: [w.proven()[0], f'DPoP: {sign(b"""{"typ":"dpop+jwt","typ":"dpop+jwt","alg":"ES256"}""", {}, w.mine, "ES256")}']),
    ("RFC 9449 4.3 (3): no jti", "no id (jti)", lambda w: w.proven(jti=...)),
    ("RFC 9449 4.3 (3): a jti without end", "no id (jti)", lambda w: w.proven(jti="j" * 300)),
    ("RFC 9449 4.3 (3): no htm", "another method", lambda w: w.proven(htm=...)),
    ("RFC 9449 4.3 (3): no htu", "another URL", lambda w: w.proven(htu=...)),
    ("RFC 9449 4.3 (3): no iat", "says not when", lambda w: w.proven(iat=...)),
    ("RFC 9449 4.3 (3): iat in words", "says not when", lambda w: w.proven(iat="now")),
    ("RFC 9449 4.3 (4): typ of a token", "no proof (typ)", lambda w: w.proven(header={"typ": "at+jwt"})),
    ("RFC 9449 4.3 (4): no typ", "no proof (typ)", lambda w: w.proven(header={"typ": ...})),
    ("RFC 9449 4.3 (5): no algorithm", "dpop.algorithms", lambda w: w.proven(header={"alg": "none"})),
    ("RFC 9449 4.3 (5): a secret's algorithm", "dpop.algorithms", lambda w: w.proven(header={"alg": "HS256"})),
    ("RFC 9449 4.3 (5): a secret for a key", "no public key", lambda w: w.proven(header={"jwk": {"kty": "oct", "k": b64(bytes(32))}})),
    ("RFC 9449 4.3 (6): signed by another", "signature does not hold", lambda w: w.proven(key=w.other, header={"jwk": w.mine.as_dict(private=False)})),
    ("RFC 9449 4.3 (6): another curve", "not one for its key", lambda w: w.proven(header={"jwk": ec("", "P-384").as_dict(private=False)})),
    ("RFC 9449 4.3 (7): the private key with it", "private key", lambda w: w.proven(header={"jwk": w.mine.as_dict(private=True)})),
    ("RFC 9449 4.3 (7): no key", "no public key", lambda w: w.proven(header={"jwk": ...})),
    ("RFC 9449 4.3 (7): a key from elsewhere", "a key of its own (jku)", lambda w: w.proven(header={"jku": "https://evil.example"})),
    ("RFC 9449 4.3 (7): a point on no curve", "cannot be read", lambda w: w.proven(header={"jwk": {**w.mine.as_dict(private=False), "x": b64(bytes(32))}})),
    ("RFC 9449 4.3 (8): another method", "another method", lambda w: w.proven(htm="POST")),
    ("RFC 9449 4.3 (8): the method in other letters", "another method", lambda w: w.proven(htm="get")),
    ("RFC 9449 4.3 (9): another host", "another URL", lambda w: w.proven(htu="https://evil.example/things")),
    ("RFC 9449 4.3 (9): a host before it", "another URL", lambda w: w.proven(htu="https://things.example.com@evil.example/things")),
    ("RFC 9449 4.3 (9): another path", "another URL", lambda w: w.proven(htu=f"{URL}/things/1")),
    ("RFC 9449 4.3 (9): another scheme", "another URL", lambda w: w.proven(htu="http://things.example.com/things")),
    ("RFC 9449 4.3 (9): another port", "another URL", lambda w: w.proven(htu="https://things.example.com:8443/things")),
    ("RFC 9449 4.3 (9): a port that is none", "another URL", lambda w: w.proven(htu="https://things.example.com:x/things")),
    ("RFC 9449 4.3 (9): the path in other letters", "another URL", lambda w: w.proven(htu=f"{URL}/Things")),
    ("RFC 9449 4.3 (11): made too long ago", "not made just now", lambda w: w.proven(iat=int(time.time()) - 100)),
    ("RFC 9449 4.3 (11): made in the future", "not made just now", lambda w: w.proven(iat=int(time.time()) + 40)),
    ("RFC 9449 4.3 (12): for another token", "another token (ath)", lambda w: [w.proven()[0], w.proven()[1]]),
    ("RFC 9449 4.3 (12): for no token", "another token (ath)", lambda w: w.proven(ath=...)),
    ("RFC 9449 4.3 (12): the token bound to another key", "another key than the token", lambda w: w.proven(w.token(None, cnf={"jkt": w.other.thumbprint()}))),
    ("RFC 9449 6: a token bound to none", "bound to no key", lambda w: w.proven(w.token())),
    ("RFC 9449 7.1: the token under Bearer", "another scheme", lambda w: [(one := w.proven())[0].replace("DPoP ", "Bearer "), one[1]]),
    ("RFC 9449 11.6: no iat that is a time", "says not when", lambda w: w.proven(iat=True)),
    ("RFC 7515 4.1.11: a proof with crit", "(crit)", lambda w: w.proven(header={"crit": ["x"]})),
    ("RFC 8725 3.2: a proof without end", "longer than", lambda w: w.proven(x="x" * 7000)),
]  # fmt: skip

GOOD_PROOFS: list[tuple[str, Make]] = [
    ("as it should be", lambda w: w.proven()),
    ("the host in other letters", lambda w: w.proven(htu="https://THINGS.example.com/things")),
    ("the scheme's own port", lambda w: w.proven(htu="https://things.example.com:443/things")),
    ("a query", lambda w: w.proven(htu=f"{URL}/things?page=2#top")),
    ("the path, escaped", lambda w: w.proven(htu=f"{URL}/%74hings")),
    ("made a while ago", lambda w: w.proven(iat=int(time.time()) - 50)),
    ("claims that nobody knows", lambda w: w.proven(vendor=1)),
    ("the scheme in other letters", lambda w: [(one := w.proven())[0].replace("DPoP ", "dpop "), one[1]]),
]  # fmt: skip

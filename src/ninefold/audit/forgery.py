"""Whether an API takes tokens that nobody issued (RFC 8725): not signed, signed by anybody, or meant for other times.

Each is held against the answer to the good token and to one of the same shape that is garbage. Only GET is sent.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ninefold.audit import mint
from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.judge import proof
from ninefold.audit.jwt import (
    Token,
    altered,
    decoded,
    encoded,
    keyed,
    parse,
    signed_with,
    stripped,
    unsigned,
    weak_secret,
)
from ninefold.audit.literal import literals
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.worth import ask_with, learn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.target import Target

#: Where public keys are customarily served (RFC 8414, OpenID Connect Discovery 1.0).
_KEY_SETS = ("/.well-known/jwks.json", "/jwks.json", "/.well-known/jwks", "/oauth2/jwks", "/oauth/jwks", "/certs")
_DISCOVERY = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")

#: Most keys of a set that are tried.
_KEYS = 3

#: Where a `kid` may lead that is read as a file name: to a file with nothing in it.
_EMPTY_FILES = ("/dev/null", "../../../../../../../../dev/null")

#: Claims by which an API can end a token that does not say when it ends itself: its age, or its entry in a list.
_BOUNDED = ("iat", "nbf", "auth_time", "jti", "sid")

_HOUR = 3600
_ELSEWHERE = "https://elsewhere.example"


class _Forged(NamedTuple):
    """`attack` is to be refused. `control` differs in nothing but that it is signed with a key that nobody can know.

    `made`: the commands of a shell that make such an attack from the reader's own token.
    """

    what: str
    attack: str
    control: str
    made: str


class _Known(NamedTuple):
    """The secret that signs an API's tokens, and what it is in words."""

    value: str
    said: str


class _Trial:
    """The operation that tells a good token from a bad one."""

    def __init__(self, target: Target) -> None:
        self.target, self.key = target, target.keys[0]
        token = parse(self.key.value)
        if token is None:
            raise Untried("the key is no signed JWT (RFC 7519)", missed=False)
        self.token: Token = token
        self.call, self.judge = learn(target)

    def ask(self, token: str) -> Answer:
        return ask_with(self.target, self.call, self.key, token)

    def taken(self, forged: _Forged) -> tuple[Answer, Answer, Answer] | None:
        """Attack, control and repeat, if the API takes the forged one twice and the control never."""
        attack = self.ask(forged.attack)
        if not self.judge.accepts(attack):
            return None
        control, again = self.ask(forged.control), self.ask(forged.attack)
        if self.judge.accepts(control) or not self.judge.accepts(again):
            return None
        return attack, control, again

    def seen(self, forged: _Forged, found: tuple[Answer, Answer, Answer], cause: str) -> Observation:
        detail = f"{self.call.ask.method} {self.call.ask.path} accepts {forged.what}."
        baseline, attack, *rest = proof(self.call.answer, *found)
        shown = replace(attack, again=mint.line(forged.made, attack.again))
        return Observation(self.call.place, detail, (baseline, shown, *rest), cause=cause)

    def verified(self) -> None:
        """Raises `Untried` where a token signed with a key of our own is accepted: then no signature tells anything."""
        if self.judge.accepts(self.ask(altered(self.token))):
            raise Untried("the API does not look at signatures at all, so no key is to be told by them", missed=False)


def unverified(target: Target) -> Looked:
    """Claims that nobody signed are believed (CWE-347)."""
    trial = _Trial(target)
    garbage = trial.key.wrong().value.rpartition(" ")[2]
    other = altered(trial.token)
    plain = {name: unsigned(trial.token, name) for name in ("none", "None", "NONE", "nOnE")}
    attacks = [
        _Forged(
            "a token whose signature was replaced by other bytes", other, garbage, mint.ended(other.rpartition(".")[2])
        ),
        _Forged("a token without its signature", stripped(trial.token), garbage, mint.ended("")),
        *(
            _Forged(f"a token of `alg: {name}` without a signature", one, garbage, mint.unsigned(one))
            for name, one in plain.items()
        ),
    ]
    for forged in attacks:
        if found := trial.taken(forged):
            return Looked(len(attacks), (trial.seen(forged, found, "unverified"),))
    return Looked(len(attacks))


def guessed_secret(target: Target) -> Looked:
    """Tokens are signed with a secret that stands in documentation or in the API's code, or with nothing (CWE-1391)."""
    trial = _Trial(target)
    known = _known(trial)
    other = keyed(trial.token, secrets.token_bytes(32))
    if known is None:
        trial.verified()
        attack = keyed(trial.token, b"")
        made = mint.signed(attack, mint.octets(b""))
        forged = _Forged("a token that was signed with an empty secret", attack, other, made)
        found = trial.taken(forged)
        return Looked(1, (trial.seen(forged, found, "secret"),) if found else ())
    changed = {"jti": secrets.token_hex(8)}
    claims = {**trial.token.claims, **changed}
    attack, control = (
        keyed(trial.token, key, claims=claims) for key in (known.value.encode(), secrets.token_bytes(32))
    )
    made = mint.signed(attack, mint.GUESSED if known.value else mint.octets(b""), changed)
    forged = _Forged(f"a token that the audit signed: {known.said} signs them", attack, control, made)
    if found := trial.taken(forged):
        return Looked(1, (trial.seen(forged, found, "secret"),))
    detail = f"The token that was given is signed with {known.said}; forged ones could not be told from others."
    seen = Observation(trial.call.place, detail, (), cause="secret", confidence=Confidence.SUSPECTED)
    return Looked(1, (seen,))


def confused_key(target: Target) -> Looked:
    """A token chooses the key that it is verified with: a public one, its own, or none (CWE-347)."""
    trial = _Trial(target)
    trial.verified()
    attacks = [*_as_hmac(trial), *_key_files(trial), *_embedded(trial)]
    for forged in attacks:
        if found := trial.taken(forged):
            return Looked(len(attacks), (trial.seen(forged, found, "key"),))
    return Looked(len(attacks))


def claims(target: Target) -> Looked:
    """Tokens are accepted after their time, or for another audience or issuer (CWE-613, CWE-287)."""
    trial = _Trial(target)
    seen = []
    if "exp" not in trial.token.claims and not _aged(trial):
        told = [name for name in _BOUNDED if name in trial.token.claims]
        bounds = f", unless the API bounds its age by `{told[0]}`" if told else ""
        detail = f"The token that was given has no `exp`: whoever gets hold of it may use it for good{bounds}."
        evidence = (f"claims: {', '.join(sorted(trial.token.claims))[:200]}",)
        sure, severity = (Confidence.SUSPECTED, Severity.LOW) if told else (None, Severity.MEDIUM)
        seen.append(Observation(trial.call.place, detail, evidence, cause="exp", severity=severity, confidence=sure))
    try:
        sign, own = _signs(trial), trial.token.claims
    except Untried:
        if seen:
            return Looked(1, tuple(seen))
        raise
    key = mint.GUESSED if sign else mint.octets(b"")
    attacks: list[tuple[str, str, Any]] = [("a token that ran out a day ago", "exp", int(target.now) - 24 * _HOUR)]
    attacks += [("a token for another audience", "aud", _ELSEWHERE)] if "aud" in own else []
    attacks += [("a token of another issuer", "iss", _ELSEWHERE)] if "iss" in own else []
    for what, cause, value in attacks:
        forged = {**own, cause: value}
        attack, control = (keyed(trial.token, one, claims=forged) for one in (sign, secrets.token_bytes(32)))
        made = _Forged(what, attack, control, mint.signed(attack, key, {cause: value}))
        if found := trial.taken(made):
            seen.append(trial.seen(made, found, cause))
    return Looked(len(attacks), tuple(seen))


def _signs(trial: _Trial) -> bytes:
    """The secret by which tokens are told from others. Raises `Untried` where it is not known, or nothing looks at them."""
    known = _known(trial)
    if known is None:
        raise Untried("a token with other claims can be made only with the secret, and that is not known", missed=False)
    trial.verified()
    return known.value.encode()


def _aged(trial: _Trial) -> bool:
    """Whether the API refuses the expired key, which is a token without `exp` too: then it ends them in its own way."""
    expired = trial.target.expired
    token = parse(expired.value) if expired else None
    if expired is None or token is None or "exp" in token.claims or token.claims.keys() != trial.token.claims.keys():
        return False
    return not trial.judge.accepts(trial.target.probe.send(expired.on(trial.call.ask)))


def _known(trial: _Trial) -> _Known | None:
    """The secret of the token that was given, if it is well known or a text in the API's own code; nobody is asked."""
    target = trial.target
    secret = weak_secret(trial.token, _names(target))
    if secret is not None:
        said = f"a well-known secret ({secret[:2]}..., {len(secret)} characters)" if secret else "an empty secret"
    else:
        texts = literals(target.source) if target.source else ()
        found = next((one for one in texts if signed_with(trial.token, one.text)), None)
        if found is None:
            return None
        secret, said = found.text, f"a secret that stands in the API's code ({found.file}:{found.line})"
    target.probe.hide(secret)
    return _Known(secret, said)


def _names(target: Target) -> tuple[str, ...]:
    """What the API calls itself, in small letters: its title's words and all of them together, and its host."""
    words = [one for one in (target.description.title if target.description else "").lower().split() if one.isalnum()]
    host = urlsplit(target.url).hostname or ""
    named = [one for one in host.split(".")[:-1] if one.isalnum() and not one.isdigit() and len(one) > 2]
    return tuple(
        dict.fromkeys(one for one in ("".join(words), "-".join(words), "_".join(words), *words, *named) if one)
    )


def _as_hmac(trial: _Trial) -> Iterator[_Forged]:
    """The public key, which everybody has, as the secret of an HMAC."""
    if trial.token.algorithm[:2] not in {"RS", "PS", "ES"}:
        return
    for public in _public_keys(trial):
        for secret in dict.fromkeys((public, public.strip())):
            what = f"a token of HS256 whose secret is the public key of its own {trial.token.algorithm}"
            attack, control = (keyed(trial.token, key) for key in (secret, secrets.token_bytes(32)))
            yield _Forged(what, attack, control, mint.signed(attack, mint.octets(secret)))


def _key_files(trial: _Trial) -> Iterator[_Forged]:
    for kid in _EMPTY_FILES:
        header = {"kid": kid}
        attack, control = (keyed(trial.token, secret, header=header) for secret in (b"", secrets.token_bytes(32)))
        made = mint.signed(attack, mint.octets(b""))
        yield _Forged("a token whose `kid` names an empty file, signed with nothing", attack, control, made)


def _embedded(trial: _Trial) -> Iterator[_Forged]:
    """A token that brings the key along which verifies it (RFC 8725 section 3.5)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # takes long to load, and few keys are tokens
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415  # as above

    own, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    numbers = own.public_key().public_numbers()
    jwk = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "own", "n": _number(numbers.n), "e": _number(numbers.e)}
    header = {"typ": "JWT", "alg": "RS256", "kid": "own", "jwk": jwk}
    head = f"{encoded(json.dumps(header, separators=(',', ':')).encode())}.{trial.token.body}"
    attack, control = (
        f"{head}.{encoded(key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256()))}" for key in (own, other)
    )
    made = mint.embedded(attack)
    yield _Forged("a token that was signed with a key which it brings along in `jwk`", attack, control, made)


def _public_keys(trial: _Trial) -> Iterator[bytes]:
    """The keys of the API's own set as PEM, as servers keep them: SubjectPublicKeyInfo, then PKCS #1."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # takes long to load, and few keys are tokens
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415  # as above

    for raw in _key_set(trial)[:_KEYS]:
        try:
            n, e = (int.from_bytes(decoded(str(raw[name]))) for name in ("n", "e"))
            key = rsa.RSAPublicNumbers(e, n).public_key()
        except (KeyError, ValueError):
            continue
        for form in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1):
            yield key.public_bytes(serialization.Encoding.PEM, form)


def _key_set(trial: _Trial) -> list[dict[str, Any]]:
    target = trial.target
    told = [one.path for one in target.description.operations if "jwks" in one.path] if target.description else []
    base = target.probe.origin.base
    paths = [target.survey.base + one for one in told if "{" not in one]
    for path in _DISCOVERY:
        found = target.probe.send(Ask("GET", base + path)).json()
        where = urlsplit(str(found.get("jwks_uri", ""))) if isinstance(found, dict) else urlsplit("")
        if where.path and where.hostname == target.probe.origin.host:
            paths.append(where.path)
    for path in dict.fromkeys((*paths, *(base + one for one in _KEY_SETS))):
        found = target.probe.send(Ask("GET", path)).json()
        keys = found.get("keys") if isinstance(found, dict) else None
        if isinstance(keys, list) and keys:
            keys = [one for one in keys if isinstance(one, dict)]
            return sorted(keys, key=lambda one: one.get("kid") != trial.token.header.get("kid"))
    return []


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))

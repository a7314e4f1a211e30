"""Properties of the verifier: no change of a token is a token, and whatever comes is a verdict."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.issuing import b64, ec, encoded, sign

from ninefold.contract.identity import Identity
from ninefold.identity.fault import BadToken
from ninefold.identity.jwt import verify
from ninefold.identity.keyset import KeySet
from ninefold.identity.rules import Rules

ISSUER = "https://id.example.com"
KEY = ec("one")
KEYS = KeySet.read(json.dumps({"keys": [KEY.as_dict(private=False)]}).encode(), symmetric=False)
RULES = Rules.of(Identity(issuer=ISSUER, audience=("things",), unbound="the tests have nothing else to prove"))
NOW = 1_800_000_000.0
HEADER = {"typ": "at+jwt", "alg": "ES256", "kid": "one"}
CLAIMS = {
    "iss": ISSUER, "aud": "things", "sub": "alice", "client_id": "app", "iat": NOW, "exp": NOW + 300, "jti": "1",
    "scope": "things:read", "tenant": "acme", "realm_access": {"roles": ["reader"]},
}  # fmt: skip
TOKEN = sign(HEADER, CLAIMS, KEY).encode()

_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def test_what_the_guard_needs_is_told() -> None:
    found = verify(TOKEN, replace(RULES, roles="/realm_access/roles"), KEYS, NOW)
    assert (found.subject, found.id, found.tenant) == ("alice", "1", "acme")
    assert (found.scopes, found.roles) == (("things:read",), ("reader",))
    assert (found.issued, found.expires) == (NOW, NOW + 300 + RULES.leeway)
    assert found.signer == KEY.thumbprint()


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
def test_no_token_with_one_byte_changed_is_a_token(at: int, change: int) -> None:
    changed = bytearray(TOKEN)
    changed[at] ^= change
    with pytest.raises(BadToken):
        verify(bytes(changed), RULES, KEYS, NOW)


@given(st.integers(0, len(TOKEN)), st.binary(min_size=1, max_size=4))
def test_no_token_with_bytes_put_into_it_is_a_token(at: int, more: bytes) -> None:
    with pytest.raises(BadToken):
        verify(TOKEN[:at] + more + TOKEN[at:], RULES, KEYS, NOW)


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 40))
def test_no_token_with_bytes_taken_out_is_a_token(at: int, less: int) -> None:
    with pytest.raises(BadToken):
        verify(TOKEN[:at] + TOKEN[at + less :], RULES, KEYS, NOW)


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_verdict(text: bytes) -> None:
    with pytest.raises(BadToken):
        verify(text, RULES, KEYS, NOW)


@given(st.dictionaries(st.sampled_from([*HEADER, "crit", "b64", "jwk", "cty", "x"]), _json, max_size=4))
def test_whatever_a_signed_header_says_is_a_verdict(header: dict[str, Any]) -> None:
    _judged(sign({**HEADER, **header}, CLAIMS, KEY, "ES256"), replace(RULES))


@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "cnf", "roles", "tenant"]), _json, max_size=4))
def test_whatever_a_signed_payload_says_is_a_verdict(claims: dict[str, Any]) -> None:
    _judged(sign(HEADER, {**CLAIMS, **claims}, KEY), RULES)


@given(st.text(max_size=60))
def test_whatever_a_signed_payload_is_is_a_verdict(text: str) -> None:
    _judged(sign(HEADER, text.encode("utf-8", "surrogatepass"), KEY), RULES)


def _judged(token: str, rules: Rules) -> None:
    """A verdict, and where it is good, one that holds for now and tells only plain text."""
    try:
        found = verify(token.encode(), rules, KEYS, NOW)
    except BadToken as fault:
        assert str(fault)
        return
    assert NOW < found.expires <= NOW + rules.max_age + 2 * rules.leeway
    for text in (found.subject, found.id, found.tenant, *found.roles, *found.scopes):
        assert text.encode() == bytes(one for one in text.encode() if one >= 32)


@pytest.mark.parametrize("at", [NOW - 29, NOW, NOW + 329.9])
def test_a_token_holds_from_its_beginning_to_its_end_with_leeway(at: float) -> None:
    assert verify(TOKEN, RULES, KEYS, at).subject == "alice"


@pytest.mark.parametrize("at", [NOW - 31, NOW + 330, NOW + 1e6, -1.0, float("inf")])
def test_and_at_no_other_time(at: float) -> None:
    with pytest.raises(BadToken):
        verify(TOKEN, RULES, KEYS, at)


def test_a_required_claim_is_required() -> None:
    rules = replace(RULES, required=("/realm_access/roles", "tenant"))
    assert verify(TOKEN, rules, KEYS, NOW).subject == "alice"
    with pytest.raises(BadToken, match="acr"):
        verify(TOKEN, replace(rules, required=("acr",)), KEYS, NOW)


def test_the_plain_profile_takes_what_says_that_it_is_a_jwt_or_says_nothing() -> None:
    rules = replace(RULES, profile="jwt")
    few = {name: CLAIMS[name] for name in ("iss", "aud", "sub", "iat", "exp")}
    for kind in ({"typ": "JWT"}, {"typ": "jwt"}, {"typ": "at+jwt"}, {}):
        token = sign({"alg": "ES256", "kid": "one", **kind}, few, KEY).encode()
        assert verify(token, rules, KEYS, NOW).subject == "alice"
    for other in ("dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "at+jwt+x"):
        with pytest.raises(BadToken, match="typ"):
            verify(sign({**HEADER, "typ": other}, few, KEY).encode(), rules, KEYS, NOW)


def test_a_shared_secret_signs_where_the_contract_says_so_and_nowhere_else() -> None:
    secret = b"s" * 32
    listed = {"keys": [{"kty": "oct", "k": b64(secret), "kid": "one"}]}
    keys = KeySet.read(json.dumps(listed).encode(), symmetric=True)
    rules = replace(RULES, algorithms=frozenset({"HS256"}))
    token = sign({**HEADER, "alg": "HS256"}, CLAIMS, secret).encode()
    assert verify(token, rules, keys, NOW).subject == "alice"
    for bad in (TOKEN, sign({**HEADER, "alg": "HS256"}, CLAIMS, b"t" * 32).encode()):
        with pytest.raises(BadToken):
            verify(bad, rules, keys, NOW)
    with pytest.raises(BadToken, match="shared secrets in place"):
        KeySet.read(json.dumps(listed).encode(), symmetric=False)


def test_a_hundred_thousand_members_are_read_in_time() -> None:
    payload = b"{" + b",".join(b'"%d":0' % one for one in range(100_000)) + b"}"
    began = time.monotonic()
    with pytest.raises(BadToken, match="longer"):
        verify(f"{encoded(HEADER)}.{b64(payload)}.AAAA".encode(), RULES, KEYS, NOW)
    assert time.monotonic() - began < 0.1

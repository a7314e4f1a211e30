"""Which keys of an issuer are used, and which are left out and why."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.identity.issuing import b64, ec

from ninefold.identity.fault import BadToken, UnknownKey
from ninefold.identity.keyset import MOST_KEYS, KeySet

GOOD = ec("good")
RSA = RSAKey.generate_key(2048)


def _read(*keys: Any, symmetric: bool = False) -> KeySet:
    return KeySet.read(json.dumps({"keys": list(keys)}).encode(), symmetric=symmetric)


def _public(key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def _small() -> RSAKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RSAKey.generate_key(1024)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (lambda: _public(_small()), "2048"),
        (lambda: _public(RSA, n=b64(b"\xff" * 1100)), "2048"),
        (lambda: _public(RSA, e="Aw"), "FIPS 186-5"),
        (lambda: _public(RSA, e="AQ"), "cannot be read"),
        (lambda: _public(RSA, e=b64(b"\1\0\0")), "cannot be read"),
        (lambda: RSA.as_dict(private=True), "private key"),
        (lambda: ec().as_dict(private=True), "private key"),
        (lambda: _public(ec(), use="enc"), "something else"),
        (lambda: _public(ec(), key_ops=["sign"]), "not for verifying"),
        (lambda: _public(ec(), key_ops="verify"), "not for verifying"),
        (lambda: _public(ec(), alg=5), "says not"),
        (lambda: _public(ec(), kid=["x"]), "says not"),
        (lambda: _public(ec(), kid="k" * 300), "says not"),
        (lambda: _public(ECKey.generate_key("secp256k1")), "no algorithm here"),
        (lambda: _public(ec(), crv="P-384"), "cannot be read"),
        (lambda: _public(ec(), x=b64(bytes(32))), "cannot be read"),
        (lambda: _public(ec(), x=5), "cannot be read"),
        (lambda: {"kty": "EC"}, "cannot be read"),
        (lambda: _public(OKPKey.generate_key("X25519")), "no algorithm here"),
        (lambda: _public(OKPKey.generate_key("Ed448")), "no algorithm here"),
        (lambda: {"kty": "AKP", "pub": "AA"}, "no known kind"),
        (lambda: {"kty": ["EC"]}, "no known kind"),
        (lambda: "key", "no known kind"),
        (dict, "no known kind"),
    ],
)
def test_a_key_that_may_not_be_used_is_left_out_and_the_others_are_not(key: Any, why: str) -> None:
    found = _read(key(), _public(GOOD))
    assert len(found) == 1
    assert why in found.left_out[0]
    assert found.find("good", "ES256").thumbprint == GOOD.thumbprint()


def test_of_two_keys_with_one_id_neither_is_used() -> None:
    found = _read(_public(ec("twice")), _public(ec("twice")), _public(GOOD))
    assert len(found) == 1
    assert "twice" in found.left_out[0]
    with pytest.raises(UnknownKey):
        found.find("twice", "ES256")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [], "keys": []}', b'{"keys": [1]}', b"\xff",
     json.dumps({"keys": [{"kty": "EC"}] * (MOST_KEYS + 1)}).encode()],
)  # fmt: skip
def test_what_is_no_key_set_is_none(content: bytes) -> None:
    with pytest.raises(BadToken):
        KeySet.read(content, symmetric=False)


def test_secrets_beside_public_keys_are_no_key_set() -> None:
    secret = {"kty": "oct", "k": b64(b"s" * 32)}
    for symmetric in (False, True):
        with pytest.raises(BadToken, match="beside"):
            _read(secret, _public(GOOD), symmetric=symmetric)
    with pytest.raises(BadToken, match="less than 256 bits"):
        _read({"kty": "oct", "k": b64(b"s" * 31)}, symmetric=True)
    found = _read(secret, symmetric=True)
    assert found.find(None, "HS256")
    for algorithm in ("HS384", "HS512", "ES256"):
        with pytest.raises(UnknownKey):
            found.find(None, algorithm)


def test_without_an_id_there_has_to_be_just_one_key_for_the_algorithm() -> None:
    found = _read(_public(GOOD), _public(RSA, kid="rsa"))
    assert found.find(None, "ES256").kid == "good"
    assert found.find(None, "PS256").kid == "rsa"
    with pytest.raises(UnknownKey):
        _read(_public(GOOD), _public(ec("other"))).find(None, "ES256")


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_key_set_or_is_refused(content: bytes) -> None:
    with pytest.raises(BadToken):
        KeySet.read(content, symmetric=False)

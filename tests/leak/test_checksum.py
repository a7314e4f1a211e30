from __future__ import annotations

import base64
import json
import zlib

import pytest

from ninefold.leak.checksum import base62, checked, signed


def token(prefix: str, body: str) -> str:
    return f"{prefix}_{body}{base62(zlib.crc32(body.encode()))}"


def jwt(header: object, claims: object, signature: str = "s" * 43) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (header, claims))
    return ".".join((*parts, signature))


def test_a_token_that_its_issuer_showed_has_its_checksum() -> None:
    assert checked("ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17")


@pytest.mark.parametrize("prefix", ["ghp", "gho", "ghs", "npm"])
def test_one_character_more_or_other_breaks_it(prefix: str) -> None:
    good = token(prefix, "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5")
    assert checked(good)
    assert not checked(good[:-1] + ("a" if good[-1] != "a" else "b"))
    assert not checked(good.replace("B2", "B3"))
    assert not checked(good + "a")


def test_base62_is_padded() -> None:
    assert base62(0) == "000000"
    assert base62(61) == "00000z"


def test_a_signed_token_has_header_claims_and_signature() -> None:
    assert signed(jwt({"alg": "HS256"}, {"sub": "u-77"}))
    assert not signed(jwt({"alg": "none"}, {"sub": "u-77"}))
    assert not signed(jwt({"alg": "HS256"}, {"sub": "1234567890", "name": "John Doe"}))
    assert not signed(jwt({"alg": "HS256"}, {"sub": "u-77"}, "short"))
    assert not signed(jwt(["HS256"], {}))
    assert not signed("eyJ%.eyJ%.x")
    assert not signed("a.b")

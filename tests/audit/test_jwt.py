from __future__ import annotations

import pytest

from ninefold.audit.jwt import altered, decoded, encoded, keyed, parse, stripped, unsigned, weak_secret

# The first token of RFC 7515, A.1, and its key.
RFC = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
CLAIMS = b'{"sub":"1"}'
RFC_KEY = decoded("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")


def test_the_token_of_the_rfc_is_read_and_signed_as_there() -> None:
    token = parse(f"Bearer {RFC}")
    assert token is not None
    assert token.claims["iss"] == "joe"
    again = parse(keyed(token, RFC_KEY))
    assert again is not None
    assert again.claims == token.claims
    assert keyed(again, RFC_KEY) == again.raw


@pytest.mark.parametrize(
    "text",
    ["", "abc", "a.b.c", "e30.e30.", f"{RFC}.x", "..", RFC.replace(".", ""), "Bearer é.é.é", "e30." * 2 + "x" * 9000],
)
def test_what_is_no_signed_token_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_forged_token_keeps_the_claims_and_loses_the_signature() -> None:
    token = parse(RFC)
    assert token is not None
    for forged in (unsigned(token), unsigned(token, "nOnE"), altered(token), stripped(token)):
        _, body, signature = forged.split(".")
        assert body == token.body
        assert decoded(signature) != token.signature
    assert b'"none"' in decoded(unsigned(token).split(".")[0])
    assert len(altered(token)) == len(token.raw)


@pytest.mark.parametrize(
    "secret", ["secret", "your-256-bit-secret", "changeme", "", "orders-secret", "my_orders_secret"]
)
@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_secret_that_everybody_knows_is_found(secret: str, algorithm: str) -> None:
    head = encoded(b'{"alg":"%s"}' % algorithm.encode())
    shape = parse(f"{head}.{encoded(CLAIMS)}.AAAA")
    assert shape is not None
    token = parse(keyed(shape, secret.encode()))
    assert token is not None
    assert weak_secret(token, ("orders",)) == secret


def test_a_good_secret_is_not_found() -> None:
    token = parse(RFC)
    assert token is not None
    assert weak_secret(token, ("orders",)) is None

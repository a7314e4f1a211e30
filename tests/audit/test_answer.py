from __future__ import annotations

import string
from base64 import b64encode, urlsafe_b64encode

from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.answer import EXCERPT, Answer, Ask, redact
from ninefold.audit.key import Key

_WORDS = st.text(string.ascii_letters + string.digits + "+/= ", min_size=4, max_size=40)
SECRET = "k7Qw2ZrT9xLm4VbN8s+/="


def answer(body: bytes = b"", **headers: str) -> Answer:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(Ask("GET", "/"), 200, fields, body, secrets=(SECRET,))


def test_the_target_is_encoded() -> None:
    assert Ask("GET", "/a", (("q", "a b&c"), ("é", "1"))).target == "/a?q=a%20b%26c&%C3%A9=1"


def test_a_field_or_parameter_takes_the_place_of_its_name() -> None:
    ask = Ask("GET", "/").header("A", "1").header("a", "2").ask("q", "1").ask("q", "2")
    assert (ask.headers, ask.query) == ((("a", "2"),), (("q", "2"),))


def test_lines_of_a_field_are_joined_and_kept() -> None:
    got = Answer(Ask("GET", "/"), 200, (("set-cookie", "a=1"), ("set-cookie", "b=2")), b"")
    assert got.values("Set-Cookie") == ("a=1", "b=2")
    assert got.header("set-cookie") == "a=1, b=2"
    assert got.header("vary") is None


def test_what_is_no_json_is_none() -> None:
    assert answer(b"{").json() is None
    assert answer(b"[" * 100_000).json() is None
    assert answer(b"[1]").json() == [1]


class TestEvidence:
    def test_has_no_credential_wherever_it_stands(self) -> None:
        for place in ("header", "query", "cookie"):
            key = Key(place, "X-API-Key" if place != "query" else "api_key", SECRET, (("X-Tenant", "t-77182"),))
            asked = key.on(Ask("GET", "/"))
            got = Answer(asked, 200, (("x-echo", SECRET),), SECRET.encode(), secrets=key.secrets)
            shown = repr(got.exchange("attack"))
            assert SECRET not in shown
            assert "k7Qw2ZrT9xLm4VbN8s" not in shown
            assert "t-77182" not in shown

    def test_has_no_cookie_and_no_token_from_the_answer(self) -> None:
        body = (
            b'{"access_token": "eyJhbGciOi", "user": {"password_hash": "5f4dcc3b", "pin_token": 1234}, "name": "ann"}'
        )
        shown = answer(body, set_cookie="sid=abc123; Path=/; Secure").exchange("attack").response
        assert all(one not in shown for one in ("eyJhbGciOi", "5f4dcc3b", "1234", "abc123"))
        assert "ann" in shown
        assert "; Path=/; Secure" in shown

    def test_is_an_excerpt(self) -> None:
        assert len(answer(b"a" * 100_000).exchange("attack").response) < EXCERPT + 100

    @given(_WORDS, _WORDS, _WORDS)
    def test_never_holds_a_secret_that_text_around_it_hides(self, secret: str, before: str, after: str) -> None:
        assert secret not in redact(f"{before}{secret}{after}{secret}", (secret,))


def test_a_key_does_not_show_itself() -> None:
    assert SECRET not in repr(Key("header", "A", SECRET, (("B", SECRET),)))


@given(secret=st.text(min_size=8, max_size=40), before=st.text(max_size=7), after=st.text(max_size=7))
def test_a_secret_is_cut_in_every_coding(secret: str, before: str, after: str) -> None:
    raw = secret.encode()
    basic = (before.encode(), raw, after.encode())
    for coded in (
        raw.hex(),
        b64encode(raw).decode().rstrip("="),
        b64encode(b"".join(basic)).decode(),
        urlsafe_b64encode(b"".join(basic)).decode(),
    ):
        left = redact(f"<{coded}>", [secret])
        assert "[cut]" in left
        assert len(left) < 2 + len(coded) - len(raw) + 8

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.audit.again import BODY, Shell, _field, _octal, _quoted, curl, handshake, repeated, variables
from ninefold.audit.answer import Ask
from ninefold.audit.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "nf_live_0123456789abcdef"
SHELL = Shell({KEY: "NINEFOLD_KEY_1"}, origin="http://127.0.0.1:1")


def run(line: str, **names: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, check=False, timeout=30, env={"PATH": "/usr/bin:/bin", **names}
    )
    return done.stdout.decode("utf-8", "surrogateescape")


class TestALine:
    def test_reads_as_one_would_write_it(self) -> None:
        ask = Ask("GET", "/orders", (("page", "1"),), (("Host", "127.0.0.1:1"), ("Authorization", f"Bearer {KEY}")))
        assert curl(ask, SHELL) == (
            "curl -sS -i -g --http1.1 --path-as-is --max-time 15 "
            "-H \"Authorization: Bearer $NINEFOLD_KEY_1\" 'http://127.0.0.1:1/orders?page=1'"
        )

    def test_names_a_key_in_the_query_and_in_the_body(self) -> None:
        line = curl(Ask("POST", "/a", (("key", KEY),), (), f'{{"k": "{KEY}"}}'.encode()), SHELL)
        assert KEY not in line
        assert '"http://127.0.0.1:1/a?key=$NINEFOLD_KEY_1"' in line
        assert """'{"k": "'"$NINEFOLD_KEY_1"'"}'""" in line

    def test_has_no_credential_that_has_no_name(self) -> None:
        line = curl(Ask("GET", "/", (), (("Authorization", "Bearer eyJhbGciOi"), ("Cookie", "sid=12345678"))), SHELL)
        assert "eyJ" not in line
        assert "12345678" not in line
        assert '-H "Authorization: Bearer $NINEFOLD_VALUE" -H "Cookie: $NINEFOLD_VALUE"' in line

    def test_has_what_is_too_short_for_a_credential_as_it_is(self) -> None:
        line = curl(Ask("GET", "/", (), (("Authorization", "Bearer e30.e30."), ("Cookie", "a='\"; =;"))), SHELL)
        assert "'Authorization: Bearer e30.e30.'" in line
        assert "NINEFOLD" not in line

    def test_names_a_key_that_is_short(self) -> None:
        ask = Ask(
            "GET", "/abc", (("key", "abc"),), (("X-Key", "abc"), ("Authorization", "Bearer abc"), ("X-Other", "abcd"))
        )
        line = curl(ask, Shell({"abc": "NINEFOLD_KEY_1"}, origin="http://a.example"))
        assert '-H "X-Key: $NINEFOLD_KEY_1" -H "Authorization: Bearer $NINEFOLD_KEY_1" -H \'X-Other: abcd\'' in line
        assert line.endswith('"http://a.example/abc?key=$NINEFOLD_KEY_1"')

    def test_names_the_secrets_that_an_answer_learned_later(self) -> None:
        knowing = SHELL.knowing(("guessed-1234", f"Bearer {KEY}", "abc"))
        assert dict(knowing.names) == {KEY: "NINEFOLD_KEY_1", "guessed-1234": "NINEFOLD_VALUE_1"}

    def test_never_turns_verification_off(self) -> None:
        line = curl(Ask("GET", "/"), Shell(origin="https://a.example", authority=True))
        assert '--cacert "$NINEFOLD_AUTHORITY"' in line
        assert not {"-k", "--insecure"} & set(line.split())

    def test_says_which_method_and_from_where(self) -> None:
        shell = Shell(origin="http://a.example", source="127.0.0.2")
        assert "--head" in curl(Ask("HEAD", "/"), shell)
        assert "-X DELETE" in curl(Ask("DELETE", "/"), shell)
        assert "-X" not in curl(Ask("POST", "/", body=b"a"), shell)
        assert "--interface 127.0.0.2" in curl(Ask("GET", "/"), shell)

    def test_is_none_where_none_would_be_true(self) -> None:
        assert curl(Ask("GET", "/"), Shell()) == ""
        assert curl(Ask("POST", "/", body=b"a" * (BODY + 1)), SHELL) == ""
        assert repeated("", 3) == ""

    def test_shakes_hands_in_one_version(self) -> None:
        assert "-connect a.example:443 -servername a.example -tls1 " in handshake("a.example", 443, "TLS 1.0")
        assert "-connect '[::1]:443' -cipher" in handshake("::1", 443, "")


def test_the_names_of_keys_are_these() -> None:
    key = Key("header", "Authorization", f"Bearer {KEY}", (("X-Tenant", "tenant-7"),))
    names = variables((key, Key("header", "X-API-Key", "second-key")))
    assert names[KEY] == "NINEFOLD_KEY_1"
    assert names["second-key"] == "NINEFOLD_KEY_2"
    assert names["tenant-7"] == "NINEFOLD_FIELD_1_1"
    assert set(names.values()) >= {"NINEFOLD_WRONG_KEY_1", "NINEFOLD_WRONG_KEY_2"}


def test_of_a_key_with_blanks_no_word_is_told() -> None:
    key = Key("header", "X-Pass", "correct horse battery", (("X-Tenant", "acme secret-9"),))
    names = variables((key,))
    line = curl(key.on(Ask("GET", "/")), Shell(names, origin="http://a.example").knowing(key.secrets))
    assert not any(word in line for word in ("correct", "horse", "battery", "acme", "secret-9"))
    assert '-H "X-Pass: $NINEFOLD_KEY_1"' in line


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), max_size=12)


class TestAShellReads:
    @settings(max_examples=40, deadline=None)
    @given(texts, texts)
    def test_any_word_as_it_was(self, before: str, after: str) -> None:
        word = f"{before}{KEY}{after}"
        line = _quoted(word, {KEY: "NINEFOLD_KEY_1"})
        assert run(f"printf '%s_' {line}", NINEFOLD_KEY_1=KEY).removesuffix("_") == word
        assert KEY not in line
        assert all(one.isprintable() for one in _quoted(before, {}))

    @settings(max_examples=30, deadline=None)
    @given(st.binary(max_size=40))
    def test_any_octets_as_they_were(self, octets: bytes) -> None:
        assert run(f"printf '{_octal(octets)}'").encode("utf-8", "surrogateescape") == octets

    def test_hostile_words_as_words(self) -> None:
        for word in (
            "$(id)",
            "`id`",
            "a'b",
            'a"b',
            "a\\b",
            "!!",
            "$HOME",
            "\x1b[2J",
            "\u202e",
            "-x",
            "a;b",
            "a\tb",
            "*",
        ):
            assert run(f"printf '%s' {_quoted(word, {})}") == word
            assert run(f"printf '%s' {_quoted(word + KEY + word, {KEY: 'K'})}", K=KEY) == f"{word}{KEY}{word}"

    def test_an_empty_field_as_curl_wants_it(self) -> None:
        assert _field("X-Empty", "", {}) == "-H 'X-Empty;'"


@pytest.mark.parametrize(
    ("body", "media"),
    [(b'{"a": "it\'s"}', "application/json"), (b"\x00\xff$HOME'\"\n", "application/octet-stream"),
     (b"@/etc/passwd", ""), (b"a" + KEY.encode() + b"\x00\n", ""), (b"", "")],
)  # fmt: skip
def test_curl_sends_what_was_sent(serve: Callable[..., str], body: bytes, media: str) -> None:
    """The server compares with what the audit's own request said."""
    seen: list[tuple[Any, ...]] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        fields = {name.lower(): value for name, value in request.headers.items()}
        fields.pop("host")
        seen.append((request.method, request.path, request.query, fields))
        return 200, {}, b""

    url = serve(api)
    headers = (("X-Odd", "a $b `c` \"d\" 'e' é"), *((("Content-Type", media),) if media else ()))
    ask = Ask("PUT", "/a/../b%2f%7Bx%7D/[1]", (("q", "a b&{c}"), ("k", KEY)), headers, body)
    line = curl(ask, Shell(SHELL.names, origin=url))
    assert KEY not in line
    assert run(line, NINEFOLD_KEY_1=KEY).startswith("HTTP/1.1 200")
    method, path, query, fields = seen[0]
    assert (method, path, query) == ("PUT", ask.path, {"q": ["a b&{c}"], "k": [KEY]})
    assert fields["x-odd"].encode("latin-1").decode() == headers[0][1]
    assert fields.get("content-type", "") == media
    assert int(fields.get("content-length", 0)) == len(body)


@pytest.mark.parametrize("body", [b"", b"x"])
def test_a_key_that_a_url_would_change_arrives_as_it_is(serve: Callable[..., str], body: bytes) -> None:
    key = "a+b/c=d&e %41"
    seen: list[dict[str, list[str]]] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        seen.append(request.query)
        return 200, {}, b""

    ask = Ask("GET", "/a", (("page", "1"), ("key", key), ("z", "2")), (("X-Key", key),), body)
    line = curl(ask, Shell({key: "NINEFOLD_KEY_1"}, origin=serve(api)))
    assert run(line, NINEFOLD_KEY_1=key).startswith("HTTP/1.1 200")
    assert seen == [{"page": ["1"], "key": [key], "z": ["2"]}]
    assert "a+b" not in line


secrets = st.text("aB3zQ+/=&% '\"$`\\\\!-_.", min_size=8, max_size=20).filter(lambda key: key.strip() == key)


@given(
    secrets,
    st.sampled_from(["header", "query", "cookie"]),
    st.sampled_from(["", "Bearer ", "word "]),
    st.binary(max_size=4),
)
def test_no_key_of_whatever_make_stands_in_a_line(secret: str, place: str, scheme: str, rest: bytes) -> None:
    key = Key(place, "X-Key", scheme + secret, (("X-Also", f"{secret}1"),))
    ask = key.on(Ask("POST", "/a", (("page", "1"),), body=rest + key.value.encode()))
    line = curl(ask, Shell(variables((key,)), origin="http://h.example").knowing(key.secrets))
    assert secret not in line
    assert quote(secret, safe="") not in line
    assert "NINEFOLD_KEY_1" in line

"""Requests read at a glance: whatever is read so, the strict parser reads in the same way."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.gateway.plain import MOST_LINES, FieldLines, request_line

NAMES = st.sampled_from([
    b"Host", b"host", b"A", b"X-API-Key", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Expect",
    b"TE", b"a_b", b"a b", b"A:", b"", b" A", b"Cookie", b"!#$%&'*+.^`|~", b"(", b"\x00", b"\xe9",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [b"x", b"", b" x", b"x ", b"x\t", b"a b", b"a\tb", b"chunked", b"1", b"\x00", b"\x7f", b"\xe9", b"a\rb"]
    ),
    st.binary(max_size=6),
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n ", b""])
COLONS = st.sampled_from([b": ", b": ", b":", b" : ", b":\t", b""])
LINES = st.one_of(
    st.sampled_from([
        b"GET / HTTP/1.1", b"DELETE /a/b?c=d HTTP/1.1", b"HEAD /%41 HTTP/1.1", b"POST / HTTP/1.1", b"GET / HTTP/1.0",
        b"GET  / HTTP/1.1", b"GET /#a HTTP/1.1", b"GET http://x/ HTTP/1.1", b"get / HTTP/1.1", b"GET / HTTP/1.1 ",
        b"GET /\xe9 HTTP/1.1", b"GET * HTTP/1.1", b"\r\nGET / HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /?# HTTP/1.1",
    ]),
    st.binary(max_size=6).map(lambda inside: b"GET /" + inside + b" HTTP/1.1"),
)  # fmt: skip


field_lines = FieldLines().read


class _Read:
    """What the parser makes of bytes."""

    def __init__(self, data: bytes) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.begun = self.ended = 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))

    def on_message_complete(self) -> None:
        self.ended += 1


@pytest.mark.fuzz
@given(line=LINES, fields=st.lists(st.tuples(NAMES, COLONS, VALUES, ENDS), max_size=5), end=ENDS)
def test_whatever_is_read_at_a_glance_the_parser_reads_in_the_same_way(
    line: bytes, fields: list[Any], end: bytes
) -> None:
    block = b"".join(b"".join(one) for one in fields) + end
    asked, found = request_line(line), field_lines(block)
    if asked is None or found is None:
        return
    read = _Read(line + b"\r\n" + block)
    assert (read.begun, read.ended) == (1, 1)
    assert read.target == asked.target
    assert read.parser.get_method() == asked.verb == asked.method.encode()
    assert read.parser.get_http_version() == "1.1"
    assert read.parser.should_keep_alive()
    assert [(name.lower(), value) for name, value in read.fields] == list(found[0].items())
    assert found[1] == [name + b": " + value + b"\r\n" for name, value in read.fields]
    assert asked.path.encode() == asked.target.partition(b"?")[0]
    assert b"_" not in b"".join(found[0])


def test_an_honest_request_is_read_at_a_glance() -> None:
    found = field_lines(b"Host: a.example\r\nX-API-Key: k\r\nCookie: a=1; b=2\r\n\r\n")
    assert found is not None
    assert found[0] == {b"host": b"a.example", b"x-api-key": b"k", b"cookie": b"a=1; b=2"}
    asked = request_line(b"GET /things/1?q=%20 HTTP/1.1")
    assert asked is not None
    assert (asked.path, asked.target) == ("/things/1", b"/things/1?q=%20")


@pytest.mark.parametrize(
    "block",
    [
        b"", b"\r\n", b"Host: x\r\n", b"Host: x\r\n\r\nGET", b"Host: x\r\nhost: y\r\n\r\n", b"A: 1\r\nContent-Length: 1\r\n\r\n",
        b"A: 1\r\n b\r\n\r\n", b"A : 1\r\n\r\n", b"A_B: 1\r\n\r\n", b"A: 1\n\r\n", b"A: \x00\r\n\r\n", b"A: 1 \r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n", b"Connection: close\r\n\r\n", b"Upgrade: h2c\r\n\r\n", b"Expect: 100-continue\r\n\r\n",
        b"A: \xe9\r\n\r\n",
    ],
)  # fmt: skip
def test_what_frames_ends_repeats_or_could_be_read_otherwise_is_left_to_the_parser(block: bytes) -> None:
    assert field_lines(block) is None


def test_lines_are_remembered_within_bounds_and_secrets_never() -> None:
    lines = FieldLines(frozenset({b"x-mine"}))
    for number in range(2 * MOST_LINES):
        assert (
            lines.read(b"Host: a\r\nN: %d\r\nX-Mine: secret%d\r\nCookie: secret%d\r\n\r\n" % ((number,) * 3))
            is not None
        )
    assert 0 < len(lines._known) <= MOST_LINES
    assert not [line for line in lines._known if b"secret" in line]


def test_a_block_of_a_megabyte_is_told_apart_in_linear_time() -> None:
    assert field_lines(b"A: b\r\n" * 100_000 + b"\x00") is None
    assert field_lines(b"A: " + b" b" * 500_000 + b" \r\n\r\n") is None

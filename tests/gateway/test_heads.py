"""Remembered headers: only what cannot mean anything else is remembered, and not without bound."""

from __future__ import annotations

import pytest

from ninefold.gateway.heads import MOST_BEGINNINGS, MOST_BYTES, MOST_HEADS, Heads
from ninefold.guard.treatment import Treatment, Way

TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nServer: x"


def test_a_header_is_read_as_it_was_written() -> None:
    head = Heads().read(200, TEXT + b"\r\nSet-Cookie:a=b \r\nCache-Control: public\r\nContent-Encoding: GZIP")
    assert (head.media, head.length, head.encoding) == (b"text/plain", 2, b"gzip")
    assert (head.cookies, head.private, head.chunked) == (True, False, False)
    assert head.lines[3] == (b"set-cookie", b"a=b", b"set-cookie: a=b\r\n")


def test_another_coding_than_chunked_is_refused() -> None:
    with pytest.raises(ValueError, match="transfer coding"):
        Heads().read(200, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (204, TEXT),
        (304, TEXT),
        (200, b"HTTP/1.1 200 OK\r\nServer: x"),
        (200, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"),
        (200, TEXT + b"\r\nA: " + b"a" * MOST_BYTES),
    ],
)
def test_a_message_whose_end_takes_more_than_its_length_to_know_is_not_remembered(status: int, text: bytes) -> None:
    heads = Heads()
    heads.remember(text + b"\r\n\r\n", heads.read(status, text))
    assert heads.whole == {}


def test_the_memory_is_bounded() -> None:
    heads = Heads()
    for number in range(3 * MOST_HEADS):
        text = b"%b\r\nETag: %d" % (TEXT, number)
        heads.remember(text + b"\r\n\r\n", heads.read(200, text))
    assert len(heads.whole) <= MOST_HEADS
    head = heads.read(200, TEXT)
    treatments = [Treatment(Way.PASS, frozenset({b"content-type"})) for _ in range(3 * MOST_BEGINNINGS)]
    for treatment in treatments:
        assert head.begin(treatment, 10) == b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
    assert len(head.beginnings) <= MOST_BEGINNINGS


def test_an_answer_that_needs_more_than_its_body_goes_the_long_way() -> None:
    heads = Heads()
    fields = frozenset({b"content-type", b"set-cookie"})
    assert heads.read(200, TEXT).begin(Treatment(Way.PROJECT, fields), 1) == b""
    assert heads.read(200, TEXT + b"\r\nContent-Encoding: gzip").begin(Treatment(Way.PROJECT, fields), 9) == b""
    assert heads.read(200, TEXT + b"\r\nSet-Cookie: a=b").begin(Treatment(Way.PASS, fields), 9) == b""
    for way in (Way.EMPTY, Way.SCRUB, Way.WITHHOLD):
        assert heads.read(200, TEXT).begin(Treatment(way, fields), 9) == b""

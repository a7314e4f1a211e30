"""Content codings: what is opened, what is refused, and how much a bomb costs."""

from __future__ import annotations

import itertools
import os
import sys
import time
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from ninefold.guard.coding import (
    CODINGS,
    Closer,
    Miscoded,
    Opener,
    TooLong,
    accepted,
    asking,
    closed,
    opened,
    recoded,
    weak,
)

ALL = sorted(set(CODINGS.values()))
BODIES = [b"", b"a", b"a" * 70_000, os.urandom(70_000), b'{"id":1}' * 20_000]


@pytest.mark.parametrize(("coding", "body"), [*itertools.product(ALL, BODIES)])
def test_what_was_closed_is_opened_within_its_bound_and_refused_when_it_is_cut_or_goes_on(
    coding: bytes, body: bytes
) -> None:
    shut = closed(body, coding)
    assert opened(shut, coding, len(body)) == body
    if body:
        with pytest.raises(TooLong):
            opened(shut, coding, len(body) - 1)
    for cut in {1, len(shut) // 2, len(shut) - 1} & set(range(1, len(shut))):
        with pytest.raises(Miscoded):
            opened(shut[:cut], coding, len(body))
    for more in (b"x", b"\0" * 64, b"}"):
        with pytest.raises(Miscoded):
            opened(shut + more, coding, len(body) + 99)


@given(st.sampled_from(ALL), st.lists(st.binary(max_size=300), max_size=12), st.integers(1, 50), st.integers(1, 400))
def test_a_stream_that_is_closed_as_it_goes_is_opened_as_it_comes(
    coding: bytes, parts: list[bytes], cut: int, most: int
) -> None:
    closer, opener = Closer(coding), Opener(coding)
    for part in parts:
        shut = closer.put(part)
        found = b""
        for at in range(0, len(shut), cut):
            opener.feed(shut[at : at + cut])
            while piece := opener.read(most):
                found += piece
        assert found == part, "what was put in can be read at once"
    opener.feed(closer.end())
    assert opener.read(most) == b""
    opener.end()


@given(st.sampled_from(ALL), st.binary(max_size=200))
def test_bytes_that_are_no_coding_are_refused_and_nothing_else_happens(coding: bytes, body: bytes) -> None:
    try:
        opened(body, coding, 10_000)
    except Miscoded as fault:
        assert str(fault).isascii()


def test_members_one_after_the_other_are_one_body_and_too_many_are_not() -> None:
    parts = [b"one", b"", b"two"]
    assert opened(b"".join(zlib.compress(one, wbits=31) for one in parts), b"gzip", 6) == b"onetwo"
    assert opened(b"".join(zstd.compress(one) for one in parts), b"zstd", 6) == b"onetwo"
    skippable = b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab"
    assert opened(skippable + zstd.compress(b"one"), b"zstd", 6) == b"one"
    for coding in (b"br", b"deflate"):
        with pytest.raises(Miscoded):
            opened(closed(b"one", coding) * 2, coding, 99)
    for many in (zlib.compress(b"", wbits=31) * 300_000, zlib.compress(b"1", wbits=31) * 300_000):
        began = time.perf_counter()
        with pytest.raises(Miscoded, match="too many members"):
            opened(many, b"gzip", 1 << 23)
        assert time.perf_counter() - began < 1


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_a_bomb_stops_at_the_bound(coding: bytes) -> None:
    bomb = closed(bytes(200_000_000), coding)
    began = time.perf_counter()
    with pytest.raises(TooLong):
        opened(bomb, coding, 1 << 20)
    assert time.perf_counter() - began < 0.5


def test_a_window_of_zstd_that_is_larger_than_http_allows_is_refused() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.content_size_flag: 0,
    }
    maker = zstd.ZstdCompressor(options=options)
    shut = maker.compress(os.urandom(100)) + maker.flush()
    assert zstd.decompress(shut)
    with pytest.raises(Miscoded):
        opened(shut, b"zstd", 1 << 20)
    large = brotli.compress(b"a" * 100, lgwin=24)
    assert opened(large, b"br", 100) == b"a" * 100


def test_deflate_is_the_zlib_format_alone() -> None:
    raw = zlib.compressobj(wbits=-15)
    with pytest.raises(Miscoded):
        opened(raw.compress(b"abc") + raw.flush(), b"deflate", 99)


@pytest.mark.parametrize(
    ("field", "takes", "asks"),
    [
        (b"", set(), b""),
        (b"gzip", {b"gzip"}, b"gzip"),
        (b"GZIP , br;q=0.5", {b"gzip", b"br"}, b"gzip, br;q=0.5"),
        (b"gzip, deflate, br, zstd", {b"gzip", b"deflate", b"br", b"zstd"}, b"gzip, br, zstd"),
        (b"br;q=0, gzip;q=0.000", set(), b""),
        (b"*", {b"gzip", b"deflate", b"br", b"zstd"}, b"gzip, br, zstd"),
        (b"*;q=0", set(), b""),
        (b"gzip;q=0, *;q=0.2", {b"deflate", b"br", b"zstd"}, b"br;q=0.2, zstd;q=0.2"),
        (b"x-gzip", {b"gzip"}, b"gzip"),
        (b"identity, lzma", set(), b""),
        (b"gzip;q=2", set(), b""),
        (b"gzip\r\nX: y", set(), b""),
        (b"gzip br", set(), b""),
        (b",, gzip,", {b"gzip"}, b"gzip"),
    ],
)
def test_what_a_caller_takes_and_what_the_api_is_asked_for(field: bytes, takes: set[bytes], asks: bytes) -> None:
    assert accepted(field) == takes
    assert asking(field) == asks


def test_an_answer_in_another_coding_says_so_and_its_tag_is_weak() -> None:
    fields = [(b"etag", b'"x"'), (b"vary", b"Origin"), (b"a", b"b")]
    assert recoded(fields, b"gzip") == [
        (b"etag", b'W/"x"'), (b"a", b"b"), (b"vary", b"Origin, Accept-Encoding"), (b"content-encoding", b"gzip"),
    ]  # fmt: skip
    assert recoded([(b"vary", b"accept-encoding"), (b"vary", b"Origin")], b"") == [
        (b"vary", b"accept-encoding, Origin")
    ]
    assert recoded([(b"vary", b"*")], b"") == [(b"vary", b"*")]
    assert weak(b'W/"x"') == b'W/"x"'

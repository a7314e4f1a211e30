from __future__ import annotations

import codecs
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.guard.charset import is_utf8

PIECES = st.lists(st.sampled_from([
    ";", " ", '"', "=", "*", "*0", "*1", "charset", "Charset", "utf-8", "utf-7", "ut", "f-7", "a", "''", "\\", ",", "\t",
]), max_size=12).map("".join)  # fmt: skip


@pytest.mark.parametrize("media", ["application/json", "text/plain; charset=utf-8", 'a/b;x="y" ;charset = "UTF8"; z=1'])
def test_utf_8_or_nothing_is_said(media: str) -> None:
    assert is_utf8(media)


@given(PIECES)
def test_nobody_reads_another_alphabet_in_what_is_taken(text: str) -> None:
    media = f"text/plain;{text}"
    if not is_utf8(media):
        return
    message = Message()
    message["Content-Type"] = media
    told = message.get_content_charset()  # RFC 2231 and all
    assert told is None or codecs.lookup(told).name in {"utf-8", "ascii"}
    for part in media.split(";")[1:]:  # the last one wins, for some
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            assert value.strip().strip('"').lower() in {"utf-8", "utf8", "us-ascii"}

"""Telling texts in which something may stand from those in which nothing can: against another reading of the same words."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.native import library as native
from ninefold.native.library import ffi, library

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SOURCE = Path(native.__file__).parent

#: Words by their sets: alike at their beginnings and ends, one in another, of three bytes and with digits, of several bytes.
SETS = (
    ("select", "selected one"), ("from", "rom:"), (".py:9", "9-9"), ("://", "a::"), ("\x01",), ("\x02",), ("\x03",), ("é(é", "пароль"),
    ("aaa", "aaaa", "aab"), ("error: ", "terror", "r: x"),
)  # fmt: skip
#: What is told by itself, and what wants another beside it.
PAIRS = ((0, 1), (2, 2), (3, 6), (4, 4), (5, 9), (7, 7), (8, 8))


def _made() -> Any:
    words = [(word.encode(), number) for number, group in enumerate(SETS) for word in group]
    lengths = array("I", (len(word) for word, _ in words))
    of = array("I", (number for _, number in words))
    pairs = array("I", (one for pair in PAIRS for one in pair))
    return b"".join(word for word, _ in words), lengths, of, pairs


def _watch() -> Any:
    words, lengths, of, pairs = _made()
    views = [ffi.from_buffer("uint32_t[]", one) for one in (lengths, of, pairs)]
    made = library().nf_watch(len(lengths), words, views[0], views[1], len(PAIRS), views[2])
    return ffi.gc(made, library().nf_unwatch)


WATCH = _watch()


def look(text: bytes) -> tuple[bool, int]:
    told = ffi.new("uint64_t[2]")
    found = library().nf_look(WATCH, text, len(text), told)
    return bool(found), told[0] | told[1] << 64


def told_by_words(text: bytes) -> int:
    """The same, word by word; runs of digits are looked at for themselves."""
    folded = re.sub(rb"[0-9]", b"9", text.lower())
    sets = 0
    for number, group in enumerate(SETS):
        for word in group:
            if word == "\x03":
                sets |= (b"@" in text) << number
            elif word not in {"\x01", "\x02"} and word.encode() in folded:
                sets |= 1 << number
    return sets


RUNS = 1 << 4 | 1 << 5
PIECES = [one for group in SETS for one in group if one > "\x03"] + [
    "a",
    "r",
    " ",
    ":",
    "4",
    "-",
    "@",
    "SELECT",
    "12345678",
    "X",
    ".",
    "é",
    "\0",
    "word ",
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map(lambda some: "".join(some).encode())


@given(TEXTS)
def test_the_sets_whose_words_are_in_a_text_are_told(text: bytes) -> None:
    assert look(text)[1] & ~RUNS == told_by_words(text)


@given(TEXTS)
def test_something_may_stand_where_a_set_is_told_and_the_one_that_it_needs(text: bytes) -> None:
    found, sets = look(text)
    wanted = any(sets >> one & 1 and sets >> other & 1 for one, other in PAIRS)
    prose = all(one in b" \n.,-!?" or one >= 0x80 or chr(one).isalpha() for one in text)
    assert found is (wanted and not prose and len(text) >= 4)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "a 123456789",
        "12.345.678-5",
        "49047736-Y",
        "DE 89 3704 0044 0532",
        "1234/56789",
        "%B4242424242424242^",
        "4111\u00a01111\u00a01111",
        "号4111111111111111码",
    ],
)
def test_a_run_of_digits_is_told(text: str) -> None:
    assert look(text.encode())[1] >> 4 & 1


@pytest.mark.parametrize(
    "text",
    [
        "12345678",
        "1234  56789",
        "+49 30 1234567",
        "2026-11-25 10:00:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-25T10:00:00Z",
        "a123456789",
        "10:30:00 11:45:00",
    ],
)
def test_what_is_shorter_or_a_part_of_something_is_none(text: str) -> None:
    assert not look(text.encode())[1] >> 4 & 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("RSSMRA85T10A562S", True),
        ("54362315K", True),
        ("RSSMRA85T10A562s", False),
        ("ABCDEFGH", False),
        ("A1B2C3", False),
        ("A1" * 18, False),
    ],
)
def test_capitals_and_digits_in_a_row_are_told(text: str, told: bool) -> None:
    assert bool(look(text.encode())[1] >> 5 & 1) is told


@pytest.mark.parametrize("broken", ["set", "length", "short", "pair"])
def test_numbers_out_of_bounds_make_no_watch(broken: str) -> None:
    words, lengths, of, pairs = _made()
    if broken == "set":
        of[0] = 128
    elif broken == "length":
        words, lengths[0] = b"x" * 300 + words, 300
    elif broken == "short":
        lengths[0] = 2
    else:
        pairs[1] = 128
    views = [ffi.from_buffer("uint32_t[]", one) for one in (lengths, of, pairs)]
    assert library().nf_watch(len(lengths), words, views[0], views[1], len(PAIRS), views[2]) == ffi.NULL


def test_with_sanitizers_it_reads_within_its_memory_and_does_as_the_library_does(
    sanitized: Callable[[str], Path],
) -> None:
    driver = sanitized("watch.c")
    chance = random.Random(11)
    texts = [
        "".join(chance.choice(PIECES) for _ in range(chance.randrange(14))).encode()[: chance.randrange(60)]
        for _ in range(4000)
    ]
    words, lengths, of, pairs = _made()
    told = (
        struct.pack("IIII", len(lengths), len(words), len(PAIRS), len(texts))
        + lengths.tobytes()
        + of.tobytes()
        + words
        + pairs.tobytes()
    )
    told += b"".join(struct.pack("I", len(text)) + text for text in texts)
    ran = subprocess.run([driver], input=told, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    found = [struct.unpack_from("QQQ", ran.stdout, at) for at in range(0, len(ran.stdout), 24)]
    assert [(bool(one), low | high << 64) for one, low, high in found] == [look(text) for text in texts]
    assert sum(one for one, *_ in found) > len(texts) // 10

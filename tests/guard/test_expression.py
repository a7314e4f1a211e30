"""Expressions are read as ECMA-262 reads them, and those that some read in another way not at all."""

from __future__ import annotations

import json
import re

import pytest
from tests.guard.test_accept import verdict
from tests.guard.test_automaton import of

from ninefold.guard.automaton import NO, YES, automaton
from ninefold.guard.expression import Unsaid, read


@pytest.mark.parametrize(
    "pattern",
    [r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", "^.$", r"^[\s\d]$", r"^[^\d]$", r"^[^\S]$", r"^[\w.-]$", r"^[^a]$", "^[é-ü]$",
     r"^[\x41-\u005a]$", r"^\u2028$", "^[^\u2028-\U00010fff]$", r"^[\n\r\t\f\v]$", "^[😀-😂]$", r"^[\D\d]$", r"^[-a]$", r"^[a-]$", r"^[\]\\^]$"],
)  # fmt: skip
def test_each_set_has_the_characters_that_it_has_in_ecma_262(pattern: str) -> None:
    judge = of(pattern)
    points = [
        *range(0x3100),
        *range(0xD700, 0xD800),
        *range(0xE000, 0x10000, 7),
        *range(0xFE00, 0x10100),
        *range(0x1F5F0, 0x1F610),
        0x10FFFF,
    ]
    for point in points:
        expected = YES if not judge.of_value(chr(point)) else NO
        assert verdict(judge, json.dumps(chr(point), ensure_ascii=False).encode()) == expected, hex(point)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?!a)", "(?<=a)b", "(?<x>a)", r"(a)\1", r"\ba", r"\B", r"\p{L}", r"\cA", r"\0", r"\8", "(?i)a", "a**", "a{2}{3}", "a*+", "a{,3}",
     "{", "}", "]", "a{", "a{1", "a{2,1}", "a{1001}", "[]", "[^]", "[[a]]", "[a&&b]", "[a--b]", "[a~~b]", r"[\w-a]", r"[a-\d]", "[b-a]", "[a",
     "(", ")", "(a", "a)", "*", "+a", "|*", "^*", r"\u{41}", r"\ud83d\ude00", r"\u12", r"\x4", r"\é", "\\", r"[\b]", "\ud800", "[\ud800]",
     "(" * 60 + ")" * 60, "a" * 2001, "(?", "(?:", "[a-", "[\\", "[--a]", "[a-[b]]"],
)  # fmt: skip
def test_what_engines_read_in_more_ways_than_one_is_not_read(pattern: str) -> None:
    with pytest.raises(Unsaid):
        read(pattern)
    assert automaton(pattern) is None


def test_python_reads_some_of_them_in_another_way_which_is_why_its_engine_is_not_asked() -> None:
    assert re.search(r"^\d$", "\u0661\n")
    assert verdict(of(r"^\d$"), b'"\xd9\xa1"') == NO
    assert verdict(of("^1$"), b'"1\\n"') == NO

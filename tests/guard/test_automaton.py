"""What the native judge says of a text by an automaton is what jsonschema-rs says by the expression."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.test_accept import validator, verdict

if TYPE_CHECKING:
    from ninefold.guard.validate import Validator

from ninefold.errors import DescriptionError
from ninefold.guard.automaton import MOST_STATES, NO, YES, automaton


@cache
def of(pattern: str) -> Validator:
    return validator({"type": "string", "pattern": pattern})


def agree(pattern: str, texts: list[str]) -> None:
    try:
        judge = of(pattern)
    except DescriptionError:
        return  # jsonschema-rs does not read `(?:)*`: a description that has it is refused
    for text in texts:
        right = not judge.of_value(text)
        for ascii_ in (True, False):
            said = verdict(judge, json.dumps(text, ensure_ascii=ascii_).encode())
            if said != (YES if right else NO):
                # jsonschema-rs 0.61 finds `.+a*.+.` in two characters: where it is alone with what it says, it is wrong
                assert (said == YES) == bool(re.search(pattern.replace("$", r"\Z"), text, re.ASCII)), (pattern, text)


#: One of each kind that is told apart somewhere: ends of lines, digits of other scripts, spaces, two units in UTF-16.
CHARACTERS = "aAbzZ019_-. \t\n\r\v\x00\x1f\x7f\x80\xa0éß\u0130\u0661\u017f\u200b\u2028\u2029\u212a\u3000\ud7ff\ue000\ufeff\uffff😀\U0010ffff/\\^$[]&~|"


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("^[A-Z]{2}-[0-9]{6}$", ["AB-123456"], ["AB-123456\n", "AB-12345", "ab-123456", "AB-12345\u0661", "\nAB-123456", "AB-1234567"]),
        ("a", ["a", "xax", "\na"], ["", "b"]),
        ("", ["", "x"], []),
        ("^$", [""], ["\n", "a"]),
        ("^a|b$", ["ax", "xb", "a\n"], ["xa", "bx", "b\n"]),
        ("^(a+)+$", ["a", "a" * 500], ["a" * 500 + "b", ""]),
        ("(^|,)a(,|$)", ["a", "x,a,y", "x,a"], ["xa", "ax"]),
        ("a$b|^$", [""], ["ab", "a"]),
        ("$^", [""], ["a"]),
        ("b^a|c", ["c"], ["ba", "b\na"]),
        ("^.{2}$", ["😀é", "ab"], ["a", "abc", "a\n", "\r\r"]),
        (r"^(?:x*?y??){2,3}$", ["", "xyxy", "yyy"], ["yyyy", "z"]),
        ("^(?:|a|b{0})c{0,1}$", ["", "a", "ac", "c"], ["b", "cc"]),
        (r"^\$\.\/\-\_\@\#\:\ \"\'$", ["$./-_@#: \"'"], ["$"]),
        ("^(?:a?){5}$", ["", "aaaaa"], ["aaaaaa"]),
    ],
)  # fmt: skip
def test_it_says_of_a_text_what_json_schema_says(pattern: str, good: list[str], bad: list[str]) -> None:
    agree(pattern, good + bad)
    assert all(verdict(of(pattern), json.dumps(one).encode()) == YES for one in good)
    assert all(verdict(of(pattern), json.dumps(one).encode()) == NO for one in bad)


ATOMS = st.sampled_from([
    "a", "b", "0", "é", "😀", "-", " ", ",", ".", r"\.", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[a-c]", "[^a-c]", "[a0-9_]", r"[\w-]",
    r"[^\s,]", "[é-😀]", r"\x61", r"\n", "^", "$", r"\-", "[A-Za-z0-9]", "",
])  # fmt: skip
COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}", "*?", "{1,3}?"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map("|".join),
        st.builds(lambda one, open_, count: f"{open_}{one}){count}", inner, st.sampled_from(["(", "(?:"]), COUNTS),
    )


PATTERNS = st.recursive(
    st.builds(lambda one, count: one + (count if one not in {"^", "$", ""} else ""), ATOMS, COUNTS),
    _grown,
    max_leaves=8,
)
TEXTS = st.text(st.sampled_from(CHARACTERS + "aaabbbccc000,,,---"), max_size=7)


@settings(max_examples=500)
@given(PATTERNS, st.booleans(), st.lists(TEXTS, min_size=5, max_size=20))
def test_expressions_at_random_are_read_as_json_schema_reads_them(pattern: str, whole: bool, texts: list[str]) -> None:
    pattern = f"^(?:{pattern})$" if whole else pattern
    assert automaton(pattern) is not None
    agree(pattern, texts)


@given(
    PATTERNS, st.lists(TEXTS, min_size=1, max_size=5), st.integers(0, 30), st.sampled_from("()[]{}*+?|^$\\-,.0aé:&~<=!")
)
def test_what_it_reads_jsonschema_rs_can_read_and_reads_alike(
    pattern: str, texts: list[str], at: int, more: str
) -> None:
    pattern = pattern[:at] + more + pattern[at:]
    if automaton(pattern) is not None:
        agree(pattern, texts)


def test_of_what_has_no_automaton_jsonschema_rs_is_the_judge() -> None:
    for pattern, good, bad in (
        ("^(?=.*[0-9])", "a1", "a"),
        (r"^\p{Lu}", "É", "é"),
        ("(a|b)*a(a|b){12}$", "a" * 20, "b" * 20),
    ):
        judge = of(pattern)
        assert not judge.fast
        assert judge(json.dumps(good).encode()) == ()
        assert [one.keyword for one in judge(json.dumps(bad).encode())] == ["pattern"]


def test_an_automaton_is_bounded_and_so_is_the_time_that_it_takes() -> None:
    made = automaton("(a|b)*a(a|b){9}$")
    assert made is not None
    assert 1000 < len(made.final) <= MOST_STATES
    assert automaton("(a|b)*a(a|b){12}$") is automaton("(?:a{1000}){4}") is None
    begun = time.process_time()
    for pattern in (
        "(a|b)*a(a|b){20}$",
        "^(?:a?){500}$",
        "(?:(?:a?){900}b?){3}$",
        "^(?:.{0,900}a.{0,900}b){1}$",
        "((((a{9}){9}){9}){9}){9}",
        "[" + "a-zé" * 400 + "]{900}",
    ):
        automaton(pattern)
    assert time.process_time() - begun < 5


def test_the_flaw_of_a_text_is_told_as_before() -> None:
    judge = validator({"properties": {"a": {"items": {"type": "string", "pattern": "^[0-9]$"}}}})
    assert [(one.pointer, one.keyword, one.detail) for one in judge(b'{"a":["1","x"]}')] == [
        ("/a/1", "pattern", "does not fit the pattern ^[0-9]$")
    ]


def test_an_expression_that_no_engine_takes_is_told_when_it_is_compiled() -> None:
    with pytest.raises(DescriptionError, match="cannot be kept"):
        of("(")

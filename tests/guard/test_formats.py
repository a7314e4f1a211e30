"""What the expressions of formats are sure of, jsonschema-rs says as well."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.test_accept import validator, verdict

if TYPE_CHECKING:
    from ninefold.guard.validate import Validator

from ninefold.contract.dialect import FORMATS as HELD
from ninefold.guard.automaton import NO, UNSURE, YES
from ninefold.guard.formats import FORMATS

#: Texts that are of a format, or nearly.
NEAR = {
    "date": ["2024-02-29", "1900-02-29", "2000-02-29", "2023-12-31", "0000-02-29", "9999-12-31", "2023-04-31", "0004-02-29", "2100-02-28"],
    "date-time": ["2024-02-29T23:59:59Z", "1998-12-31T23:59:60Z", "2000-01-01T00:00:00.123456789+23:59", "2023-02-29T00:00:00-00:00"],
    "time": ["23:59:59Z", "23:59:60Z", "00:00:00.5+00:00", "12:00:00-24:00"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-00000000000F"],
    "ipv4": ["1.2.3.4", "255.255.255.255", "01.2.3.4", "0.0.0.0", "256.1.1.1"],
    "email": ["a.b+c@d-e.org", "x@1.co", "q@0-0.00aa", "a@b.cd", f"{'a' * 60}@b.cd", f"{'a' * 64}@b.cd", f"{'a' * 65}@b.cd", f"a@{'b.' * 29}cd"],
    "uri": ["http://a.b/c", "https://a:8080/", "http://a:99999", "http://a-.b", "http://a..b/"],
    "hostname": ["a.b.c", "xn--a", "localhost", "a" * 21, ".".join(["a" * 21] * 5)],
    "byte": ["YQ==", "YWI=", "YWJj", "", "YR==", "===="],
    "json-pointer": ["", "/a/b~0", "/~1//", "/é", "/~"],
}  # fmt: skip


@cache
def of(name: str) -> Validator:
    return validator({"type": "string", "format": name})


@st.composite
def texts(draw: st.DrawFn, name: str) -> str:
    text = draw(st.sampled_from(NEAR[name]))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        other = draw(st.sampled_from("0123456789-:.TZtz+abcxyzABCXYZ@/~=é\n\u0661 _%\0"))
        text = draw(
            st.sampled_from(
                [
                    text[:at] + other + text[at + 1 :],
                    text[:at] + other + text[at:],
                    text[:at] + text[at + 1 :],
                    text + text,
                ]
            )
        )
    return text


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=400)
@given(data=st.data())
def test_what_a_format_is_sure_of_json_schema_says_as_well(name: str, data: st.DataObject) -> None:
    judge = of(name)
    for text in data.draw(st.lists(texts(name), min_size=5, max_size=10)):
        told = verdict(judge, json.dumps(text).encode())
        right = not judge.of_value(text)
        assert told in ({YES if right else NO} if FORMATS[name].whole else {UNSURE, YES if right else UNSURE}), text


def test_every_day_of_some_years_is_one_and_no_other() -> None:
    judge = of("date")
    for year in ("0000", "1900", "2000", "2023", "2024", "2100", "2400", "9999"):
        for month in range(14):
            for day in range(33):
                text = f"{year}-{month:02}-{day:02}"
                assert verdict(judge, json.dumps(text).encode()) == (YES if not judge.of_value(text) else NO), text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_each_is_held_and_sure_of_what_it_is_mostly(name: str) -> None:
    assert name in HELD
    assert verdict(of(name), json.dumps(NEAR[name][0]).encode()) == YES
    assert of(name).fast


def test_the_length_of_a_name_before_the_at_is_what_the_format_says() -> None:
    assert [not of("email").of_value(f"{'a' * length}@b.cd") for length in (64, 65)] == [True, False]
    assert [verdict(of("email"), json.dumps(f"{'a' * length}@b.cd").encode()) for length in (59, 60, 65)] == [
        YES,
        UNSURE,
        UNSURE,
    ]

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.guard.mask import Email, Last4, Pseudonym, Range, Redact

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("mask", "token", "left"),
    [
        (Redact(), b'"secret"', '"****"'),
        (Redact(), b"12.5", "0"),
        (Redact(), b"true", "false"),
        (Redact(), b"null", "null"),
        (Last4(), b'"4111111111111111"', '"****1111"'),
        (Last4(), b'"1234567"', '"****"'),
        (Last4(), b'"\\u0034111 1111 1111 11\\"1"', '"**** 11\\"1"'.replace("**** 11", "****11")),
        (Last4(), b"4111111111111111", "0"),
        (Email(), b'"jane.doe@example.com"', '"j***@example.com"'),
        (Email(), b'"a@b@example.com"', '"a***@example.com"'),
        (Email(), b'"no address"', '"****"'),
        (Email(), b'"@example.com"', '"****"'),
        (Range(1000), b"12345", "12000"),
        (Range(1000), b"-1", "-1000"),
        (Range(10), b"19.99", "10"),
        (Range(10), b"1e3", "1000"),
        (Range(10), b"1e400", "0"),
        (Range(10), b'"12"', '"****"'),
        (Pseudonym(KEY), b"12", "0"),
        (Pseudonym(KEY), b'"\\ud800"', '"****"'),
    ],
)
def test_each_mask_leaves_what_it_says_and_no_more(mask: object, token: bytes, left: str) -> None:
    assert mask(token).decode() == left  # type: ignore[operator]


def test_a_pseudonym_is_the_same_for_the_same_value_and_key_alone() -> None:
    one = Pseudonym(KEY)(b'"jane"')
    assert one == Pseudonym(KEY)(b'"j\\u0061ne"')
    assert one != Pseudonym(KEY)(b'"jano"')
    assert one != Pseudonym(b"x" * 32)(b'"jane"')
    assert len(json.loads(one)) == 32


@given(st.text(max_size=30), st.sampled_from([Redact(), Last4(), Email(), Pseudonym(KEY), Range(10)]))
def test_a_text_stays_a_text_and_is_never_whole(text: str, mask: object) -> None:
    left = json.loads(mask(json.dumps(text).encode()))  # type: ignore[operator]
    assert isinstance(left, str)
    assert len(text) < 5 or text not in left


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
    st.integers(1, 10**6),
)
def test_a_number_is_in_the_range_that_it_leaves_as(number: Decimal, size: int) -> None:
    left = int(Range(size)(str(number).encode()))
    assert left % size == 0
    assert left <= number < left + size

"""Numbers of cards and persons: by form and check digits, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.leak.find import find
from ninefold.leak.number import RULES, is_card
from ninefold.leak.rule import Kind


def kinds(text: str) -> set[Kind]:
    return {one.kind for one in find(text, RULES)}


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "378282246310005", "3782 822463 10005",
     "30569309025904", "6011111111111117", "3530111333300000", "2223003122003222", "6200000000000005", "4222222222222"],
)  # fmt: skip
def test_test_numbers_of_the_schemes_are_cards(number: str) -> None:
    assert is_card(number)
    assert kinds(f"paid with {number}, thanks") == {Kind.CARD}


@given(
    st.sampled_from(["4111111111111111", "378282246310005", "5555555555554444"]), st.integers(0, 14), st.integers(1, 9)
)
def test_one_wrong_digit_makes_no_card(number: str, place: int, by: int) -> None:
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not is_card(wrong)


@pytest.mark.parametrize(
    "text",
    ["9" * 16, "0000000000000000", "4111 11111111 1111", "41111111111111112", "x4111111111111111", "4111111111111111x", "4111111111111111.5", "1.4111111111111111"],
)  # fmt: skip
def test_other_digits_are_no_card(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "SSN 219-09-9998", "CPF 390.533.447-05", "DNI 54362315K", "RSSMRA85T10A562S", "131052-308T",
     "PESEL 44051401359", "85.07.30-033.28", "756.9217.0769.85", "NINO QQ 12 34 56 C" .replace("QQ", "AB"), "12.531.909-2", "499118665246 aadhaar"],
)  # fmt: skip
def test_numbers_of_persons_and_accounts_are_told_by_form_and_check_digits(text: str) -> None:
    assert kinds(text) <= {Kind.ID}
    if "aadhaar" not in text:
        assert kinds(text) == {Kind.ID}


@pytest.mark.parametrize(
    "text",
    ["GB82 WEST 1234 5698 7654 33", "000-12-3456", "666-12-3456", "219-00-9998", "390.533.447-06", "54362315L", "order 44051401359", "call 555-123-4567", "ISBN 978-3-16-148410-0"],
)  # fmt: skip
def test_a_wrong_check_digit_or_a_missing_name_makes_none(text: str) -> None:
    assert kinds(text) == set()

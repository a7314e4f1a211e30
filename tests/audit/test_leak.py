from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.leak import entropy, leaks, secretive


def test_a_key_that_chance_wrote_is_told_from_words() -> None:
    chance = random.Random(9)
    for _ in range(500):
        assert secretive(chance.randbytes(16).hex())
        assert secretive("k1" + "".join(chance.choices(string.ascii_letters + string.digits, k=32)))


def test_three_letters_alike_make_no_key_a_placeholder() -> None:
    assert secretive("k1U5K6q5tvAdtanhemFy97MdcXxxBFnsS7")
    assert not secretive("k1xxxxxxxxxxxxxxxxx7Adt")


@pytest.mark.parametrize(
    "value",
    [
        "your-api-key",
        "application/json",
        "settings.api_key",
        "https://a1b2c3d4e5.example.com",
        "API_KEY_HEADER",
        "X-API-Key",
        "aaaaaaaaaaaaaaaa1",
        "some-long-option-name",
        "2024-01-01",
    ],
)
def test_words_names_and_urls_are_no_secrets(value: str) -> None:
    assert not secretive(value)


def test_a_collection_ends_where_it_is_closed() -> None:
    text = 'API_KEYS = {\n  "9f8b3c1d7e6a5042": "a",\n}\nBUILD = "9f8b3c1d7e6a5042"\nOTHER = ["9f8b3c1d7e6a5042"]\n'
    assert [one.line for one in leaks(text)] == [2]


def test_lines_past_all_reading_are_left() -> None:
    assert list(leaks("api_key='9f8b3c1d7e6a5042';" * 200)) == []


@given(st.text(string.printable, max_size=400))
def test_any_text_can_be_read_and_no_secret_is_shown_whole(text: str) -> None:
    for leak in leaks(text):
        assert leak.line >= 1
        assert len(leak.shown) <= 9


def test_entropy_is_bits_a_character() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2

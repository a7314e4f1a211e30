from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.report.text import count, line, visible, writable

anything = st.text(st.characters(exclude_categories=()))


@given(anything)
def test_what_is_visible_prints_and_can_be_written(text: str) -> None:
    shown = visible(text)
    assert all(one.isprintable() or one in "\n\t" for one in shown)
    shown.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Mn"])))
def test_what_prints_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(anything)
def test_a_line_is_one_and_no_longer_than_it_may_be(text: str) -> None:
    assert "\n" not in line(text, 30)
    assert len(line(text, 30)) <= 30


def test_what_steers_a_terminal_or_the_reading_order_is_escaped() -> None:
    assert visible("\x1b[2J\r\u202e\u200b\U000e0001\udc80") == "\\x1b[2J\\x0d\\u202e\\u200b\\U000e0001\\udc80"
    assert visible("a\r\nb\tc") == "a\nb\tc"


@given(
    st.recursive(anything | st.integers() | st.none(), lambda one: st.lists(one) | st.dictionaries(st.just("key"), one))
)
def test_json_with_any_text_becomes_writable(value: object) -> None:
    repr(writable(value)).encode()


def test_one_is_not_many() -> None:
    assert [count(number, "finding") for number in (0, 1, 1200)] == ["0 findings", "1 finding", "1,200 findings"]

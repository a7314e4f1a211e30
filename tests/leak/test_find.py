"""Looking through a text: what is found, where, and what stands in its place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ninefold.leak.find import HIDDEN, PIECE, SHARED, Leak, find, masked
from ninefold.leak.rule import Kind

STATEMENT = "SELECT id, mail FROM users WHERE id = 7"


def test_a_leak_is_told_with_its_kind_and_where_it_stands() -> None:
    text = f"failed: {STATEMENT}; see the manual"
    (first, *_) = [one for one in find(text) if one.kind is Kind.SQL]
    assert text[first.begin : first.end] == STATEMENT
    assert (first.kind, first.what) == (Kind.SQL, "a statement")


def test_only_the_kinds_that_are_asked_for_are_found() -> None:
    text = f"{STATEMENT} in /var/www/html/index.php"
    assert {one.kind for one in find(text)} >= {Kind.SQL, Kind.PATH}
    assert {one.kind for one in find(text, kinds={Kind.PATH})} == {Kind.PATH}


def test_a_leak_is_found_wherever_it_stands_in_a_text_of_many_pieces() -> None:
    for at in (0, PIECE - 20, PIECE - SHARED - 20, PIECE, 2 * PIECE - 20, 3 * PIECE):
        text = "word " * (at // 5) + STATEMENT + "; " + "word " * 10_000
        assert STATEMENT not in masked(text, find(text, kinds={Kind.SQL})), at


def test_leaks_that_touch_or_lie_in_each_other_have_one_mask() -> None:
    leaks = [Leak(Kind.SQL, "", 2, 6), Leak(Kind.PATH, "", 3, 4), Leak(Kind.PATH, "", 6, 8), Leak(Kind.ID, "", 10, 11)]
    assert masked("0123456789abc", leaks) == f"01{HIDDEN}89{HIDDEN}bc"


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=6))
def test_what_is_no_leak_stays_in_its_order(text: str, spans: list[tuple[int, int]]) -> None:
    leaks = [Leak(Kind.SQL, "", begin, min(begin + size, len(text))) for begin, size in spans if begin < len(text)]
    kept = "".join(one for place, one in enumerate(text) if not any(leak.begin <= place < leak.end for leak in leaks))
    assert masked(text, leaks).replace(HIDDEN, "") == kept.replace(HIDDEN, "")


def test_a_text_without_leaks_is_the_same() -> None:
    assert masked("nothing here", find("nothing here")) == "nothing here"

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.guard.foreign import Template, Unreadable
from ninefold.guard.segment import first_fit

PIECE = st.text("ab-.", max_size=2)


@given(st.lists(PIECE, min_size=2, max_size=5), st.text("ab-.", max_size=14))
def test_it_matches_what_a_search_through_all_ways_does(literals: list[str], text: str) -> None:
    naive = re.compile("(.+?)".join(map(re.escape, literals)) + r"\Z").match(text)
    found = re.compile(first_fit(literals, ".")).match(text)
    assert (found and found.groups()) == (naive and naive.groups())


@given(st.lists(PIECE, min_size=2, max_size=4), st.text("ab-.", max_size=12))
def test_a_path_has_one_reading_or_none(literals: list[str], text: str) -> None:
    names = [f"{{p{number}}}" for number in range(len(literals) - 1)]
    template = "/" + "".join(part for both in zip(literals, names, strict=False) for part in both) + literals[-1]
    ways = {re.compile(join.join(map(re.escape, literals)) + r"\Z").match(text) for join in ("([^/]+?)", "([^/]+)")}
    readings = {one.groups() for one in ways if one is not None}
    try:
        assert tuple(Template(template).read("/" + text).values()) in readings
        assert len(readings) == 1
    except Unreadable:
        assert len(readings) != 1


@pytest.mark.parametrize("text", ["-" * 16_000, "a-b.c" + "-" * 16_000, "-." * 8_000, "." * 16_000])
def test_a_long_path_takes_no_time(text: str) -> None:
    template = Template("/x/{a}-{b}.{c}-{d}.{e}")
    expression = re.compile(first_fit(["", "-", ".", "-", ".", ".json"], "."))
    began = time.process_time()
    expression.match(text)
    for path in (f"/x/{text}", f"/x/{text}/"):
        try:
            template.read(path)
        except Unreadable:
            continue
    assert time.process_time() - began < 0.2

"""The names of what stayed behind: which are told, how, of which answers, and what that may cost."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.guard.behind import ANY, EACH, LONGEST_NAME, MOST_PLACES, MOST_READ, Sampler, behind
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import Fields, Shapes

TEXT = {"type": "string"}
USER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "secret": {**TEXT, "writeOnly": True},
        "a/b": {"type": "object", "properties": {"c": TEXT}},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/User"}},
        "by": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/User"}},
        "fitting": {"type": "object", "patternProperties": {"^x-": {"$ref": "#/components/schemas/User"}}},
        "closed": {"type": "object", "properties": {"pw": {"writeOnly": True}}, "additionalProperties": TEXT},
        "any": {},
    },
}
DESCRIPTION = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": {"User": USER}}})


def shape_of(schema: Any, **more: Any) -> Any:
    return Shapes(DESCRIPTION, **more).of(schema)


def named(value: Any, schema: Any = USER) -> list[str]:
    return list(behind(shape_of(schema), json.dumps(value).encode(), cuts=False))


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"id": 1}, []),
        (None, []),
        ({"id": 1, "password_hash": "x", "secret": "s"}, ["/password_hash", "/secret"]),
        ({"hash": {"inner": 1}}, ["/hash"]),
        ({"a/b": {"c": "", "~d": 1}}, ["/a~1b/~0d"]),
        ({"friends": [{"x": 1}, {"y": 1}, {"x": 2, "friends": [{"z": 1}]}]}, ["/friends/*/x", "/friends/*/y", "/friends/*/friends/*/z"]),
        ({"by": {"jane@example.com": {"x": 1}, "joe": {"x": 1}}}, ["/by/*/x"]),
        ({"fitting": {"x-1": {"q": 1}, "y": {}}}, ["/fitting/y", "/fitting/*/q"]),
        ({"closed": {"pw": 1, "other": ""}}, ["/closed/pw"]),
        ({"any": {"what": {"ever": 1}}}, []),
        ({"fitting": {"x-" + "a" * 300: {}}}, ["/fitting/?"]),
    ],
)  # fmt: skip
def test_it_is_told_by_declared_names_and_the_name_that_is_not(value: Any, places: list[str]) -> None:
    assert named(value) == places


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("is_admin", "is_admin"), ("@type", "@type"), ("größe", "größe"), ("sha256", "sha256"), ("first name", "first name"),
        ("jane@example.com", "?"), ("4111111111111111", "?"), ("DE89 3704 0044", "?"), ("n" * LONGEST_NAME, "n" * LONGEST_NAME),
        ("n" * (LONGEST_NAME + 1), "?"), ("a\nb\x1b[2J", "a\\nb\\u001b[2J"), ("\u202eevil", "\\u202eevil"), ("/", "~1"), ("", ""),
    ],
)  # fmt: skip
def test_a_name_of_the_apis_own_is_escaped_and_one_that_may_be_data_is_not_told(name: str, told: str) -> None:
    assert named({name: 1}) == [f"/{told}"]


def test_there_are_never_more_than_eight_and_each_is_told_once() -> None:
    assert named([{"a": 1}] * 50, {"type": "array", "items": USER}) == ["/*/a"]
    assert len(named([{f"n{one}": 1 for one in range(50)}], {"type": "array", "items": USER})) == MOST_PLACES


def test_what_a_view_does_not_show_is_named_too() -> None:
    shape = shape_of(USER, fields=Fields(hidden=frozenset({"id"})))
    assert behind(shape, b'{"id":1}', cuts=False) == ("/id",)


def test_items_that_are_cut_are_not_looked_into() -> None:
    shape = shape_of({"type": "array", "items": USER, "maxItems": 1}, bounded=True)
    assert behind(shape, b'[{"a":1},{"b":1}]', cuts=True) == ("/*/a",)
    assert behind(shape, b'[{"a":1},{"b":1}]', cuts=False) == ("/*/a", "/*/b")


def test_what_is_long_or_cannot_be_read_is_not_looked_at() -> None:
    shape = shape_of(USER)
    for text in (b'{"x":1', b'{"x":"\xff"}', b'{"x":%b}' % (b"[" * 100_000), b'{"x":"%b"}' % (b"a" * MOST_READ)):
        assert behind(shape, text, cuts=False) == ()


@pytest.mark.parametrize("item", [b'{"friends":[{}]}', b'{"x":1}', b"{}", b'{"friends":[]}', b'{"by":{"a":{}}}'])
def test_the_dearest_answers_take_little(item: bytes) -> None:
    shape = shape_of({"type": "array", "items": USER})
    text = b"[%b]" % b",".join([item] * (MOST_READ // (len(item) + 1) - 1))
    assert MOST_READ - 100 < len(text) <= MOST_READ
    begun = time.process_time()
    for _ in range(10):
        assert behind(shape, text, cuts=False) == (("/*/x",) if b"x" in item else ())
    assert time.process_time() - begun < 1  # some 3 ms each


def test_of_a_large_answer_the_first_values_are_looked_at() -> None:
    items = [{"id": 1, "friends": []}] * 1000
    assert named([{"x": 1}, *items, {"x": 1}], {"type": "array", "items": USER}) == ["/*/x"]
    assert named([*items, {"x": 1}], {"type": "array", "items": USER}) == ["/*/x"]
    assert named([*items, *items, {"x": 1}], {"type": "array", "items": USER}) == []


def test_one_answer_of_an_operation_a_minute_and_few_of_all_together() -> None:
    sampler = Sampler()
    assert sampler.wants("a", 100.0)
    assert not sampler.wants("a", 100.0 + EACH - 1)
    assert sampler.wants("b", 101.0)
    assert not sampler.wants("c", 101.0 + ANY / 2)
    assert sampler.wants("c", 101.0 + 2 * ANY)
    assert sampler.wants("a", 100.0 + EACH)


def test_a_projector_tells_where_it_is_its_turn() -> None:
    project = Projector(shape_of(USER), Program(), sampler=Sampler())
    assert project.places("a", 1.0, b'{"x":1}') == ("/x",)
    assert project.places("a", 2.0, b'{"x":1}') == ()
    assert Projector(shape_of(USER), Program()).places("a", 1.0, b'{"x":1}') == ()


#: Users as described, and with one thing or another more in them.
ANYTHING = st.recursive(
    st.integers(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
MORE = st.dictionaries(st.sampled_from(["x", "pw", "secret", "c"]), ANYTHING, max_size=1)
USERS = st.recursive(
    MORE,
    lambda inner: st.builds(
        lambda more, **one: one | more,
        MORE,
        id=st.integers(),
        friends=st.lists(inner, max_size=3),
        by=st.dictionaries(st.text(), inner, max_size=2),
        fitting=st.dictionaries(st.sampled_from(["x-1", "x-2", "no"]), inner, max_size=2),
        closed=st.dictionaries(st.sampled_from(["pw", "other"]), st.text(), max_size=2),
        any=ANYTHING,
    ),
    max_leaves=8,
)


@given(USERS)
def test_something_is_named_just_when_members_stayed_behind(value: Any) -> None:
    project = Projector(shape_of(USER), Program(), sampler=Sampler())
    text = json.dumps(value).encode()
    try:
        _, withheld, _ = project(text)
    except Unpromised:
        return
    assert bool(project.places("a", 1.0, text)) == bool(withheld)

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ninefold.learn.sighting import MOST_COUNTED, OTHERS, Sighting, absorb, body, kind, names

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "1234"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def _sighting(value: object, query: list[tuple[str, str]], caller: str) -> Sighting:
    return Sighting(
        "GET", ("a",), "", 1, 1, 5.0, 5.0, names(query), {}, {"nothing": 1}, {},
        body("application/json", json.dumps(value).encode(), whole=True), {"200": body("application/json", b"[]", whole=True)},
        {caller: 1},
    )  # fmt: skip


def _together(sightings: list[Sighting]) -> object:
    first, *others = [msgspec.convert(msgspec.to_builtins(one), Sighting) for one in sightings]
    for one in others:
        absorb(first, one)
    return _sorted(msgspec.to_builtins(first))


def _sorted(value: object) -> object:
    """Without an order of members and types."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=repr)
    return value


SIGHTINGS = st.builds(
    _sighting,
    JSON,
    st.lists(st.tuples(st.sampled_from(["page", "q", "sort"]), st.sampled_from(["1", "true", "x", "1.5"])), max_size=3),
    st.sampled_from(["k1", "k2", ""]),
)


@given(st.lists(SIGHTINGS, min_size=2, max_size=4), st.randoms())
def test_sightings_add_up_in_any_order(sightings: list[Sighting], random: object) -> None:
    shuffled = list(sightings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _together(sightings) == _together(shuffled)


@given(SIGHTINGS, SIGHTINGS, SIGHTINGS)
def test_it_does_not_matter_which_two_are_added_up_first(one: Sighting, two: Sighting, three: Sighting) -> None:
    right = msgspec.convert(msgspec.to_builtins(two), Sighting)
    absorb(right, three)
    assert _together([one, two, three]) == _together([one, right])


@given(st.text(min_size=12, max_size=40, alphabet="ghijklmnop"))
def test_no_value_of_a_body_or_a_query_is_kept(secret: str) -> None:
    found = _sighting({"a": secret, "b": [secret, {"c": secret}]}, [("q", secret)], "k1")
    assert secret not in repr(found)


def test_members_named_by_data_become_a_map() -> None:
    found = body(
        "application/json", b'{"5f3c2a9d8e7b6a5c4d3e2f1a":{"x":1},"0a1b2c3d4e5f60718293a4b5":{"x":2}}', whole=True
    )
    assert found["application/json"] == {
        "type": "object",
        "additionalProperties": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }


def test_names_of_parameters_that_are_data_or_credentials_are_not_kept() -> None:
    assert names(
        [("page", "1"), ("api_key", "s"), ("X-API-Key", "s"), ("eyJhbGciOiJIUzI1NiJ9abc123XYZ", "1"), ("", "1")]
    ) == {"page": ["integer"]}


def test_a_parameter_has_the_types_that_it_was_written_as() -> None:
    assert [kind(one) for one in ("1", "01", "-3", "1.5", "1e3", "true", "True", "", "9" * 30)] == [
        "integer", "string", "integer", "number", "string", "boolean", "string", "string", "string",
    ]  # fmt: skip


def test_a_body_that_is_cut_or_broken_has_a_media_type_and_no_shape() -> None:
    assert body("application/json; charset=utf-8", b'{"a":', whole=True) == {"application/json": None}
    assert body("application/json", b'{"a":1}', whole=False) == {"application/json": None}
    assert body("text/plain", b"x", whole=True) == {"text/plain": None}
    assert body("", b"x", whole=True) == {}


def test_callers_past_the_bound_are_counted_together() -> None:
    into = Sighting("GET", ())
    for number in range(MOST_COUNTED + 7):
        absorb(into, Sighting("GET", (), callers={f"k{number}": 1}))
    assert len(into.callers) == MOST_COUNTED + 1
    assert into.callers[OTHERS] == 7

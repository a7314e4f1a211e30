from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.inputs.shape import DEPTH, MEMBERS, merged, shape


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, {"type": "null"}),
        (True, {"type": "boolean"}),
        (1, {"type": "integer"}),
        (1.5, {"type": "number"}),
        ("secret-value", {"type": "string"}),
        ([], {"type": "array", "items": {}}),
        ([1, "a"], {"type": "array", "items": {"type": ["integer", "string"]}}),
        (
            {"a": {"b": 1}},
            {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}},
        ),
    ],
)
def test_a_value_has_its_types_and_members_and_nothing_of_its_text(value: Any, told: dict[str, Any]) -> None:
    assert shape(value) == told


def test_a_masked_text_is_known_to_be_masked() -> None:
    assert shape({"card_number": "**** 1111"})["properties"]["card_number"]["example"] == "****"


def test_members_that_are_named_by_data_are_a_map() -> None:
    told = shape({"8b7c1d2e-0000-4000-8000-000000000001": {"a": 1}, "8b7c1d2e-0000-4000-8000-000000000002": {"b": 1}})
    assert "properties" not in told
    assert set(told["additionalProperties"]["properties"]) == {"a", "b"}


def test_a_member_that_is_named_by_a_token_is_data_beside_named_ones() -> None:
    told = shape({"total": 1, "Zk3-aB9_xY2qLm7T-0pQw4": {"a": 1}, "ada@example.com": None})
    assert set(told["properties"]) == {"total"}
    assert "Zk3" not in str(told)
    assert "ada" not in str(told)


def test_an_object_of_very_many_members_is_a_map() -> None:
    assert "properties" not in shape({f"m{at}": at for at in range(MEMBERS + 1)})


def test_what_is_nested_without_end_is_cut() -> None:
    value: Any = 1
    for _ in range(500):
        value = {"a": value}
    assert str(shape(value)).count("properties") == DEPTH


def test_examples_are_kept_only_where_asked_and_never_of_secrets_and_variables() -> None:
    value = {"sku": "a-1", "password": "hunter2", "qty": "{{qty}}", "note": "y" * 500}
    kept = shape(value, examples=True)["properties"]
    assert kept["sku"]["example"] == "a-1"
    assert not any("example" in kept[name] for name in ("password", "qty", "note"))
    assert "a-1" not in str(shape(value))


def test_shapes_of_several_values_allow_each_of_them() -> None:
    told = merged(shape(one) for one in ({"a": 1}, {"a": 1.5, "b": None}, {"b": "x"}, {"c": [1]}, {"c": [{"d": 1}]}))
    assert told["properties"]["a"] == {"type": "number"}
    assert told["properties"]["b"] == {"type": ["null", "string"]}
    assert told["properties"]["c"]["items"]["properties"] == {"d": {"type": "integer"}}

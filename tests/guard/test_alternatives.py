"""Which alternative an object is: what tells, and by which values."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.contract.description import Description
from ninefold.guard.alternatives import Teller

A, B = "#/components/schemas/A", "#/components/schemas/B"
TEXT: dict[str, Any] = {"type": "string"}


def _kind(*values: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": [*values]}}, **more}


def _told(schema: dict[str, Any], **named: Any) -> tuple[str | None, dict[str, list[int]], bool]:
    """The member that tells, by its values which alternatives (by their places), and whether they melt."""
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    teller = Teller(description, lambda one: isinstance(one, dict) and one.get("writeOnly") is True)
    (word,) = {"oneOf", "anyOf"} & schema.keys()
    found = teller.of(schema, word)
    places = {id(one): at for at, one in enumerate(schema[word])}
    return found.name, {value: [places[id(one)] for one in some] for value, some in found.by.items()}, found.melts


@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
@pytest.mark.parametrize(
    ("mapping", "by"),
    [
        (None, {"A": [0], "B": [1]}),
        ({"a": A, "b": B}, {"a": [0], "A": [0], "b": [1], "B": [1]}),
        ({"a": "A", "also": "A"}, {"a": [0], "also": [0], "A": [0], "B": [1]}),
        ({"A": B}, {"A": [1], "B": [1]}),
        ({"c": "#/components/schemas/C", "n": 1}, {"A": [0], "B": [1]}),
    ],
)
def test_a_discriminator_tells_by_its_mapping_and_the_names_of_schemas(
    word: str, mapping: dict[str, str] | None, by: dict[str, list[int]]
) -> None:
    schema = {
        word: [{"$ref": A}, {"$ref": B}],
        "discriminator": {"propertyName": "kind", **({"mapping": mapping} if mapping else {})},
    }
    named = {"A": {"properties": {"x": TEXT}}, "B": {"properties": {"y": TEXT}}}
    if mapping == {"A": B}:  # no value is left for the first one
        assert _told(schema, **named) == (None, {}, True)
    else:
        assert _told(schema, **named) == ("kind", by, False)


def test_constants_count_beside_names_where_they_differ() -> None:
    schema = {"oneOf": [{"$ref": A}, {"$ref": B}], "discriminator": {"propertyName": "kind"}}
    assert _told(schema, A=_kind("a", "one"), B=_kind("b"))[1] == {"A": [0], "a": [0], "one": [0], "B": [1], "b": [1]}
    assert _told(schema, A=_kind("a", "b"), B=_kind("b"))[1] == {"A": [0], "B": [1]}
    assert _told(schema, A=_kind("B"), B=_kind("A"))[1] == {"A": [0], "B": [1]}


def test_an_alternative_of_its_own_is_told_by_its_constant() -> None:
    schema = {"oneOf": [{"$ref": A}, _kind("b")], "discriminator": {"propertyName": "kind"}}
    assert _told(schema, A={"properties": {"x": TEXT}})[:2] == ("kind", {"A": [0], "b": [1]})


def test_an_alternative_of_alternatives_is_told_by_any_of_theirs() -> None:
    inner = {"oneOf": [_kind("a"), _kind("b")]}
    assert _told({"oneOf": [inner, _kind("c")]})[:2] == ("kind", {"a": [0], "b": [0], "c": [1]})
    named = {"oneOf": [{"$ref": A}, {"$ref": B}], "discriminator": {"propertyName": "kind", "mapping": {"a": "A"}}}
    objects = {"A": {"properties": {"x": TEXT}}, "B": {"properties": {"y": TEXT}}}
    assert _told({"oneOf": [named, _kind("c")]}, **objects)[:2] == ("kind", {"a": [0], "A": [0], "B": [0], "c": [1]})


def test_a_constant_tells_through_references_and_parts() -> None:
    first = {"allOf": [{"$ref": A}, {"properties": {"x": TEXT}}]}
    second = {"allOf": [{"properties": {"kind": {"const": "b"}}}, {"required": ["kind"]}]}
    assert _told({"oneOf": [first, second]}, A=_kind("a", "c"))[:2] == ("kind", {"a": [0], "c": [0], "b": [1]})
    narrower = {"allOf": [_kind("a", "b"), {"properties": {"kind": {"const": "a"}}}]}
    assert _told({"oneOf": [narrower, _kind("b")]})[:2] == ("kind", {"a": [0], "b": [1]})


def test_the_member_that_leaves_fewest_alternatives_tells() -> None:
    def one(first: str, second: str) -> dict[str, Any]:
        members = {"p": {"const": first}, "q": {"const": second}}
        return {"required": ["p", "q"], "properties": members}

    assert _told({"oneOf": [one("a", "x"), one("a", "y"), one("b", "z")]})[:2] == ("q", {"x": [0], "y": [1], "z": [2]})


def test_what_is_no_object_is_always_among_them() -> None:
    schema = {"anyOf": [TEXT, {"type": "null"}, False, _kind("a"), _kind("b"), {"items": TEXT}, {"enum": ["x"]}]}
    assert _told(schema)[:2] == ("kind", {"a": [3], "b": [4]})
    assert _told({"anyOf": [TEXT, _kind("a")]}) == (None, {}, False)


@pytest.mark.parametrize(
    "member",
    [
        {"const": 1},
        {"enum": ["b", 1]},
        {"enum": ["b", None]},
        {"enum": []},
        TEXT,
        {},
        True,
        {"const": "b", "writeOnly": True},
    ],
)
def test_where_no_text_tells_they_melt(member: Any) -> None:
    other = {"type": "object", "required": ["kind"], "properties": {"kind": member}}
    assert _told({"oneOf": [_kind("a"), other]}) == (None, {}, True)


def test_a_schema_that_is_its_own_alternative_comes_to_an_end() -> None:
    named = {"A": {"oneOf": [{"$ref": A}, {"$ref": B}]}, "B": _kind("b")}
    assert _told(named["A"], **named) == (None, {}, True)

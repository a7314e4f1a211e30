from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.surplus import surplus
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from ninefold.contract.description import Description

NAME = {"type": "string"}
PERSON = {"type": "object", "properties": {"id": {"type": "integer"}, "name": NAME}}
CARD = {"type": "object", "properties": {"brand": NAME}}
FREE = {"type": "object"}
NODE = {
    "type": "object",
    "properties": {"name": NAME, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
}


def api() -> Description:
    schemas = {"Person": PERSON, "Node": NODE, "Loop": {"$ref": "#/components/schemas/Loop"}}
    return read(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {},
            "components": {"schemas": schemas},
        },
        "openapi.json",
    )


def told(schema: Any, value: Any) -> set[str]:
    return set(surplus(api(), value, schema))


@pytest.mark.parametrize(
    ("schema", "value", "names"),
    [
        (PERSON, {"id": 1, "hash": "x"}, {"hash"}),
        ({"$ref": "#/components/schemas/Person"}, {"id": 1, "hash": "x"}, {"hash"}),
        ({"type": "array", "items": PERSON}, [{"id": 1}, {"id": 2, "cost": 3}], {"[].cost"}),
        ({"type": "object", "properties": {"data": PERSON}}, {"data": {"note": 1}}, {"data.note"}),
        ({"type": "object", "properties": {"data": FREE}}, {"data": {"note": 1}}, set()),
        ({"type": "object", "properties": {"data": {}}}, {"data": {"note": 1}}, set()),
        ({"$ref": "#/components/schemas/Node"}, {"children": [{"children": [{"x": 1}]}]}, {"children[].children[].x"}),
        ({"allOf": [PERSON, CARD]}, {"id": 1, "brand": "b", "cvv": 1}, {"cvv"}),
        ({"allOf": [PERSON, FREE]}, {"id": 1, "cvv": 1}, {"cvv"}),
        ({"oneOf": [PERSON, CARD]}, {"brand": "b", "cvv": 1}, {"cvv"}),
        ({"anyOf": [PERSON, {"type": "null"}]}, {"cvv": 1}, {"cvv"}),
        ({"anyOf": [PERSON, FREE]}, {"cvv": 1}, set()),
        ({"anyOf": [PERSON, {}]}, {"cvv": 1}, set()),
        ({**PERSON, "oneOf": [{"required": ["id"]}, {"required": ["name"]}]}, {"id": 1, "cvv": 1}, {"cvv"}),
        ({"$ref": "#/components/schemas/Person", "properties": {"more": {}}}, {"id": 1, "more": 2, "x": 3}, {"x"}),
        ({**PERSON, "additionalProperties": True}, {"x": {"y": 1}}, set()),
        ({**PERSON, "additionalProperties": {}}, {"x": {"y": 1}}, set()),
        ({**PERSON, "additionalProperties": CARD}, {"x": {"brand": "b", "cvv": 1}}, {"x.cvv"}),
        ({"type": "object", "additionalProperties": CARD}, {"a": {"brand": "b"}, "b": {"cvv": 1}}, {"b.cvv"}),
        ({"type": "object", "additionalProperties": False}, {"x": 1}, {"x"}),
        ({**PERSON, "patternProperties": {"^x-": CARD}}, {"x-a": {"brand": "b"}, "y": 1}, {"y"}),
        ({**PERSON, "patternProperties": {r"^\p{Lu}": {}}}, {"y": 1}, set()),
        ({**PERSON, "unevaluatedProperties": NAME}, {"y": "1"}, set()),
        ({"type": "array", "prefixItems": [PERSON, CARD]}, [{"id": 1}, {"brand": "b", "cvv": 1}], {"[].cvv"}),
        ({"type": "array"}, [{"cvv": 1}], set()),
        ({**PERSON, "if": {"required": ["id"]}, "then": CARD}, {"id": 1, "brand": "b"}, set()),
        ({**PERSON, "dependentSchemas": {"id": CARD}}, {"id": 1, "brand": "b"}, set()),
        ({"$ref": "#/components/schemas/Missing"}, {"x": 1}, set()),
        ({"$ref": "#/components/schemas/Loop"}, {"x": 1}, set()),
        (True, {"x": 1}, set()),
        ({}, {"x": 1}, set()),
        (PERSON, "text", set()),
        (PERSON, None, set()),
    ],
)
def test_what_no_part_of_the_schema_declares_is_surplus(schema: Any, value: Any, names: set[str]) -> None:
    assert told(schema, value) == names


@pytest.mark.parametrize(
    "member",
    [
        {"@odata.count": 3, "name@odata.type": "#String", "friends@odata.navigationLink": "people(1)/friends"},
        {"jsonapi": {"version": "1.1", "ext": ["https://jsonapi.org/ext/atomic"]}},
        {"_links": {"self": {"href": "/people/1"}, "friends": [{"href": "/people/2", "title": "Bo"}]}},
        {"links": [{"rel": "self", "href": "https://api.example.com/people/1"}]},
        {"links": {"self": "https://api.example.com/people/1", "next": None}},
        {"self": "/people/1"},
        {"@id": "/people/1", "@type": "Person", "@context": "/contexts/Person"},
        {"$schema": "https://api.example.com/schemas/Person.json"},
    ],
)
def test_links_and_annotations_are_no_data(member: dict[str, Any]) -> None:
    assert told(PERSON, {"id": 1, **member}) == set()


@pytest.mark.parametrize(
    "member",
    [
        {"jsonapi": {"version": "1.1", "key": "x"}},
        {"links": [{"password": "x"}]},
        {"_links": {"self": {"href": "/", "token": "t"}}},
    ],
)
def test_data_by_the_name_of_links_is_data(member: dict[str, Any]) -> None:
    assert told(PERSON, {"id": 1, **member}) == set(member)


MEMBERS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(), max_size=5)


@given(
    declared=st.sets(st.sampled_from("abcdefg"), min_size=1),
    value=MEMBERS,
    form=st.sampled_from(["plain", "all", "one"]),
)
def test_surplus_is_what_came_without_what_was_declared(declared: set[str], value: dict[str, int], form: str) -> None:
    parts = [{"type": "object", "properties": {name: {}}} for name in sorted(declared)]
    whole = {"type": "object", "properties": {name: {} for name in declared}}
    schema = {"plain": whole, "all": {"allOf": parts}, "one": {"oneOf": parts}}[form]
    assert told(schema, value) == set(value) - declared
    assert told({"type": "array", "items": schema}, [value]) == {f"[].{name}" for name in set(value) - declared}

"""What schemas say of one place, as conditions see it."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.contract.attribute import Environment, Unknown, Value
from ninefold.contract.openapi import read

TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "up": {"$ref": "#/components/schemas/Tree"}},
}


def _read(schema: Any, *, parameters: list[Any] | None = None) -> Any:
    get = {
        "operationId": "get",
        "parameters": parameters or [],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "-", "content": {"application/json": {"schema": schema}}}},
    }
    return read(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/things": {"post": get}},
            "components": {"schemas": {"Tree": TREE}},
        },
        "openapi.yaml",
    )


@pytest.mark.parametrize(
    ("schema", "cel"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "double"),
        ({"type": ["integer", "number"]}, "double"),
        ({"type": ["integer", "string"]}, "dyn"),
        ({"enum": ["a", "b"]}, "string"),
        ({"const": True}, "bool"),
        ({"enum": [1, None]}, "int"),
        ({}, "dyn"),
        (True, "dyn"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({"allOf": [{"type": "object", "properties": {"a": {}}}, {"properties": {"b": {}}}]}, "object"),
        ({"type": "array", "items": {"type": "integer"}}, "list(int)"),
        ({"type": "array"}, "list(dyn)"),
        ({"type": "array", "items": TREE}, "list(map(string, dyn))"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, "list(list(string))"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map(string, int)"),
        ({"type": "object", "additionalProperties": True}, "map(string, dyn)"),
        ({"$ref": "#/components/schemas/Tree"}, "object"),
    ],
)
def test_a_schema_has_a_type(schema: Any, cel: str) -> None:
    assert Value(_read(schema), (schema,), answer=True).cel == cel


def test_what_is_only_written_is_not_in_answers_and_what_is_only_read_not_in_requests() -> None:
    schema = {
        "type": "object",
        "properties": {"both": {}, "secret": {"writeOnly": True}, "made": {"readOnly": True}},
    }
    description = _read(schema)
    assert set(Value(description, (schema,), answer=True).names()) == {"both", "made"}
    assert set(Value(description, (schema,), answer=False).names()) == {"both", "secret"}


def test_a_schema_that_holds_itself_is_followed_as_far_as_it_is_asked() -> None:
    environment = Environment(
        _read({"$ref": "#/components/schemas/Tree"}).operations[0], _read(TREE), "X-API-Key", open_=False
    )
    attribute, taken = environment.find("body", ("up", "up", "up", "id", "size"))
    assert (attribute.path, attribute.cel, taken) == (("up", "up", "up", "id"), "string", 4)
    with pytest.raises(Unknown, match="has no 'idd'") as found:
        environment.find("body", ("up", "up", "idd"))
    assert (found.value.depth, found.value.remedy) == (3, "did you mean `id`?")


@pytest.mark.parametrize(
    "schema", [{"type": "object"}, {"type": "array", "items": TREE}, {"type": ["string", "integer"]}, {"type": "array"}]
)
def test_parameters_that_are_no_single_value_cannot_be_read(schema: Any) -> None:
    description = _read({}, parameters=[{"name": "filter", "in": "query", "schema": schema}])
    environment = Environment(description.operations[0], description, "X-API-Key", open_=False)
    with pytest.raises(Unknown, match="is no single value"):
        environment.find("query", ("filter",))


def test_an_answer_without_members_has_none() -> None:
    description = _read({"type": "object"})
    environment = Environment(description.operations[0], description, "X-API-Key", open_=False)
    with pytest.raises(Unknown):
        environment.find("resource", ("owner",))


def test_no_condition_speaks_of_a_field_that_the_api_would_not_get() -> None:
    from ninefold.contract.attribute import UNTOLD_FIELDS
    from ninefold.guard.plan import STRIPPED_FIELDS

    assert {name.decode() for name in STRIPPED_FIELDS} - {"content-length", "host"} <= UNTOLD_FIELDS

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.sample import ask_for, listed, made, missing_ids, usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description


def parameter(name: str, place: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, **more}


def get(path: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"paths": {path: {"get": {"parameters": list(parameters), "responses": {}}}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "1"),
        ({"type": "integer", "minimum": 10}, "10"),
        ({"type": "integer", "exclusiveMinimum": 10}, "11"),
        ({"type": "integer", "minimum": 10, "exclusiveMinimum": True}, "11"),
        ({"type": "integer", "minimum": 0, "maximum": 5}, "1"),
        ({"type": "number", "maximum": 0}, "0"),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "string", "minLength": 4}, "1aaa"),
        ({"type": "string", "enum": ["new", "old"]}, "new"),
        ({"type": "boolean"}, "true"),
        ({"type": ["null", "string"], "default": "x"}, "x"),
        ({"type": "array", "items": {"type": "integer"}}, "1"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "1"),
        ({"const": 7}, "7"),
        ({"$ref": "#/components/schemas/Nowhere"}, "1"),
        (True, "1"),
    ],
)
def test_a_required_parameter_gets_a_value_its_schema_allows(
    describe: Callable[[dict[str, Any]], Description], schema: Any, value: str
) -> None:
    api = describe(get("/a", parameter("q", schema=schema), parameter("o", required=False)))
    assert ask_for(api, api.operations[0], {}).query == (("q", value),)


def test_an_example_comes_first(describe: Callable[[dict[str, Any]], Description]) -> None:
    one = parameter("id", "path", schema={"type": "integer"}, example=42)
    other = parameter("X-A", "header", schema={}, examples={"a": {"value": "here"}})
    api = describe(get("/a/{id}", one, other))
    ask = ask_for(api, api.operations[0], {}, "/base")
    assert (ask.path, ask.headers) == ("/base/a/42", (("X-A", "here"),))
    assert missing_ids(api, api.operations[0]) == set()


def test_values_are_percent_encoded_and_no_template_is_left(describe: Callable[[dict[str, Any]], Description]) -> None:
    api = describe(get("/a/{id}/{other}", parameter("id", "path", schema={"type": "string"}, example="../x y")))
    assert ask_for(api, api.operations[0], {}).path == "/a/..%2Fx%20y/1"


def test_a_schema_that_leads_back_to_itself_ends(describe: Callable[[dict[str, Any]], Description]) -> None:
    node = {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    api = describe({**get("/a"), "components": {"schemas": {"Node": node}}})
    assert isinstance(made(api, {"$ref": "#/components/schemas/Node"}), dict)


@pytest.mark.parametrize(
    "body",
    [
        [{"id": 7}, {"id": 8}],
        {"items": [{"order_id": 7}, {"order_id": 8}], "total": 2},
        {"data": {"orders": [{"orderId": 7}, {"orderId": 8}]}},
        [{"uuid": "7"}, {"uuid": "8"}],
    ],
)
def test_ids_come_from_what_the_api_lists(describe: Callable[[dict[str, Any]], Description], body: Any) -> None:
    document = get("/orders")
    document["paths"] |= get("/orders/{order_id}", parameter("order_id", "path"))["paths"]
    document["paths"] |= get("/orders/{order_id}/lines")["paths"]
    api = describe(document)
    answer = Answer(Ask("GET", "/orders"), 200, (), json.dumps(body).encode())
    (found,) = listed(api, api.operations[0], answer)
    assert (found.template, found.ids) == ("/orders/{order_id}", ("7", "8"))
    assert ask_for(api, api.operations[1], {found.template: found.ids[0]}).path == "/orders/7"
    assert listed(api, api.operations[0], Answer(Ask("GET", "/"), 404, (), answer.body)) == ()


def test_an_idempotency_key_is_a_new_one_each_time(describe: Callable[[dict[str, Any]], Description]) -> None:
    api = describe(get("/orders", parameter("Idempotency-Key", "header", schema={"type": "string"})))
    one, other = (dict(ask_for(api, api.operations[0], {}).headers)["Idempotency-Key"] for _ in range(2))
    assert one != other


@pytest.mark.parametrize("identity", ["", ".", "..", "a/b", "a\nb", "x" * 201, True, None, 1.5])
def test_an_id_that_leads_elsewhere_is_none(identity: object) -> None:
    assert not usable(identity)
    assert usable("a-1")
    assert usable(7)

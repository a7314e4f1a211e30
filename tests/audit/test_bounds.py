from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.bounds import unbounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

TEXT = {"type": "string"}


def parameter(schema: Any, location: str = "query", name: str = "q") -> dict[str, Any]:
    one = {"name": name, "in": location, "required": location == "path", "schema": schema}
    return {"paths": {"/a/{q}" if location == "path" else "/a": {"get": {"parameters": [one], "responses": {}}}}}


def body(schema: Any, media: str = "application/json", **schemas: Any) -> dict[str, Any]:
    post = {"requestBody": {"content": {media: {"schema": schema}}}, "responses": {}}
    return {"paths": {"/a": {"post": post}}, "components": {"schemas": schemas}}


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (parameter(TEXT), "unbounded text"),
        (parameter(TEXT, "path"), "unbounded text"),
        (parameter({"type": "array", "items": {"enum": ["a"]}}), "unbounded list"),
        (body({"type": "array", "prefixItems": [{"type": "boolean"}]}), "unbounded list"),
        (body({"type": "array", "prefixItems": [{"type": "boolean"}], "items": {"enum": ["a"]}}), "unbounded list"),
        (parameter({"type": "integer"}, name="limit"), "unbounded number"),
        (parameter({"anyOf": [TEXT, {"type": "null"}]}), "unbounded text"),
        (parameter({"type": ["string", "null"]}), "unbounded text"),
        (body(TEXT, "application/x-www-form-urlencoded"), "unbounded text"),
        (body(TEXT, "application/vnd.shop+json"), "unbounded text"),
    ],
)
def test_input_without_a_bound_is_told_by_its_kind(static: Callable[..., Target], told: Any, cause: str) -> None:
    looked = unbounded(static(told))
    assert looked.at == 1
    assert [one.cause for one in looked.seen] == [cause]


@pytest.mark.parametrize(
    "told",
    [
        parameter({"type": "string", "maxLength": 40}),
        parameter({"allOf": [TEXT, {"maxLength": 40}]}),
        parameter({"type": "string", "format": "date"}),
        parameter({"type": "integer"}, "path"),
        parameter({"type": "integer", "format": "int32"}),
        parameter({"type": "integer", "exclusiveMaximum": 10}),
        parameter(TEXT, "header"),
        parameter({"type": "boolean"}),
        body({"type": "array", "prefixItems": [{"type": "boolean"}, {"enum": [1]}], "items": False}),
        body({"type": "array", "prefixItems": [{"type": "boolean"}], "unevaluatedItems": False}),
        parameter({"$ref": "#/components/schemas/Missing"}),
        body({"type": "object", "properties": {"id": {"type": "string", "readOnly": True}}}),
        body(TEXT, "text/plain"),
    ],
)
def test_input_with_a_bound_is_not(static: Callable[..., Target], told: Any) -> None:
    assert unbounded(static(told)).seen == ()


def test_an_operation_is_told_once_for_a_kind_with_names(static: Callable[..., Target]) -> None:
    members = dict.fromkeys("abcdefgh", TEXT)
    (seen,) = unbounded(static(body({"type": "object", "properties": members}))).seen
    assert seen.detail == (
        "`a`, `b`, `c`, `d`, `e`, `f` and 2 more: text without an upper bound (maxLength) in a request."
    )


def test_schemas_that_lead_back_to_themselves_end(static: Callable[..., Target]) -> None:
    node = {"type": "object", "properties": {f"n{at}": {"$ref": "#/components/schemas/Node"} for at in range(30)}}
    node["properties"]["name"] = TEXT  # type: ignore[index]
    looked = unbounded(static(body({"$ref": "#/components/schemas/Node"}, Node=node)))
    assert [one.cause for one in looked.seen] == ["unbounded text"]

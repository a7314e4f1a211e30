from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.graph import PARAMETERS, SDL, TAKES

from ninefold.contract.load import load_contract

if TYPE_CHECKING:
    from pathlib import Path

QUERY = {"type": "string"}
ENTRY = {"schema": "schema.graphql", "documents": "list.json"}


def advised(
    contract: Any, folder: Path, schema: Any, parameters: Any = PARAMETERS, entry: Any = ENTRY, **more: Any
) -> list[str]:
    (folder / "schema.graphql").write_text(SDL)
    (folder / "list.json").write_text('{"me": "{ me { id } }"}')
    answers = {"200": {"description": "-", "content": {"application/json": {"schema": {"type": "object"}}}}}
    body = {"content": {"application/json": {"schema": schema}}}
    item = {
        "post": {"operationId": "ask", "requestBody": body, "responses": answers},
        "get": {"operationId": "look", "parameters": parameters, "responses": answers},
    }
    description = {
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/graphql": item},
        "components": {"schemas": {"One": TAKES, "User": {"properties": {"email": {"type": "string"}}}}},
    }  # fmt: skip
    entries = [{"operation": one, **entry} for one in ("ask", "look")] if entry else []
    path = contract(description, authorization=None, graphql=entries, **more)
    words = ("GraphQL", "the id of a document", "requires `query`", "answers to queries")
    return [one.what for one in load_contract(path).advice() if any(word in one.what for word in words)]


@pytest.mark.parametrize(
    "schema",
    [
        TAKES,
        {"type": "object"},
        {"$ref": "#/components/schemas/One"},
        {"anyOf": [{"$ref": "#/components/schemas/One"}, {"type": "array", "items": TAKES}]},
        {"allOf": [{"properties": {"query": QUERY}}, {"properties": {"extensions": {"type": "object"}}}]},
    ],
)
def test_a_description_that_lets_ids_through_is_left_in_peace(contract: Any, tmp_path: Path, schema: Any) -> None:
    assert advised(contract, tmp_path, schema) == []


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"query": QUERY}}, "ask declares no member that has the id of a document"),
        ({"type": "array", "items": {"properties": {"query": QUERY}}}, "ask declares no member"),
        ({**TAKES, "required": ["query"]}, "ask requires `query`"),
        ({"anyOf": [{**TAKES, "required": ["query"]}, {"items": {**TAKES, "required": ["query"]}}]}, "ask requires"),
    ],
)
def test_a_description_that_lets_no_id_through_is_told(contract: Any, tmp_path: Path, schema: Any, told: str) -> None:
    found = advised(contract, tmp_path, schema)
    assert [one[: len(told)] for one in found] == [told]
    assert advised(contract, tmp_path, schema, requests={"open": {"ask": "the guard reads its queries"}}) == []


def test_parameters_that_let_no_id_through_are_told(contract: Any, tmp_path: Path) -> None:
    only = [{"name": "query", "in": "query", "schema": QUERY}]
    assert advised(contract, tmp_path, TAKES, only)[0].startswith("look declares no member")
    needed = [{**one, "required": one["name"] == "query"} for one in PARAMETERS]
    assert advised(contract, tmp_path, TAKES, needed)[0].startswith("look requires `query`")


def test_an_endpoint_that_is_not_known_is_told(contract: Any, tmp_path: Path) -> None:
    assert len(advised(contract, tmp_path, TAKES, entry=None)) == 2


def test_what_is_said_of_answers_and_does_not_hold_for_queries_is_told(contract: Any, tmp_path: Path) -> None:
    found = advised(contract, tmp_path, TAKES, responses={"visible_to": {"email": ["support"]}})
    assert found == ["`responses.visible_to` is about the description's schemas, and not about answers to queries"]

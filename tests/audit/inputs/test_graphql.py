from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import introspection_from_schema

from ninefold.audit.inputs.graphql import read_introspection, read_sdl
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError

SDL = "type Query { a(x: Int): [U!] }\ntype U { id: ID! }\n"


def test_a_schema_is_one_operation_and_is_kept() -> None:
    api = read_sdl(SDL, "s.graphql", "/api/graphql")
    assert api.kind is Kind.GRAPHQL
    assert [one.id for one in api.operations] == ["POST /api/graphql"]
    assert api.graphql is not None
    assert {"Query", "U"} <= api.graphql.type_map.keys()


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_introspection_is_the_same(wrapped: bool) -> None:
    schema = read_sdl(SDL, "s.graphql", "/graphql").graphql
    assert schema is not None
    told: Any = introspection_from_schema(schema)
    api = read_introspection({"data": told} if wrapped else told, "i.json", "/graphql")
    assert api.graphql is not None
    assert {"Query", "U"} <= api.graphql.type_map.keys()


def test_a_subgraph_extends_what_others_define() -> None:
    sdl = 'extend type Query { a: U }\ntype U @key(fields: "id") { id: ID! }\nextend type U { b: Int }\n'
    schema = read_sdl(sdl, "s.graphql", "/graphql").graphql
    assert schema is not None
    assert schema.query_type is not None
    assert set(schema.query_type.fields) == {"a"}
    assert set(getattr(schema.type_map["U"], "fields", ())) == {"id", "b"}


@pytest.mark.parametrize(
    ("sdl", "said"),
    [
        ("type Query {\n  a:\n}", r"s\.graphql:3:1: is no GraphQL schema: .*Expected Name"),
        ("type Query { a: Missing }", "Unknown type: 'Missing'"),
        ("type A { b: Int }", "without a query type"),
        ("type Query { a: " + "[" * 5000 + "Int" + "]" * 5000 + " }", "nested too deep"),
        ("", r"s\.graphql:1:1"),
    ],
)
def test_a_schema_that_is_none_is_told_with_its_place(sdl: str, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        read_sdl(sdl, "s.graphql", "/graphql")


@pytest.mark.parametrize("document", [{"__schema": {}}, {"__schema": []}, {"data": {"__schema": {"types": [1]}}}])
def test_an_introspection_that_is_none_is_told(document: Any) -> None:
    with pytest.raises(DescriptionError, match=r"i\.json: is no whole answer"):
        read_introspection(document, "i.json", "/graphql")


def test_ten_thousand_types_take_seconds() -> None:
    types = "\n".join(
        f"type T{at} {{ id: ID! next(first: Int): [T{(at * 7 + 1) % 10_000}!]! n: String }}" for at in range(10_000)
    )
    began = time.monotonic()
    api = read_sdl(f"type Query {{ a: T0 }}\n{types}", "s.graphql", "/graphql")
    assert api.graphql is not None
    assert len(api.graphql.type_map) > 10_000
    assert time.monotonic() - began < 30

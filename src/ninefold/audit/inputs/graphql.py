"""Reads a GraphQL schema, in its definition language or as the answer to an introspection (GraphQL, October 2021)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    Source,
    TypeExtensionNode,
    build_ast_schema,
    build_client_schema,
    parse,
)
from graphql.language import ast

from ninefold.contract.description import Kind
from ninefold.contract.openapi import read as read_openapi
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema

    from ninefold.contract.description import Description

#: Most tokens of a schema. GitHub's, one of the largest that is published, has some 200,000.
_TOKENS = 5_000_000

_REMEDY = "mend the schema; it is read as GraphQL's schema definition language or as the answer to an introspection"


def read_sdl(text: str, source: str, path: str) -> Description:
    """The description in a schema's text. Raises `DescriptionError` with the line and column of a fault."""
    try:
        document = parse(Source(text, source), max_tokens=_TOKENS, no_location=False)
        schema = build_ast_schema(_whole(document), assume_valid_sdl=True)
    except GraphQLSyntaxError as fault:
        place = Place(source, fault.locations[0].line, fault.locations[0].column) if fault.locations else Place(source)
        raise DescriptionError(f"is no GraphQL schema: {fault.message}", place=place, remedy=_REMEDY) from None
    except (GraphQLError, TypeError, ValueError, KeyError) as fault:
        raise DescriptionError(f"is no whole GraphQL schema: {fault}", place=Place(source), remedy=_REMEDY) from None
    except RecursionError:
        raise DescriptionError("is nested too deep for a GraphQL schema", place=Place(source), remedy=_REMEDY) from None
    return _described(schema, source, path)


def read_introspection(document: Mapping[str, Any], source: str, path: str) -> Description:
    """The description in an introspection's answer, with or without its `data`. Raises `DescriptionError`."""
    told = document.get("data") if isinstance(document.get("data"), dict) else document
    try:
        schema = build_client_schema(told, assume_valid=True)  # type: ignore[arg-type]  # what it is, it tells
    except (GraphQLError, TypeError, ValueError, KeyError, AttributeError) as fault:
        raise DescriptionError(
            f"is no whole answer to an introspection: {str(fault)[:300]}", place=Place(source), remedy=_REMEDY
        ) from None
    except RecursionError:
        raise DescriptionError("is nested too deep for a GraphQL schema", place=Place(source), remedy=_REMEDY) from None
    return _described(schema, source, path)


def _described(schema: GraphQLSchema, source: str, path: str) -> Description:
    if schema.query_type is None:
        raise DescriptionError(
            "is a GraphQL schema without a query type",
            place=Place(source),
            remedy="give the whole schema, with `type Query`",
        )
    body = {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "operationName": {"type": "string"},
            "variables": {"type": "object"},
        },
    }
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": {"description": "data and errors"}},
    }
    document = {"openapi": "3.1.0", "info": {"title": "GraphQL", "version": ""}, "paths": {path: {"post": operation}}}
    described = read_openapi(document, source)
    types = sum(not name.startswith("__") for name in schema.type_map)
    note = f"A GraphQL schema of {types} types, served at POST {path}."
    return replace(described, kind=Kind.GRAPHQL, notes=(note,), graphql=schema)


def _whole(document: DocumentNode) -> DocumentNode:
    """Extensions of what is defined elsewhere (`extend type Query` of a subgraph) as definitions."""
    defined = {one.name.value for one in document.definitions if isinstance(one, ast.TypeDefinitionNode)}
    made = []
    for one in document.definitions:
        if isinstance(one, TypeExtensionNode) and one.name.value not in defined:
            defined.add(one.name.value)
            kind = getattr(ast, type(one).__name__.replace("Extension", "Definition"))
            made.append(kind(**{key: getattr(one, key) for key in one.keys if hasattr(one, key)}))
        else:
            made.append(one)
    return ast.DocumentNode(definitions=tuple(made), loc=document.loc)

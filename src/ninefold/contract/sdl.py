"""What the GraphQL endpoints of a contract serve, read from their files. Loaded for contracts that have some alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError, build_schema, validate_schema
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from ninefold.contract.documents import Graph, read_documents
from ninefold.contract.rules import allowing
from ninefold.contract.source import read_bytes
from ninefold.errors import ContractError, FileError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from graphql import GraphQLSchema

    from ninefold.contract.description import Description
    from ninefold.contract.documents import Listed
    from ninefold.contract.graphql import Graphql
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source
    from ninefold.errors import Place

#: Largest schema that is read, in bytes and in tokens.
MOST_BYTES, MOST_TOKENS = 8 * 1024 * 1024, 2_000_000


def graphs(contract: Contract, folder: Path, source: Source) -> dict[str, Graph]:
    """What each endpoint serves, by the operation that takes its queries. Raises `ContractError` where a file cannot be read.

    Endpoints that name the same files share what was read of them.
    """
    read: dict[tuple[str, str | None], Graph] = {}
    found: dict[str, Graph] = {}
    for number, one in enumerate(contract.graphql):
        key = one.schema_, one.documents
        if key not in read:
            schema = _schema(folder, one.schema_, source.place(("graphql", number, "schema")))
            place = source.place(("graphql", number, "documents"))
            read[key] = Graph(schema, _documents(folder, one.documents, schema, place) if one.documents else None)
        found[one.operation] = read[key]
    return found


def _schema(folder: Path, file: str, place: Place) -> GraphQLSchema:
    try:
        schema = build_schema(read_bytes(folder / file, MOST_BYTES).decode(), max_lexical_tokens=MOST_TOKENS)
        faults = validate_schema(schema)
    except FileError as fault:
        raise ContractError(
            f"the schema {file} {fault.what}", place=place, remedy="name the API's schema in SDL"
        ) from None
    except (GraphQLError, UnicodeDecodeError, TypeError, RecursionError) as fault:
        what = str(fault).partition("\n")[0]
        raise ContractError(f"the schema {file} cannot be read: {what}", place=place, remedy="mend it") from None
    if faults:
        what = faults[0].message
        raise ContractError(f"the schema {file} is not valid: {what}", place=place, remedy="mend it")
    return schema


def _documents(folder: Path, file: str, schema: GraphQLSchema, place: Place) -> dict[str, Listed]:
    try:
        return read_documents(folder / file, schema)
    except FileError as fault:
        raise ContractError(
            f"the documents {file}: {fault.place} {fault.what}", place=place, remedy="name a manifest or a folder"
        ) from None


def graphql_problems(
    contract: Contract, description: Description, source: Source, found: dict[str, Graph]
) -> Iterator[Problem]:
    """Operations and fields that there are not."""
    known = {operation.id for operation in description.operations}
    seen: set[str] = set()
    for number, one in enumerate(contract.graphql):
        yield from _endpoint_problems(contract, one, number, source, seen)
        if one.operation not in known:
            place = source.place(("graphql", number, "operation"))
            yield Problem(
                f"the description has no operation {one.operation!r}", place, "name the one that takes queries"
            )
        for name in one.fields:
            kind, _, field = name.partition(".")
            named = found[one.operation].schema.type_map.get(kind)
            if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType) or field not in named.fields:
                place = source.place(("graphql", number, "fields", name), key=True)
                yield Problem(f"the schema has no field {name!r}", place, "name it as `Type.field`, or `Query.field`")


def _endpoint_problems(
    contract: Contract, one: Graphql, number: int, source: Source, seen: set[str]
) -> Iterator[Problem]:
    """What an entry says beside what another one, or another section, says."""
    if one.operation in seen:
        place = source.place(("graphql", number, "operation"))
        yield Problem(f"{one.operation} has two entries here", place, "keep one of them")
    seen.add(one.operation)
    for name in ("unlisted", "ids") if one.documents is None else ():
        if name in one.model_fields_set:
            place = source.place(("graphql", number, name), key=True)
            yield Problem(
                f"`{name}` is about `documents`, and none are listed", place, "add `documents:`, or remove it"
            )
    for rule, named in allowing(contract.authorization, one.operation):
        if named.upgrade:
            place = source.place(("authorization", "rules", rule, "upgrade"), key=True)
            what = f"{one.operation} takes queries, and what is sent over {named.upgrade[0]} is not looked into"
            yield Problem(what, place, "leave subscriptions to server-sent events (`graphql.subscriptions`)")

"""The schemas of GraphQL endpoints that a contract names, read from their files. Loaded for contracts that have some alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError, build_schema
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from ninefold.contract.source import read_bytes
from ninefold.errors import ContractError, FileError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from graphql import GraphQLSchema

    from ninefold.contract.description import Description
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source

#: Largest schema that is read, in bytes and in tokens.
MOST_BYTES, MOST_TOKENS = 8 * 1024 * 1024, 2_000_000


def schemas(contract: Contract, folder: Path, source: Source) -> dict[str, GraphQLSchema]:
    """The schemas by the operation that takes their queries. Raises `ContractError` where one cannot be read."""
    found: dict[str, GraphQLSchema] = {}
    for number, one in enumerate(contract.graphql):
        place = source.place(("graphql", number, "schema"))
        try:
            text = read_bytes(folder / one.schema_, MOST_BYTES).decode()
            found[one.operation] = build_schema(text, max_lexical_tokens=MOST_TOKENS)
        except FileError as fault:
            raise ContractError(
                f"the schema {one.schema_} {fault.what}", place=place, remedy="name the API's schema in SDL"
            ) from None
        except (GraphQLError, UnicodeDecodeError, TypeError, RecursionError) as fault:
            what = str(fault).partition("\n")[0]
            raise ContractError(
                f"the schema {one.schema_} cannot be read: {what}", place=place, remedy="mend it"
            ) from None
    return found


def graphql_problems(
    contract: Contract, description: Description, source: Source, found: dict[str, GraphQLSchema]
) -> Iterator[Problem]:
    """Operations and fields that there are not."""
    known = {operation.id for operation in description.operations}
    for number, one in enumerate(contract.graphql):
        if one.operation not in known:
            place = source.place(("graphql", number, "operation"))
            yield Problem(
                f"the description has no operation {one.operation!r}", place, "name the one that takes queries"
            )
        for name in one.fields:
            kind, _, field = name.partition(".")
            named = found[one.operation].type_map.get(kind)
            if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType) or field not in named.fields:
                place = source.place(("graphql", number, "fields", name), key=True)
                yield Problem(f"the schema has no field {name!r}", place, "name it as `Type.field`, or `Query.field`")

"""The contract's section about a GraphQL endpoint (sign 7): what a query may ask for, how much, and who may."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ninefold.contract.section import Section
from ninefold.contract.value import FilePath


class Graphql(Section):
    """Sign 7. A GraphQL endpoint: queries are held against the schema before the API gets them, answers against the query."""

    operation: str = Field(description="The operation of the description that takes queries, by its operationId.")
    schema_: FilePath = Field(
        alias="schema", description="The schema in GraphQL's own language (SDL), relative to the contract."
    )
    documents: FilePath | None = Field(
        None,
        description="The documents that may be run: Apollo's manifest, Relay's persisted queries, a `.graphql` file, or a "
        "folder of those, relative to the contract. Callers may send their ids alone. Default: none are listed.",
    )
    unlisted: Literal["refuse", "judge"] = Field(
        "refuse", description="What becomes of a document that is not among `documents`."
    )
    ids: Literal["replace", "forward"] = Field(
        "replace",
        description="What the API gets for the id of one of `documents`: its text (`replace`), or the id as it came "
        "(`forward`), where it knows the same documents itself.",
    )
    depth: int = Field(10, ge=1, le=100, description="How deep fields may nest.")
    cost: int = Field(
        1000,
        ge=1,
        le=10_000_000,
        description="How many fields a query may come to, each as often as the lists that it is in have items.",
    )
    lists: int = Field(
        10, ge=1, le=10_000, description="How many items a list counts as whose size the query does not say."
    )
    sizes: tuple[str, ...] = Field(
        ("first", "last", "limit"),
        description="Arguments that say how many items a list has, or the lists inside of it.",
    )
    aliases: int = Field(15, ge=0, le=1000, description="How many fields may have other names than their own.")
    directives: int = Field(10, ge=0, le=1000, description="How many directives a document may have.")
    tokens: int = Field(2000, ge=10, le=100_000, description="How many tokens a document may have.")
    batch: int = Field(
        1, ge=1, le=100, description="How many queries one request may have. Default: one, and no list of them."
    )
    subscriptions: bool = Field(
        default=False,
        description="Whether subscriptions may be asked for, whose answers are server-sent events. Default: they may not.",
    )
    introspection: tuple[str, ...] = Field(
        (), description="Roles or scopes that may ask for the schema itself. Default: nobody may."
    )
    fields: dict[str, tuple[str, ...]] = Field(
        {},
        description="Who may ask for a field, as `User.email: [support]`. Default: whoever may call the operation.",
    )
    messages: bool = Field(
        default=False,
        description="Whether messages of errors leave as they are. Default: a plain sentence stands for each.",
    )

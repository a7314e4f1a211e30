"""GraphQL services as they are built: over graphql-core, with and without limits, asked by POST and by GET."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    ValidationRule,
    build_schema,
    graphql_sync,
    parse,
    specified_rules,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SDL = """
  type Author { id: ID! name: String! books: [Book!]! }
  type Book { id: ID! title: String! author: Author! publisher: House! }
  type House { id: ID! name: String! }
  type Query { books(first: Int): [Book!]! book(id: ID!): Book me: Author houses: [House!]! logOut: Boolean }
  type Mutation { rename(id: ID!, name: String!): Author }
"""
AUTHORS = [{"id": "1", "name": "Ada", "key": "ada-7f3b91c2d4"}, {"id": "2", "name": "Bo", "key": "bo-51c9e7aa08"}]
BOOKS = [{"id": f"b{number}", "title": "T", "author": number % 2} for number in range(4)]


def _deep(node: Any) -> int:
    selected = getattr(node, "selection_set", None)
    return 1 + max((_deep(one) for one in selected.selections), default=0) if selected else 0


def _fields(node: Any) -> int:
    selected = getattr(node, "selection_set", None)
    return sum(isinstance(one, FieldNode) + _fields(one) for one in selected.selections) if selected else 0


def deepest(levels: int) -> type[ValidationRule]:
    """A rule that lets so many levels through."""

    class Deepest(ValidationRule):
        def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
            if _deep(node) > levels:
                self.report_error(GraphQLError("too deep", [node]))

    return Deepest


def widest(fields: int) -> type[ValidationRule]:
    """A rule that lets so many fields through, whatever they are called."""

    class Widest(ValidationRule):
        def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
            if _fields(node) > fields:
                self.report_error(GraphQLError("too many fields", [node]))

    return Widest


@dataclass
class Library:
    """Serves `SDL` at `path`. `rules` come to the specified ones; `batch` is the most documents of a request."""

    rules: tuple[type[ValidationRule], ...] = ()
    batch: int = 1
    quiet: bool = False
    path: str = "/graphql"
    closed: bool = False
    traces: bool = False
    owned: bool = False
    tokens: int | None = None
    ran: list[str] = field(default_factory=list)
    methods: tuple[str, ...] = ("GET", "POST")
    sdl: str = SDL

    def __call__(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        media = {"Content-Type": "application/json"}
        if request.path != self.path or request.method not in self.methods:
            return 404, media, b'{"error": "not found"}'
        who = next((one for one in AUTHORS if request.headers.get("X-API-Key") == one["key"]), None)
        if self.closed and who is None:
            return 401, {**media, "WWW-Authenticate": "Bearer"}, b'{"error": "who are you?"}'
        asked: Any = {"query": request.query.get("query", [""])[0]}
        if request.method == "POST":
            try:
                asked = json.loads(request.content)
            except ValueError:
                return 400, media, b'{"error": "not JSON"}'
        if isinstance(asked, list):
            if len(asked) > self.batch:
                return 400, media, b'{"error": "too many documents"}'
            return 200, media, json.dumps([self.run(one["query"], who) for one in asked]).encode()
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return 400, media, b'{"errors": [{"message": "no query"}]}'
        return 200, media, json.dumps(self.run(asked["query"], who)).encode()

    def run(self, document: str, who: dict[str, str] | None) -> dict[str, Any]:
        self.ran.append(document)
        schema = build_schema(self.sdl)
        try:
            parsed = parse(document, max_tokens=self.tokens)
            faults = validate(schema, parsed, [*specified_rules, *self.rules])
        except GraphQLError as fault:
            faults = [fault]
        if faults:
            return {"errors": [self._told(one) for one in faults]}
        result = graphql_sync(schema, document, self._root(who))
        made: dict[str, Any] = {"data": result.data}
        if result.errors:
            made["errors"] = [{**self._told(one), "path": list(one.path or ())} for one in result.errors]
        return made

    def _told(self, fault: GraphQLError) -> dict[str, Any]:
        said = fault.message.partition(" Did you mean")[0] if self.quiet else fault.message
        trace = {"extensions": {"trace": 'File "/srv/app/library.py", line 12'}} if self.traces else {}
        return {"message": said, **trace}

    def _root(self, who: dict[str, str] | None) -> dict[str, Any]:
        def author(one: dict[str, Any]) -> dict[str, Any]:
            number = AUTHORS.index(one)
            return {**one, "books": lambda *_: [book(b) for b in BOOKS if b["author"] == number]}

        def book(one: dict[str, Any]) -> dict[str, Any]:
            writer: Callable[..., Any] = lambda *_: author(AUTHORS[one["author"]])  # noqa: E731
            return {**one, "_of": one["author"], "author": writer, "publisher": {"id": "h", "name": "H"}}

        def found(_: Any, id: str) -> Any:  # noqa: A002  (the schema's word)
            if self.owned and who is None:
                raise GraphQLError("log in first")
            chosen = next((one for one in BOOKS if one["id"] == id), None)
            return book(chosen) if chosen else None

        def me(_: Any) -> Any:
            if who is None:
                raise GraphQLError("log in first")
            return author(who)

        return {
            "books": lambda _, first=9: [book(one) for one in BOOKS[:first]],
            "book": found,
            "me": me,
            "houses": [],
            "logOut": lambda _: self.ran.append("LOGGED OUT"),
        }


def limited(**more: Any) -> Library:
    """A service as one that minds what it is asked: 12 levels, 30 fields, 10 documents, no introspection, no suggestions."""
    rules = (deepest(12), widest(30), NoSchemaIntrospectionCustomRule)
    return Library(**{"rules": rules, "batch": 10, "quiet": True, "tokens": 1000, **more})

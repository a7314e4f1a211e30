"""Which requests only read although they are POST: GraphQL documents that hold nothing but queries.

A GraphQL service executes a query without side effects (GraphQL specification, October 2021, section 6.2.1), and takes it by
POST (GraphQL over HTTP, section 5.4). So POST says nothing about whether it changes things: its document does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, OperationType, parse

if TYPE_CHECKING:
    from ninefold.audit.answer import Ask

#: Longest body that is read here, and most tokens of one document.
BODY, TOKENS = 64 * 1024, 8_000

#: The members that a request has (GraphQL over HTTP, section 5.1). `extensions` may name a document that is kept elsewhere.
_MEMBERS = frozenset({"query", "operationName", "variables"})

#: Query parameters that a service may take instead of the body, or that turn POST into another method.
_INSTEAD = frozenset(
    {"query", "mutation", "operationname", "variables", "extensions", "id", "doc_id", "documentid", "_method"}
)

#: Fields by which a request asks to be taken for one of another method, or its body for something else.
_OVERRIDE = frozenset({"x-http-method-override", "x-http-method", "x-method-override", "content-encoding"})


def only_queries(document: str) -> bool:
    """Whether every operation of the document is a query, and there is one.

    ASCII without comments only: where a comment ends is what parsers differ in, and a mutation could stand behind its end.
    """
    if not document.isascii() or "#" in document:
        return False
    try:
        definitions = parse(document, no_location=True, max_tokens=TOKENS).definitions
    except (GraphQLError, RecursionError):
        return False
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    known = all(isinstance(one, OperationDefinitionNode | FragmentDefinitionNode) for one in definitions)
    return known and bool(operations) and all(one.operation is OperationType.QUERY for one in operations)


def reads(ask: Ask) -> bool:
    """Whether the request is a GraphQL query by POST, read in one way only, so that no service can find a mutation in it.

    The body is one JSON request or a list of them. A member that stands there twice, a document in the URL, a stored
    document and another method in a field are refused: of those, a service may take what was not looked at here.
    """
    fields = [(name.lower(), value) for name, value in ask.headers]
    media = [value.strip().lower() for name, value in fields if name == "content-type"]
    if ask.method != "POST" or media != ["application/json"] or len(ask.body) > BODY:
        return False
    if any(name in _OVERRIDE for name, _ in fields) or any(name.lower() in _INSTEAD for name, _ in ask.query):
        return False
    if "?" in ask.path or "#" in ask.path:
        return False
    try:
        body = json.loads(ask.body.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return False
    requests = body if isinstance(body, list) else [body]
    return bool(requests) and all(_is_query(one) for one in requests)


def _is_query(request: Any) -> bool:
    if not isinstance(request, dict) or not request.keys() <= _MEMBERS:
        return False
    document = request.get("query")
    return isinstance(document, str) and only_queries(document)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members

"""GraphQL endpoints held against their description and the other sections: what a reviewer would ask about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.description import Description, Operation, Schema
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source

#: Where a request may have the id of a document.
_IDS = frozenset({"documentId", "doc_id", "id", "extensions"})
_DEEPEST = 16


def endpoint_advice(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    """Endpoints that are not known, and what does not reach those that are."""
    operations = {operation.id: operation for operation in description.operations}
    guarded = {one.operation for one in contract.graphql}
    for name, operation in operations.items():
        if operation.path.rstrip("/").endswith("/graphql") and name not in guarded:
            what = f"{name} looks like a GraphQL endpoint, and its queries are not looked into"
            remedy = f"add `graphql: [{{operation: {name}, schema: schema.graphql}}]`"
            yield Problem(what, source.place(()), remedy)
    for number, one in enumerate(contract.graphql):
        place = source.place(("graphql", number, "documents"), key=True)
        asked = operations.get(one.operation)
        if one.documents is None or asked is None or asked.id in contract.requests.open:
            continue
        names, required = _members(asked, description)
        if names is not None and names.isdisjoint(_IDS):
            what = f"{asked.id} declares no member that has the id of a document, so none gets through"
            yield Problem(what, place, "declare `extensions` (Apollo) or `documentId` in the description")
        elif "query" in required:
            what = f"{asked.id} requires `query`, so an id alone is refused"
            yield Problem(what, place, "take `query` out of `required` in the description")
    words = [word for word in ("visible_to", "mask") if getattr(contract.responses, word)]
    if words and contract.graphql:
        what = f"`responses.{words[0]}` is about the description's schemas, and not about answers to queries"
        place = source.place(("responses", words[0]), key=True)
        yield Problem(what, place, "say in `graphql.fields` who may ask for what")


def _members(operation: Operation, description: Description) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The members that a request may have (None: any), and those that it must have."""
    if operation.method in {"GET", "HEAD"}:
        query = [one for one in operation.parameters if one.location == "query"]
        return frozenset(one.name for one in query), frozenset(one.name for one in query if one.required)
    schemas = [schema for schema in operation.request.values() if schema is not None]
    found = [_of(schema, description) for schema in schemas]
    names = frozenset[str]().union(*(one for one, _ in found))
    required = frozenset[str].intersection(*(one for _, one in found)) if found else frozenset[str]()
    return names or None, required


def _of(schema: Schema, description: Description, depth: int = 0) -> tuple[frozenset[str], frozenset[str]]:
    """Of the object, or of each of a list, through what the schema is made of."""
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or depth > _DEEPEST:
        return frozenset(), frozenset()
    names, required = frozenset(resolved.get("properties") or ()), frozenset(resolved.get("required") or ())
    for part in resolved.get("allOf") or ():
        more, needed = _of(part, description, depth + 1)
        names, required = names | more, required | needed
    for word in ("anyOf", "oneOf"):
        each = [_of(part, description, depth + 1) for part in resolved.get(word) or ()]
        names = names.union(*(one for one, _ in each))
        required |= frozenset[str].intersection(*(one for _, one in each)) if each else frozenset()
    if isinstance(items := resolved.get("items"), dict):
        more, needed = _of(items, description, depth + 1)
        names, required = names | more, required | needed
    return names, required

"""What a description lets out: answers that may hold anything, and members that no reader needs (sign 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Location, Severity
from ninefold.audit.graph import Graph, inside
from ninefold.audit.graphql import is_graphql
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.schema import kinds, parts, properties, resolved
from ninefold.audit.sensitive import harmless, opens, proves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.audit.graph import Step
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation


def open_answers(target: Target) -> Looked:
    """Answers without a schema, and objects of which no member is named."""
    told = [
        (operation, response, media, schema)
        for operation in target.api.operations
        if not is_graphql(target.api, operation)  # its answers have the members that the query asks for
        for response in operation.responses.values()
        if response.status in (_successes(operation) or {"default"})
        for media, schema in response.media.items()
        if "json" in media
    ]
    graph = Graph(target, (schema for *_, schema in told), _steps(target))
    paths = graph.paths(place for place, schema in enumerate(graph.nodes) if _any_members(schema) or _silent(schema))
    seen = []
    for operation, response, media, schema in told:
        place = Location(operation=operation.id, pointer=response.pointer)
        if schema is None or _says_nothing(target, schema):
            detail = f"The {response.status} answer is {media} without a schema: anything may be in it."
            seen.append(Observation(place, detail, cause="no schema"))
        elif (found := paths.get(graph.at(schema))) is not None:
            path = found[0] or "the body"
            detail = f"`{path}` of the {response.status} answer may have any members, none of them is named."
            seen.append(Observation(place, detail, cause="open object", severity=Severity.LOW))
    return Looked(len(told), tuple(seen))


def _successes(operation: Operation) -> set[str]:
    return {status for status in operation.responses if status.startswith("2")}


def _says_nothing(target: Target, schema: Any) -> bool:
    found = resolved(target, schema)
    return found is True or (isinstance(found, dict) and _silent(found))


def _silent(schema: dict[str, Any]) -> bool:
    return not set(schema) - {"title", "description", "example", "examples", "nullable", "deprecated", "readOnly"}


def _any_members(schema: dict[str, Any]) -> bool:
    """An object with `additionalProperties: true`, or of which nothing but its type is said."""
    told = schema.get("additionalProperties")
    bare = kinds(schema) == ("object",) and not properties(schema) and not parts(schema)
    return told is True or told == {} or (bare and told is None and not schema.get("patternProperties"))


def _steps(target: Target) -> Callable[[dict[str, Any]], Iterator[Step]]:
    """Every step but to a part that says nothing, or no more than `type: object` beside members that are named."""

    def steps(schema: dict[str, Any]) -> Iterator[Step]:
        named = bool(schema.get("allOf") and properties(schema))
        for label, inner in inside(schema):
            found = resolved(target, inner)
            if label:
                nowhere = found == {} and inner != {}  # a reference that leads nowhere is another rule's
                says = not nowhere
            else:
                says = not isinstance(found, dict) or not (_silent(found) or (named and kinds(found) == ("object",)))
            if says:
                yield label, inner

    return steps


def sensitive_members(target: Target) -> Looked:
    """Members that no reader needs. The same members in several schemas are one cause: they come from one place.

    A fresh token or key is shown by the request that makes it, and rightly so; a password by none.
    """
    told = [
        (operation, response, schema)
        for operation in target.api.operations
        for response in operation.responses.values()
        for schema in response.media.values()
    ]
    graph = Graph(target, (schema for *_, schema in told))
    components = target.api.document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    named = {id(schema): name for name, schema in schemas.items()} if isinstance(schemas, dict) else {}
    owners: dict[tuple[str, ...], list[int]] = {}
    for node, schema in enumerate(graph.nodes):
        if secrets := _secrets(target, schema):
            owners.setdefault(secrets, []).append(node)
    seen = []
    for secrets, nodes in owners.items():
        reach = graph.paths(nodes)
        who = _who([named[id(graph.nodes[node])] for node in nodes if id(graph.nodes[node]) in named])
        for operation, response, answer in told:
            names = [name for name in secrets if operation.method == "GET" or proves(name)]
            if names and graph.at(answer) in reach:
                place = Location(operation=operation.id, pointer=response.pointer)
                detail = f"{who} what no reader needs: {', '.join(names)}."
                seen.append(Observation(place, detail, cause=" ".join(secrets)))
    return Looked(len(told), tuple(seen))


def _who(schemas: list[str]) -> str:
    if not schemas:
        return "Answers declare"
    if len(schemas) > 1:
        return f"{schemas[0]} and {len(schemas) - 1} other schema{'s' if len(schemas) > 2 else ''} declare"
    return f"{schemas[0]} declares"


def _secrets(target: Target, schema: dict[str, Any]) -> tuple[str, ...]:
    """The members of one schema that hold a secret, by their names."""
    found = []
    for name, member in properties(schema).items():
        if not opens(name):
            continue
        inner = resolved(target, member)
        if not isinstance(member, dict) or not isinstance(inner, dict) or harmless({**inner, **member}):
            continue
        value = resolved(target, inner["items"]) if "items" in inner else inner
        if isinstance(value, dict) and not _is_object(target, value) and not harmless(value):
            found.append(name)
    return tuple(sorted(found))


def _is_object(target: Target, schema: dict[str, Any]) -> bool:
    """Whether a value with this schema has members of its own: then those are what may be a secret, or name one."""
    inner = [resolved(target, part) for part in parts(schema)]
    return (
        "object" in kinds(schema)
        or bool(properties(schema))
        or any(
            isinstance(part, dict) and (part is not schema) and ("object" in kinds(part) or properties(part))
            for part in inner
        )
    )

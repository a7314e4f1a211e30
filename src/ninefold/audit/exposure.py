"""What a description lets out: answers that may hold anything, and members that no reader needs (sign 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.audit.bounds import kinds, properties, resolved
from ninefold.audit.finding import Location, Severity
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.sensitive import harmless, opens, proves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.target import Target

_DEPTH = 8


def open_answers(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        told = {status for status in operation.responses if status.startswith("2")}
        for response in operation.responses.values():
            if response.status not in (told or {"default"}):
                continue
            for media, schema in response.media.items():
                if "json" not in media:
                    continue
                at += 1
                place = Location(operation=operation.id, pointer=response.pointer)
                if schema is None or _says_nothing(target, schema):
                    detail = f"The {response.status} answer is {media} without a schema: anything may be in it."
                    seen.append(Observation(place, detail, cause="no schema"))
                elif path := next(_any_members(target, schema, "", 0, set()), None):
                    detail = f"`{path}` of the {response.status} answer may have any members, none of them is named."
                    seen.append(Observation(place, detail, cause="open object", severity=Severity.LOW))
    return Looked(at, tuple(seen))


def _says_nothing(target: Target, schema: Any) -> bool:
    found = resolved(target, schema)
    return found is True or (
        isinstance(found, dict) and not set(found) - {"title", "description", "example", "examples", "nullable"}
    )


def _any_members(target: Target, schema: Any, path: str, depth: int, seen: set[int]) -> Iterator[str]:
    """Objects with `additionalProperties: true`, and those of which nothing but their type is said."""
    found = resolved(target, schema)
    if not isinstance(found, dict) or depth > _DEPTH or id(found) in seen:
        return
    seen.add(id(found))
    parts = [one for word in ("allOf", "oneOf", "anyOf") for one in found.get(word) or ()]
    told = found.get("additionalProperties")
    bare = kinds(found) == ("object",) and not parts and not properties(found)
    if told is True or told == {} or (bare and told is None and not found.get("patternProperties")):
        yield path or "the body"
    for name, member in properties(found).items():
        yield from _any_members(target, member, f"{path}.{name}".lstrip("."), depth + 1, seen)
    if "items" in found:
        yield from _any_members(target, found["items"], f"{path}[]", depth + 1, seen)
    for part in parts:
        if not (kinds(resolved(target, part) or {}) == ("object",) and found.get("allOf") and properties(found)):
            yield from _any_members(target, part, path, depth + 1, seen)


def sensitive_members(target: Target) -> Looked:
    """A fresh token or key is shown by the request that makes it, and rightly so; a password by none."""
    at, seen = 0, []
    for operation in target.api.operations:
        judge = opens if operation.method == "GET" else proves
        for response in operation.responses.values():
            for schema in response.media.values():
                at += 1
                named = _members(target, schema, 0, set())
                names = sorted({name for name, inner in named if judge(name) and not harmless(inner)})
                if names:
                    place = Location(operation=operation.id, pointer=response.pointer)
                    detail = f"Answers declare what no reader needs: {', '.join(names)}."
                    seen.append(Observation(place, detail, cause=" ".join(names)))
    return Looked(at, tuple(seen))


def _members(target: Target, schema: Any, depth: int, seen: set[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    found = resolved(target, schema)
    if not isinstance(found, dict) or depth > _DEPTH or id(found) in seen:
        return
    seen.add(id(found))
    for name, member in properties(found).items():
        inner = resolved(target, member)
        if isinstance(member, dict) and isinstance(inner, dict):
            yield name, {**inner, **member}
        yield from _members(target, member, depth + 1, seen)
    for part in [found.get("items"), *(one for word in ("allOf", "oneOf", "anyOf") for one in found.get(word) or ())]:
        yield from _members(target, part, depth + 1, seen)

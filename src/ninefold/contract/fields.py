"""Fields of a description by the names that a contract gives them: `email` anywhere, `User.email` of one schema."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import escape
from ninefold.errors import DescriptionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ninefold.contract.description import Description
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source

_PARTS = ("allOf", "oneOf", "anyOf")


@dataclass(frozen=True, slots=True)
class Selected:
    """A member's `name`, and the schemas (by their `id`) whose `properties` declare it; None: anybody's."""

    name: str
    schemas: frozenset[int] | None = None


def selected(selector: str, description: Description) -> Selected | None:
    """What a selector names; None: nothing in this description."""
    found = _of_schema(selector, description)
    if found is not None:
        return found
    return Selected(selector) if selector in _names(description) else None


def field_problems(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    """Selectors that name nothing, and roles that nobody has."""
    responses = contract.responses
    sections: list[tuple[tuple[str, ...], Iterable[str]]] = [
        (("visible_to",), responses.visible_to),
        (("mask",), responses.mask),
        (("leaks", "expected"), responses.leaks.expected),
    ]
    for section, selectors in sections:
        for selector in selectors:
            if selected(selector, description) is None:
                near = get_close_matches(selector, _selectors(description), 1)
                remedy = (
                    f"did you mean `{near[0]}`?" if near else "name a member, or one of a schema as `Schema.member`"
                )
                yield Problem(
                    f"the description has no field {selector!r}",
                    source.place(("responses", *section, selector), key=True),
                    remedy,
                )


def _of_schema(selector: str, description: Description) -> Selected | None:
    """`Schema.member`: of the schema in `components` with that name, or one of the parts that it is made of."""
    name, dot, member = selector.partition(".")
    if not dot or not member:
        return None
    try:
        schema = description.at(f"#/components/schemas/{escape(name)}")
    except DescriptionError:
        return None
    found = frozenset(_declaring(schema, member, description, set()))
    return Selected(member, found) if found else None


def _declaring(schema: Any, member: str, description: Description, seen: set[int]) -> Iterator[int]:
    resolved: Any = description.resolve(schema) if isinstance(schema, dict) else schema
    if not isinstance(resolved, dict) or id(resolved) in seen:
        return
    seen.add(id(resolved))
    properties = resolved.get("properties")
    if isinstance(properties, dict) and member in properties:
        yield id(resolved)
    for word in _PARTS:
        parts = resolved.get(word)
        for part in parts if isinstance(parts, list) else ():
            yield from _declaring(part, member, description, seen)


def _names(description: Description) -> set[str]:
    """Every member that the description declares anywhere."""
    found: set[str] = set()
    waiting: list[Any] = [description.document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            properties = one.get("properties")
            if isinstance(properties, dict):
                found.update(str(name) for name in properties)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return found


def _selectors(description: Description) -> list[str]:
    components = description.document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    found = sorted(_names(description))
    for name, schema in (schemas if isinstance(schemas, dict) else {}).items():
        properties = schema.get("properties") if isinstance(schema, dict) else None
        found += [f"{name}.{member}" for member in (properties if isinstance(properties, dict) else {})]
    return found

"""What a schema says at one place, read so that a description which is not quite right ends no audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.audit.target import Target


def resolved(target: Target, schema: Any) -> Any:
    """The schema behind its references; {} for a reference that leads nowhere, which other rules tell."""
    try:
        return target.api.resolve(schema)
    except DescriptionError:
        return {}


def kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema names (a list of them in JSON Schema 2020-12)."""
    kind = schema.get("type")
    return tuple(one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str))


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema's own properties; none where they are no object."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def parts(schema: Mapping[str, Any]) -> list[Any]:
    """The schemas that it is put together from, or chooses among."""
    return [one for word in ("allOf", "oneOf", "anyOf") for one in schema.get(word) or ()]

"""What was seen, as a promise: looser where a few examples would be too strict, and without what looks like a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.audit.sensitive import tells
from ninefold.contract.description import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Description

#: What stands for a value of which only `null`, or nothing at all, was seen: anything that has no members.
_SCALAR = ["string", "number", "boolean", "null"]


def promised(schema: Any) -> Any:
    """A schema that was seen, to be kept by a guard.

    Whole numbers become numbers, since the next price may be 4.50; of what was only ever null or an empty list, scalars are let
    out, and no objects: those might hold anything.
    """
    if not isinstance(schema, dict):
        return schema
    made = {name: one for name, one in schema.items() if name != "example"}
    kinds = made.get("type")
    several = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if set(several) <= {"null"} and not made.keys() & {"properties", "items", "additionalProperties", "anyOf", "oneOf"}:
        made["type"] = list(_SCALAR)
        return made
    wider = list(dict.fromkeys("number" if one == "integer" else one for one in several))
    made["type"] = wider[0] if len(wider) == 1 else wider
    if "properties" in made:
        made["properties"] = {name: promised(one) for name, one in made["properties"].items()}
    for word in ("items", "additionalProperties"):
        if word in made:
            made[word] = promised(made[word])
    return made


def proposed(seen: Description) -> dict[str, Any]:
    """An OpenAPI document from what was seen. Members of answers that look like secrets are left for a person to decide."""
    document: dict[str, Any] = {**seen.document, "paths": {}}
    for path, item in seen.document.get("paths", {}).items():
        document["paths"][path] = {
            method: as_operation(raw) if method in METHODS else raw for method, raw in item.items()
        }
    return document


def as_operation(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same of one operation object."""
    made = {name: one for name, one in raw.items() if one not in ([], "")}
    # that somebody came without a proof, and was served, is no promise that anybody may
    proven = [one for one in made.pop("security", ()) if one]
    if proven:
        made["security"] = proven
    if "requestBody" in made:
        made["requestBody"] = {**made["requestBody"], "content": _content(made["requestBody"].get("content", {}))}
    made["responses"] = {
        status: {**one, "content": {name: _hiding(media) for name, media in _content(one["content"]).items()}}
        if one.get("content")
        else {name: value for name, value in one.items() if name != "content"}
        for status, one in made.get("responses", {}).items()
    }
    for one in made["responses"].values():
        one["description"] = one.get("description") or "seen"
    return made


def _content(content: dict[str, Any]) -> dict[str, Any]:
    return {
        media: {**one, "schema": promised(one["schema"])} if "schema" in one else one for media, one in content.items()
    }


def _hiding(media: dict[str, Any]) -> dict[str, Any]:
    return {**media, "schema": _without(media["schema"])} if "schema" in media else media


def _without(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _without(one) for name, one in schema.items() if name != "properties"}
    if "properties" in schema:
        made["properties"] = {name: _without(one) for name, one in schema["properties"].items() if not tells(name)}
    return made

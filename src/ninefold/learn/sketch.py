"""A record as an OpenAPI description: what was seen, which promises nothing (no member required, no object closed by it)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.contract.description import METHODS, Kind
from ninefold.contract.openapi import read
from ninefold.learn.record import DATA

if TYPE_CHECKING:
    from ninefold.contract.description import Description
    from ninefold.learn.record import Record
    from ninefold.learn.sighting import Sighting

#: Answers that are no part of an API: nothing was served there.
_NOTHING = frozenset({"404", "405", "501"})


def sketch(record: Record, source: str, server: str) -> Description:
    """Operations without one answer that served something are left out: somebody was looking for what is not there."""
    paths: dict[str, dict[str, Any]] = {}
    schemes: dict[str, dict[str, Any]] = {}
    for sighting in record.sightings:
        if sighting.method.lower() not in METHODS or set(sighting.answers) <= _NOTHING:
            continue
        path, parameters = _template(sighting.path)
        schemes.update(sighting.credentials)
        paths.setdefault(path, {}).setdefault(sighting.method.lower(), _operation(sighting, parameters))
    document = {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1"},
        "servers": [{"url": server}] if server else [],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    return replace(read(document, source), kind=Kind.HAR if not server else Kind.OPENAPI)


def _template(path: tuple[str, ...]) -> tuple[str, list[str]]:
    """The path as OpenAPI writes it, and the names of its parameters."""
    names: list[str] = []
    made = []
    for place, segment in enumerate(path):
        if segment == DATA:
            before = next((one for one in reversed(path[:place]) if one != DATA and "{" not in one), "")
            word = "".join(letter if letter.isalnum() else "_" for letter in before).strip("_")
            word = word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")
            name = f"{word}_id" if word else "id"
            while name in names:
                name += "_"
            names.append(name)
            made.append(f"{{{name}}}")
        else:
            if segment[:1] == "{" and segment[-1:] == "}":
                names.append(segment[1:-1])
            made.append(segment)
    return "/" + "/".join(made), names


def _operation(sighting: Sighting, parameters: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
        + [{"name": name, "in": "query", "schema": _one(kinds)} for name, kinds in sorted(sighting.query.items())],
    }
    if sighting.operation:
        made["operationId"] = sighting.operation
    if sighting.bodies:
        made["requestBody"] = {"content": _content(sighting.bodies)}
    made["responses"] = {
        status: {"description": "seen", **({"content": _content(media)} if media else {})}
        for status, media in sorted(sighting.answers.items())
        if status not in _NOTHING or status == "404"
    }
    made["security"] = [
        {name: [] for name in together.split(", ")} if together != "nothing" else {} for together in sighting.asked
    ]
    return made


def _one(kinds: list[str]) -> dict[str, Any]:
    """The type that takes all that was sent."""
    known = set(kinds)
    if known == {"integer", "number"}:
        return {"type": "number"}
    return {"type": kinds[0] if len(known) == 1 else "string"}


def _content(media: dict[str, dict[str, Any] | None]) -> dict[str, Any]:
    return {name: {"schema": schema} if schema is not None else {} for name, schema in media.items()}

"""Requests that were seen, made a description: operations by method and template, with the shapes of what went and came."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ninefold.audit.inputs.shape import merged
from ninefold.audit.inputs.template import SEGMENTS, is_id, templates
from ninefold.audit.sensitive import tells
from ninefold.contract.description import METHODS, escape
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.audit.inputs.credential import Credential
    from ninefold.audit.inputs.template import Template
    from ninefold.contract.description import Description, Kind, Operation

#: Most operations that one input may have. More are no API, but a crawl.
OPERATIONS = 5000

#: Longest path that is an operation's, and longest name of a parameter. `?Zk3...` has a token for a name.
_LONGEST, _NAME = 1000, 60

#: Values of a query parameter that are kept as its example: pages and flags. Anything else may be somebody's.
_PLAIN = re.compile(r"\d{1,3}|true|false")


@dataclass(frozen=True, slots=True)
class Came:
    """An answer: its status, media type (empty: no body), the shape of its JSON (None: not known), where it stands."""

    status: str
    media: str
    schema: dict[str, Any] | None
    pointer: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A request. `path` are its segments, percent-encoded as they came, or `{name}` where a variable stands."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    credentials: tuple[Credential, ...]
    body: tuple[str, dict[str, Any] | None] | None
    came: tuple[Came, ...]
    pointer: str
    name: str = ""


@dataclass(slots=True)
class _Grouped:
    template: Template
    seen: list[Seen] = field(default_factory=list)


def segments(path: str) -> tuple[str, ...]:
    """A path's segments, percent-encoded. Braces in a path that was sent are data, and are no template's."""
    plain = quote(path, safe="/%:@!$&'()*+,;=~-._")
    return tuple(plain.removeprefix("/").split("/")) if plain not in {"", "/"} else ()


def described(
    seen: Iterable[Seen], kind: Kind, source: str, title: str, servers: tuple[str, ...], notes: tuple[str, ...]
) -> Description:
    """The description. Its places are the pointers of `seen`, so that a report leads back into the input."""
    kept = [one for one in seen if one.method.lower() in METHODS and _is_path(one.path)]
    groups: dict[tuple[str, str], _Grouped] = {}
    for template, one in zip(templates([one.path for one in kept]), kept, strict=True):
        key = (template.path, one.method)
        if key in groups or len(groups) < OPERATIONS:
            groups.setdefault(key, _Grouped(template)).seen.append(one)
    schemes = {one.name: one.raw for group in groups.values() for seen in group.seen for one in seen.credentials}
    paths: dict[str, dict[str, Any]] = {}
    for (path, method), group in groups.items():
        paths.setdefault(path, {})[method.lower()] = _operation(group)
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": ""},
        "servers": [{"url": one} for one in servers],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    description = read(document, source)
    return replace(
        description,
        kind=kind,
        notes=notes,
        operations=tuple(_placed(one, groups[one.path, one.method]) for one in description.operations),
        schemes={name: replace(one, pointer=_first(name, groups)) for name, one in description.schemes.items()},
    )


def _is_path(path: tuple[str, ...]) -> bool:
    return len(path) <= SEGMENTS and sum(map(len, path)) <= _LONGEST


def _operation(group: _Grouped) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema} for name, schema in group.template.parameters
    ]
    made: dict[str, Any] = {"summary": group.seen[0].name, "parameters": parameters + _query(group.seen)}
    if bodies := [one.body for one in group.seen if one.body]:
        made["requestBody"] = {"content": _content(bodies)}
    answers: dict[str, list[tuple[str, dict[str, Any] | None]]] = {}
    for came in (came for one in group.seen for came in one.came):
        answers.setdefault(came.status, []).append((came.media, came.schema))
    made["responses"] = {status: {"description": "", "content": _content(all_)} for status, all_ in answers.items()}
    asked = dict.fromkeys(tuple(sorted((c.name, c.scopes) for c in one.credentials)) for one in group.seen)
    made["security"] = [{name: list(scopes) for name, scopes in one} for one in asked]
    return made


def _content(bodies: list[tuple[str, dict[str, Any] | None]]) -> dict[str, Any]:
    shapes: dict[str, list[dict[str, Any]]] = {}
    for media, schema in bodies:
        if media:
            shapes.setdefault(media, []).extend([schema] if schema is not None else [])
    return {media: {"schema": merged(found)} if found else {} for media, found in shapes.items()}


def _query(seen: list[Seen]) -> list[dict[str, Any]]:
    """Parameters of the query. What was always sent is needed, if a value for it may be kept."""
    values: dict[str, list[str]] = {}
    for one in seen:
        for name, value in dict(one.query).items():
            if name and len(name) <= _NAME and not is_id(name):
                values.setdefault(name, []).append(value)
    made = []
    for name, told in values.items():
        example = next((one for one in told if _PLAIN.fullmatch(one) and not tells(name)), None)
        schema = {"type": "string"} | ({"example": example} if example is not None else {})
        needed = len(told) == len(seen) > 1 and example is not None
        made.append({"name": name, "in": "query", "required": needed, "schema": schema})
    return made


def _placed(operation: Operation, group: _Grouped) -> Operation:
    first = group.seen[0].pointer
    where = {came.status: came.pointer for one in reversed(group.seen) for came in reversed(one.came)}
    return replace(
        operation,
        pointer=first,
        parameters=tuple(replace(one, pointer=first) for one in operation.parameters),
        responses={
            status: replace(one, pointer=where.get(status, first)) for status, one in operation.responses.items()
        },
    )


def _first(scheme: str, groups: dict[tuple[str, str], _Grouped]) -> str:
    """Where a scheme was seen first."""
    found = (
        one.pointer for group in groups.values() for one in group.seen for c in one.credentials if c.name == scheme
    )
    return next(found, f"/components/securitySchemes/{escape(scheme)}")

"""Tells by its content, not by its name, what a text describes an API in, and reads it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.inputs import har, postman
from ninefold.contract import openapi
from ninefold.contract.source import SourceFault, as_error, parse_fast
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from ninefold.contract.description import Description

#: Largest JSON or YAML that is no recording, and the largest broken one whose fault is looked for as YAML's.
_MOST, _SMALL = openapi.MOST_BYTES, 1024 * 1024

#: Where GraphQL is served unless it is said otherwise.
GRAPHQL = "/graphql"

_SDL = re.compile(
    r"^\s*(?:extend\s+)?(?:(?:type|interface|input|enum|union|scalar)\s+\w+|schema|directive\s+@\w+)\b[^\n:]*(?:[{=@(]|$)",
    re.MULTILINE,
)
_YAML = re.compile(r"^(?:openapi|swagger|info|paths)\s*:", re.MULTILINE)
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_NOTHING = msgspec.Raw()
_TRIED = (
    "OpenAPI or Swagger (no `openapi` or `swagger`)",
    "a Postman collection (no `info` with `item`)",
    "a HAR recording (no `log.entries`)",
    "a GraphQL introspection (no `__schema`)",
    "GraphQL's schema language (no type is defined)",
)


class _Names(msgspec.Struct):
    """The members that tell one kind from another; their values are passed over."""

    openapi: msgspec.Raw = _NOTHING
    swagger: msgspec.Raw = _NOTHING
    log: msgspec.Raw = _NOTHING
    info: msgspec.Raw = _NOTHING
    item: msgspec.Raw = _NOTHING
    requests: msgspec.Raw = _NOTHING
    collection: msgspec.Raw = _NOTHING
    data: msgspec.Raw = _NOTHING
    schema: msgspec.Raw = msgspec.field(default=_NOTHING, name="__schema")


def described(content: bytes, source: str, graphql: str = GRAPHQL) -> Description:
    """The description in `content`. `source` names it in errors, `graphql` is the path of a GraphQL API.

    Raises `DescriptionError` with the line and column of a fault, or with all that was tried.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in {b"{", b"["}:
        try:
            return _from_json(text, source, graphql)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            found = _flow(content, source) if len(content) <= _SMALL else None
            if found is None:
                raise _broken(content, source, fault) from None
            return openapi.read(found, source)
    if len(content) > _MOST:
        raise _large(source)
    head = content[:65536].decode("utf-8", "replace")
    if _SDL.search(head) and not _YAML.search(head):
        return _graphql_sdl(content, source, graphql)
    try:
        document = parse_fast(content, source)
    except SourceFault as fault:
        raise as_error(fault, DescriptionError) from None
    if not isinstance(document, dict) or not document.keys() & {"openapi", "swagger"}:
        raise _unknown(source)
    return openapi.read(document, source)


def _flow(content: bytes, source: str) -> dict[str, Any] | None:
    """OpenAPI in YAML's flow style, which begins as JSON does; None for what is none."""
    try:
        document = parse_fast(content, source)
    except SourceFault:
        return None
    return document if isinstance(document, dict) and document.keys() & {"openapi", "swagger"} else None


def _large(source: str) -> DescriptionError:
    return DescriptionError(
        f"is larger than {_MOST // 1024**2} MiB, and no HAR recording", place=Place(source), remedy="give a part of it"
    )


def _unknown(source: str) -> DescriptionError:
    return DescriptionError(
        "describes no API in any way that is known; tried: " + "; ".join(_TRIED),
        place=Place(source),
        remedy="give one of these, a URL of one, or an app as package.module:app",
    )


def _from_json(text: bytes, source: str, graphql: str) -> Description:
    """Raises what msgspec raises for what is no JSON."""
    try:
        names = msgspec.json.decode(text, type=_Names)
    except msgspec.ValidationError:
        raise _unknown(source) from None
    if names.openapi or names.swagger:
        return openapi.read(_whole(text, source), source)
    if names.log:
        return har.read(text, source)
    if names.item and names.info:
        return postman.read(_whole(text, source), source)
    if names.collection:
        return postman.read(_whole(text, source)["collection"], source)
    if names.schema or (names.data and b'"__schema"' in bytes(names.data)[:4096]):
        from ninefold.audit.inputs.graphql import read_introspection  # noqa: PLC0415  # takes long to load, and most need it not

        return read_introspection(_whole(text, source), source, graphql)
    if names.requests:
        raise DescriptionError(
            "looks like a Postman collection of v1", place=Place(source), remedy="export it from Postman as v2.1"
        )
    raise _unknown(source)


def _whole(text: bytes, source: str) -> dict[str, Any]:
    if len(text) > _MOST:
        raise _large(source)
    document: dict[str, Any] = msgspec.json.decode(text)
    return document


def _broken(content: bytes, source: str, fault: Exception) -> DescriptionError:
    place, what = Place(source), str(fault)
    try:
        json.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as found:
        place, what = Place(source, found.lineno, found.colno), found.msg
    except (ValueError, RecursionError):
        what = "it is nested too deep, or holds what is no UTF-8"
    else:
        if half := _HALF.search(content):
            line, column = (
                content.count(b"\n", 0, half.start()) + 1,
                half.start() - content.rfind(b"\n", 0, half.start()),
            )
            place, what = Place(source, line, column), "half of a surrogate pair"
    return DescriptionError(f"is no JSON: {what}", place=place, remedy="mend it there, or export it again")


def _graphql_sdl(content: bytes, source: str, graphql: str) -> Description:
    from ninefold.audit.inputs.graphql import read_sdl  # noqa: PLC0415  # takes long to load, and most need it not

    try:
        return read_sdl(content.decode("utf-8-sig"), source, graphql)
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise DescriptionError("is not UTF-8", place=Place(source, line, 1), remedy="save it as UTF-8") from None

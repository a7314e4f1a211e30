"""Reads OpenAPI 3.0, 3.1 and Swagger 2.0, in YAML or JSON, into the types of `ninefold.contract.description`.

Local `$ref`s are followed, cycles in schemas are left as they are, references to files and networks are refused: what a
description says must not depend on who can be reached. A Swagger 2.0 document is rewritten in the words of OpenAPI 3
first, so that nothing after this module knows three dialects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.contract.description import (
    METHODS,
    Description,
    Operation,
    Parameter,
    Response,
    Schema,
    SecurityScheme,
    escape,
)
from ninefold.contract.sequence import sequence
from ninefold.contract.source import SourceFault, as_error, parse_fast, read_bytes
from ninefold.contract.swagger import modernised
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024

#: How a parameter is written where nothing is said (OpenAPI 3.1, 4.8.12.2).
_STYLES = {"query": "form", "cookie": "form"}


def load(path: Path) -> Description:
    """The description in a file. Raises `FileError` or `DescriptionError`."""
    content = read_bytes(path, MOST_BYTES)
    try:
        document = parse_fast(content, str(path))
    except SourceFault as fault:
        raise as_error(fault, DescriptionError) from None
    return read(document, str(path))


def read(document: Any, source: str) -> Description:
    """The description in a parsed document. Raises `DescriptionError`; `source` is for its messages."""
    return _Reader(document, source).read()


class _Reader:
    def __init__(self, document: Any, source: str) -> None:
        self._source = source
        self._sequences = False
        if not isinstance(document, dict):
            raise self._fault(
                "is no API description: the document is no mapping", "give an OpenAPI or Swagger document"
            )
        version = document.get("openapi", document.get("swagger"))
        text = str(version)
        if "openapi" in document and text.startswith(("3.0", "3.1", "3.2")):
            self._dialect = "3.0" if text.startswith("3.0") else "3.1"
            self._sequences = text.startswith("3.2")
        elif "swagger" in document and text in {"2.0", "2"}:
            self._dialect = "2.0"
            document = self._guarded(lambda: modernised(document))
        else:
            raise self._fault(
                "is no API description of a known version" + (f" ({text})" if version is not None else ""),
                "give `openapi: 3.0.x`, `openapi: 3.1.x` or `swagger: '2.0'`",
            )
        self._document: dict[str, Any] = document
        self._bare = Description(source, self._dialect, "", "", (), (), {}, document)

    def read(self) -> Description:
        document = self._document
        info = _mapping(document.get("info"))
        schemes = {
            name: SecurityScheme(name, str(raw.get("type", "")), raw, f"/components/securitySchemes/{escape(name)}")
            for name, found in _mapping(_mapping(document.get("components")).get("securitySchemes")).items()
            for raw in [_mapping(self._follow(found))]
        }
        servers = tuple(
            server["url"] for server in _list(document.get("servers")) if isinstance(_mapping(server).get("url"), str)
        )
        operations = tuple(self._operations())
        seen: dict[str, str] = {}
        for operation in operations:
            if operation.id in seen:
                raise self._fault(
                    f"the operationId {operation.id!r} names both {seen[operation.id]} and {operation.pointer}",
                    "give each operation an id of its own",
                )
            seen[operation.id] = operation.pointer
        return Description(
            self._source, self._dialect, str(info.get("title", "")), str(info.get("version", "")), servers, operations,
            schemes, document,
        )  # fmt: skip

    def _operations(self) -> list[Operation]:
        paths = self._document.get("paths", {})
        if paths is None:
            paths = {}
        if not isinstance(paths, dict):
            raise self._fault("`paths` is no mapping", "map each path to its operations")
        found: list[Operation] = []
        for path, item in paths.items():
            if not path.startswith("/"):
                if path.startswith("x-"):
                    continue
                raise self._fault(f"the path {path!r} does not begin with a slash", "write it as /path")
            pointer = f"/paths/{escape(path)}"
            item = self._follow(item)  # noqa: PLW2901  # what stands behind the reference is the item
            if not isinstance(item, dict):
                raise self._fault(f"{pointer} is no mapping", "map each method to its operation")
            shared = self._parameters(item.get("parameters"), pointer)
            found += [
                self._operation(path, method, item[method], shared, f"{pointer}/{method}")
                for method in METHODS
                if method in item
            ]
        return found

    def _operation(self, path: str, method: str, raw: Any, shared: list[Parameter], pointer: str) -> Operation:
        if not isinstance(raw, dict):
            raise self._fault(f"{pointer} is no mapping", "describe the operation, at least its responses")
        own = self._parameters(raw.get("parameters"), pointer)
        named = {(one.location, one.name): one for one in [*shared, *own]}
        body = _mapping(self._follow(raw.get("requestBody")))
        responses = {
            str(status).upper() if str(status).upper().endswith("XX") else str(status): self._response(
                str(status), found, f"{pointer}/responses/{escape(str(status))}"
            )
            for status, found in _mapping(raw.get("responses")).items()
            if not str(status).startswith("x-")
        }
        name = raw.get("operationId")
        security = raw.get("security", self._document.get("security"))
        return Operation(
            id=name if isinstance(name, str) and name else f"{method.upper()} {path}",
            method=method.upper(),
            path=path,
            parameters=tuple(named.values()),
            request=self._media(body.get("content"), f"{pointer}/requestBody"),
            request_required=body.get("required") is True,
            responses=responses,
            security=_security(security),
            summary=str(raw.get("summary") or ""),
            tags=tuple(str(tag) for tag in _list(raw.get("tags"))),
            deprecated=raw.get("deprecated") is True,
            pointer=pointer,
            raw=raw,
        )

    def _parameters(self, raw: Any, pointer: str) -> list[Parameter]:
        found = []
        for place, one in enumerate(_list(raw)):
            one = self._follow(one)  # noqa: PLW2901  # what stands behind the reference is the parameter
            where = f"{pointer}/parameters/{place}"
            if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not isinstance(one.get("in"), str):
                raise self._fault(f"{where} has no name or no place", "give `name` and `in`")
            schema, media = one.get("schema"), ""
            if schema is None:
                media, schema = next(iter(self._media(one.get("content"), where).items()), ("", None))
            required = one.get("required") is True or one["in"] == "path"
            style = str(one.get("style") or _STYLES.get(one["in"], "simple"))
            explode = one["explode"] if isinstance(one.get("explode"), bool) else style == "form"
            empty = one.get("allowEmptyValue") is True and one["in"] == "query"
            found.append(
                Parameter(one["name"], one["in"], required, _schema(schema, {}), where, style, explode, media, empty)
            )
        return found

    def _response(self, status: str, raw: Any, pointer: str) -> Response:
        raw = self._follow(raw)
        if not isinstance(raw, dict):
            raise self._fault(f"{pointer} is no mapping", "describe the response")
        headers = {
            name: _schema(_mapping(self._follow(found)).get("schema"), {})
            for name, found in _mapping(raw.get("headers")).items()
        }
        return Response(
            status, str(raw.get("description") or ""), self._media(raw.get("content"), pointer), headers, pointer
        )

    def _media(self, raw: Any, pointer: str) -> dict[str, Schema | None]:
        found: dict[str, Schema | None] = {}
        for name, media in _mapping(raw).items():
            media = self._follow(media)  # noqa: PLW2901  # OpenAPI 3.2 lets a reference stand here
            if media is not None and not isinstance(media, dict):
                raise self._fault(f"{pointer}: the media type {name!r} is no mapping", "give its schema")
            schema = _mapping(media).get("schema")
            if self._sequences and sequence(name) is not None:
                schema = self._item(_mapping(media))
            found[name] = None if schema is None else _schema(schema, None)
        return found

    def _item(self, media: Mapping[str, Any]) -> Any:
        """The schema of one part of a sequence: since OpenAPI 3.2 `schema` is that of all of them, as an array (4.14.4)."""
        if "itemSchema" in media:
            return media["itemSchema"]
        schema = self._follow(media.get("schema"))
        return schema["items"] if isinstance(schema, dict) and "items" in schema else schema

    def _follow(self, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("$ref"), str):
            return self._bare.resolve(raw)
        return raw

    def _guarded(self, make: Any) -> dict[str, Any]:
        try:
            made: dict[str, Any] = make()
        except (TypeError, AttributeError, ValueError, KeyError) as fault:
            raise self._fault(f"is no Swagger 2.0 that can be read ({fault})", "check it with a validator") from None
        return made

    def _fault(self, what: str, remedy: str) -> DescriptionError:
        return DescriptionError(what, place=Place(self._source), remedy=remedy)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _schema(value: Any, otherwise: Schema | None) -> Any:
    return value if isinstance(value, dict | bool) else otherwise


def _security(raw: Any) -> tuple[Mapping[str, tuple[str, ...]], ...] | None:
    if not isinstance(raw, list):
        return None
    return tuple(
        {str(name): tuple(str(scope) for scope in _list(scopes)) for name, scopes in one.items()}
        for one in raw
        if isinstance(one, dict)
    )

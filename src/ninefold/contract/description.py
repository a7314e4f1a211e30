"""The API as its OpenAPI description tells it, once parsed: operations with their parameters, bodies and responses.

The types here are the same whether the document was OpenAPI 3.0, 3.1 or Swagger 2.0; `ninefold.contract.openapi`
reads those. Schemas stay JSON (they are the description's own words); `Description.resolve` follows their `$ref`s.
What was recorded, collected or imported (`ninefold.audit.inputs`) has the same types, and a `kind` that says how much
of it is a promise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

#: The methods an OpenAPI path item may hold, in the order in which they are listed everywhere.
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Schema = dict[str, Any] | bool


class Kind(StrEnum):
    """What it was read from. Only the first promises anything; the others show, or list (docs/adr/0006-inputs.md)."""

    OPENAPI = "an OpenAPI description"
    POSTMAN = "a Postman collection"
    HAR = "a HAR recording"
    ROUTES = "the routes of an app"
    GRAPHQL = "a GraphQL schema"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter. `location` is one of `path`, `query`, `header`, `cookie` (OpenAPI 3.1, 4.8.12).

    `style` and `explode` say how its value is written (4.8.12.3); `media`: as a text of this media type instead. `empty`: it
    may be sent without a value.
    """

    name: str
    location: str
    required: bool
    schema: Schema
    pointer: str
    style: str = "simple"
    explode: bool = False
    media: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """What an operation may answer. `media` maps a media type to its schema; None: declared without a schema."""

    status: str
    description: str
    media: Mapping[str, Schema | None]
    headers: Mapping[str, Schema]
    pointer: str


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """`kind` is the OpenAPI type: `apiKey`, `http`, `oauth2`, `openIdConnect`, `mutualTLS`. `raw` has the rest."""

    name: str
    kind: str
    raw: Mapping[str, Any]
    pointer: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. `security` has alternatives, each a map of scheme to scopes; None: nothing was said."""

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    request: Mapping[str, Schema | None]
    request_required: bool
    responses: Mapping[str, Response]
    security: tuple[Mapping[str, tuple[str, ...]], ...] | None
    summary: str
    tags: tuple[str, ...]
    deprecated: bool
    pointer: str
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Description:
    """A whole description. `document` is it as it was read; `dialect` one of `2.0`, `3.0`, `3.1`.

    `notes` are sentences for whoever reads a report: where it was found, what was left out. `graphql` is the schema of an
    API that has one.
    """

    source: str
    dialect: str
    title: str
    version: str
    servers: tuple[str, ...]
    operations: tuple[Operation, ...]
    schemes: Mapping[str, SecurityScheme]
    document: Mapping[str, Any] = field(repr=False)
    kind: Kind = Kind.OPENAPI
    notes: tuple[str, ...] = ()
    graphql: GraphQLSchema | None = field(default=None, repr=False, compare=False)
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def resolve(self, schema: Schema) -> Schema:
        """Follow `$ref` until something else stands there. Raises `DescriptionError` on a dangling or endless one."""
        seen: set[str] = set()
        while isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str):
            if reference in seen:
                raise DescriptionError(
                    f"the reference {reference} leads back to itself",
                    place=Place(self.source),
                    remedy="let the schema say something of its own, or remove it",
                )
            seen.add(reference)
            schema = self.at(reference)
        return schema

    def at(self, reference: str) -> Any:
        """What a local reference (`#/components/schemas/Pet`, RFC 6901) points at. Looked for once, in large documents."""
        if reference not in self._found:
            self._found[reference] = self._look(reference)
        return self._found[reference]

    def _look(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise DescriptionError(
                f"the reference {reference} leads out of the document",
                place=Place(self.source),
                remedy="bundle the description into one file (references to files and networks are not followed)",
            )
        here: Any = self.document
        if reference[1:2] not in {"", "/"}:
            return self._anchored(reference)
        for part in reference[1:].split("/")[1:]:
            name = unescape(part)
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isascii() and name.isdecimal() and int(name) < len(here):
                here = here[int(name)]
            else:
                raise self._dangling(reference)
        return here

    def _anchored(self, reference: str) -> Any:
        """The schema with an `$anchor` (JSON Schema 2020-12, core, 8.2.2)."""
        name, waiting = reference[1:], [self.document]
        while waiting:
            here: Any = waiting.pop()
            if isinstance(here, dict):
                if here.get("$anchor") == name:
                    return here
                waiting.extend(here.values())
            elif isinstance(here, list):
                waiting.extend(here)
        raise self._dangling(reference)

    def _dangling(self, reference: str) -> DescriptionError:
        return DescriptionError(
            f"the reference {reference} points at nothing",
            place=Place(self.source),
            remedy="define it, or mend the reference",
        )


def unescape(part: str) -> str:
    """A JSON Pointer token as a key (RFC 6901 section 4; the percent-encoding is the URI fragment's, section 6)."""
    return unquote(part).replace("~1", "/").replace("~0", "~")


def escape(key: str) -> str:
    """A key as a JSON Pointer token (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")

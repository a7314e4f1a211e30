"""What was seen of one operation: which names and types, how often, by whom. Values are looked at and never kept.

Two sightings of one operation add up (`absorb`), in any order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.inputs.credential import is_key, seen
from ninefold.audit.inputs.shape import merged, shape
from ninefold.audit.inputs.template import is_data

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Most names of one kind that are kept of one operation, and the longest of them.
MOST_NAMES, LONGEST_NAME = 200, 80
#: Most callers, and so on, that are counted one by one; those who come later are counted together.
MOST_COUNTED = 1000
#: What those are called that are counted together.
OTHERS = "(others)"

#: A media type (RFC 6838 section 4.2), and an origin (RFC 6454 section 7).
_MEDIA = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,40}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,20}://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_TOKEN = re.compile(r"[^\s/;:,`'\"]+")

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}")

#: A schema, or None where a body of this media type was not read.
_Schema = dict[str, Any] | None


class Sighting(msgspec.Struct):
    """`path` is a template. `first` and `last` are Unix seconds. `query` maps a parameter to its types as it was sent.

    `credentials` maps the name of a security scheme to it (OpenAPI 3.1, 4.8.27), `asked` the names that came together to how
    often, `served` the same where the answer was a success. `bodies` and `answers` map media types (by status) to schemas.
    `would` counts what the contract would have done, `origins` the origins of browsers whose request succeeded.
    """

    method: str
    path: tuple[str, ...]
    operation: str = ""
    requests: int = 0
    looked: int = 0
    first: float = 0.0
    last: float = 0.0
    query: dict[str, list[str]] = {}
    credentials: dict[str, dict[str, Any]] = {}
    asked: dict[str, int] = {}
    served: dict[str, int] = {}
    bodies: dict[str, _Schema] = {}
    answers: dict[str, dict[str, _Schema]] = {}
    callers: dict[str, int] = {}
    origins: dict[str, int] = {}
    would: dict[str, int] = {}


def kind(value: str) -> str:
    """The JSON type that a parameter was written as."""
    if value in {"true", "false"}:
        return "boolean"
    if _INTEGER.fullmatch(value):
        return "integer"
    return "number" if _NUMBER.fullmatch(value) else "string"


def names(query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Parameters and their types; not those whose name is data, nor credentials."""
    found: dict[str, list[str]] = {}
    for name, value in query:
        known = name in found or len(found) < MOST_NAMES
        secret = is_key(name, "query") or is_key(name, "header")  # some send the field's name in the query too
        if known and name and len(name) <= LONGEST_NAME and not is_data(name) and not secret:
            found[name] = sorted({*found.get(name, ()), kind(value)})
    return found


def credentials(fields: Iterable[tuple[str, str]], query: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The schemes of the credentials in a request, by a name of their own."""
    return {one.name: one.raw for one in seen(fields, query)}


def body(media: str, content: bytes, *, whole: bool) -> dict[str, _Schema]:
    """A body's media type with the shape of its JSON; None where it was not read. Empty: there was no body."""
    name = media.partition(";")[0].strip().lower()
    if _MEDIA.fullmatch(name) is None:
        return {}  # also where it is whatever its sender likes
    if "json" not in name or not whole or not content:
        return {name: None}
    try:
        return {name: shape(msgspec.json.decode(content))}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {name: None}


def origins(field: str) -> dict[str, int]:
    """The origin in a field's value; none where it is no origin."""
    return {field: 1} if _ORIGIN.fullmatch(field) else {}


def told(reason: str) -> str:
    """A reason without the names in it that are data: of members and parameters, which their sender chose."""
    return _TOKEN.sub(lambda found: "{}" if is_data(found[0]) else found[0], reason)


def absorb(into: Sighting, other: Sighting) -> None:
    """Add another sighting of the same operation to one."""
    into.operation = into.operation or other.operation
    into.requests += other.requests
    into.looked += other.looked
    into.first = min(filter(None, (into.first, other.first)), default=0.0)
    into.last = max(into.last, other.last)
    for name, kinds in other.query.items():
        if name in into.query or len(into.query) < MOST_NAMES:
            known = into.query.get(name, [])
            into.query[name] = known if set(kinds) <= set(known) else sorted({*known, *kinds})
    for name, scheme in other.credentials.items():
        if name in into.credentials or len(into.credentials) < MOST_NAMES:
            into.credentials[name] = scheme
    _schemas(into.bodies, other.bodies)
    for status, media in other.answers.items():
        _schemas(into.answers.setdefault(status, {}), media)
    for mine, theirs in (
        (into.asked, other.asked),
        (into.served, other.served),
        (into.callers, other.callers),
        (into.origins, other.origins),
        (into.would, other.would),
    ):
        _count(mine, theirs)


def _count(into: dict[str, int], other: dict[str, int]) -> None:
    for name, number in other.items():
        known = name if name in into or len(into) < MOST_COUNTED else OTHERS
        into[known] = into.get(known, 0) + number


def _schemas(into: dict[str, _Schema], other: dict[str, _Schema]) -> None:
    for media, schema in other.items():
        known = into.get(media)
        if media not in into and len(into) >= MOST_NAMES:
            continue
        into[media] = merged([known, schema]) if known is not None and schema is not None else known or schema

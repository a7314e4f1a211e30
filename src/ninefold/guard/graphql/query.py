"""What a request asks of a GraphQL endpoint, read strictly, and the same as the API gets it (GraphQL over HTTP, section 5).

A document comes as text, or by its id: Apollo's `extensions.persistedQuery`, `documentId` (GraphQL over HTTP, appendix A),
Relay's `doc_id` or `id`. What is not about the document goes on to the byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Raw, Struct

from ninefold.guard.foreign import Malformed, read_body, read_json, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.guard.request import Request

#: Where an id may stand beside the `extensions`, and Apollo's place in those.
_NAMED = frozenset({"documentId", "doc_id", "id"})
_PERSISTED = "persistedQuery"
_MEMBERS = frozenset({"query", "operationName", "variables", "extensions"}) | _NAMED
_FOLDED = frozenset(name.casefold() for name in _MEMBERS)
_OBJECTS = frozenset({"variables", "extensions"})
#: What stays behind where the API is not to see ids, or texts.
IDS, QUERY = _NAMED | {_PERSISTED}, frozenset({"query"})


class Query(Struct, gc=False):
    """One of a request. `text` or `id` is there; `hashed`: the id is Apollo's. `name` is `operationName`."""

    text: str | None
    id: str | None
    hashed: bool
    name: str | None
    variables: Mapping[str, Any]


class Sent(Struct, frozen=True, gc=False):
    """How one goes on that does not go as it came: without these members, and with this text (None: with its own)."""

    text: str | None
    without: frozenset[str]


def in_body(request: Request, batch: int) -> tuple[list[Query], bool]:
    """The queries in a JSON body, and whether they are a list. Raises `Malformed`, or `Unreadable`."""
    _nothing_beside(request)
    media = request.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media != b"application/json":
        raise Malformed("the body is not application/json")
    found = read_body(request.fields, request.content or b"")
    if isinstance(found, list):
        if not 0 < len(found) <= batch or batch == 1:
            raise Malformed(f"not one to {batch} queries in one request")
        return [_query(one) for one in found], True
    return [_query(found)], False


def in_target(request: Request) -> Query:
    """The one in a query of HTTP. Raises `Unreadable` or `Malformed`."""
    if request.body:
        raise Malformed("a body came by GET")
    told: dict[str, Any] = {}
    for name, values in read_query(request.target.partition(b"?")[2]).items():
        if name in _MEMBERS:
            if len(values) > 1:
                raise Malformed("a parameter came more than once")
            if values[0] or name in _NAMED:
                told[name] = read_json(values[0].encode()) if name in _OBJECTS else values[0]
        elif _folded(name):
            raise Malformed("a parameter is spelled in another way")
    return _query(told)


def put_body(request: Request, sent: Sequence[Sent | None], *, listed: bool) -> None:
    """The body as the API is to get it. `listed`: it is a list of queries. Raises `Malformed`."""
    content = request.content or b""
    try:
        came = _LIST.decode(content) if listed else [_OBJECT.decode(content)]
        made = [_changed(one, how) if how is not None else one for one, how in zip(came, sent, strict=True)]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise Malformed(f"the body cannot be written anew ({type(fault).__name__})") from None
    request.content = msgspec.json.encode(made if listed else made[0])
    request.body = len(request.content)


def put_target(request: Request, sent: Sent) -> None:
    """The query of HTTP as the API is to get it. Raises `Malformed`."""
    path, _, raw = request.target.partition(b"?")
    parts: list[str] = []
    for part in raw.decode("ascii").split("&"):
        name, _, value = part.partition("=")
        member = _text(name)
        if member in sent.without or (member == "query" and sent.text is not None):
            continue
        if member != "extensions" or _PERSISTED not in sent.without:
            parts.append(part)
        elif (extensions := _without(Raw(_text(value).encode() or b"null"))) is not None:
            parts.append(f"extensions={quote(bytes(extensions), safe='')}")
    if sent.text is not None:
        parts.append(f"query={quote(sent.text, safe='')}")
    request.target = path + b"?" + "&".join(filter(None, parts)).encode()


_OBJECT, _LIST = msgspec.json.Decoder(dict[str, Raw]), msgspec.json.Decoder(list[dict[str, Raw]])
_EXTENSIONS = msgspec.json.Decoder(dict[str, Raw] | None)


def _changed(came: dict[str, Raw], how: Sent) -> dict[str, Any]:
    made: dict[str, Any] = {name: value for name, value in came.items() if name not in how.without}
    if how.text is not None:
        made["query"] = how.text
    if "extensions" in made and _PERSISTED in how.without:
        extensions = _without(made.pop("extensions"))
        made |= {"extensions": extensions} if extensions is not None else {}
    return made


def _without(extensions: Raw) -> Raw | None:
    """The extensions without the hash; None: nothing is left. Raises `Malformed`."""
    try:
        found = _EXTENSIONS.decode(extensions) or {}
    except msgspec.DecodeError:
        raise Malformed("`extensions` cannot be written anew") from None
    found.pop(_PERSISTED, None)
    return Raw(msgspec.json.encode(found)) if found else None


def _query(found: Any) -> Query:
    if not isinstance(found, dict) or not found.keys() <= _MEMBERS:
        raise Malformed("it is no GraphQL request: an object with `query`, `operationName`, `variables`, `extensions`")
    for name, value in found.items():
        if value is not None and not isinstance(value, dict if name in _OBJECTS else str):
            raise Malformed(f"`{name}` is of the wrong type")
    extensions = found.get("extensions") or {}
    if not _NAMED.isdisjoint(extensions):
        raise Malformed("`extensions` have the id of a document")
    ids = [found[name] for name in _NAMED if found.get(name) is not None]
    hashed = _hash(extensions)
    ids += [hashed] if hashed is not None else []
    text = found.get("query") or None
    if len(ids) > 1:
        raise Malformed("more than one id of a document")
    if text is None and not ids:
        raise Malformed("there is no `query`")
    return Query(
        text, ids[0] if ids else None, hashed is not None, found.get("operationName"), found.get("variables") or {}
    )


def _hash(extensions: Mapping[str, Any]) -> str | None:
    """Apollo's hash of the document (`persistedQuery`, version 1). Raises `Malformed`."""
    told = extensions.get(_PERSISTED)
    if told is None:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("sha256Hash"), str):
        raise Malformed("`persistedQuery` has no hash that is a text")
    if type(version := told.get("version", 1)) is not int or version != 1:
        raise Malformed("`persistedQuery` is not of version 1")
    hashed: str = told["sha256Hash"]
    return hashed


def _nothing_beside(request: Request) -> None:
    """Some servers read what a target says before what a body does. Raises `Malformed`, or `Unreadable`."""
    if b"?" in request.target and any(map(_folded, read_query(request.target.partition(b"?")[2]))):
        raise Malformed("the target has parameters of a query beside the body")


def _folded(name: str) -> bool:
    """Whether some server may take it for the name of a member."""
    return name.partition("[")[0].strip().casefold() in _FOLDED


def _text(raw: str) -> str:
    return unquote(raw.replace("+", " "))  # `read_query` has made sure that it is UTF-8

"""Reads a Postman collection (v2.0 and v2.1, schema.postman.com): folders, variables, authentication that folders inherit,
bodies and saved answers as examples. Credentials that stand in it are never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from ninefold.audit.inputs.credential import Credential, api_key, http, is_key, seen
from ninefold.audit.inputs.shape import shape
from ninefold.audit.inputs.traffic import Came, Seen, described, segments
from ninefold.audit.inputs.variable import VARIABLE, filled
from ninefold.audit.report.text import count
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.contract.description import Description

#: Most requests of a collection, deepest folder, and longest body or saved answer whose shape is taken.
_REQUESTS, _FOLDERS, _BODY = 20_000, 100, 1024 * 1024

_FLOWS = {
    "implicit": "implicit",
    "password_credentials": "password",
    "authorization_code": "authorizationCode",
    "authorization_code_with_pkce": "authorizationCode",
    "client_credentials": "clientCredentials",
}
#: Postman's words for what goes into `Authorization`, by the scheme that stands there.
_WORDS = {"jwt": "bearer", "oauth1": "OAuth", "hawk": "Hawk", "awsv4": "AWS4-HMAC-SHA256", "ntlm": "Negotiate"}


@dataclass(frozen=True, slots=True)
class _Within:
    """What a request has from the folders that it is in."""

    pointer: str
    names: tuple[str, ...]
    credentials: tuple[Credential, ...]
    values: Mapping[str, str]


def read(document: Mapping[str, Any], source: str) -> Description:
    """The description in a collection. Raises `DescriptionError` for one without a request, or of another version."""
    if not isinstance(document.get("item"), list):
        raise _fault(source, "is no Postman collection of v2.0 or v2.1: it has no list `item`")
    info = _mapping(document.get("info"))
    values = _variables(document, {})
    whole = _Within("", (), _authentication(document.get("auth"), values) or (), values)
    found: list[tuple[str, Seen]] = []
    waiting: list[tuple[_Within, Any]] = [(whole, document["item"])]
    while waiting:
        within, items = waiting.pop()
        for at, item in enumerate(items):
            pointer = f"{within.pointer}/item/{at}"
            if not isinstance(item, dict):
                raise _fault(source, f"{pointer} is neither a request nor a folder")
            inner = _inside(within, item, pointer)
            if isinstance(item.get("item"), list):
                if len(inner.names) > _FOLDERS:
                    raise _fault(source, f"{pointer[:40]}...: folders are nested deeper than {_FOLDERS}")
                waiting.append((inner, item["item"]))
            elif "request" in item:
                found.append(_request(item, inner))
                if len(found) > _REQUESTS:
                    raise _fault(source, f"has more than {_REQUESTS} requests")
    if not found:
        raise _fault(source, "is a Postman collection without a request")
    servers = tuple(dict.fromkeys(server for server, _ in found if server))
    unknown = sum(not server for server, _ in found)
    notes = [f"A Postman collection of {count(len(found), 'request')}: they show examples, which promise nothing."]
    if unknown:
        notes.append(
            f"The host of {count(unknown, 'request')} is not told: it is empty, or a variable without a value."
        )
    found.sort(key=lambda one: [int(part) for part in re.findall(r"\d+", one[1].pointer)])
    title = str(info.get("name") or "")
    return described((one for _, one in found), Kind.POSTMAN, source, title, servers, tuple(notes))


def _fault(source: str, what: str) -> DescriptionError:
    return DescriptionError(what, place=Place(source), remedy="export the collection as v2.1 (JSON)")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    """The rows of a list that are not switched off."""
    rows = value if isinstance(value, list) else []
    return [one for one in rows if isinstance(one, dict) and one.get("disabled") is not True]


def _variables(holder: Mapping[str, Any], above: Mapping[str, str]) -> Mapping[str, str]:
    """Values by name, those of a folder before those above it. Kept no longer than the reading takes."""
    own = {
        str(one.get("key") or one.get("id")): str(one["value"])
        for one in _rows(holder.get("variable"))
        if one.get("value") not in (None, "")
    }
    return {**above, **own} if own else above


def _inside(within: _Within, item: Mapping[str, Any], pointer: str) -> _Within:
    values = _variables(item, within.values)
    own = _authentication(item.get("auth"), values)
    names = (*within.names, str(item.get("name") or ""))
    return _Within(pointer, names, within.credentials if own is None else own, values)


def _authentication(auth: Any, values: Mapping[str, str]) -> tuple[Credential, ...] | None:
    """None: nothing is said, and what is above holds. Values of v2.1 are rows, of v2.0 a mapping."""
    kind = str(_mapping(auth).get("type") or "")
    if not kind:
        return None
    if kind == "noauth":
        return ()
    told = auth.get(kind)
    if isinstance(told, list):
        told = {str(one.get("key")): one.get("value") for one in told if isinstance(one, dict)}
    told = {name: filled(value, values) for name, value in _mapping(told).items() if isinstance(value, str)}
    if kind == "apikey":
        return (api_key("query" if told.get("in") == "query" else "header", told.get("key") or "X-API-Key"),)
    if kind == "oauth2" and (flow := _FLOWS.get(told.get("grant_type", ""))):
        urls = (("tokenUrl", told.get("accessTokenUrl", "")), ("authorizationUrl", told.get("authUrl", "")))
        scopes = tuple(dict.fromkeys(told.get("scope", "").split()))
        written = tuple((name, url) for name, url in urls if url and not VARIABLE.search(url))
        return (Credential(f"oauth2 {flow}", "oauth2", flow=flow, urls=written, scopes=scopes),)
    return (http("bearer" if kind == "oauth2" else _WORDS.get(kind, kind)),)


def _request(item: Mapping[str, Any], within: _Within) -> tuple[str, Seen]:
    """The server that a request goes to (empty: not known), and the request."""
    raw = item["request"]
    request = _mapping(raw if isinstance(raw, dict) else {"url": raw})
    server, path, query = _url(request.get("url"), within.values)
    own = _authentication(request.get("auth"), within.values)
    headers = [
        (str(one.get("key") or ""), filled(str(one.get("value") or ""), within.values))
        for one in _rows(request.get("header"))
    ]
    credentials = (*(within.credentials if own is None else own), *seen(headers, [name for name, _ in query]))
    pointer = within.pointer
    return server, Seen(
        method=str(request.get("method") or "GET").upper(),
        path=path,
        query=tuple((name, value) for name, value in query if not is_key(name, "query")),
        credentials=tuple(dict.fromkeys(credentials)),
        body=_body(_mapping(request.get("body")), {name.lower(): value for name, value in headers}),
        came=tuple(_answers(item.get("response"), pointer)),
        pointer=f"{pointer}/request",
        name=" / ".join(within.names)[:200],
    )


def _url(url: Any, values: Mapping[str, str]) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Server, segments and query of an URL, which is text or an object."""
    told = _mapping(url)
    raw = url if isinstance(url, str) else str(told.get("raw") or "")
    if not raw and told:
        port = f":{told['port']}" if told.get("port") else ""
        host = _joined(told.get("host"), ".") + port
        raw = f"{told.get('protocol') or 'http'}://{host}/{_joined(told.get('path'), '/')}"
    text = filled(raw, values)
    host, slash, rest = text.partition("://")[2].partition("/") if "://" in text else text.partition("/")
    host = re.split(r"[?#]", host)[0]
    scheme = text.partition("://")[0].lower() if "://" in text else "http"
    known = bool(host) and not VARIABLE.search(host) and scheme in {"http", "https"}
    server = f"{scheme}://{host.rpartition('@')[2]}" if known and re.fullmatch(r"[\w.:@\[\]-]+", host) else ""
    path, _, query = (slash + rest).partition("#")[0].partition("?")
    rows = [
        (str(one.get("key") or ""), filled(str(one.get("value") or ""), values)) for one in _rows(told.get("query"))
    ]
    pairs = tuple(rows) or tuple(parse_qsl(query, keep_blank_values=True))
    return server, tuple(_segment(one) for one in path.strip("/").split("/") if one), pairs


def _joined(value: Any, by: str) -> str:
    parts = value if isinstance(value, list) else [value or ""]
    return by.join(str(_mapping(one).get("value") or "") if isinstance(one, dict) else str(one) for one in parts)


def _segment(text: str) -> str:
    """`:id` and `{{id}}` are parameters; braces in anything else are data."""
    name = text[1:] if text.startswith(":") else next(iter(VARIABLE.findall(text)), "")
    if name:
        return "{" + (re.sub(r"\W+", "_", name).strip("_") or "value") + "}"
    return "".join(segments(text))


def _body(body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, dict[str, Any] | None] | None:
    mode = str(body.get("mode"))
    if mode == "raw" and isinstance(body.get("raw"), str) and body["raw"].strip():
        language = _mapping(_mapping(body.get("options")).get("raw")).get("language")
        media = headers.get("content-type", "").split(";")[0].strip().lower()
        media = media or (
            "application/json" if language == "json" or body["raw"].lstrip()[:1] in "{[" else "text/plain"
        )
        return media, _json(body["raw"], media)
    if mode in {"urlencoded", "formdata"}:
        form = {str(one.get("key") or ""): "" for one in _rows(body.get(mode))}
        return ("application/x-www-form-urlencoded" if mode == "urlencoded" else "multipart/form-data"), shape(form)
    if mode == "graphql":
        return "application/json", shape({"query": "", "variables": {}})
    return ("application/octet-stream", None) if mode == "file" else None


def _answers(responses: Any, pointer: str) -> Iterator[Came]:
    for at, one in enumerate(responses if isinstance(responses, list) else []):
        status = _mapping(one).get("code")
        if not isinstance(status, int) or not 100 <= status <= 599:
            continue
        fields = {str(row.get("key") or "").lower(): str(row.get("value") or "") for row in _rows(one.get("header"))}
        text = one.get("body") if isinstance(one.get("body"), str) else ""
        media = fields.get("content-type", "").split(";")[0].strip().lower()
        media = media or ("application/json" if text.lstrip()[:1] in {"{", "["} else "")
        yield Came(str(status), media if text else "", _json(text, media), f"{pointer}/response/{at}")


def _json(text: str, media: str) -> dict[str, Any] | None:
    """The shape of JSON; variables in it stand where values go, with or without quotes."""
    if "json" not in media or len(text) > _BODY:
        return None
    for attempt in (text, VARIABLE.sub("null", text)):
        try:
            return shape(msgspec.json.decode(attempt), examples=True)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
    return None

"""Credentials that requests were seen with, as security schemes: where they go and what they are called, never their value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Fields, query parameters and cookies whose name says that a credential is in them.
_FIELD = re.compile(
    r"(?:[a-z0-9]+[-_])*(?:api[-_]?key|apikey|access[-_]?(?:key|token)|auth[-_]?(?:key|token)|session[-_]?token"
    r"|subscription[-_]key|function[-_]?s?[-_]key|secret(?:[-_](?:key|token))?)|x-token|token|private-token",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"api[-_]?key|apikey|access[-_]?(?:key|token)|auth[-_]?(?:key|token)|token|subscription-key|jwt",
    re.IGNORECASE,
)
_COOKIE = re.compile(
    r"(?:.*[-_.])?(?:session|sess(?:ion)?[-_]?id|sid|connect\.sid|jsessionid|phpsessid|token|jwt|auth)(?:[-_.].*)?"
    r"|jsessionid|phpsessid|sessionid|asp\.net_sessionid",
    re.IGNORECASE,
)
_NO_LOGIN = re.compile(r"csrf|xsrf", re.IGNORECASE)

#: The schemes that IANA registers for `Authorization` (RFC 9110 section 16.4.1) and that OpenAPI has as `http`.
_HTTP = frozenset({"bearer", "basic", "digest", "dpop", "hoba", "mutual", "negotiate", "gnap"})


@dataclass(frozen=True, slots=True)
class Credential:
    """A scheme by a name of its own, and as OpenAPI writes it."""

    name: str
    kind: str
    place: str = ""
    field: str = ""
    scheme: str = ""
    flow: str = ""
    urls: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ()

    @property
    def raw(self) -> dict[str, Any]:
        """The security scheme object (OpenAPI 3.1, 4.8.27)."""
        if self.kind == "apiKey":
            return {"type": "apiKey", "in": self.place, "name": self.field}
        if self.kind == "oauth2":
            flow = {**dict(self.urls), "scopes": dict.fromkeys(self.scopes, "")}
            return {"type": "oauth2", "flows": {self.flow: flow}}
        return {"type": "http", "scheme": self.scheme}


def api_key(place: str, field: str) -> Credential:
    """A key in `header`, `query` or `cookie`."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "", field)
    return Credential(f"{plain or 'key'} ({place})", "apiKey", place, field)


def http(scheme: str) -> Credential:
    """A scheme of `Authorization`; one that nobody registered is a key in that field."""
    word = scheme.lower()
    return Credential(word, "http", scheme=word) if word in _HTTP else api_key("header", "Authorization")


def is_key(name: str, place: str) -> bool:
    """Whether a header field or query parameter of this name carries a credential."""
    return bool((_FIELD if place == "header" else _QUERY).fullmatch(name)) and not _NO_LOGIN.search(name)


def seen(headers: Iterable[tuple[str, str]], query: Iterable[str]) -> Iterator[Credential]:
    """Every credential of a request, by its fields and the names in its query."""
    for name, value in headers:
        if name.lower() == "authorization":
            yield http(value.split(" ", 1)[0] if " " in value.strip() else "")
        elif name.lower() == "cookie":
            for pair in value.split(";"):
                cookie = pair.partition("=")[0].strip()
                if _COOKIE.fullmatch(cookie) and not _NO_LOGIN.search(cookie):
                    yield api_key("cookie", cookie)
        elif is_key(name, "header"):
            yield api_key("header", name)
    for name in query:
        if is_key(name, "query"):
            yield api_key("query", name)

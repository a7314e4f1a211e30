"""What comes to the service and what it answers, as plain values: no server's own types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import JsonRequest, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload


class Malformed(Exception):
    """The request's parameters cannot be read, or one comes twice (RFC 6749 section 3.1)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `path` is without the query; `fields` are lowercase; `certificate` the SHA-256 of the client's, or empty."""

    method: str
    path: str
    query: str
    fields: dict[str, str]
    body: bytes = b""
    address: str = ""
    certificate: bytes = b""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `caller` and `reason` are for the trail."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: str = ""
    reason: str = ""


def parameters(text: str) -> dict[str, str]:
    """Raises `Malformed`."""
    try:
        pairs = parse_qsl(text, keep_blank_values=False, strict_parsing=bool(text), max_num_fields=64, errors="strict")
    except ValueError:
        raise Malformed("the parameters cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a parameter comes twice")
    return found


class Request(OAuth2Request):
    """What Authlib works on. Parameters of the token endpoint come in the body alone, those of the page in the query."""

    def __init__(self, asked: Asked, url: str, given: dict[str, str]) -> None:
        """`url` is where the service is reached, https or on this machine."""
        super().__init__(asked.method, url, headers={name.title(): value for name, value in asked.fields.items()})
        self.asked = asked
        self.payload = BasicOAuth2Payload(given)
        #: The thumbprint of the key that the client has proven to have (RFC 9449), as text; empty: none.
        self.holder = ""

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        found: dict[str, str] = self.payload.data
        return found


def no_json(_: Any) -> JsonRequest:
    """No endpoint here takes JSON."""
    raise NotImplementedError

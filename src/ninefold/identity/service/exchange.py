"""What comes to the service and what it answers, as plain values: no server's own types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import JsonRequest, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

#: OAuth's own parameters. They have none but visible characters (RFC 6749 appendix A); of others nothing is known.
_KNOWN = frozenset({
    "actor_token", "audience", "client_assertion", "client_assertion_type", "client_id", "client_secret", "code",
    "code_challenge", "code_challenge_method", "code_verifier", "dpop_jkt", "grant_type", "redirect_uri", "request",
    "request_uri", "requested_token_type", "resource", "response_mode", "response_type", "scope", "state", "subject_token",
    "subject_token_type",
})  # fmt: skip
_PLAIN = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
#: What those may be that the client alone understands; `"` and `\\` too (RFC 6749 appendix A.5).
_STATE = re.compile(r"[\x20-\x7e]{0,4096}")


class Malformed(Exception):
    """The request's parameters cannot be read, or one comes twice (RFC 6749 section 3.1)."""


@dataclass(slots=True)
class Asked:
    """A request. `path` is without the query; `fields` are lowercase; `certificate` the SHA-256 of the client's, or empty.

    `address` and `body` are known only after the fields were read; `shown` is the certificate as its host knows it.
    """

    method: str
    path: str
    query: str
    fields: dict[str, str]
    body: bytes = b""
    address: str = ""
    certificate: bytes = b""
    shown: object = None


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `caller` and `reason` are for the trail."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: str = ""
    reason: str = ""


def parameters(text: str) -> dict[str, str]:
    """What a query or a form holds; without a value is as if it were not there. Raises `Malformed`."""
    try:
        pairs = parse_qsl(text, keep_blank_values=False, strict_parsing=bool(text), max_num_fields=64, errors="strict")
    except ValueError:
        raise Malformed("the parameters cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a parameter comes twice")
    for name, value in found.items():
        if name in _KNOWN and not (_STATE if name == "state" else _PLAIN).fullmatch(value):
            raise Malformed("a parameter has characters that it cannot have")
    return found


class Request(OAuth2Request):
    """What Authlib works on. Parameters of the token endpoint come in the body alone, those of the page in the query."""

    def __init__(self, asked: Asked, url: str, given: dict[str, str]) -> None:
        """`url` is where the service is reached: https, or on this machine, as the contract has made sure of."""
        super().__init__(
            asked.method,
            urlsplit(url)._replace(scheme="https").geturl(),
            headers={name.title(): value for name, value in asked.fields.items()},
        )
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

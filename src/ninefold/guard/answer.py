"""What the guard answers itself, without the upstream: refusals, preflights, its own description."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Fields = tuple[tuple[bytes, bytes], ...]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole response. `step` and `reason` are for the trail alone; the caller sees `status`, `fields` and `body`.

    `closes`: the connection cannot be trusted after it.
    """

    status: int
    fields: Fields
    body: bytes
    outcome: str
    step: str
    reason: str
    closes: bool = False


#: What a refusal may tell a caller, by status: enough to mend an honest request, nothing to map the API with.
_DETAILS = {
    400: "The request cannot be understood.",
    401: "This needs a valid proof of who is calling.",
    403: "The caller may not do this.",
    404: "There is nothing here.",
    405: "The resource does not know this method.",
    408: "The request took too long to arrive.",
    413: "The request body is larger than this API takes.",
    415: "The operation does not take a body of this kind.",
    417: "This expectation cannot be met.",
    422: "The content of the request is not what this operation takes.",
    421: "This server does not answer for that host.",
    429: "Too many requests; try again later.",
    431: "The request header is larger than this API takes.",
    502: "The API behind this gateway gave no answer that may be passed on.",
    503: "The API cannot answer now; try again later.",
    504: "The API behind this gateway did not answer in time.",
    505: "This HTTP version is not spoken here.",
}


_KNOWN = frozenset(int(status) for status in HTTPStatus)


def lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header fields as the lines of a message (RFC 9112 section 5)."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def problem(status: int, errors: Sequence[Mapping[str, str]] = ()) -> bytes:
    """The body of an error answer (RFC 9457). The request's id is in the `X-Request-Id` field.

    `errors` say what is wrong with a request, and where (section 3.1 has such a member as its example).
    """
    title = HTTPStatus(status).phrase if status in _KNOWN else "Error"
    document: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if status in _DETAILS:
        document["detail"] = _DETAILS[status]
    if errors:
        document["errors"] = errors
    return msgspec.json.encode(document)


def refuse(
    status: int,
    step: str,
    reason: str,
    fields: Fields = (),
    *,
    closes: bool = False,
    errors: Sequence[Mapping[str, str]] = (),
) -> Answer:
    """A refusal: problem+json for the caller, the whole reason for the trail. `errors` are told to both."""
    head = ((b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"))
    return Answer(status, head + fields, problem(status, errors), "refused", step, reason, closes)

"""What the tests of streams share: an API that streams records and events, and bodies in every coding."""

from __future__ import annotations

import copy
import sys
import zlib
from typing import Any

import brotli
from tests.conftest import CONTRACT, DESCRIPTION, ITEM

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Media type by path.
STREAMS = {
    "/lines": "application/x-ndjson",
    "/texts": "application/json-seq",
    "/events": "text/event-stream",
    "/words": "text/event-stream",
}


def description() -> dict[str, Any]:
    """That of the other tests, with an operation for each kind of stream."""
    found = copy.deepcopy(DESCRIPTION)
    for path, media in STREAMS.items():
        content: dict[str, Any] = {media: {} if path == "/words" else {"schema": ITEM}}
        answer = {"200": {"description": "-", "content": content}}
        found["paths"][path] = {"get": {"operationId": f"get{path[1:].title()}", "responses": answer}}
    return found


def sections(**others: Any) -> dict[str, Any]:
    """Sections of a contract under which everybody may read the streams."""
    opened = {"operations": [f"get{path[1:].title()}" for path in STREAMS], "public": "the tests read them"}
    allowed = CONTRACT["authorization"]
    return {"authorization": {**allowed, "rules": [*allowed["rules"], opened]}, **others}


def coded(body: bytes, coding: str) -> bytes:
    if coding == "br":
        return bytes(brotli.compress(body))
    if coding == "zstd":
        return zstd.compress(body)
    return zlib.compress(body, wbits=31 if coding == "gzip" else 15)


def plain(body: bytes, coding: str) -> bytes:
    if coding == "br":
        return bytes(brotli.decompress(body))
    if coding == "zstd":
        return zstd.decompress(body)
    return zlib.decompress(body, wbits=31 if coding == "gzip" else 15)


def head(media: str = "application/json", *fields: str) -> bytes:
    """The beginning of an answer, without its framing."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {media}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n"


def whole(body: bytes, *fields: str, media: str = "application/json") -> bytes:
    return head(media, *fields) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*pieces: bytes, media: str, fields: tuple[str, ...] = ()) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces if one)
    return head(media, *fields) + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"

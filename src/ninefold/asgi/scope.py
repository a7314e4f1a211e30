"""A scope of ASGI: the request that the guard reads in it, and what the application sees of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ninefold.gateway.forwarded import canonical, told
from ninefold.gateway.wire import HOST, NO_HOST, UNDERSCORE
from ninefold.guard.coding import asking
from ninefold.guard.request import Request

if TYPE_CHECKING:
    from ninefold.asgi.protocol import Scope
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Plan


#: What says where a body ends.
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


def request_of(scope: Scope, id_: bytes) -> Request:
    """What the guard is asked about. `id_` is one that no other request has."""
    fields: dict[bytes, bytes] = {}
    repeated: tuple[bytes, ...] = ()
    for raw, value in scope["headers"]:
        name = raw.lower()
        if name in fields:
            repeated += (name,)
            fields[name] = fields[name] + (b"; " if name == b"cookie" else b", ") + value
        else:
            fields[name] = value
    path = scope.get("raw_path") or quote(scope["path"], safe="/~!$&'()*+,;=:@-._").encode()
    path = path.partition(b"?")[0]
    query = scope.get("query_string", b"")
    client = scope.get("client")
    length = fields.get(b"content-length", b"")
    return Request(
        scope.get("method", "GET"),
        path.decode("latin-1"),
        fields,
        repeated,
        canonical(client[0]) if client else "",
        scope.get("scheme") in {"https", "wss"},
        -1 if b"transfer-encoding" in fields else int(length) if length.isdigit() else 0,
        time.time(),
        time.monotonic(),
        id_,
        target=path + (b"?" + query if query else b""),
    )


def misread(request: Request) -> Answer | None:
    """What a server lets through, and who comes after it could read in another way."""
    host = request.fields.get(b"host")
    if b"host" in request.repeated or (host is not None and host and HOST.match(host) is None):
        return NO_HOST
    if any(b"_" in name for name in request.fields):
        return UNDERSCORE
    return None


def shown(scope: Scope, request: Request, plan: Plan) -> dict[str, Any]:
    """What the application sees: no key, nothing that a caller says of himself; what frames is the server's to show."""
    hidden = plan.manner.stripped - {b"host", b"content-length", b"transfer-encoding"}
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
    if request.content is not None:  # it was read, and may not be what it was
        headers = [(name, value) for name, value in headers if name.lower() not in _FRAMING]
        headers.append((b"content-length", b"%d" % len(request.content)))
    asked = asking(request.fields.get(b"accept-encoding", b"")) if plan.manner.follows else b""
    headers += [(b"accept-encoding", asked)] if asked else []
    headers += [(b"x-request-id", request.id), *told(request)]
    extensions = {name: one for name, one in (scope.get("extensions") or {}).items() if "http.response" not in name}
    query = request.target.partition(b"?")[2]
    return {**scope, "headers": headers, "extensions": extensions, "query_string": query}

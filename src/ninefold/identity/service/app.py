"""The service as an ASGI application. What it does is the server's; here requests are bounded, read and told to the trail.

The server works in one thread, one request after the other, so that its file needs no more; passwords, which take their time
by design, are checked in threads of their own.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from ssl import PEM_cert_to_DER_cert
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from ninefold.identity.service.exchange import Asked, Malformed, Said, parameters
from ninefold.identity.service.page import fault_page
from ninefold.identity.service.passwords import Attempts, matches
from ninefold.identity.service.server import MOST_BODY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

T = TypeVar("T")
#: RFC 8414 section 3.1, and what OpenID Connect clients ask for.
_METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_WRONG = "The name or the password is wrong."
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
BODY_SECONDS = 10.0


class Tell(Protocol):
    """Hears of every request: what was asked, from where, what was said, and why."""

    def __call__(self, asked: Asked, said: Said) -> None: ...


class App:
    """`admit` says for how many seconds an address has to wait; `tell` is given every decision; `closed` says why none can be
    told now (empty: they can). Raises nothing at a caller.
    """

    def __init__(
        self,
        server: Server,
        *,
        admit: Callable[[str], float],
        tell: Tell,
        closed: Callable[[], str],
        clock: Callable[[], float],
        secure: bool,
    ) -> None:
        self._server = server
        self._admit = admit
        self._tell = tell
        self._closed = closed
        self._clock = clock
        self._secure = secure
        self._attempts = Attempts()
        self._thread = ThreadPoolExecutor(1, "tokens")
        self._passwords = ThreadPoolExecutor(2, "passwords")
        base = urlsplit(server.terms.url).path.rstrip("/")
        self._base = base
        self._metadata = {base + path for path in _METADATA} | {path + base for path in _METADATA}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError("this application speaks HTTP")
        asked = await _asked(scope, receive)
        if asked is None:
            said = Said(413, {"content-type": "application/json"}, b'{"error": "invalid_request"}', reason="too large")
            asked = Asked(scope["method"], scope["path"], "", {})
        else:
            try:
                said = await self._said(asked)
            except Exception as fault:  # noqa: BLE001  # a fault of ours gives no token, and tells the operator alone
                said = Said(503, {"content-type": "application/json"}, b'{"error": "temporarily_unavailable"}')
                said = Said(said.status, said.fields, said.body, reason=f"{type(fault).__name__}: {fault}")
        self._tell(asked, said)
        fields = _ALWAYS | said.fields | {"content-length": str(len(said.body))}
        if self._secure:
            fields["strict-transport-security"] = "max-age=31536000"
        headers = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.body})

    async def _said(self, asked: Asked) -> Said:
        if why := self._closed():
            return Said(503, {"content-type": "application/json"}, b'{"error": "temporarily_unavailable"}', reason=why)
        wait = self._admit(asked.address)
        if wait > 0:
            return _slow(wait, "the address asks too often")
        path = asked.path
        if path in self._metadata and asked.method in {"GET", "HEAD"}:
            return self._server.metadata()
        if path == f"{self._base}/jwks" and asked.method in {"GET", "HEAD"}:
            return await self._in_turn(self._server.jwks)
        if path == f"{self._base}/token":
            return await self._token(asked)
        if path == f"{self._base}/authorize":
            if asked.method == "GET":
                return await self._in_turn(self._server.page, asked)
            if asked.method == "POST":
                return await self._authorize(asked)
        known = path in {*self._metadata, *(f"{self._base}/{one}" for one in ("jwks", "token", "authorize"))}
        return Said(405 if known else 404, {"content-type": "application/json"}, b'{"error": "invalid_request"}')

    async def _token(self, asked: Asked) -> Said:
        """From a browser too, on the origins that registered clients come back to (Fetch standard, CORS protocol)."""
        origin = asked.fields.get("origin", "")
        allowed = bool(origin) and await self._in_turn(self._known_origin, origin)
        if asked.method == "OPTIONS" and allowed:
            return Said(204, {
                "access-control-allow-origin": origin, "access-control-allow-methods": "POST",
                "access-control-allow-headers": "DPoP", "access-control-max-age": "600", "vary": "Origin",
            })  # fmt: skip
        if asked.method != "POST":
            return Said(405, {"allow": "POST", "content-type": "application/json"}, b'{"error": "invalid_request"}')
        said = await self._in_turn(self._server.token, asked)
        fields = {"vary": "Origin"} | ({"access-control-allow-origin": origin} if allowed else {})
        return Said(said.status, said.fields | fields, said.body, said.caller, said.reason)

    async def _authorize(self, asked: Asked) -> Said:
        try:
            form = parameters(asked.body.decode("ascii"))
        except (Malformed, UnicodeDecodeError):
            return fault_page("The form cannot be read.")
        if form.get("decision") != "allow":
            return await self._in_turn(self._server.decide, asked, None)
        name, password = form.get("username", ""), form.get("password", "")
        now = self._clock()
        wait = self._attempts.wait(name, now)
        if wait > 0:
            return await self._again(asked, "Too many tries; wait a while and try again.", name)
        # counted before it is checked: of many tries at once each one counts
        self._attempts.failed(name, now)
        user = await self._in_turn(self._server.registry.user, name)
        encoded = user.password if user is not None else None
        if not await asyncio.get_running_loop().run_in_executor(self._passwords, matches, encoded, password):
            return await self._again(asked, _WRONG, name)
        self._attempts.succeeded(name)
        return await self._in_turn(self._server.decide, asked, user)

    async def _again(self, asked: Asked, wrong: str, name: str) -> Said:
        said = await self._in_turn(lambda: self._server.page(asked, wrong=wrong))
        return Said(said.status, said.fields, said.body, caller=name[:128], reason=said.reason or wrong)

    def _known_origin(self, origin: str) -> bool:
        redirects = [redirect for one in self._server.registry.clients() for redirect in one.redirects]
        return any(f"{parts.scheme}://{parts.netloc}" == origin for parts in map(urlsplit, redirects))

    async def _in_turn(self, work: Callable[..., T], *about: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *about)


def _slow(wait: float, reason: str) -> Said:
    fields = {"content-type": "application/json", "retry-after": str(int(wait) + 1)}
    return Said(429, fields, b'{"error": "temporarily_unavailable"}', reason=reason)


async def _asked(scope: MutableMapping[str, Any], receive: Any) -> Asked | None:
    """None: the body is larger than anything that is asked here, or took too long."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MOST_BODY:
                    return None
    except TimeoutError:
        return None
    fields: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        # what comes twice is as good as nothing: neither of the two is taken
        fields[name] = "" if name in fields else value.decode("latin-1")
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or ()
    certificate = sha256(PEM_cert_to_DER_cert(chain[0])).digest() if chain else b""
    client = scope.get("client")
    return Asked(
        scope["method"], scope["path"], scope["query_string"].decode("latin-1"), fields, body,
        client[0] if client else "", certificate,
    )  # fmt: skip


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

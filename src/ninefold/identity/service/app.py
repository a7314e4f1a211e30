"""The service as an ASGI application. What it does is the server's; here requests are bounded, read and told to the trail.

The server works in one thread, one request after the other, so that its file needs no more. Passwords, which take their time
and memory by design, are checked in two threads of their own, and of those who wait for that only so many: the rest are asked
to come back, and tokens are issued meanwhile.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from ninefold.identity.service.attempts import Attempts
from ninefold.identity.service.exchange import Asked, Malformed, Said, parameters
from ninefold.identity.service.page import fault_page
from ninefold.identity.service.passwords import matches, normal
from ninefold.identity.service.server import MOST_BODY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

T = TypeVar("T")
#: RFC 8414 section 3.1. The second is for clients that look there first; it does not make this an OpenID provider (section 5).
_METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_WRONG = "The name or the password is wrong."
_SLOW = "Too many tries; wait a while and try again."
_BUSY = "Too many people log in right now; try again in a moment."
_JSON = {"content-type": "application/json"}
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
BODY_SECONDS = 10.0
#: Log-ins that wait for their turn, each with a form in memory.
MOST_WAITING = 32


class Tell(Protocol):
    """Hears of every request: what was asked, from where, what was said, and why."""

    def __call__(self, asked: Asked, said: Said) -> None: ...


class App:
    """`whence` gives the caller's address from the peer's and `X-Forwarded-For`, or raises `ValueError`; `certified` the
    thumbprint of the certificate that ASGI's TLS extension shows (empty: none that holds), and the certificate; `place` what of
    an address counts as one; `admit` for how many seconds a place has to wait; `tell` is given every decision; `closed` says
    why none can be told now (empty: they can). Raises nothing at a caller.
    """

    def __init__(
        self,
        server: Server,
        *,
        whence: Callable[[str, str | None], str],
        certified: Callable[[object], tuple[bytes, object]],
        place: Callable[[str], str],
        admit: Callable[[str], float],
        tell: Tell,
        closed: Callable[[], str],
        clock: Callable[[], float],
        secure: bool,
    ) -> None:
        self._server = server
        self._whence = whence
        self._certified = certified
        self._place = place
        self._admit = admit
        self._tell = tell
        self._closed = closed
        self._clock = clock
        self._secure = secure
        self._attempts = Attempts()
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "tokens")
        self._passwords = ThreadPoolExecutor(2, "passwords")
        base = urlsplit(server.terms.url).path
        self._metadata = {base + path for path in _METADATA} | {path + base for path in _METADATA}
        self._methods = {
            **dict.fromkeys(self._metadata, "GET, HEAD, OPTIONS"), f"{base}/jwks": "GET, HEAD, OPTIONS",
            f"{base}/token": "POST, OPTIONS", f"{base}/authorize": "GET, HEAD, POST",
        }  # fmt: skip
        self._jwks, self._token, self._authorize = f"{base}/jwks", f"{base}/token", f"{base}/authorize"

    def close(self) -> None:
        """What is being done is finished, what waits is not begun."""
        self._passwords.shutdown(cancel_futures=True)
        self._thread.shutdown(cancel_futures=True)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError("this application speaks HTTP")
        asked = _asked(scope)
        try:
            asked.certificate, asked.shown = self._certified(scope.get("extensions", {}).get("tls"))
            said = await self._answer(asked, receive)
        except _Gone:
            return  # nobody is there to be told, and what did not come as a whole was not done
        except Exception as fault:  # noqa: BLE001  # a fault of ours gives no token, and tells the operator alone
            said = _unavailable(f"{type(fault).__name__}: {fault}")
        self._tell(asked, said)
        fields = _ALWAYS | said.fields | {"content-length": str(len(said.body))}
        if self._secure:
            fields["strict-transport-security"] = "max-age=31536000"
        headers = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.body})

    async def _answer(self, asked: Asked, receive: Any) -> Said:
        try:
            asked.address = self._whence(asked.address, asked.fields.get("x-forwarded-for"))
        except ValueError:
            return _refused(400, "a trusted proxy sent an X-Forwarded-For that holds no address")
        if why := self._closed():
            return _unavailable(why)
        wait = self._admit(asked.address)
        if wait > 0:
            return _slow(wait)
        allowed = self._methods.get(asked.path)
        if allowed is None:
            return _refused(404, "there is nothing here")
        if asked.method not in allowed.split(", "):
            return _refused(405, "it is asked by another method", allow=allowed)
        try:
            asked.body = await _body(receive)
        except _TooLarge:
            return _refused(413, "the body is larger than anything that is asked here", connection="close")
        except TimeoutError:
            return _refused(408, "the body took too long", connection="close")
        if asked.path == self._authorize:
            return await (self._decision(asked) if asked.method == "POST" else self._in_turn(self._server.page, asked))
        return await self._for_programs(asked)

    async def _for_programs(self, asked: Asked) -> Said:
        """From a browser too, on the origins that registered clients come back to (Fetch standard, CORS protocol)."""
        origin = asked.fields.get("origin", "")
        allowed = bool(origin) and await self._in_turn(self._known_origin, origin)
        fields = {"vary": "Origin"} | ({"access-control-allow-origin": origin} if allowed else {})
        if asked.method == "OPTIONS":
            if not allowed:
                return _refused(403, "no registered client is at home at that origin", vary="Origin")
            return Said(204, fields | {
                "access-control-allow-methods": "GET, POST", "access-control-allow-headers": "DPoP",
                "access-control-max-age": "600",
            })  # fmt: skip
        if asked.path in self._metadata:
            said = self._server.metadata()
        else:
            said = await self._in_turn(
                *((self._server.token, asked) if asked.path == self._token else (self._server.jwks,))
            )
        return Said(said.status, said.fields | fields, said.body, said.caller, said.reason)

    async def _decision(self, asked: Asked) -> Said:
        if asked.fields.get("sec-fetch-site", "same-origin") != "same-origin":
            return fault_page("The form was sent by another site.")  # as somebody else than whoever sits there, that is
        try:
            form = parameters(asked.body.decode("ascii"))
        except (Malformed, UnicodeDecodeError):
            return fault_page("The form cannot be read.")
        page = await self._in_turn(self._server.page, asked)
        if page.status != 200:
            return page
        if form.get("decision") != "allow":
            return await self._in_turn(self._server.decide, asked, None)
        return await self._log_in(asked, normal(form.get("username", ""))[:128], form.get("password", ""))

    async def _log_in(self, asked: Asked, name: str, password: str) -> Said:
        user = await self._in_turn(self._server.registry.user, name)
        # what nobody is called may be a password in the wrong place: it is not told to the trail
        shown = name if user is not None else "?"
        now, place = self._clock(), self._place(asked.address)
        wait = self._attempts.wait(name, place, now)
        if wait > 0:
            return await self._again(asked, 429, _SLOW, shown, wait)
        if self._waiting >= MOST_WAITING:
            return await self._again(asked, 503, _BUSY, shown, 2.0)
        # counted before it is checked: of many tries at once each one counts
        self._attempts.failed(name, place, now)
        self._waiting += 1
        try:
            encoded = user.password if user is not None else None
            right = await asyncio.get_running_loop().run_in_executor(self._passwords, matches, encoded, password)
        finally:
            self._waiting -= 1
        if not right:
            return await self._again(asked, 401, _WRONG, shown, 0.0)
        self._attempts.succeeded(name, place)
        return await self._in_turn(self._server.decide, asked, user)

    async def _again(self, asked: Asked, status: int, wrong: str, name: str, wait: float) -> Said:
        said = await self._in_turn(lambda: self._server.page(asked, wrong=wrong))
        fields = said.fields | ({"retry-after": str(int(wait) + 1)} if wait else {})
        return Said(status, fields, said.body, caller=name, reason=said.reason or wrong)

    def _known_origin(self, origin: str) -> bool:
        redirects = [redirect for one in self._server.registry.clients() for redirect in one.redirects]
        return any(f"{parts.scheme}://{parts.netloc}" == origin for parts in map(urlsplit, redirects))

    async def _in_turn(self, work: Callable[..., T], *about: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *about)


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    pass


def _refused(status: int, reason: str, **fields: str) -> Said:
    return Said(status, _JSON | fields, b'{"error": "invalid_request"}', reason=reason)


def _unavailable(reason: str) -> Said:
    return Said(503, _JSON | {"retry-after": "5"}, b'{"error": "temporarily_unavailable"}', reason=reason)


def _slow(wait: float) -> Said:
    fields = _JSON | {"retry-after": str(int(wait) + 1)}
    return Said(429, fields, b'{"error": "temporarily_unavailable"}', reason="the address asks too often")


def _asked(scope: MutableMapping[str, Any]) -> Asked:
    fields: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        # what comes twice is as good as nothing: neither of the two is taken
        fields[name] = "" if name in fields else value.decode("latin-1")
    client = scope.get("client")
    query = scope["query_string"].decode("latin-1")
    return Asked(scope["method"], scope["path"], query, fields, b"", client[0] if client else "")


async def _body(receive: Any) -> bytes:
    """Raises `TimeoutError`, `_TooLarge`, and `_Gone` where whoever sends it ended before it did."""
    body, more = b"", True
    async with asyncio.timeout(BODY_SECONDS):
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BODY:
                raise _TooLarge
    return body

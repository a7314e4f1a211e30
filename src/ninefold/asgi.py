"""The guard inside an ASGI application: FastAPI, Starlette, Django, Litestar.

    from ninefold.asgi import Guard

    app = Guard(app, "contract.yaml")

The same guard as in the gateway, the same decisions, the same trail; the server in front (uvicorn, hypercorn) ends TLS
and reads HTTP. `contract.upstream` is not looked at: the application is the upstream. Longer than a module should be: what is
decided about an exchange and what becomes of its messages are one protocol, and are read together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ninefold.contract.describe import describe
from ninefold.contract.load import load_contract
from ninefold.errors import ContractError
from ninefold.gateway.addresses import own_addresses
from ninefold.gateway.authority import authority_of, shown_to_server
from ninefold.gateway.forwarded import caller_address, canonical, forwarded_certificate, told
from ninefold.gateway.ledger import Ledger
from ninefold.gateway.recorder import Recorder
from ninefold.gateway.watch import Watch
from ninefold.gateway.wire import HOST, NO_HOST, UNDERSCORE, hardened, malformed
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.guard import Guard as Decider
from ninefold.guard.judged import hidden, unjudged
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.project import Unpromised
from ninefold.guard.proofs.address import Ranges
from ninefold.guard.request import Request
from ninefold.guard.steps.content import TOO_LARGE
from ninefold.guard.treatment import Treatment, Way
from ninefold.identity.tokens import Tokens
from ninefold.keys.ring import Ring
from ninefold.trail.event import Event
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from ninefold.contract.load import LoadedContract

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_log = logging.getLogger("ninefold")


class Guard:
    """ASGI 3 middleware that enforces a contract around `app`.

    Raises `NinefoldError` at once where the contract cannot be kept, so that an application never starts unguarded.
    """

    def __init__(self, app: App, contract: str | Path, *, say: Callable[[str], None] | None = None) -> None:
        self._app = app
        self._say = say or (lambda text: _log.warning("%s", text))
        self._loaded: LoadedContract = load_contract(Path(contract))
        settings = self._loaded.contract
        if settings.keys.with_ is not None and settings.keys.with_.device:
            raise ContractError(
                "`keys.with.device` cannot be kept here: an ASGI server does not tell how the caller's TLS greeted",
                place=self._loaded.source.place(("keys", "with", "device"), key=True),
                remedy="guard the API with the gateway (`ninefold guard`), or ask for another proof",
            )
        local = own_addresses()
        described = msgspec.json.encode(describe(self._loaded)) if settings.api.serve_description else b""
        with contextlib.ExitStack() as stack:
            self._ring = stack.enter_context(contextlib.closing(Ring(self._loaded.resolve(settings.keys.store))))
            self._writer = stack.enter_context(
                contextlib.closing(TrailWriter(self._loaded.resolve(settings.trail.path)))
            )
            self._authority = authority_of(self._loaded, self._say)
            identity = settings.identity
            self._tokens = Tokens(identity, self._loaded.resolve, self._say) if identity is not None else None
            if self._tokens is not None:
                stack.callback(self._tokens.release)
            self._guard = Decider(
                settings,
                self._loaded.description,
                self._ring,
                local=local,
                described=described,
                tokens=self._tokens,
                source=self._loaded.source,
            )
            stack.pop_all()  # `close` lets go of them
        trusted = [one for one in settings.api.trusted_proxies if not isinstance(one, str)]
        words = len(trusted) < len(settings.api.trusted_proxies)
        self._trusted = Ranges((*trusted, *(local if words else ()))) if settings.api.trusted_proxies else None
        self._recorder: Recorder | None = None
        self._ledger: Ledger | None = None
        self._keys = Watch(self._ring, settings.keys.stale, self._say, time.monotonic)
        self._verified = 0.0
        self._stem = f"{secrets.token_hex(8)}-".encode()
        self._count = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await _Exchange(self, scope, receive, send).run()
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            raise RuntimeError(f"the guard does not know what {scope['type']!r} is, so it stays shut")

    async def close(self) -> None:
        """Write what is left of the trail and let go of the files. The lifespan's end calls it."""
        if self._ledger is not None:
            await self._ledger.close()
            self._ledger = None
        if self._recorder is not None:
            await self._recorder.close()
            self._recorder = None
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens.release()
        self._writer.close()
        self._ring.close()

    async def _lifespan(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                await self.close()
            await send(message)

        await self._app(scope, receive, watched)

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = self.request(scope)
        decision = await self.decided(request, scope)
        if isinstance(decision, Plan) and b"websocket" in decision.upgrade:
            self.record(request, decision, "admitted", 101)
            await self._app(self.shown(scope, request, decision), receive, send)
            return
        plan = decision if isinstance(decision, Plan) else self._guard.plan(request)
        step, reason = "route", "no rule allows the upgrade"
        if isinstance(decision, Answer):
            step, reason = decision.step, decision.reason
        self.record(request, plan, "refused", 403, step, reason)
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    def request(self, scope: MutableMapping[str, Any]) -> Request:
        """What the guard is asked about."""
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
        client = scope.get("client")
        self._count += 1
        query = scope.get("query_string", b"")
        length = fields.get(b"content-length", b"")
        return Request(
            scope.get("method", "GET"),
            path.partition(b"?")[0].decode("latin-1"),
            fields,
            repeated,
            canonical(client[0]) if client else "",
            scope.get("scheme") in {"https", "wss"},
            -1 if b"transfer-encoding" in fields else int(length) if length.isdigit() else 0,
            time.time(),
            time.monotonic(),
            self._stem + b"%x" % self._count,
            target=path.partition(b"?")[0] + (b"?" + query if query else b""),
        )

    async def decided(self, request: Request, scope: MutableMapping[str, Any]) -> Plan | Answer | Need:
        """The guard's decision, with every fact brought that it asks for, but the body (`Need.BODY`)."""
        return self._unfit(request, scope) or await self.admitted(request)

    async def admitted(self, request: Request) -> Plan | Answer | Need:
        """The same about a request that is HTTP, and not of another address than it seems."""
        decision = self._admit(request)
        while decision is Need.TOKEN:
            assert self._tokens is not None
            field = request.fields[b"authorization"]
            request.doubt = await self._tokens.bring(request.token_digest, field, request.time)
            decision = self._again(request) or self._admit(request)
        return decision

    async def gathered(self, request: Request, content: bytes) -> Plan | Answer | Need:
        """The decision again, with the whole body, which may have taken minutes to come."""
        request.content, request.doubt = content, None
        return self._again(request) or await self.admitted(request)

    def _again(self, request: Request) -> Answer | None:
        """After a wait: a certificate, the keys and the trail may not be what they were."""
        self._verify(time.monotonic())
        if self._authority is not None:
            request.certificate = self._authority.holds(request.certificate, request.time)
        return self._fault()

    def _fault(self) -> Answer | None:
        fault = self._begun().fault or self._keys.fault
        return refuse(503, "gateway", fault) if fault else None

    def _unfit(self, request: Request, scope: MutableMapping[str, Any]) -> Answer | None:
        """Why nothing is decided about a request: it is no HTTP to rely on, or what the decision rests on cannot be read."""
        fault = self._strict(request)
        if fault is not None:
            return fault
        self._begun()
        self._verify(request.now)  # before anything is looked at: what was revoked meanwhile proves nothing
        return self._look(request, scope) or self._fault()

    def _admit(self, request: Request) -> Plan | Answer | Need:
        """Decide, again as long as keys or revocations have changed, with what they are now."""
        decision = self._guard.admit(request)
        while decision is Need.KEYS:
            try:
                self._keys.refresh()
                if self._tokens is not None:
                    self._tokens.refresh()
            except Exception as trouble:  # noqa: BLE001  # whatever it is, the keys are not known: the gate stays shut
                return refuse(503, "caller", f"the keys cannot be read: {trouble}")
            decision = self._guard.admit(request)
        return decision

    def _strict(self, request: Request) -> Answer | None:
        host = request.fields.get(b"host")
        if b"host" in request.repeated or (host is not None and host and HOST.match(host) is None):
            return NO_HOST
        if any(b"_" in name for name in request.fields):
            return UNDERSCORE
        return None

    def _look(self, request: Request, scope: MutableMapping[str, Any]) -> Answer | None:
        """What the server tells of the caller; where a trusted proxy sent the request, what that one tells."""
        clients = self._loaded.contract.encryption.tls.clients
        if self._trusted is None or request.address not in self._trusted:
            if self._authority is not None:
                told = shown_to_server(self._authority, (scope.get("extensions") or {}).get("tls"))
                request.certificate = self._authority.holds(told, request.time)
            return None
        try:
            request.address = caller_address(request.address, request.fields.get(b"x-forwarded-for"), self._trusted)
        except ValueError:
            return malformed("a trusted proxy sent an X-Forwarded-For that holds no address")
        if self._authority is not None and clients is not None and clients.forwarded:
            try:
                shown = forwarded_certificate(request.fields, request.repeated)
            except ValueError as fault:
                return malformed(f"a trusted proxy sent a certificate that is none: {fault}")
            told = self._authority.verified(*shown) if shown is not None else None
            request.certificate = self._authority.holds(told, request.time)
        return None

    def _verify(self, now: float) -> None:
        """As often as the gateway does, ask whether the keys' files are still the same."""
        if now - self._verified < 0.25:
            return
        self._verified = now
        if self._authority is not None:
            self._authority.verify()
        if self._tokens is not None:
            self._tokens.tick()
        self._keys.verify()

    def _begun(self) -> Recorder:
        """What needs a loop, from the first request on."""
        if self._recorder is None:
            settings, loop = self._loaded.contract, asyncio.get_running_loop()
            self._recorder = Recorder(self._writer, settings.trail.batch, self._say, loop)
            store = self._loaded.resolve(settings.keys.store)
            self._ledger = Ledger(store, settings.keys.remind, self._recorder.add, self._say, loop)
            self._ledger.start()
        return self._recorder

    def record(
        self,
        request: Request,
        plan: Plan,
        outcome: str,
        status: int,
        step: str = "",
        reason: str = "",
        withheld: tuple[int, int] = (0, 0),
    ) -> None:
        """One decision for the trail."""
        event = Event(
            request.time, request.id.decode(), outcome, request.method, request.path, plan.operation,
            request.caller, request.address, status, step, reason,
            int((time.monotonic() - request.now) * 1e6) / 1e3, *withheld, request.subject,
        )  # fmt: skip
        self._begun().add(event)
        if request.key is not None and step != "caller" and self._ledger is not None:
            self._ledger.note(request.key.id, event)

    @staticmethod
    def shown(scope: MutableMapping[str, Any], request: Request, plan: Plan) -> dict[str, Any]:
        """What the application sees: no key, nothing that a caller says of himself; what frames is the server's to show."""
        hidden = plan.manner.stripped - {b"host", b"content-length", b"transfer-encoding"}
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in hidden]
        headers += [(b"x-request-id", request.id), *told(request)]
        extensions = {name: one for name, one in (scope.get("extensions") or {}).items() if "http.response" not in name}
        query = request.target.partition(b"?")[2]
        return {**scope, "headers": headers, "extensions": extensions, "query_string": query}

    def plan_of(self, request: Request) -> Plan:
        return self._guard.plan(request)

    def head(self, request: Request, plan: Plan) -> list[tuple[bytes, bytes]]:
        """The guard's own fields on an answer."""
        lines = self._guard.block(request).split(b"\r\n")[:-1]
        return [*plan.manner.fields, *((name, value) for name, _, value in (line.partition(b": ") for line in lines))]

    @property
    def most_request(self) -> int:
        return self._loaded.contract.limits.body

    @property
    def most_response(self) -> int:
        return self._loaded.contract.limits.response

    @property
    def app(self) -> App:
        return self._app


class _TooLarge(Exception):
    """The request body went past the contract's limit."""


class _Exchange:
    """One request through the application."""

    def __init__(self, guard: Guard, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self._guard = guard
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request = guard.request(scope)
        self._plan = guard.plan_of(self._request)
        self._received = 0
        self._peeked: list[Message] = []
        self._too_large = False
        self._begun = False
        self._over = False
        self._start: Message = {}
        self._treatment: Treatment | None = None
        self._body = bytearray()

    async def run(self) -> None:
        guard, request = self._guard, self._request
        if request.body == 0 and self._scope.get("http_version", "1.1")[:1] not in {"0", "1"}:
            await self._peek()
        decision = await guard.decided(request, self._scope)
        if decision is Need.BODY:
            content = await self._gather()
            if content is None:
                return
            decision = await guard.gathered(request, content)
        if not isinstance(decision, Plan):
            assert isinstance(decision, Answer)
            await self._answer(decision, decision.outcome)
            return
        self._plan = decision
        scope = guard.shown(self._scope, request, decision)
        try:
            await guard.app(scope, self._take, self._give)
        except _TooLarge:
            if self._begun and not self._over:
                guard.record(request, self._plan, "failed", self._start.get("status", 0), "content", TOO_LARGE.reason)
            elif not self._over:
                await self._answer(TOO_LARGE, "refused")
            return
        except Exception as fault:
            if not self._over and not self._begun:
                await self._answer(refuse(500, "upstream", f"the application failed: {type(fault).__name__}"), "failed")
            elif not self._over:
                guard.record(
                    request, self._plan, "failed", self._start.get("status", 0), "upstream", type(fault).__name__
                )
            raise
        except asyncio.CancelledError:
            if not self._over:
                reason = "the caller went away before the answer was whole"
                guard.record(request, self._plan, "failed", self._start.get("status", 0), "wire", reason)
            raise
        if not self._over and self._begun:
            guard.record(
                request, self._plan, "failed", self._start.get("status", 0), "wire", "the answer was not whole"
            )
        elif not self._over:
            await self._answer(refuse(502, "upstream", "the application gave no answer"), "failed")

    async def _peek(self) -> None:
        """Since HTTP/2 a body needs no length: only its first bytes tell that there is one (RFC 9113 section 8.1.1)."""
        while not self._peeked or (self._peeked[-1].get("more_body") and not self._peeked[-1].get("body")):
            self._peeked.append(await self._receive())
        if self._peeked[-1].get("body"):
            self._request.body = -1

    async def _gather(self) -> bytes | None:
        """The whole body, which the decision depends on. None: the caller sent too much, or went away; that is told."""
        body, messages = bytearray(), []
        more = True
        while more:
            message = self._peeked.pop(0) if self._peeked else await self._receive()
            if message["type"] != "http.request":
                reason = "the caller went away before the request was whole"
                self._guard.record(self._request, self._plan, "failed", 0, "wire", reason)
                return None
            messages.append(message)
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._guard.most_request:
                await self._answer(TOO_LARGE, "refused")
                return None
        self._peeked = messages
        return bytes(body)

    async def _take(self) -> Message:
        message = self._peeked.pop(0) if self._peeked else await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._guard.most_request:
                self._too_large = True
                raise _TooLarge
        return message

    async def _give(self, message: Message) -> None:
        if self._over:
            return
        if self._too_large and not self._begun:
            await self._answer(TOO_LARGE, "refused")
            return
        if message["type"] == "http.response.start":
            await self._started(message)
        elif message["type"] == "http.response.body":
            await self._flowed(message)
        # everything else (trailers, pushes) was not declared

    async def _started(self, message: Message) -> None:
        self._start = message
        assert self._plan.treatments is not None
        fields = [(name.lower(), value) for name, value in message.get("headers", ())]
        said = [name for name, _ in fields if name in {b"content-type", b"content-encoding"}]
        if len(said) > len(set(said)):
            await self._withhold("it says twice what its body is")
            return
        media = next((value for name, value in fields if name == b"content-type"), b"")
        encoded = next((value.lower() for name, value in fields if name == b"content-encoding"), b"identity")
        treatment = self._treatment = self._plan.treatments.of(message["status"], media)
        held = self._request.held
        if held is not None and (answer := unjudged(self._request, message["status"], treatment.way)) is not None:
            await self._answer(answer, answer.outcome)
        elif treatment.way is Way.WITHHOLD:
            await self._withhold(treatment.reason)
        elif treatment.way is Way.PROJECT and encoded != b"identity":
            await self._withhold("the application encoded a body that had to be read")
        elif treatment.way is Way.SCRUB:
            kept = tuple(one for one in fields if one[0] in treatment.fields and one[0] != b"date")
            await self._answer(refuse(message["status"], "response", treatment.reason, kept), "admitted")
        elif treatment.way is Way.EMPTY or (self._request.method == "HEAD" and treatment.way is Way.PROJECT):
            bodiless = message["status"] in {204, 304} or self._request.method == "HEAD"
            await self._head(fields, treatment, None if bodiless else 0)
            await self._end(b"")
        elif treatment.way is Way.PASS:
            length = next((int(value) for name, value in fields if name == b"content-length" and value.isdigit()), None)
            await self._head(fields, treatment, length)

    async def _flowed(self, message: Message) -> None:
        treatment = self._treatment
        if treatment is None:
            await self._withhold("the application sent a body before its header")
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if treatment.way is Way.PASS:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            if not more:
                self._over = True
                self._guard.record(self._request, self._plan, "admitted", self._start["status"])
            return
        self._body += body
        if len(self._body) > self._guard.most_response:
            await self._withhold("the body is longer than limits.response")
        elif not more:
            assert treatment.projector is not None
            held, text, reason = self._request.held, bytes(self._body), ""
            if held is not None:
                kept, reason = held.release(self._request, text)
                if kept is None:
                    await self._answer(hidden(reason), "refused")
                    return
                text = kept
            try:
                projected, members, size = treatment.projector(text) if text else (b"", 0, 0)
            except Unpromised as fault:
                await self._withhold(f"the body is not as described: {fault}")
                return
            fields = [(name.lower(), value) for name, value in self._start.get("headers", ())]
            await self._head(fields, treatment, len(projected))
            await self._end(projected, (members, size), reason)

    async def _head(self, fields: list[tuple[bytes, bytes]], treatment: Treatment, length: int | None) -> None:
        passed = [
            (name, hardened(value) if name == b"set-cookie" and self._request.secure else value)
            for name, value in fields
            if name in treatment.fields
        ]
        own = self._guard.head(self._request, self._plan)
        if self._plan.manner.private and not any(name == b"cache-control" for name, _ in fields):
            own.append((b"cache-control", b"no-store"))
        if length is not None:
            own.append((b"content-length", b"%d" % length))
        self._begun = True
        await self._send({"type": "http.response.start", "status": self._start["status"], "headers": [*passed, *own]})

    async def _end(self, body: bytes, withheld: tuple[int, int] = (0, 0), reason: str = "") -> None:
        self._over = True
        step = "permission" if reason else ""
        self._guard.record(self._request, self._plan, "admitted", self._start["status"], step, reason, withheld)
        await self._send({"type": "http.response.body", "body": body})

    async def _withhold(self, reason: str) -> None:
        await self._answer(refuse(502, "upstream", reason), "failed")

    async def _answer(self, answer: Answer, outcome: str) -> None:
        """Send the guard's own answer in place of the application's."""
        self._over = self._begun = True
        self._guard.record(self._request, self._plan, outcome, answer.status, answer.step, answer.reason)
        fields = [*answer.fields, *self._guard.head(self._request, self._plan)]
        if answer.status != 204:
            fields.append((b"content-length", b"%d" % len(answer.body)))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": fields})
        body = b"" if self._request.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

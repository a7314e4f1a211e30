"""One request through the application, and its answer back: what is decided about it, and what becomes of its messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ninefold.asgi.scope import shown
from ninefold.gateway.wire import hardened
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.judged import hidden, unjudged
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.project import Unpromised
from ninefold.guard.steps.content import TOO_LARGE
from ninefold.guard.treatment import Treatment, Way

if TYPE_CHECKING:
    from ninefold.asgi.host import Host
    from ninefold.asgi.protocol import App, Message, Receive, Scope, Send


class _TooLarge(Exception):
    """The request body went past the contract's limit."""


class Exchange:
    """One request and its response; `run` it once."""

    def __init__(self, host: Host, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        self._host = host
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request = host.request(scope)
        self._plan = host.plan(self._request)
        self._received = 0
        self._peeked: list[Message] = []
        self._too_large = False
        self._begun = False
        self._over = False
        self._start: Message = {}
        self._treatment: Treatment | None = None
        self._body = bytearray()

    async def run(self) -> None:
        host, request = self._host, self._request
        if request.body == 0 and self._scope.get("http_version", "1.1")[:1] not in {"0", "1"}:
            await self._peek()
        decision = await host.decided(request, self._scope)
        if decision is Need.BODY:
            content = await self._gather()
            if content is None:
                return
            decision = await host.gathered(request, content)
        if not isinstance(decision, Plan):
            assert isinstance(decision, Answer)
            await self._answer(decision, decision.outcome)
            return
        self._plan = decision
        if request.content is not None:
            self._peeked = [{"type": "http.request", "body": request.content, "more_body": False}]
        scope = shown(self._scope, request, decision)
        try:
            await self._app(scope, self._take, self._give)
        except _TooLarge:
            if self._begun and not self._over:
                host.record(request, self._plan, "failed", self._start.get("status", 0), "content", TOO_LARGE.reason)
            elif not self._over:
                await self._answer(TOO_LARGE, "refused")
            return
        except Exception as fault:
            if not self._over and not self._begun:
                await self._answer(refuse(500, "upstream", f"the application failed: {type(fault).__name__}"), "failed")
            elif not self._over:
                host.record(
                    request, self._plan, "failed", self._start.get("status", 0), "upstream", type(fault).__name__
                )
            raise
        except asyncio.CancelledError:
            if not self._over:
                reason = "the caller went away before the answer was whole"
                host.record(request, self._plan, "failed", self._start.get("status", 0), "wire", reason)
            raise
        if not self._over and self._begun:
            host.record(request, self._plan, "failed", self._start.get("status", 0), "wire", "the answer was not whole")
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
                self._host.record(self._request, self._plan, "failed", 0, "wire", reason)
                return None
            messages.append(message)
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._host.most_request:
                await self._answer(TOO_LARGE, "refused")
                return None
        self._peeked = messages
        return bytes(body)

    async def _take(self) -> Message:
        message = self._peeked.pop(0) if self._peeked else await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._request.tap is not None:
                self._request.tap.take_sent(message.get("body", b""))
            if self._received > self._host.most_request:
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
        if self._request.tap is not None:
            self._request.tap.media, self._request.tap.coding = media, encoded
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
            self._request.told = self._request.told or treatment.reason
            length = next((int(value) for name, value in fields if name == b"content-length" and value.isdigit()), None)
            await self._head(fields, treatment, length)

    async def _flowed(self, message: Message) -> None:
        treatment = self._treatment
        if treatment is None:
            await self._withhold("the application sent a body before its header")
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if treatment.way is Way.PASS:
            if self._request.tap is not None:
                self._request.tap.take_came(body)
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            if not more:
                self._over = True
                self._host.record(self._request, self._plan, "admitted", self._start["status"])
            return
        self._body += body
        if len(self._body) > self._host.most_response:
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
        hardens = self._request.secure and self._request.tap is None
        passed = [
            (name, hardened(value) if name == b"set-cookie" and hardens else value)
            for name, value in fields
            if name in treatment.fields
        ]
        own = self._host.head(self._request, self._plan)
        if self._plan.manner.private and not any(name == b"cache-control" for name, _ in fields):
            own.append((b"cache-control", b"no-store"))
        if length is not None:
            own.append((b"content-length", b"%d" % length))
        self._begun = True
        await self._send({"type": "http.response.start", "status": self._start["status"], "headers": [*passed, *own]})

    async def _end(self, body: bytes, withheld: tuple[int, int] = (0, 0), reason: str = "") -> None:
        self._over = True
        step = "permission" if reason else ""
        self._host.record(self._request, self._plan, "admitted", self._start["status"], step, reason, withheld)
        await self._send({"type": "http.response.body", "body": body})

    async def _withhold(self, reason: str) -> None:
        await self._answer(refuse(502, "upstream", reason), "failed")

    async def _answer(self, answer: Answer, outcome: str) -> None:
        """Send the guard's own answer in place of the application's."""
        self._over = self._begun = True
        self._host.record(self._request, self._plan, outcome, answer.status, answer.step, answer.reason)
        fields = [*answer.fields, *self._host.head(self._request, self._plan)]
        if answer.status != 204:
            fields.append((b"content-length", b"%d" % len(answer.body)))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": fields})
        body = b"" if self._request.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

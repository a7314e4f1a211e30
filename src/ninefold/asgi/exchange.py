"""One request through the application, and its answer back: what is decided about it, and what becomes of its messages."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from ninefold.asgi.scope import shown
from ninefold.contract.sequence import Sequence
from ninefold.gateway.wire import hardened
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.coding import Miscoded, recoded
from ninefold.guard.judged import unjudged
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.project import Unpromised
from ninefold.guard.slices import TURN, Slices
from ninefold.guard.steps.content import TOO_LARGE
from ninefold.guard.treatment import Treatment, Way
from ninefold.guard.whole import MOST_AT_ONCE, Released, at_once, coding_of, failed, may_be_coded, release

if TYPE_CHECKING:
    from ninefold.asgi.host import Host
    from ninefold.asgi.protocol import App, Message, Receive, Scope, Send
    from ninefold.guard.request import Request


class _TooLarge(Exception):
    """The request body went past the contract's limit."""


class StreamCut(Exception):
    """A stream stopped being what was promised after a part of it had left. The server ends its connection."""


def _release(
    request: Request, treatment: Treatment, pieces: list[bytes], most: int, came: bytes, leaves: bytes
) -> Released | Answer:
    """In a thread. The pieces go as soon as they are one."""
    body = b"".join(pieces)
    pieces.clear()
    return release(request, treatment, body, most, came, leaves)


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
        self._whole = False
        self._start: Message = {}
        self._treatment: Treatment | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._codings = b"", b""
        self._stream: Slices | None = None

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
        except StreamCut:
            raise
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
        if self._over or self._whole:
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
        elif treatment.way is Way.SCRUB:
            kept = tuple(one for one in fields if one[0] in treatment.fields and one[0] != b"date")
            await self._answer(refuse(message["status"], "response", treatment.reason, kept), "admitted")
        elif treatment.way is Way.EMPTY or (treatment.way is not Way.PASS and self._bodiless):
            varied = any(name == b"vary" and b"accept-encoding" in value.lower() for name, value in fields)
            weak = self._plan.manner.follows and may_be_coded(self._request, message["status"], encoded, varied=varied)
            await self._head(fields, treatment, None if self._bodiless else 0, b"" if weak else None)
            await self._end(b"")
        elif treatment.way is not Way.PASS:
            found = coding_of(self._request, encoded, follows=self._plan.manner.follows)
            if isinstance(found, str):
                await self._withhold(found)
                return
            self._codings = found
            if treatment.parts is not None:
                self._stream = Slices(treatment.parts.reader(self._host.most_record), *found)
                if treatment.parts.kind is Sequence.EVENTS:
                    await self._streamed(self._stream, treatment, b"", more=True)  # who listens is told that he does
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
        if self._stream is not None:
            await self._streamed(self._stream, treatment, body, more=more)
            return
        self._body.append(body)
        self._size += len(body)
        if self._size > self._host.most_response:
            await self._withhold("the body is longer than limits.response")
        elif not more:
            await self._read(treatment)

    async def _read(self, treatment: Treatment) -> None:
        """Answer with a body that is whole: a long one is read in a thread, and the application waits for it."""
        came, leaves = self._codings
        pieces, self._body = self._body, []
        self._whole = True
        short = at_once(b"".join(pieces), came) if self._size <= MOST_AT_ONCE else None
        most = self._host.most_response
        found: Released | Answer
        try:
            if short is not None:
                found = release(self._request, treatment, short[0], most, short[1], leaves)
            else:
                work = partial(_release, self._request, treatment, pieces, most, came, leaves)
                del pieces
                found = await self._host.in_thread(work)
        except Exception as fault:  # noqa: BLE001  # a fault of ours lets nothing out
            found = failed(f"the body could not be read: {type(fault).__name__}")
        if isinstance(found, Answer):
            await self._answer(found, found.outcome)
            return
        fields = [(name.lower(), value) for name, value in self._start.get("headers", ())]
        await self._head(fields, treatment, len(found.body), found.coding if came else None)
        await self._end(bytes(found.body), (found.withheld, found.withheld_bytes), found.reason)

    async def _streamed(self, stream: Slices, treatment: Treatment, body: bytes, *, more: bool) -> None:
        """Pass on what may leave of a part of a stream, slice by slice."""
        stream.put(body)
        if not more:
            stream.end()
        over = False
        while not over:
            until = time.monotonic() + TURN
            try:
                found, over = stream.read(lambda: time.monotonic() >= until)  # noqa: B023  # it is called at once
            except (Unpromised, Miscoded) as fault:
                await self._cut(f"the stream is not as described: {fault}", stream.withheld)
                return
            except Exception as fault:  # noqa: BLE001  # a fault of ours must not leave a stream open
                await self._cut(f"the stream could not be read: {type(fault).__name__}", stream.withheld)
                return
            self._request.leaked, self._request.surplus = stream.leaked, stream.surplus
            if not self._begun:
                fields = [(name.lower(), value) for name, value in self._start.get("headers", ())]
                came, leaves = self._codings
                await self._head(fields, treatment, None, leaves if came else None)
            if over:
                await self._end(found, stream.withheld)
                return
            if found:
                await self._send({"type": "http.response.body", "body": found, "more_body": True})
            if not stream.waits:
                return
            await asyncio.sleep(0)  # the others have their turn

    async def _cut(self, reason: str, withheld: tuple[int, int]) -> None:
        """What follows may not leave. After a part of it has, the server is made to cut the connection: by an error."""
        if self._stream is not None:
            self._request.leaked, self._request.surplus = self._stream.leaked, self._stream.surplus
        if not self._begun:
            await self._answer(failed(reason), "failed", withheld)
            return
        self._over = True
        self._host.record(self._request, self._plan, "failed", self._start["status"], "upstream", reason, withheld)
        raise StreamCut(reason)

    @property
    def _bodiless(self) -> bool:
        return self._start["status"] in {204, 304} or self._request.method == "HEAD"

    async def _head(
        self,
        fields: list[tuple[bytes, bytes]],
        treatment: Treatment,
        length: int | None,
        coding: bytes | None = None,
    ) -> None:
        """`coding` is that of a body that came in one, and leaves in this (empty: in plain); None: it leaves as it came."""
        hardens = self._request.secure and self._request.tap is None
        passed = [
            (name, hardened(value) if name == b"set-cookie" and hardens else value)
            for name, value in fields
            if name in treatment.fields
        ]
        if coding is not None:
            passed = recoded(passed, coding)
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

    async def _answer(self, answer: Answer, outcome: str, withheld: tuple[int, int] = (0, 0)) -> None:
        """Send the guard's own answer in place of the application's."""
        self._over = self._begun = True
        self._host.record(self._request, self._plan, outcome, answer.status, answer.step, answer.reason, withheld)
        fields = [*answer.fields, *self._host.head(self._request, self._plan)]
        if answer.status != 204:
            fields.append((b"content-length", b"%d" % len(answer.body)))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": fields})
        body = b"" if self._request.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

"""A caller's connection: reads requests strictly, asks the guard, writes responses in order.

This is the hot path: on the admitted path of a request without a body there is no task, no future and no coroutine.
The reasons for its shape, and what each check costs, are in docs/adr/0003-data-plane.md. What needs no connection is elsewhere:
HTTP in `wire` and `plain`, who calls in `forwarded`, keys and tokens in `needs`. What is left is longer than a module should be
because it is one state machine: each method asks which others have run, and who has half of them in another file misses one.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from ninefold.gateway import plain, wire
from ninefold.gateway.exchange import Exchange
from ninefold.gateway.forwarded import forwarded_fields, told, vouched
from ninefold.guard.answer import Answer, lines, refuse
from ninefold.guard.coding import asking
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.steps.arrival import subscriber
from ninefold.guard.steps.content import TOO_LARGE

if TYPE_CHECKING:
    from ninefold.gateway.gateway import Gateway
    from ninefold.gateway.upstream import UpstreamConnection
    from ninefold.guard.keyring import KnownKey
    from ninefold.guard.request import Certificate

#: A refused request's body up to this size is read away, so that the connection can go on.
MOST_DISCARDED = 65_536
#: How long, and how many bytes, a caller may go on sending after the last answer before the connection is cut.
LINGER_SECONDS = 2.0
LINGER_BYTES = 1 << 20

#: So many requests that came together are begun within a turn of the event loop: the other callers wait no longer.
MOST_BEGUN = 16

#: SO_LINGER, on, with no time: the socket is reset as it closes (socket(7)).
RESET = struct.pack("ii", 1, 0)

_QUEUE, _SLOW, _BODY, _SWITCH = 1, 2, 4, 8
FOREVER = float("inf")


class ClientConnection(asyncio.Protocol):
    """One connection from a caller."""

    __slots__ = (
        "_arriving",
        "_begun",
        "_block",
        "_block_caller",
        "_block_fields",
        "_block_head",
        "_block_key",
        "_block_lines",
        "_block_proved",
        "_block_stripped",
        "_block_subject",
        "_block_tenant",
        "_block_token",
        "_bringing",
        "_bytes",
        "_certificate",
        "_current",
        "_ends",
        "_field_lines",
        "_fields",
        "_forwarded",
        "_held",
        "_host",
        "_lingering",
        "_parser",
        "_peer",
        "_queue",
        "_repeated",
        "_secure",
        "_size",
        "_stopped",
        "_switched",
        "_target",
        "_tunnel",
        "_turn",
        "_unsent",
        "deadline",
        "device",
        "entered",
        "gateway",
        "seat",
        "transport",
    )

    def __init__(self, gateway: Gateway, peer: str) -> None:
        """`peer` is the caller's address; its seat was taken before."""
        self.gateway = gateway
        self.seat = subscriber(peer)
        self.entered = False
        self.device = ""
        self._certificate: Certificate | None = None
        self.deadline = FOREVER
        self._parser = httptools.HttpRequestParser(self)
        self._peer = peer
        self._secure = False
        self._arriving: Exchange | None = None
        self._current: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._begun = 0
        self._turn = False
        self._held = 0
        self._lingering = -1
        self._tunnel: UpstreamConnection | None = None
        self._switched = b""
        self._stopped = False
        self._ends = FOREVER
        self._unsent = FOREVER
        self._field_lines = 0
        self._host = b""
        self._forwarded = b""
        self._block: bytes | None = None  # what comes may be cut anywhere, so an empty block is one that was not seen
        self._block_fields: dict[bytes, bytes] | None = None
        self._block_lines: list[bytes] = []
        self._block_stripped: frozenset[bytes] | None = None
        self._block_caller = ""
        self._block_key = b""
        self._block_subject = self._block_tenant = ""
        self._block_proved: KnownKey | None = None
        self._block_token = b""
        self._bringing: asyncio.Task[None] | None = None
        self._block_head = b""
        self._target = b""
        self._fields: dict[bytes, bytes] | None = None
        self._repeated: tuple[bytes, ...] = ()
        self._size = 0
        self._bytes = 0

    # -- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._secure = transport.get_extra_info("sslcontext") is not None
        authority = self.gateway.authority
        if authority is not None and self._secure:
            shown = transport.get_extra_info("ssl_object").getpeercert(True)  # noqa: FBT003  # the library's own way: DER
            self._certificate = authority.certificate(shown) if shown else None
        self.entered = True
        self.gateway.welcome(self)
        self.deadline = self.gateway.clock() + self.gateway.timeouts.header

    @property
    def peer(self) -> str:
        """The address at the other end."""
        return self._peer

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.deadline = FOREVER
        self._lingering = 0
        self.gateway.farewell(self)
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
        current, self._current = self._current, None
        self._queue.clear()
        if self._bringing is not None:
            self._bringing.cancel()
        if current is not None and not current.answered:
            if current.up is not None:
                current.up.abandon()
            if current.decided:
                self.gateway.record(current, "failed", "wire", "the caller went away before the answer was whole")

    def eof_received(self) -> bool:
        # A caller who has closed his side may still read, while an exchange is running; else the connection ends.
        current = self._current
        if current is None or self._tunnel is not None or self._secure or not current.complete:
            self.gateway.outbox.settle(self.transport)  # the connection ends with this
            return False
        (self._queue[-1] if self._queue else current).keep = False
        return True

    def data_received(self, data: bytes) -> None:
        if self._lingering >= 0:
            self._lingering += len(data)
            if self._lingering > LINGER_BYTES:
                self.transport.abort()
            return
        if self._tunnel is not None:
            self.deadline = self.gateway.clock() + self.gateway.timeouts.idle
            self._tunnel.transport.write(data)
            return
        if self._held & _SWITCH:
            self._switched += data
            return
        gateway = self.gateway
        gateway.now = gateway.clock()
        if self._current is None and self._fields is None and not self._bytes and not self._held:
            # Between messages. Callers that keep a connection send the same fields again and again: a block that is the
            # same to the byte as the last one needs no second look.
            text, _, block = data.partition(b"\r\n")
            line = gateway.lines.get(text) or plain.request_line(text)
            short = len(data) <= gateway.limits.header
            if line is not None and short and (block == self._block or self._takes(block)):
                fields = self._block_fields
                assert fields is not None
                if fields[b"host"] != self._host:
                    self._name(fields[b"host"])  # another request came in between, and named another
                    self._block_stripped = None
                now = gateway.now
                self.deadline = now + gateway.timeouts.total
                exchange = self._current = Exchange(
                    line.method, line.path, fields, (), self._peer, self._secure, 0, gateway.wall(), now,
                    gateway.next_id(), line.plan, self._block_key,
                    client=self, verb=line.verb, target=line.target, host=self._host, complete=True, decided=True,
                    token_digest=self._block_token,
                )  # fmt: skip
                self._decide(exchange, None)
                self._block_key, self._block_token = exchange.key_digest, exchange.token_digest
                if line.plan is None:
                    gateway.remember(text, line, exchange.plan)
                return
        self._bytes += len(data)
        self._begun = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as pause:
            self._after_upgrade(data[pause.args[0] :])
        except httptools.HttpParserError as fault:
            self._ambiguous(fault)
            return
        if self._lingering >= 0:
            return
        if self._arriving is None:
            if self._fields is not None or self._bytes:
                self._header_goes_on(gateway)
        elif self._bytes > gateway.most_bytes:
            self._answer_instead(self._arriving, TOO_LARGE)

    def _takes(self, block: bytes) -> bool:
        """Whether these are the fields of a plain request, within the limits; then they are the connection's block."""
        found = self.gateway.field_lines.read(block)
        if found is None:
            return False
        fields, lines = found
        limits = self.gateway.limits
        host = fields.get(b"host")
        if host is None or len(lines) > limits.fields:
            return False
        if host != self._host or not self._forwarded:
            if wire.HOST.match(host) is None:
                return False
            self._name(host)
        self._block, self._block_fields, self._block_lines, self._block_stripped = block, fields, lines, None
        self._block_key = self._block_token = b""
        return True

    def _header_goes_on(self, gateway: Gateway) -> None:
        """A part of a header (or only blank lines) has come, and nothing runs: it has so long, and so many bytes."""
        if self._bytes > gateway.limits.header:
            self._refuse_unread(wire.TOO_MANY_FIELDS)
        elif self._current is None and self.deadline > (until := gateway.clock() + gateway.timeouts.header):
            self.deadline = until

    def post(self, data: bytes) -> None:
        """Write an answer, or its beginning, soon."""
        self.gateway.outbox.post(self.transport, data)

    def write(self, data: bytes) -> None:
        """Write at once, after what was posted: the caller's pace holds."""
        self.gateway.outbox.settle(self.transport)
        self.transport.write(data)

    def close(self) -> None:
        """End the connection after all that was written to it."""
        self.gateway.outbox.settle(self.transport)
        self.transport.close()

    def pause_writing(self) -> None:
        """The caller reads more slowly than he is answered: nothing more is read from him, nor begun, until he does."""
        now, timeouts = self.gateway.clock(), self.gateway.timeouts
        self.deadline = now + timeouts.body
        if self._lingering < 0:
            self._ends, self._unsent = now + timeouts.total, FOREVER
            self.hold(_SLOW)
        up = self._tunnel or (self._current.up if self._current is not None else None)
        if up is not None:
            up.hold()

    def resume_writing(self) -> None:
        current = self._current
        up = self._tunnel or (current.up if current is not None else None)
        if current is not None:
            self.deadline = current.now + self.gateway.timeouts.total
        self.release(_SLOW)
        if up is not None:
            up.release()
        if current is None and self._lingering < 0:
            self.deadline = self.gateway.clock() + self.gateway.timeouts.idle
            self._next()

    @property
    def slow(self) -> bool:
        """Whether what was written to the caller waits for him to read."""
        return bool(self._held & _SLOW)

    def hold(self, reason: int = _BODY) -> None:
        """Read no more until `release`, for one of several reasons."""
        if not self._held:
            self.transport.pause_reading()
        self._held |= reason

    def release(self, reason: int = _BODY) -> None:
        if self._held & reason:
            self._held &= ~reason
            if not self._held and not self.transport.is_closing():
                self.transport.resume_reading()

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields = {}
        self._repeated = ()
        self._size = self._field_lines = 0

    def on_url(self, url: bytes) -> None:
        self._target = self._target + url if self._target else url

    def on_header(self, name: bytes, value: bytes) -> None:
        fields = self._fields
        if fields is None:
            return  # a trailer: dropped (RFC 9110 section 6.5.1)
        name = name.lower()
        self._size += len(name) + len(value) + 4
        self._field_lines += 1
        if name in fields:
            self._repeated += (name,)
            fields[name] = fields[name] + (b"; " if name == b"cookie" else b", ") + value
        else:
            fields[name] = value

    def on_headers_complete(self) -> None:
        if self._lingering >= 0:
            return
        parser = self._parser
        fields = self._fields
        assert fields is not None
        self._fields = None
        self._size += len(self._target)
        verb = parser.get_method()
        exchange = Exchange(
            verb.decode("latin-1"), "", fields, self._repeated, self._peer, self._secure, 0, 0.0, 0.0, b"",
            client=self, verb=verb, target=self._target, version=parser.get_http_version(),
            keep=parser.should_keep_alive(),
        )  # fmt: skip
        self._arriving = exchange
        self._bytes = 0
        self._begun += 1
        if self._current is None and not self._queue and not self.slow and self._begun <= MOST_BEGUN:
            self._current = exchange
            self._begin(exchange)
        else:
            fault = self._strict(exchange)
            if fault is not None:
                exchange.keep = False
            self._queue.append(exchange)
            self.hold(_QUEUE)
            if self._current is None and not self.slow:
                self._next_turn()

    def on_body(self, data: bytes) -> None:
        exchange = self._arriving
        if exchange is None or self._lingering >= 0 or exchange.answered:
            return
        exchange.received += len(data)
        if exchange.received > self.gateway.limits.body:
            self._answer_instead(exchange, TOO_LARGE)
            return
        up = exchange.up
        if up is not None:
            if exchange.tap is not None:
                exchange.tap.take_sent(data)
            timeouts = self.gateway.timeouts
            self.deadline = min(self.gateway.clock() + timeouts.body, exchange.now + timeouts.total)
            up.send_body(wire.chunk(data) if exchange.body < 0 else data)
        else:
            if exchange.chunks is None:
                exchange.chunks = []
            exchange.chunks.append(data)
            if exchange.gathering:
                timeouts = self.gateway.timeouts
                self.deadline = min(self.gateway.clock() + timeouts.body, exchange.now + timeouts.total)
            else:
                self.hold(_BODY)

    def on_message_complete(self) -> None:
        exchange = self._arriving
        self._arriving = None
        self._bytes = 0
        if exchange is None or exchange.complete:
            return
        exchange.complete = True
        if exchange.answered:
            if exchange is self._current and self._lingering < 0:
                self._finished(exchange)
            return
        if exchange.up is not None:
            self.deadline = exchange.now + self.gateway.timeouts.total
            exchange.up.end_body()
        elif exchange.gathering:
            self._gathered(exchange)

    # -- from request to decision

    def _strict(self, exchange: Exchange) -> Answer | None:
        """What the parser lets through and an upstream could read in another way (RFC 9112 sections 3.2, 6.1, 11.2)."""
        fields = exchange.fields
        if exchange.version == "1.1":
            host = fields.get(b"host")
            if host is None:
                return wire.NO_HOST
        elif exchange.version == "1.0":
            host = fields.get(b"host", b"")
            exchange.keep = exchange.keep and fields.get(b"connection", b"").lower() == b"keep-alive"
        else:
            return wire.BAD_VERSION
        if exchange.repeated and (b"host" in exchange.repeated or b"transfer-encoding" in exchange.repeated):
            return wire.NO_HOST if b"host" in exchange.repeated else wire.BAD_CODING
        if exchange.repeated and b"content-length" in exchange.repeated:
            return wire.BAD_LENGTH
        if host != self._host or not self._forwarded:
            if host and wire.HOST.match(host) is None:
                return wire.NO_HOST
            self._name(host)
        exchange.host = host
        if exchange.target[:1] != b"/" or b"#" in exchange.target:
            found = wire.origin_form(exchange.target, host)
            if isinstance(found, Answer):
                return found
            exchange.target = found
        for name in fields:
            if b"_" in name:
                return wire.UNDERSCORE
        if self._size > self.gateway.limits.header or self._field_lines > self.gateway.limits.fields:
            return wire.TOO_MANY_FIELDS
        coding = fields.get(b"transfer-encoding")
        length = fields.get(b"content-length")
        if coding is not None:
            if coding.lower() != b"chunked" or exchange.version != "1.1" or length is not None:
                return wire.BAD_CODING
            exchange.body = -1
        elif length is not None:
            if not length.isdigit() or len(length) > 18:
                return wire.BAD_LENGTH
            exchange.body = int(length)
        exchange.complete = exchange.complete or exchange.body == 0
        expected = fields.get(b"expect")
        if expected is not None and expected.lower() != b"100-continue":
            return wire.BAD_EXPECTATION
        exchange.path = exchange.target.partition(b"?")[0].decode("latin-1")
        return None

    def _begin(self, exchange: Exchange) -> None:
        """A request whose header the parser has read."""
        gateway = self.gateway
        exchange.now = now = gateway.now
        exchange.time = gateway.wall()
        exchange.id = gateway.next_id()
        exchange.decided = True
        fault = self._strict(exchange) if exchange.path == "" else None  # it tells, too, whether a body is to come
        self.deadline = now + (gateway.timeouts.total if exchange.complete else gateway.timeouts.body)
        self._decide(exchange, fault)

    def _decide(self, exchange: Exchange, fault: Answer | None) -> None:
        """Decide about a request, and send it on or answer it."""
        gateway = self.gateway
        if gateway.looks and fault is None:
            fault = self._look(exchange)
        if fault is None and (gateway.recorder.fault or gateway.keys.fault):
            fault = refuse(503, "gateway", gateway.recorder.fault or gateway.keys.fault)
        if fault is not None:
            self._answer(exchange, fault)
            return
        decision = gateway.guard.admit(exchange)
        if type(decision) is not Plan:
            if type(decision) is Need:
                decision = gateway.needs.with_keys(exchange, decision)
            if decision is Need.TOKEN:
                self._bringing = asyncio.get_running_loop().create_task(self._bring(exchange))
                return
            if decision is Need.BODY:
                self._gather(exchange)
                return
            if type(decision) is not Plan:
                self._answer(exchange, cast("Answer", decision))
                return
        self._admit(exchange, decision)

    def _admit(self, exchange: Exchange, decision: Plan) -> None:
        """Send it on."""
        if exchange.content is not None:  # it was read, and may not be what it was
            exchange.chunks, exchange.body = [exchange.content], len(exchange.content)
        if not exchange.complete or decision.upgrade:
            self._prepare(exchange, decision)
        self.gateway.pool.dispatch(exchange)

    def _look(self, exchange: Exchange) -> Answer | None:
        """What the connection tells of the caller; where a trusted proxy is at its other end, what that one tells."""
        gateway = self.gateway
        if gateway.trusts is not None and self._peer in gateway.trusts:
            return vouched(exchange, self._peer, gateway.trusts, gateway.vouching)
        exchange.device = self.device
        if gateway.authority is not None:
            exchange.certificate = gateway.authority.holds(self._certificate, exchange.time)
        return None

    async def _bring(self, exchange: Exchange) -> None:
        """Have the caller's token verified, and decide again. The connection waits, and its deadlines hold."""
        gateway = self.gateway
        await gateway.needs.bring_token(exchange)
        if exchange is not self._current or exchange.answered:
            return  # its time was over, or its caller has gone
        self._bringing = None
        gateway.now = gateway.clock()
        self._decide(exchange, None)  # from the start: a certificate, the keys and the trail are not what they were

    def _gather(self, exchange: Exchange) -> None:
        """Wait for the whole body, which the decision depends on; `limits.body` bounds it."""
        if exchange.complete:
            self._gathered(exchange)
            return
        exchange.gathering = True
        if b"expect" in exchange.fields and exchange.version == "1.1":
            self.write(wire.CONTINUE)
        self.release(_BODY)

    def _gathered(self, exchange: Exchange) -> None:
        """The whole body is there: decide again."""
        exchange.gathering = False
        exchange.content = b"".join(exchange.chunks or ())
        exchange.doubt = None
        self.deadline = exchange.now + self.gateway.timeouts.total
        self._decide(exchange, None)

    def _name(self, host: bytes) -> None:
        """The host that the caller names, and what the upstream is told of it."""
        self._host = host
        self._forwarded = forwarded_fields(self._peer, host, secure=self._secure)

    def _prepare(self, exchange: Exchange, plan: Plan) -> None:
        """What only some requests have: a body that is on its way, or another protocol to switch to."""
        fields = exchange.fields
        protocol = fields.get(b"upgrade", b"").lower()
        named = {one.strip().lower() for one in fields.get(b"connection", b"").split(b",")}
        if protocol in plan.upgrade and exchange.complete and exchange.version == "1.1" and b"upgrade" in named:
            exchange.protocol = protocol
            self.hold(_SWITCH)
        if not exchange.complete and b"expect" in fields and exchange.version == "1.1":
            self.write(wire.CONTINUE)

    def request_head(self, exchange: Exchange) -> bytes:
        """The header as the upstream gets it."""
        plan = exchange.plan
        assert plan is not None
        stripped = plan.manner.stripped
        fields = exchange.fields
        if fields is self._block_fields:
            if (
                stripped is not self._block_stripped
                or exchange.caller != self._block_caller
                or exchange.subject != self._block_subject
                or exchange.tenant != self._block_tenant
                or exchange.key is not self._block_proved
            ):
                self._block_stripped, self._block_caller = stripped, exchange.caller
                self._block_subject, self._block_tenant = exchange.subject, exchange.tenant
                self._block_proved = exchange.key
                self._block_head = self._plain_head(exchange, stripped, _asking(plan, fields))
            return b"".join((exchange.verb, b" ", exchange.target, self._block_head, exchange.id, b"\r\n\r\n"))
        named = fields.get(b"connection")
        if named is not None and named.lower() not in {b"keep-alive", b"close"}:
            stripped |= {part.strip().lower() for part in named.split(b",")}
        passed = b"".join([b"%b: %b\r\n" % field for field in fields.items() if field[0] not in stripped])
        passed += _asking(plan, fields)
        if exchange.host != self._host:
            self._name(exchange.host)  # another request came in between, and named another
        forwarded = self._forwarded
        if exchange.address != self._peer:
            forwarded = forwarded_fields(exchange.address, exchange.host, secure=self._secure)
        framing = b""
        if exchange.body > 0:
            framing = b"content-length: %d\r\n" % exchange.body
        elif exchange.body < 0:
            framing = b"transfer-encoding: chunked\r\n"
        elif b"content-length" in fields:
            framing = b"content-length: 0\r\n"
        elif exchange.protocol:
            framing = b"connection: upgrade\r\nupgrade: %b\r\n" % exchange.protocol
        return b"%b %b%b%b%b%b%bx-request-id: %b\r\n\r\n" % (
            exchange.verb, exchange.target, self.gateway.pool.host_line, passed, forwarded, framing,
            lines(told(exchange)), exchange.id,
        )  # fmt: skip

    def _plain_head(self, exchange: Exchange, stripped: frozenset[bytes], asking: bytes) -> bytes:
        """What the upstream gets of a plain request between its target and its id; the same while the block is."""
        both = zip(exchange.fields, self._block_lines, strict=True)
        passed = b"".join([line for name, line in both if name not in stripped])
        forwarded = self._forwarded
        if exchange.address != self._peer:
            forwarded = forwarded_fields(exchange.address, exchange.host, secure=self._secure)
        shown = lines(told(exchange))
        return b"%b%b%b%b%bx-request-id: " % (self.gateway.pool.host_line, passed, asking, forwarded, shown)

    # -- from decision to answer

    def _answer(self, exchange: Exchange, answer: Answer) -> None:
        """Write what the guard or the gateway answers itself."""
        gateway = self.gateway
        keep = (
            exchange.keep
            and not answer.closes
            and not gateway.draining
            and (exchange.complete or (0 < exchange.body <= MOST_DISCARDED and b"expect" not in exchange.fields))
        )
        exchange.keep = keep
        plan = exchange.plan or gateway.guard.plan(exchange)
        parts = [wire.STATUS_LINES[answer.status], plan.manner.block, b"date: %b\r\n" % gateway.date]
        parts += [b"%b: %b\r\n" % field for field in answer.fields]
        parts.append(gateway.guard.block(exchange))
        if not keep:
            parts.append(b"connection: close\r\n")
        elif exchange.version == "1.0":
            parts.append(b"connection: keep-alive\r\n")
        if answer.status != 204:
            parts.append(b"content-length: %d\r\n" % len(answer.body))
        parts.append(b"\r\n")
        if exchange.verb != b"HEAD":
            parts.append(answer.body)
        self.post(b"".join(parts))
        exchange.status = answer.status
        gateway.record(exchange, answer.outcome, answer.step, answer.reason)
        self.answered(exchange)

    def fail(self, exchange: Exchange, status: int, reason: str) -> None:
        """The upstream gave no answer. Before a byte of it was written: 502, 503 or 504; after: the connection is cut."""
        if exchange is not self._current or exchange.answered:
            return
        exchange.up = None
        if exchange.begun:
            self.gateway.record(exchange, "failed", "upstream", reason)
            exchange.answered = True
            self._current = None
            if exchange.version == "1.0":
                self._reset()  # an answer without chunks ends with its connection: only so does it not look whole
            self.transport.abort()
            return
        answer = refuse(status, "upstream", reason, closes=not exchange.complete)
        self._answer(
            exchange,
            Answer(answer.status, answer.fields, answer.body, "failed", answer.step, reason, answer.closes),
        )

    def withhold(self, exchange: Exchange, answer: Answer) -> None:
        """The upstream's answer may not leave; the caller gets this one."""
        exchange.up = None
        if exchange is self._current and not exchange.answered:
            self._answer(exchange, answer)

    def _answer_instead(self, exchange: Exchange, answer: Answer) -> None:
        """The request turned out to be too much while it was on its way to the upstream."""
        up, exchange.up = exchange.up, None
        if up is not None:
            up.abandon()
        if exchange is not self._current:
            self._refuse_unread(answer)
        elif exchange.begun:
            self.gateway.record(exchange, answer.outcome, answer.step, answer.reason)
            exchange.answered = True
            self._current = None
            self.transport.abort()
        else:
            self._answer(exchange, answer)

    def answered(self, exchange: Exchange) -> None:
        """The last byte of the response was written."""
        exchange.answered = True
        exchange.up = None
        if exchange.keep and exchange.complete and not self._held and not self.gateway.draining:
            # nothing waits, nothing is held: as nearly every exchange ends
            self._current = None
            self.deadline = self.gateway.now + self.gateway.timeouts.idle
            return
        if self._held & _BODY:
            self.release(_BODY)
        if not exchange.keep:
            self._linger()
        elif exchange.complete:
            self._finished(exchange)

    def _finished(self, exchange: Exchange) -> None:
        """Request and response are whole: the next, if one waits."""
        del exchange
        self._current = None
        if not self.slow:
            self.deadline = self.gateway.now + self.gateway.timeouts.idle
        if self.gateway.draining and not self._queue:
            self._linger()
            return
        if self._held & _SWITCH:
            # the upstream did not switch: what came meanwhile is read as HTTP again
            self.release(_SWITCH)
            if self._stopped or self._switched:
                self._after_upgrade(b"")
        self._next()

    def _next(self) -> None:
        """Begin with the requests that wait, as long as each is answered at once, and only so many within a turn."""
        if self._turn:
            return  # the loop below does it, or the next turn
        self._turn = True
        begun = 0
        try:
            while (
                begun < MOST_BEGUN and self._queue and self._current is None and self._lingering < 0 and not self.slow
            ):
                begun += 1
                following = self._queue.popleft()
                self._current = following
                self._begin(following)
        finally:
            self._turn = False
        if not self._queue:
            self.release(_QUEUE)
        elif begun == MOST_BEGUN and self._current is None:
            self._next_turn()

    def _next_turn(self) -> None:
        """Let others have their turn first, and what was answered be written."""
        if not self._turn:
            self._turn = True
            asyncio.get_running_loop().call_soon(self._turned)

    def _turned(self) -> None:
        self._turn = False
        self._next()

    def _linger(self) -> None:
        """Answer given, connection not to be used again: let the caller read it before the socket goes (RFC 9112 9.6)."""
        self._lingering = 0
        self._current = None
        self._queue.clear()
        self._held = 0
        now = self.gateway.clock()
        self.deadline, self._ends, self._unsent = now + LINGER_SECONDS, now + self.gateway.timeouts.total, FOREVER
        if self._arriving is None or self._secure:
            self.close()
            return
        self.gateway.outbox.settle(self.transport)
        self.transport.resume_reading()
        self.transport.write_eof()

    # -- what is no request

    def _ambiguous(self, fault: Exception) -> None:
        """The bytes are no HTTP/1.1 that has one reading."""
        cause = fault.__context__
        self._refuse_unread(wire.malformed(f"{fault}{f' ({cause})' if cause is not None else ''}"))

    def _refuse_unread(self, answer: Answer) -> None:
        """Refuse what never became a request. While another is being answered, that one is cut: its bytes are suspect too."""
        arriving = self._arriving
        if self._current is not None and self._current is not arriving:
            current, self._current = self._current, None
            if current.up is not None:
                current.up.abandon()
            if not current.answered and current.decided:
                self.gateway.record(current, "failed", "wire", "malformed bytes followed the request")
            self.transport.abort()
            return
        if arriving is not None and arriving.decided:
            if not arriving.answered:
                self._answer_instead(arriving, answer)
            else:
                self._linger()
            return
        gateway = self.gateway
        exchange = Exchange(
            "", self._target.partition(b"?")[0].decode("latin-1"), {}, (), self._peer, self._secure, 0,
            gateway.wall(), gateway.clock(), gateway.next_id(),
            client=self, verb=b"", keep=False, complete=True, decided=True,
        )  # fmt: skip
        self._current = exchange
        self._answer(exchange, answer)

    def expired(self, now: float) -> None:
        """The deadline has passed."""
        self.deadline = FOREVER
        current = self._current
        ends = self._ends if current is None else current.now + self.gateway.timeouts.total if current.begun else 0.0
        if self._tunnel is None and now < min(ends, self._ends) and self._reads():
            # a slow reader is an honest one, as long as he reads
            self.deadline = min(now + self.gateway.timeouts.body, ends)
        elif self._lingering >= 0 or self._tunnel is not None:
            self._cut()
        elif current is None:
            if self._fields is not None or self._bytes:
                self._refuse_unread(wire.SLOW_HEADER)
            elif self.transport.get_write_buffer_size():
                self._cut()  # it does not read what it was answered
            else:
                self.close()
        elif current.answered:
            self.transport.abort()  # its body never came; the answer to it was given
        elif not current.complete and not current.begun:
            self._answer_instead(current, wire.SLOW_BODY)
        else:
            up, current.up = current.up, None
            if up is not None:
                up.abandon()
            over = now >= current.now + self.gateway.timeouts.total
            self.fail(
                current,
                504,
                "the exchange took longer than limits.timeouts.total" if over else "the caller stopped reading",
            )

    def _cut(self) -> None:
        """End the connection now. What the caller did not read goes too: the system would keep megabytes for him."""
        if self.transport.get_write_buffer_size():
            self._reset()
        self.transport.abort()

    def _reset(self) -> None:
        """The socket is to be reset as it closes: the caller cannot take that for an end."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _reads(self) -> bool:
        """Whether something waits for the caller to read, and it is less than when this was last asked."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        return 0 < self._unsent < before

    def drain(self) -> None:
        """The gateway is ending: an idle connection ends now, a busy one after its answer."""
        if self._current is None and self._lingering < 0 and self._tunnel is None:
            self.close()

    def went_through(self, data: bytes) -> None:
        """Bytes of a tunnel, from the upstream."""
        self.deadline = self.gateway.clock() + self.gateway.timeouts.idle
        self.write(data)

    # -- another protocol

    def _after_upgrade(self, rest: bytes) -> None:
        """The parser stops at a request that asks to switch protocols. Unless it is switched, HTTP goes on after it."""
        if self._held & _SWITCH:
            self._switched += rest
            self._stopped = True
            return
        self._stopped = False
        self._parser = httptools.HttpRequestParser(self)
        rest = self._switched + rest
        self._switched = b""
        if rest and self._lingering < 0:
            self.data_received(rest)

    def switch(self, up: UpstreamConnection) -> bytes:
        """The upstream has switched: from here on bytes go both ways unread. Gives what the caller has already sent."""
        self._tunnel = up
        early, self._switched = self._switched, b""
        self.deadline = self.gateway.clock() + self.gateway.timeouts.idle
        self._current = None
        self.release(_SWITCH)
        return early


def _asking(plan: Plan, fields: dict[bytes, bytes]) -> bytes:
    """The line that asks the upstream for what can be opened of a caller's codings, where its answer is read."""
    if not plan.manner.follows or b"accept-encoding" not in fields:
        return b""
    asked = asking(fields[b"accept-encoding"])
    return b"accept-encoding: %b\r\n" % asked if asked else b""

"""A connection to the API behind the gateway: sends a request, reads its response strictly, treats it as the plan says.

Its parser lives as long as the connection, and a response goes on to the caller from the parser's own callbacks. Longer
than a module should be, as `client` is, because it is one state machine on the hot path.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from ninefold.gateway import wire
from ninefold.gateway.beginning import beginning
from ninefold.gateway.projection import Projection, answer
from ninefold.gateway.stream import Stream
from ninefold.guard.answer import problem
from ninefold.guard.judged import unjudged
from ninefold.guard.treatment import Treatment, Way
from ninefold.guard.whole import MOST_AT_ONCE, at_once, coding_of, failed, release

if TYPE_CHECKING:
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.heads import Head
    from ninefold.gateway.pool import Pool
    from ninefold.guard.answer import Answer

FOREVER = float("inf")
#: Most bytes of a response's header, and of a body that is read away so that its connection can be used again.
MOST_HEADER = 65_536
MOST_DISCARDED = 65_536


class UpstreamConnection(asyncio.Protocol):
    """One pooled connection. `exchange` is the one that it serves now."""

    __slots__ = (
        "_beginning",
        "_body",
        "_codings",
        "_discarding",
        "_early",
        "_first",
        "_flowing",
        "_head",
        "_header",
        "_held",
        "_kept",
        "_parser",
        "_reusable",
        "_size",
        "_stream",
        "_streaming",
        "_treatment",
        "_tunnel",
        "_whole",
        "deadline",
        "exchange",
        "pool",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.deadline = FOREVER
        self.exchange: Exchange | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._first = True
        self._held = False
        self._tunnel = False
        self._discarding = False
        self._whole = False
        self._reusable = False
        self._kept = False
        self._reset()

    def _reset(self) -> None:
        self._early = b""
        self._header = b""
        self._head: Head | None = None
        self._size = 0
        self._body: list[bytes] | None = None
        self._codings = b"", b""
        self._streaming = False
        self._stream: Stream | None = None
        self._beginning = b""
        self._flowing: list[bytes] = []
        self._treatment: Treatment | None = None

    # -- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.pool.made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.deadline = FOREVER
        self.pool.lost(self)
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            return
        client = exchange.client
        if self._tunnel:
            client.close()
            self.pool.gateway.record(exchange, "admitted", "", "")
            return
        untouched = not self._header and not self._early and not self._first and exchange.body == 0
        if untouched and not exchange.retried and exchange.verb in _REPEATABLE:
            # A kept connection that the upstream had already given up: nothing was read, so another may be tried
            # (RFC 9112 section 9.3.1).
            exchange.retried = True
            exchange.up = None
            self.pool.dispatch(exchange)
            return
        client.fail(
            exchange,
            502,
            f"the upstream closed the connection before its answer was whole{f': {exc}' if exc else ''}",
        )

    def eof_received(self) -> bool:
        # A body without a length ends with the connection (RFC 9112 section 6.3).
        head = self._head
        reading = self._streaming or self._stream is not None or self._body is not None
        if head is not None and head.length < 0 and not head.chunked and reading:
            self._complete(reusable=False)
            self._settle()
        return False

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if self._tunnel:
            if exchange is not None:
                exchange.client.went_through(data)
            return
        if exchange is None and not self._discarding:
            self.transport.abort()  # bytes that nobody asked for belong to no request
            return
        gateway = self.pool.gateway
        gateway.now = now = gateway.clock()
        if not self._header:
            if exchange is not None and not self._early:
                end = data.find(b"\r\n\r\n") + 4
                head = self.pool.heads.whole.get(data[:end])
                if head is not None and head.length == len(data) - end and self._at_once(exchange, head, data[end:]):
                    return
            data = self._collected(data)
            if not data:
                return
        if not self._discarding:
            self.deadline = now + gateway.timeouts.upstream
        self._feed(data)

    def _at_once(self, exchange: Exchange, head: Head, body: bytes) -> bool:
        """A whole answer whose header is known: no parser is needed. Says whether it was one to be answered so."""
        pool = self.pool
        gateway = pool.gateway
        plan = exchange.plan
        assert plan is not None
        assert plan.treatments is not None
        ordinary = exchange.keep and exchange.complete and exchange.version == "1.1" and exchange.verb != b"HEAD"
        if not ordinary or gateway.draining or exchange.held is not None or exchange.tap is not None:
            return False
        treatment = plan.treatments.of(head.status, head.media)
        known = head.beginnings.get(id(treatment))
        beginning = known[1] if known is not None else head.begin(treatment, min(MOST_AT_ONCE, gateway.limits.response))
        if not beginning:
            return False
        if treatment.projector is not None:
            came = body
            try:
                body, exchange.withheld, exchange.withheld_bytes = treatment.projector(body, exchange)
            except Exception:  # noqa: BLE001  # the long way says why nothing leaves, and tells what leaks in it
                exchange.leaked, exchange.surplus = (), 0
                return False
            if exchange.withheld:
                exchange.places = treatment.projector.places(plan.operation, exchange.now, came)
        exchange.status = head.status
        client = exchange.client
        gateway.outbox.post(
            client.transport,
            b"".join((
                beginning,
                plan.manner.silent_block if head.private else plan.manner.block,
                gateway.guard.block(exchange),
                b"content-length: %d\r\n\r\n" % len(body),
                body,
            )),
        )  # fmt: skip
        self.exchange = None
        self._first = False
        self.deadline = FOREVER
        gateway.record(exchange, "admitted", "", "")
        client.answered(exchange)
        pool.release(self)
        return True

    def _collected(self, data: bytes) -> bytes:
        """Keep bytes until a whole header is there; gives what the parser may have now."""
        if self._early:
            data = self._early + data
        end = data.find(b"\r\n\r\n")
        while end >= 0 and data[9:10] == b"1" and data[9:12] != b"101" and data[:5] == b"HTTP/":
            # an interim answer (RFC 9110 section 15.2): dropped; and a sign that the request has been read
            if self.exchange is not None:
                self.exchange.retried = True
            if not self._feed(data[: end + 4]):
                return b""
            data = data[end + 4 :]
            end = data.find(b"\r\n\r\n")
        if end >= 0 and data[:5] != b"HTTP/":
            self._refuse("the upstream's answer does not begin with its status")
            return b""
        if end >= 0:
            self._early = b""
            self._header = data[: end + 4]
            return data
        self._early = data
        if len(data) > MOST_HEADER:
            self._refuse("the header of the upstream's answer is too large, or none")
        return b""

    def _feed(self, data: bytes) -> bool:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as pause:
            self._upgraded(data[pause.args[0] :])
            return False
        except httptools.HttpParserError as fault:
            cause = fault.__context__
            self._refuse(f"the upstream's answer is malformed: {fault}{f' ({cause})' if cause is not None else ''}")
            return False
        if self._streaming and self.exchange is not None:
            self._flow(self.exchange, last=False)
        elif self._stream is not None and self.exchange is not None:
            self._stream.flush()
        elif self._body is not None and self._size > MOST_AT_ONCE and not self.transport.is_closing():
            self.pool.gateway.turnstile.wait(self.transport)
        if self._whole:
            self._settle()
        return True

    def pause_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.client.hold()

    def resume_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.client.release()

    def hold(self) -> None:
        """The caller reads slowly: read no more from the upstream meanwhile."""
        if not self._held:
            self._held = True
            self.deadline = FOREVER
            self.transport.pause_reading()

    def release(self) -> None:
        if self._held:
            self._held = False
            if not self.transport.is_closing():
                self.deadline = self.pool.gateway.clock() + self.pool.gateway.timeouts.upstream
                self.transport.resume_reading()

    def abandon(self) -> None:
        """Nobody waits for this answer any more; the connection cannot be used again."""
        self.exchange = None
        self._discarding = False
        self.deadline = FOREVER
        self.transport.abort()

    def close(self) -> None:
        """The caller's side of a tunnel has ended."""
        self.transport.close()

    def expired(self) -> None:
        """The upstream has said nothing for too long."""
        self.deadline = FOREVER
        exchange, self.exchange = self.exchange, None
        self.transport.abort()
        if exchange is not None:
            exchange.client.fail(exchange, 504, "the upstream said nothing for limits.timeouts.upstream")

    # -- the request

    def start(self, exchange: Exchange) -> None:
        """Send a request whose header (and perhaps body) has arrived; the rest follows by `send_body`."""
        self.exchange = exchange
        exchange.up = self
        client = exchange.client
        head = client.request_head(exchange)
        if exchange.chunks is not None:
            if exchange.tap is not None:
                exchange.tap.take_sent(b"".join(exchange.chunks))
            chunked = exchange.body < 0
            head += b"".join([wire.chunk(one) for one in exchange.chunks] if chunked else exchange.chunks)
            exchange.chunks = None
            client.release()
        if exchange.body < 0 and exchange.complete:
            head += wire.LAST_CHUNK
        gateway = self.pool.gateway
        self.deadline = gateway.now + gateway.timeouts.upstream if exchange.complete else FOREVER
        self.transport.write(head)

    def send_body(self, data: bytes) -> None:
        self.transport.write(data)

    def end_body(self) -> None:
        exchange = self.exchange
        if exchange is not None and exchange.body < 0:
            self.transport.write(wire.LAST_CHUNK)
        gateway = self.pool.gateway
        self.deadline = gateway.now + gateway.timeouts.upstream

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        if self._whole:
            raise ValueError("more bytes followed the answer")

    def on_headers_complete(self) -> None:
        exchange = self.exchange
        status = self._parser.get_status_code()
        if exchange is None:
            return
        if status < 200:
            return
        head = self._head = self.pool.heads.read(status, self._header[:-4])
        plan = exchange.plan
        assert plan is not None
        assert plan.treatments is not None
        exchange.status = status
        if exchange.tap is not None:
            exchange.tap.media, exchange.tap.coding = head.media, head.encoding
        treatment = self._treatment = plan.treatments.of(status, head.media)
        way = treatment.way
        if exchange.held is not None and (answer := unjudged(exchange, status, way)) is not None:
            self._hide(exchange, answer)
        elif exchange.verb == b"HEAD":
            self._answer_head(exchange, treatment, head)
        elif way is Way.PROJECT:
            if not self._can_open(exchange, head):
                return
            if head.length > self.pool.gateway.limits.response:
                self._withhold(exchange, "the body is longer than limits.response")
            else:
                self._body = []
        elif way is Way.PASS:
            exchange.told = exchange.told or treatment.reason
            self._begin_stream(exchange, treatment, head)
        elif way is Way.STREAM and status != 204:
            if self._can_open(exchange, head):
                self._stream = Stream(self.pool.gateway, exchange, head, treatment, self, self._codings)
        elif way is Way.EMPTY or way is Way.STREAM:
            self._write_whole(exchange, treatment, b"", with_length=status not in {204, 304})
            self._discard(exchange)
        elif way is Way.SCRUB:
            self._scrub(exchange, treatment)
        else:
            self._withhold(exchange, treatment.reason)

    def on_body(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self._size += len(data)
            if self._size > MOST_DISCARDED:
                self.transport.abort()
            return
        if self._body is not None:
            self._size += len(data)
            if self._size > self.pool.gateway.limits.response:
                self._withhold(exchange, "the body is longer than limits.response")
                return
            self._body.append(data)
        elif self._stream is not None:
            self._stream.take(data)
        elif self._streaming:
            self._flowing.append(data)
            if exchange.tap is not None:
                exchange.tap.take_came(data)

    def on_message_complete(self) -> None:
        if self._head is None:
            if self._parser.get_status_code() != 101:
                self._reset()  # an interim answer (1xx): dropped
            return
        self._complete(reusable=self._parser.should_keep_alive())

    # -- the answer

    def _can_open(self, exchange: Exchange, head: Head) -> bool:
        """Settle in what coding a body comes and leaves; one that cannot be opened is withheld."""
        plan = exchange.plan
        assert plan is not None
        found = coding_of(exchange, head.encoding, follows=plan.manner.follows)
        if isinstance(found, str):
            self._withhold(exchange, found)
            return False
        self._codings = found
        return True

    def _read(self, exchange: Exchange, pieces: list[bytes]) -> None:
        """Answer with a body that is whole: now where it is short, else when a thread has read it."""
        treatment, head = self._treatment, self._head
        assert treatment is not None
        assert head is not None
        gateway = self.pool.gateway
        came, leaves = self._codings
        self.exchange = None
        if not exchange.complete:
            self.transport.abort()  # a request that is still being sent cannot be followed by another here
        short = at_once(b"".join(pieces), came) if self._size <= MOST_AT_ONCE else None
        if short is not None:
            most = gateway.limits.response
            try:
                found = release(exchange, treatment, short[0], most, short[1], leaves)
            except Exception as fault:  # noqa: BLE001  # as in a thread: a fault of ours lets nothing out
                found = failed(f"the body could not be read: {type(fault).__name__}")
            answer(exchange, head, treatment, found, came=bool(came))
            return
        self._kept = gateway.projections.full
        connection = self if self._kept else None
        projection = Projection(gateway, exchange, head, treatment, pieces, self._codings, connection)
        exchange.up = projection
        gateway.projections.take(projection)

    def let_go(self) -> None:
        """What was waited for with this connection has its turn."""
        if self._kept:
            self._kept = False
            self._settle()

    def _complete(self, *, reusable: bool) -> None:
        """The upstream's message is whole."""
        exchange = self.exchange
        body = self._body
        if exchange is not None and body is not None:
            self._body = None
            self._read(exchange, body)
        elif exchange is not None and self._stream is not None:
            self.exchange = None
            if not exchange.complete:
                self.transport.abort()
            self._stream.end()
        elif exchange is not None and self._streaming:
            self._flow(exchange, last=True)
            self._finish(exchange)
        self._end(reusable=reusable)

    def _end(self, *, reusable: bool) -> None:
        """Nothing of the upstream's message is left to do."""
        if reusable and self._head is not None:
            self.pool.heads.remember(self._header, self._head)
        self._reset()
        self._whole = True
        self._reusable = reusable

    def _settle(self) -> None:
        """After every byte that was read: the connection is free, or ends."""
        if self._kept:
            return
        self._whole = self._discarding = False
        if self._reusable and not self.transport.is_closing():
            self._first = False
            self.deadline = FOREVER
            self.pool.release(self)
        else:
            self.transport.close()

    def _finish(self, exchange: Exchange) -> None:
        """Let go of the exchange; a request that is still being sent cannot be followed by another here."""
        self.exchange = None
        if not exchange.complete:
            self.transport.abort()
        self.pool.gateway.record(exchange, "admitted", "", "")
        exchange.client.answered(exchange)

    def _discard(self, exchange: Exchange, outcome: str = "admitted", step: str = "", reason: str = "") -> None:
        """The caller has his answer; what is left of the upstream's is read away."""
        self._discarding = True
        self.deadline = self.pool.gateway.clock() + self.pool.gateway.timeouts.upstream
        self.exchange = None
        self._body = None
        self._size = 0
        if not exchange.complete:
            self.transport.abort()
        self.pool.gateway.record(exchange, outcome, step, reason)
        exchange.client.answered(exchange)

    def _begun(self, exchange: Exchange, treatment: Treatment) -> list[bytes]:
        assert self._head is not None
        return beginning(exchange, self._head, treatment)

    def _framed(self, exchange: Exchange) -> bool:
        """Whether a streamed body is chunked on its way to the caller."""
        assert self._head is not None
        return exchange.version == "1.1" and self._head.length < 0

    def _write_whole(self, exchange: Exchange, treatment: Treatment, body: bytes, *, with_length: bool = True) -> None:
        parts = self._begun(exchange, treatment)
        parts.append(b"content-length: %d\r\n\r\n" % len(body) if with_length else b"\r\n")
        if exchange.verb != b"HEAD":
            parts.append(body)
        exchange.client.post(b"".join(parts))

    def _begin_stream(self, exchange: Exchange, treatment: Treatment, head: Head) -> None:
        bodiless = exchange.status in {204, 304}
        if head.length < 0 and exchange.version == "1.0" and not bodiless:
            exchange.keep = False
        parts = self._begun(exchange, treatment)
        if head.length >= 0 and not bodiless:
            parts.append(b"content-length: %d\r\n\r\n" % head.length)
        elif exchange.version == "1.1" and not bodiless:
            parts.append(b"transfer-encoding: chunked\r\n\r\n")
        else:
            parts.append(b"\r\n")
        if bodiless:
            exchange.client.post(b"".join(parts))
            self._discard(exchange)
        else:
            self._beginning = b"".join(parts)
            self._streaming = True
            if exchange.client.slow:
                self.hold()

    def _flow(self, exchange: Exchange, *, last: bool) -> None:
        """Pass on what one read brought of a stream, in one write."""
        data = b"".join(self._flowing)
        if self._framed(exchange):
            data = (wire.chunk(data) if data else b"") + (wire.LAST_CHUNK if last else b"")
        data = self._beginning + data
        self._beginning = b""
        self._flowing = []
        if last:
            exchange.client.post(data)
        elif data:
            exchange.client.write(data)

    def _answer_head(self, exchange: Exchange, treatment: Treatment, head: Head) -> None:
        """A HEAD's answer ends with its header, whatever lengths it tells; the parser cannot know."""
        # Its bytes are not worth telling apart from a body that should not be there: one connection less.
        self.transport.close()
        if treatment.way is Way.WITHHOLD:
            self._withhold(exchange, treatment.reason)
            return
        if treatment.way is Way.SCRUB:
            self._scrub(exchange, treatment)
            return
        parts = self._begun(exchange, treatment)
        if treatment.way is Way.PASS and head.length >= 0:
            parts.append(b"content-length: %d\r\n" % head.length)
        parts.append(b"\r\n")
        exchange.client.post(b"".join(parts))
        self._discard(exchange)

    def _scrub(self, exchange: Exchange, treatment: Treatment) -> None:
        """The upstream's error, without its words."""
        body = problem(exchange.status) if exchange.status in wire.STATUS_LINES else problem(502)
        self._write_whole(exchange, treatment, body)
        self._discard(exchange, "admitted", "response", treatment.reason)

    def _hide(self, exchange: Exchange, answer: Answer) -> None:
        """What the caller may know is that there is nothing here. What is left of the answer is read away."""
        self._discarding = True
        self.deadline = self.pool.gateway.clock() + self.pool.gateway.timeouts.upstream
        self.exchange = None
        self._size = 0
        if exchange.verb == b"HEAD" or not exchange.complete:
            self.transport.close()  # as in `_answer_head`; and what is still being sent cannot be followed by another
        exchange.client.withhold(exchange, answer)

    def _withhold(self, exchange: Exchange, reason: str) -> None:
        """The answer may not leave: 502, and the reason for the trail alone. What is left of it is not read."""
        self.exchange = None
        exchange.client.fail(exchange, 502, reason)
        self.transport.abort()

    def _refuse(self, reason: str) -> None:
        exchange, self.exchange = self.exchange, None
        self._discarding = False
        self.transport.abort()
        if exchange is not None:
            exchange.up = None
            exchange.client.fail(exchange, 502, reason)

    def _upgraded(self, rest: bytes) -> None:
        exchange = self.exchange
        if exchange is None or not exchange.protocol or self._parser.get_status_code() != 101:
            self._refuse("the upstream switched protocols without being asked")
            return
        lines = self.pool.heads.read(101, self._header[:-4]).lines
        named = b"".join(value.lower() for name, value, _ in lines if name == b"upgrade")
        if named != exchange.protocol:
            self._refuse(f"the upstream switched to {named!r}, which was not asked for")
            return
        self._tunnel = True
        self.deadline = FOREVER
        exchange.status = 101
        exchange.begun = exchange.answered = True
        client = exchange.client
        passed = _HANDSHAKE_FIELDS
        parts = [b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ", named, b"\r\n"]
        parts += [line for name, _, line in lines if name in passed]
        parts += [b"x-request-id: ", exchange.id, b"\r\n\r\n", rest]
        client.write(b"".join(parts))
        if client.slow:
            self.hold()
        early = client.switch(self)
        if early:
            self.transport.write(early)


#: Methods that may be sent again (RFC 9110 section 9.2.2).
_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"})
#: What a WebSocket handshake answers with (RFC 6455 section 4.2.2).
_HANDSHAKE_FIELDS = frozenset(
    {b"sec-websocket-accept", b"sec-websocket-protocol", b"sec-websocket-extensions", b"date"}
)

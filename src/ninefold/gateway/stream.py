"""A stream that is read part by part (records, events) on its way to the caller.

It stands as the exchange's `up` in front of its connection. What has come is read in short turns of the event loop, so that a
million tiny records hold nobody up, and the upstream is held back until all that came is read and the caller takes it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ninefold.gateway import wire
from ninefold.gateway.beginning import beginning
from ninefold.guard.coding import Miscoded
from ninefold.guard.project import Unpromised
from ninefold.guard.slices import TURN, Slices

if TYPE_CHECKING:
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.gateway import Gateway
    from ninefold.gateway.heads import Head
    from ninefold.gateway.upstream import UpstreamConnection
    from ninefold.guard.treatment import Treatment


class Stream:
    """One answer that goes on while it is read."""

    __slots__ = (
        "_beginning", "_chunked", "_connection", "_exchange", "_gateway", "_scheduled", "_slices", "_slow", "_wanted",
    )  # fmt: skip

    def __init__(
        self,
        gateway: Gateway,
        exchange: Exchange,
        head: Head,
        treatment: Treatment,
        connection: UpstreamConnection,
        codings: tuple[bytes, bytes],
    ) -> None:
        """`codings` are those that the body comes in and leaves in."""
        assert treatment.parts is not None
        came, leaves = codings
        self._gateway = gateway
        self._exchange = exchange
        self._connection: UpstreamConnection | None = connection
        self._slices = Slices(treatment.parts.reader(gateway.limits.record), came, leaves)
        self._scheduled = False
        self._slow = exchange.client.slow
        self._wanted = True
        self._chunked = exchange.version == "1.1"
        if not self._chunked:
            exchange.keep = False
        framing = b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"
        self._beginning = b"".join([*beginning(exchange, head, treatment, leaves if came else None), framing])
        exchange.begun = False  # until a byte of it is written, a fault can still be told as one
        exchange.up = self
        if self._slow:
            connection.hold()

    # -- what an exchange's `up` is told

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._wanted = False
        if self._connection is not None:
            self._connection.abandon()

    def hold(self) -> None:
        """The caller reads slowly."""
        self._slow = True
        if self._connection is not None:
            self._connection.hold()

    def release(self) -> None:
        self._slow = False
        self._go_on()

    def send_body(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send_body(data)

    def end_body(self) -> None:
        if self._connection is not None:
            self._connection.end_body()

    # -- what its connection tells

    def take(self, data: bytes) -> None:
        """Some of the body."""
        self._slices.put(data)

    def flush(self) -> None:
        """All of one read has been taken."""
        if not self._scheduled:
            self._turn()

    def end(self) -> None:
        """The body is whole, and its connection serves others."""
        self._slices.end()
        if self._connection is not None:
            self._connection.release()
            self._connection = None
        self.flush()

    # -- its turns

    def _later(self) -> None:
        self._scheduled = False
        self._turn()

    def _turn(self) -> None:
        exchange = self._exchange
        if not self._wanted or exchange.up is not self:
            return
        try:
            clock = self._gateway.clock
            until = clock() + TURN
            found, over = self._slices.read(lambda: clock() >= until)
        except (Unpromised, Miscoded) as fault:
            self._cut(f"the stream is not as described: {fault}")
            return
        except Exception as fault:  # noqa: BLE001  # a fault of ours must not leave a stream open
            self._cut(f"the stream could not be read: {type(fault).__name__}")
            return
        self._write(found, over=over)
        if over:
            exchange.withheld, exchange.withheld_bytes = self._slices.withheld
            exchange.leaked, exchange.surplus = self._slices.leaked, self._slices.surplus
            self._gateway.record(exchange, "admitted", "", "")
            exchange.client.answered(exchange)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Another turn, where something waits to be read; else more from the upstream."""
        if self._slow or self._scheduled:
            return
        if self._slices.waits:
            self._scheduled = True
            if self._connection is not None:
                self._connection.hold()
            asyncio.get_running_loop().call_soon(self._later)
        elif self._connection is not None:
            self._connection.release()

    def _write(self, data: bytes, *, over: bool) -> None:
        if self._chunked:
            data = (wire.chunk(data) if data else b"") + (wire.LAST_CHUNK if over else b"")
        data = self._beginning + data
        if data:
            self._beginning = b""
            self._exchange.begun = True
            self._exchange.client.write(data)

    def _cut(self, reason: str) -> None:
        """What follows may not leave. Before a byte of it has left that is 502; after that the connection is cut."""
        exchange = self._exchange
        exchange.withheld, exchange.withheld_bytes = self._slices.withheld
        exchange.leaked, exchange.surplus = self._slices.leaked, self._slices.surplus
        self.abandon()
        exchange.client.fail(exchange, 502, reason)

"""Answers that take long to read: they are projected in a thread, and nobody else waits meanwhile.

When the upstream's message is whole, a `Projection` takes its connection's place as the exchange's `up`. Who lets go of it (the
caller has gone, his time is over, the gateway ends) need not wait for the thread: what it comes to then goes nowhere. Its
answer is written on the loop, if the exchange is still wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ninefold.gateway.beginning import beginning
from ninefold.guard.answer import Answer
from ninefold.guard.whole import Released, failed, release

if TYPE_CHECKING:
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.gateway import Gateway
    from ninefold.gateway.heads import Head
    from ninefold.gateway.upstream import UpstreamConnection
    from ninefold.guard.treatment import Treatment

#: So many answers are projected at once. The C call gives up the interpreter's lock; more threads would only share the cores.
THREADS = 2
#: So much of an answer is written at once.
PIECE = 131_072
#: How far a thread steps back behind the loop (sched(7)).
NICE = 10
#: So many wait without holding a connection; past them an answer keeps its own until its turn comes, so that the pool's
#: bound is that of the memory too.
MOST_WAITING = 8


def threads() -> ThreadPoolExecutor:
    """The threads for what takes long; each is made when it is first wanted."""
    return ThreadPoolExecutor(THREADS, "projection", _yield_to_the_loop)


def _yield_to_the_loop() -> None:
    """Where the loop and a thread want the same core, the loop goes first: threads have a nice value of their own on Linux."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class Projections:
    """The threads, and who waits for one."""

    __slots__ = ("_loop", "_pool", "_running", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = threads()
        self._running = 0
        self._waiting: deque[Projection] = deque()

    @property
    def full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING

    def take(self, projection: Projection) -> None:
        self._waiting.append(projection)
        self._start()

    def _start(self) -> None:
        while self._waiting and self._running < THREADS:
            projection = self._waiting.popleft()
            if projection.begin():
                self._running += 1
                self._loop.run_in_executor(self._pool, projection.read).add_done_callback(projection.done)

    def ended(self) -> None:
        """A thread is free."""
        self._running -= 1
        self._start()

    def close(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Projection:
    """One answer whose body is whole and not read yet."""

    __slots__ = (
        "_body", "_came", "_connection", "_exchange", "_found", "_gateway", "_head", "_leaves", "_left", "_scheduled", "_slow",
        "_treatment", "_wanted",
    )  # fmt: skip

    def __init__(
        self,
        gateway: Gateway,
        exchange: Exchange,
        head: Head,
        treatment: Treatment,
        body: list[bytes],
        codings: tuple[bytes, bytes],
        connection: UpstreamConnection | None,
    ) -> None:
        """`codings` are those that the body came in and leaves in; `connection` is let go of when it is this one's turn."""
        self._gateway = gateway
        self._exchange = exchange
        self._head = head
        self._treatment = treatment
        self._body = body
        self._came, self._leaves = codings
        self._connection = connection
        self._wanted = True
        self._slow = self._scheduled = False
        self._found: Released | None = None
        self._left = memoryview(b"")

    # -- what an exchange's `up` is told

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._wanted = False
        self._body = []
        self._found, self._left = None, memoryview(b"")
        self._free()

    def hold(self) -> None:
        """The caller reads slowly."""
        self._slow = True

    def release(self) -> None:
        self._slow = False
        self._go_on()

    def send_body(self, data: bytes) -> None:
        """The upstream has answered without the rest of the request."""

    def end_body(self) -> None:
        """As above."""

    # -- its turn

    def begin(self) -> bool:
        """Whether it is still wanted; its connection is free."""
        self._free()
        return self._still()

    def _still(self) -> bool:
        return self._wanted and self._exchange.up is self

    def _free(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.let_go()

    def read(self) -> Released | Answer:
        """In the thread. The pieces go as soon as they are one: a large body is not kept twice."""
        pieces, self._body = self._body, []
        body = b"".join(pieces)
        del pieces
        most = self._gateway.limits.response
        return release(self._exchange, self._treatment, body, most, self._came, self._leaves, view=True)

    def done(self, future: asyncio.Future[Released | Answer]) -> None:
        """On the loop again."""
        gateway = self._gateway
        if future.cancelled():
            return  # the gateway has ended
        fault = future.exception()
        gateway.projections.ended()
        if self._still():
            gateway.now = gateway.clock()
            self._answer(
                future.result() if fault is None else failed(f"the body could not be read: {type(fault).__name__}")
            )

    # -- what it came to

    def _answer(self, found: Released | Answer) -> None:
        if isinstance(found, Answer) or len(found.body) <= PIECE:
            answer(self._exchange, self._head, self._treatment, found, came=bool(self._came))
            return
        exchange = self._exchange
        client = exchange.client
        self._found, self._left = found, memoryview(found.body)
        client.write(b"".join(begun(exchange, self._head, self._treatment, found, came=bool(self._came))))
        self._slow = client.slow
        if not self._slow:
            self._write()

    def _later(self) -> None:
        self._scheduled = False
        if not self._slow and self._found is not None and self._still():
            self._write()

    def _write(self) -> None:
        """A piece of it, and the next in another turn: what the system copies at once takes milliseconds."""
        piece, self._left = self._left[:PIECE], self._left[PIECE:]
        exchange, found = self._exchange, self._found
        assert found is not None
        if not self._left:
            self._found = None
        exchange.client.write(piece)  # it may tell, meanwhile, that the caller reads slowly
        if self._left:
            self._go_on()
        else:
            self._gateway.now = self._gateway.clock()
            ended(exchange, found)

    def _go_on(self) -> None:
        if self._found is not None and not self._slow and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._later)


def answer(exchange: Exchange, head: Head, treatment: Treatment, found: Released | Answer, *, came: bool) -> None:
    """Write what an answer's body came to, and let go of the exchange. `came`: it came in some coding."""
    client = exchange.client
    if isinstance(found, Answer):
        if found.outcome == "failed":
            client.fail(exchange, found.status, found.reason)
        else:
            client.withhold(exchange, found)
        return
    client.post(b"".join([*begun(exchange, head, treatment, found, came=came), found.body]))
    ended(exchange, found)


def begun(exchange: Exchange, head: Head, treatment: Treatment, found: Released, *, came: bool) -> list[bytes]:
    """The whole header of an answer."""
    parts = beginning(exchange, head, treatment, found.coding if came else None)
    return [*parts, b"content-length: %d\r\n\r\n" % len(found.body)]


def ended(exchange: Exchange, found: Released) -> None:
    """The last of the answer was written."""
    exchange.withheld, exchange.withheld_bytes = found.withheld, found.withheld_bytes
    exchange.client.gateway.record(exchange, "admitted", "permission" if found.reason else "", found.reason)
    exchange.client.answered(exchange)

"""Answers on their way to callers, written together once everything that has arrived is handled.

A write to a peer that sleeps wakes it, which costs the writer more than the write itself. Requests to the upstream leave
at the end of a turn of the event loop, answers to callers at the beginning of the next: each side finds more to do when it
wakes, sleeps less often, and is woken less often. When many answers were posted within a turn, much is going on: then
they leave after whatever has arrived meanwhile is handled too, and so on, but never for more than a few turns. Measured,
that is less work for the same requests, more of them, and a shorter wait for the slowest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

#: So many answers within a turn are many.
MANY = 4

#: An answer waits for so many turns at most.
MOST_TURNS = 5


class Outbox:
    """One for each loop. Whoever writes to a caller without it, or closes his connection, calls `settle` first."""

    __slots__ = ("_call_soon", "_posted", "_seen", "_turns")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_soon: Callable[[Callable[[], None]], object] = loop.call_soon
        self._posted: list[tuple[asyncio.WriteTransport, bytes]] = []
        self._seen = 0
        self._turns = 0

    def post(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Write soon, in the order of posting."""
        if not self._posted:
            self._call_soon(self._turned)
        self._posted.append((transport, data))

    def _turned(self) -> None:
        posted = len(self._posted)
        self._turns += 1
        if posted - self._seen < MANY or self._turns == MOST_TURNS:
            self.flush()
        else:
            self._seen = posted
            self._call_soon(self._turned)

    def settle(self, transport: asyncio.WriteTransport) -> None:
        """Leave nothing posted for one caller."""
        if any(one is transport for one, _ in self._posted):
            self.flush()

    def flush(self) -> None:
        """Write now what was posted."""
        posted, self._posted = self._posted, []
        self._seen = self._turns = 0
        for transport, data in posted:
            try:
                transport.write(data)
            except RuntimeError:  # uvloop's, of a transport that was closed meanwhile: its caller has gone
                continue

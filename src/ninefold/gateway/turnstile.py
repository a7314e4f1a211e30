"""Large answers come in by turns: what one read of each brings takes a fifth of a millisecond, and ten hold up the rest.

A connection that reads one is stopped after each read, and goes on when its turn comes, one in each turn of the event loop.
None waits for another's upstream: who has nothing to read gives his turn away.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

#: So many go on in a turn of the loop.
AT_ONCE = 1


class Turnstile:
    """One for each loop."""

    __slots__ = ("_call_soon", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._call_soon: Callable[[Callable[[], None]], object] = loop.call_soon
        self._waiting: deque[asyncio.Transport] = deque()

    def wait(self, transport: asyncio.Transport) -> None:
        """Read nothing more from it until its turn comes."""
        transport.pause_reading()
        if not self._waiting:
            self._call_soon(self._turned)
        self._waiting.append(transport)

    def _turned(self) -> None:
        for _ in range(min(AT_ONCE, len(self._waiting))):
            transport = self._waiting.popleft()
            if not transport.is_closing():
                transport.resume_reading()
        if self._waiting:
            self._call_soon(self._turned)

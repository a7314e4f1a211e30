"""Brings events to the trail: off the request's path, in batches, and never lost without anybody noticing.

While a batch cannot be written (a full disk), it is kept and tried again, and `fault` says why: the gateway refuses
every request meanwhile, because what cannot be recorded must not happen.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from ninefold.errors import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.trail.event import Event

#: Past this many events that are not on disk, the disk is too slow to go on.
MOST_PENDING = 100_000
RETRY_SECONDS = 1.0


class Writer(Protocol):
    """Appends a batch to the trail and returns when it is on disk; raises `TrailError` when it is not."""

    def write(self, events: list[Event]) -> None: ...


class Recorder:
    """One for each loop. `say` tells the operator."""

    __slots__ = (
        "_batch",
        "_executor",
        "_last",
        "_loop",
        "_pending",
        "_say",
        "_task",
        "_writer",
        "fault",
        "unrecorded",
    )

    def __init__(
        self, writer: Writer, batch: float, say: Callable[[str], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._writer = writer
        self._batch = batch
        self._say = say
        self._loop = loop
        self._pending: list[Event] = []
        self._task: asyncio.Task[None] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="trail")
        self._last = False
        self.fault = ""
        self.unrecorded = 0

    def add(self, event: Event) -> None:
        """Keep an event for the next batch."""
        pending = self._pending
        if len(pending) >= MOST_PENDING:
            self.unrecorded += 1
            return
        pending.append(event)
        if self._task is None:
            self._task = self._loop.create_task(self._write())
        if len(pending) >= MOST_PENDING:
            self._broke("events come faster than they can be written")

    async def _write(self) -> None:
        while True:
            if not self._last:
                await asyncio.sleep(RETRY_SECONDS if self.fault else self._batch)
            events, self._pending = self._pending, []
            try:
                await self._loop.run_in_executor(self._executor, self._writer.write, events)
            except TrailError as fault:
                self._pending = events + self._pending
                self._broke(str(fault))
                if self._last:
                    break
                continue
            except Exception as fault:  # noqa: BLE001  # whatever it is, the events are not on disk
                self._pending = events + self._pending
                self._broke(f"{type(fault).__name__}: {fault}")
                if self._last:
                    break
                continue
            if self.fault:
                self._say(f"the trail is written again; {self.unrecorded} refusals went unrecorded meanwhile")
                self.fault = ""
            if not self._pending:
                break
        self._task = None

    def _broke(self, why: str) -> None:
        if not self.fault:
            self._say(f"the trail cannot be written, so every request is refused: {why}")
        self.fault = f"the trail cannot be written: {why}"

    async def close(self) -> None:
        """Write what is left; once, without waiting for a disk that does not come back."""
        self._last = True
        if self._task is None and self._pending:
            self._task = self._loop.create_task(self._write())
        if self._task is not None:
            await self._task
        if self._pending:
            self._say(f"{len(self._pending)} events of the trail could not be written and are lost")
        self._executor.shutdown()

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

    from ninefold.trail.event import Event, Notice

#: Past this many events that are not on disk, the disk is too slow to go on.
MOST_PENDING = 100_000
RETRY_SECONDS = 1.0


class Writer(Protocol):
    """`append` takes a record without any I/O, while another thread is in `write`, which returns when all that was
    appended before is on disk, and raises `TrailError` when it is not; then it all still waits.
    """

    @property
    def waiting(self) -> int: ...

    def append(self, event: Event | Notice, /) -> None: ...

    def write(self) -> None: ...


class Recorder:
    """One for each loop. `say` tells the operator."""

    __slots__ = (
        "_append",
        "_batch",
        "_executor",
        "_last",
        "_left",
        "_loop",
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
        self._append = writer.append
        self._batch = batch
        self._say = say
        self._loop = loop
        self._left = MOST_PENDING
        self._task: asyncio.Task[None] | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="trail")
        self._last = False
        self.fault = ""
        self.unrecorded = 0

    def add(self, event: Event | Notice) -> None:
        """Keep an event for the next batch."""
        if self._left <= 0:
            self.unrecorded += 1
            return
        try:
            self._append(event)
        except Exception as fault:  # noqa: BLE001  # whatever it is, the event is not in the trail
            self.unrecorded += 1
            self._broke(f"{type(fault).__name__}: {fault}")
        self._left -= 1
        if self._task is None:
            self._task = self._loop.create_task(self._write())
        if self._left <= 0:
            self._broke("events come faster than they can be written")

    async def _write(self) -> None:
        while True:
            if not self._last:
                await asyncio.sleep(RETRY_SECONDS if self.fault else self._batch)
            try:
                await self._loop.run_in_executor(self._executor, self._writer.write)
            except TrailError as fault:
                self._broke(str(fault))
                if self._last:
                    break
                continue
            except Exception as fault:  # noqa: BLE001  # whatever it is, the events are not on disk
                self._broke(f"{type(fault).__name__}: {fault}")
                if self._last:
                    break
                continue
            if self.fault:
                self._say(f"the trail is written again; {self.unrecorded} refusals went unrecorded meanwhile")
                self.fault = ""
            self._left = MOST_PENDING - self._writer.waiting
            if not self._writer.waiting:
                break
        self._task = None

    def _broke(self, why: str) -> None:
        if not self.fault:
            self._say(f"the trail cannot be written, so every request is refused: {why}")
        self.fault = f"the trail cannot be written: {why}"

    async def close(self) -> None:
        """Write what is left; once, without waiting for a disk that does not come back."""
        self._last = True
        if self._task is None and self._writer.waiting:
            self._task = self._loop.create_task(self._write())
        if self._task is not None:
            await self._task
        if self._writer.waiting:
            self._say(f"{self._writer.waiting} events of the trail could not be written and are lost")
        self._executor.shutdown()

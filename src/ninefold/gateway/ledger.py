"""What is written about keys while they are used: when and from where each was used last, and which of them end soon.

Uses are written a batch at a time, in a thread; a crash loses the last batch and nothing else. No request waits for it,
and none is refused when it cannot be written: it is told, and tried again with the next batch.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ninefold.errors import FileError, Place
from ninefold.keys.keeper import Keeper
from ninefold.keys.use import Use, Uses
from ninefold.trail.event import Notice

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.trail.event import Event

#: How long a use may wait before it is written, in seconds.
BATCH_SECONDS = 5.0
#: So many keys in one batch; uses of more wait until these are written, and are not known before.
MOST_PENDING = 65_536
#: How often it is looked which keys end soon, and of how many at once the trail is told one by one: those that end first.
DUE_SECONDS, MOST_TOLD = 3600.0, 100


class Ledger:
    """One for each loop. `store` is the keys' file, `within` seconds how soon is soon, `add` brings a notice to the trail."""

    __slots__ = ("_add", "_batch", "_broken", "_due", "_executor", "_loop", "_say", "_store", "_timer", "_within")

    def __init__(
        self,
        store: Path,
        within: float,
        add: Callable[[Notice], None],
        say: Callable[[str], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._store = store
        self._within = within
        self._add = add
        self._say = say
        self._loop = loop
        self._batch: dict[str, Event] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None
        self._broken = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="keys")

    def start(self) -> None:
        """Begin to look for keys that end soon."""
        if self._within:
            self._look()

    def note(self, key: str, event: Event) -> None:
        """A key was used."""
        batch = self._batch
        if len(batch) < MOST_PENDING or key in batch:
            batch[key] = event
        if self._timer is None:
            self._timer = self._loop.call_later(BATCH_SECONDS, self._flush)

    async def close(self) -> None:
        """Write what is left."""
        for timer in (self._timer, self._due):
            if timer is not None:
                timer.cancel()
        if self._batch:
            await self._loop.run_in_executor(self._executor, self._write, self._batch)
        self._executor.shutdown()

    def _flush(self) -> None:
        self._timer = None
        batch, self._batch = self._batch, {}
        self._executor.submit(self._write, batch)

    def _write(self, batch: dict[str, Event]) -> None:
        """In the thread."""
        try:
            _there(self._store)
            with contextlib.closing(Uses(self._store)) as uses:
                uses.write({key: Use(event.time, event.address) for key, event in batch.items()})
        except Exception as fault:  # noqa: BLE001  # whatever it is, requests go on
            if not self._broken:
                self._say(f"the last uses of keys cannot be written, and are lost meanwhile: {fault}")
            self._broken = True
        else:
            self._broken = False

    def _look(self) -> None:
        self._due = self._loop.call_later(DUE_SECONDS, self._look)
        self._executor.submit(self._remind)

    def _remind(self) -> None:
        """In the thread: of what ends soon, tell the trail what it was not told today."""
        try:
            notices = list(due(self._store, self._within, time.time()))
        except Exception as fault:  # noqa: BLE001  # whatever it is, requests go on
            self._say(f"it cannot be told which keys end soon: {fault}")
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            for notice in notices:
                self._loop.call_soon_threadsafe(self._add, notice)


def _there(store: Path) -> None:
    """Raises `FileError` where the keys' file has gone: an empty one in its place would be taken for the keys."""
    if not store.exists():
        raise FileError("has gone", place=Place(str(store)), remedy="put the file back, or restart")


def due(store: Path, within: float, now: float) -> Iterator[Notice]:
    """A notice of each key that ends within so many seconds, and of which nobody was told today; of more than `MOST_TOLD`
    one that there are more: however many end at once, the trail has room for what is decided.
    """
    _there(store)
    with contextlib.closing(Keeper(store)) as keeper:
        ending = keeper.due(now=now, within=within, most=MOST_TOLD + 1)
    if not ending:
        return
    with contextlib.closing(Uses(store)) as uses:
        if len(ending) > MOST_TOLD and uses.claim("", now):
            yield Notice(
                now, "key-due", reason=f"more than {MOST_TOLD} keys end soon: `ninefold keys due` has them all"
            )
        for key in ending[:MOST_TOLD]:
            if uses.claim(key.id, now):
                ends = datetime.fromtimestamp(key.expires, UTC)
                reason = f"the key ends on {ends:%Y-%m-%d %H:%M} UTC: `ninefold keys rotate {key.id}`"
                yield Notice(now, "key-due", key.id, reason, key.expires)

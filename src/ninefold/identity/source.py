"""The issuer's keys, as they were read last: refreshed in the background, on a key that is not known, and not too often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ninefold.identity.fault import BadToken, Unavailable
from ninefold.identity.keyset import KeySet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Source:
    """`thumbprints` are the keys that are believed, until `until` (seconds on the same clock as every `now` here).

    `read` gets the document; it raises `Unavailable`. `say` tells the operator what changed for the worse or the better.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        *,
        symmetric: bool,
        refresh: float,
        floor: float,
        keep: float,
        say: Callable[[str], None],
    ) -> None:
        self._read = read
        self._symmetric = symmetric
        self._refresh = refresh
        self._floor = floor
        self._keep = keep
        self._say = say
        self._keys: KeySet | None = None
        self._tried = float("-inf")
        self._asked = float("-inf")  # when a token last had them read that named an unknown key
        self._running: asyncio.Task[None] | None = None
        self.thumbprints: frozenset[str] = frozenset()
        self.until = float("-inf")
        self.fault = ""

    async def keys(self, now: float) -> KeySet:
        """The keys that are believed now. Raises `Unavailable`."""
        if (self._keys is None or now >= self.until) and self._may(now):
            await self._again(now)
        if self._keys is None or now >= self.until:
            raise Unavailable(f"the issuer's keys are not known: {self.fault or 'they were not read yet'}")
        return self._keys

    async def newer(self, now: float, than: KeySet) -> KeySet | None:
        """Keys that were read after `than`; None: there are none, and the floor holds until some may be read."""
        if self._keys is than and (self._running is not None or now >= self._asked + self._floor):
            self._asked = now
            await self._again(now)
        return self._keys if self._keys is not than else None

    def tick(self, now: float) -> None:
        """Read them anew, in the background, when it is time. Called several times a second."""
        due = now >= self._tried + (self._floor if self.fault else self._refresh)
        if due and self._running is None:
            self._begin(now)

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _may(self, now: float) -> bool:
        return self._running is not None or now >= self._tried + self._floor

    async def _again(self, now: float) -> None:
        """One reading, however many wait for it; who stops waiting does not end it for the others."""
        if self._running is None:
            self._begin(now)
        assert self._running is not None
        await asyncio.shield(self._running)

    def _begin(self, now: float) -> None:
        self._tried = now
        self._running = asyncio.get_running_loop().create_task(self._load(now))

    async def _load(self, now: float) -> None:
        try:
            found = KeySet.read(await self._read(), symmetric=self._symmetric)
        except (Unavailable, BadToken) as fault:
            if not self.fault:
                self._say(f"the issuer's keys cannot be read: {fault}")
            self.fault = str(fault)
        except Exception as fault:  # noqa: BLE001  # a fault of ours, or a library's, is no reason to believe anything
            self.fault = f"{type(fault).__name__}: {fault}"
            self._say(f"the issuer's keys cannot be read: {self.fault}")
        else:
            if self.fault:
                self._say("the issuer's keys can be read again")
            self.fault = ""
            self.until = now + self._refresh + self._keep
            if self._keys is None or found.names != self._keys.names:
                for why in found.left_out:
                    self._say(f"a key of the issuer's is not used: {why}")
                self._keys, self.thumbprints = found, found.thumbprints
        finally:
            self._running = None

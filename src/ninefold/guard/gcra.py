"""The generic cell rate algorithm: a limit kept with one number for each thing that is counted.

That number is the theoretical arrival time (TAT): when the next request would be on schedule if all came evenly. A
request is admitted while the TAT is not further ahead of now than the burst allows (ITU-T I.371 annex A; virtual
scheduling). Memory is bounded: what has drained is forgotten by generations, and past `capacity` things, newcomers share
one cell, so that a flood of addresses limits itself and nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ninefold.contract.quantity import Rate

#: The cell that newcomers share when there is no room for cells of their own.
OVERFLOW = "\0overflow"


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """How a limit stands after a request: `remaining` requests at once, all of them in `reset` seconds.

    `retry` is 0 when the request was admitted, else seconds until one will be.
    """

    limit: Limiter
    remaining: int
    reset: float
    retry: float


class Limiter:
    """One limit over many keys. `name` is the one in `RateLimit-Policy`."""

    __slots__ = (
        "_capacity",
        "_current",
        "_interval",
        "_previous",
        "_rotation",
        "_slack",
        "name",
        "policy",
        "text",
    )

    def __init__(self, name: str, rate: Rate, burst: int, *, capacity: int = 1_000_000) -> None:
        self.name = name
        self.policy = b'"%b";q=%d;w=%d' % (name.encode(), rate.count, max(1, round(rate.period)))
        self.text = b'"%b"' % name.encode()
        self._interval = rate.period / rate.count
        self._slack = self._interval * (burst - 1)
        self._capacity = capacity
        self._current: dict[str, float] = {}
        self._previous: dict[str, float] = {}
        self._rotation = 0.0

    def look(self, key: str, now: float) -> float:
        """The TAT of `key`, without taking from it."""
        if now >= self._rotation:
            # Every TAT in the older generation was at most slack + interval ahead when it was written, a lifetime ago.
            self._previous = self._current if self._rotation else {}
            self._current = {}
            self._rotation = now + self._slack + 2 * self._interval
        tat = self._current.get(key)
        if tat is None:
            tat = self._previous.get(key, now)
        return max(now, tat)

    def take(self, key: str, now: float) -> Allowance:
        """Count one request. When it is refused nothing is taken."""
        tat = self._current.get(key)
        if tat is None or now >= self._rotation:
            tat = self.look(key, now)
            if key not in self._current and len(self._current) >= self._capacity:
                key = OVERFLOW
                tat = self.look(key, now)
        ahead = tat - now
        if ahead < 0.0:  # noqa: PLR1730  # on every request
            ahead = 0.0
        if ahead > self._slack + 1e-9:
            return Allowance(self, 0, ahead, ahead - self._slack)
        ahead += self._interval
        self._current[key] = now + ahead
        return Allowance(self, int((self._slack + self._interval - ahead) / self._interval + 1e-6), ahead, 0.0)

    def held(self) -> int:
        """How many cells are in memory."""
        return len(self._current) + len(self._previous)

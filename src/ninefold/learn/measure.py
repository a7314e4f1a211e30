"""How callers came, by the times in a log: what limits would hold, so that nobody who was served before is refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.learn.log import Line

#: Most callers that are counted at once; the least recent go first.
_MOST = 100_000
_MINUTE, _SECOND = 60.0, 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Most requests of one caller, and of one address, within a minute and within a second; 0: nobody came."""

    caller_minute: int = 0
    caller_second: int = 0
    address_minute: int = 0
    address_second: int = 0

    def rates(self) -> list[tuple[str, int, int]]:
        """Limits with room for twice of what came: what is counted (`ip`, `caller`), requests a minute, burst."""
        found = []
        for per, minute, second in (
            ("ip", self.address_minute, self.address_second),
            ("caller", self.caller_minute, self.caller_second),
        ):
            if minute:
                found.append((per, _round(2 * minute), max(10, _round(2 * second))))
        return found


def measure(found: Iterable[Line]) -> Measured:
    """Of the requests that were served, in the order of their times."""
    callers, addresses = _Most(), _Most()
    for line in sorted((one for one in found if one.served and one.time), key=lambda one: one.time):
        if line.caller:
            callers.count(line.caller, line.time)
        if line.address:
            addresses.count(line.address, line.time)
    return Measured(callers.minute, callers.second, addresses.minute, addresses.second)


class _Most:
    """The most of one name within a minute and a second that slide."""

    def __init__(self) -> None:
        self.minute = self.second = 0
        self._times: dict[str, deque[float]] = {}

    def count(self, name: str, time: float) -> None:
        times = self._times.pop(name, None) or deque()
        self._times[name] = times
        if len(self._times) > _MOST:
            del self._times[next(iter(self._times))]
        times.append(time)
        while times[0] <= time - _MINUTE:
            times.popleft()
        self.minute = max(self.minute, len(times))
        self.second = max(self.second, sum(1 for _ in _within(times, time - _SECOND)))


def _within(times: deque[float], since: float) -> Iterable[float]:
    for one in reversed(times):
        if one <= since:
            return
        yield one


def _round(number: int) -> int:
    """Up, to two digits that count."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step

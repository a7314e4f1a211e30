"""What guessing costs: who fails to prove who he is, again and again, has to wait, and each time longer.

Counted as in the generic cell rate algorithm, with one number for each thing: every failed proof moves a theoretical time
ahead by `most`, so that one is forgiven in each such time; how far ahead it is says how many count. Past `after` of them
the address waits `start`, then `factor` times as long for each further one, and never longer than `most`. What is asked
while it waits is not counted, so that every wait ends. Beside the address the name is counted that the proof was for (a
key's id, a subject): who fails for a name that many fail for has no free tries. Nobody is refused for what others did
in his name: only addresses wait, and only those that failed themselves.

Memory is bounded, and an operation costs the same however many are counted: past `capacity` the one that failed longest
ago is forgotten. Addresses that wait have a table of their own, which many that failed once cannot crowd out.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.contract.limits import Penalty


class Penalties:
    """The failed proofs of one guard. Times are seconds on a clock that never goes back."""

    __slots__ = ("_after", "_capacity", "_factor", "_failed", "_most", "_names", "_start", "_worst", "waiting")

    def __init__(self, penalty: Penalty, *, capacity: int = 65_536) -> None:
        self._after = penalty.after
        self._start = penalty.start
        self._factor = penalty.factor
        self._most = penalty.most
        self._capacity = capacity
        steps = ceil(log(penalty.most / penalty.start, penalty.factor)) if penalty.factor > 1 else 0
        self._worst = float(penalty.after + steps + 1)
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._names: OrderedDict[str, float] = OrderedDict()
        #: Until when each address waits; an address that does not wait any more may be here still.
        self.waiting: OrderedDict[str, float] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """How long an address has to wait; 0: it has not to."""
        until = self.waiting.get(address)
        if until is None:
            return 0.0
        if until <= now:
            del self.waiting[address]
            return 0.0
        return until - now

    def fail(self, address: str, name: str, now: float) -> float:
        """Count a failed proof of an address, for a name (empty: for none), and say how long it has to wait."""
        counted = self._count(self._failed, address, now)
        if name:
            counted = max(counted, self._count(self._names, name, now))
        further = ceil(counted - self._after - 1e-6)
        if further <= 0:
            return 0.0
        wait = min(self._most, self._start * self._factor ** (further - 1))
        until = max(now + wait, self.waiting.pop(address, 0.0))
        self._keep(self.waiting, address, until)
        return until - now

    def held(self) -> int:
        """How many things are in memory."""
        return len(self._failed) + len(self._names) + len(self.waiting)

    def _count(self, table: OrderedDict[str, float], what: str, now: float) -> float:
        """How many failed proofs count, with this one."""
        ahead = max(0.0, table.pop(what, now) - now)
        counted = min(self._worst, ahead / self._most + 1.0)
        self._keep(table, what, now + counted * self._most)
        return counted

    def _keep(self, table: OrderedDict[str, float], what: str, until: float) -> None:
        if len(table) >= self._capacity:
            table.popitem(last=False)
        table[what] = until

"""How often a password may be tried. Whoever guesses is slowed down, and whom he guesses at is not locked out by it.

Counted are failures of a name from one place, of a name from everywhere, and of one place at every name. The second would
let anybody lock out anybody, so it does not hold for places that the name has logged in from before; there the first does.
"""

from __future__ import annotations

#: Failures after which one has to wait: of a name from one place, of a name, of a place.
FREE_PAIR, FREE_NAME, FREE_PLACE = 5, 50, 50
MOST_WAIT = 900.0
#: Failures are forgotten after so many seconds without another.
FORGOTTEN = 86_400.0
MOST_REMEMBERED = 10_000


class Attempts:
    """Names that nobody has count like others, so that waiting tells nothing. `place` is an address, or a network of them.

    `now` is seconds on a clock that never goes back. Nothing of it outlives the process.
    """

    def __init__(self) -> None:
        self._pairs, self._names, self._places = _Tally(FREE_PAIR), _Tally(FREE_NAME), _Tally(FREE_PLACE)
        self._known: dict[tuple[str, str], None] = {}

    def wait(self, name: str, place: str, now: float) -> float:
        """Seconds until this name may be tried again from there."""
        everywhere = 0.0 if (name, place) in self._known else self._names.wait(name, now)
        return max(self._pairs.wait((name, place), now), everywhere, self._places.wait(place, now))

    def failed(self, name: str, place: str, now: float) -> None:
        self._pairs.add((name, place), now)
        self._names.add(name, now)
        self._places.add(place, now)

    def succeeded(self, name: str, place: str) -> None:
        """What was counted for it as failed was none. Others of the name and of the place stay: they may be somebody else's."""
        self._pairs.forget((name, place))
        self._names.take_back(name)
        self._places.take_back(place)
        self._known.pop((name, place), None)
        if len(self._known) >= MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[name, place] = None


class _Tally:
    """After `free` failures each further one waits twice as long as the last. Of too many things the oldest is forgotten."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._failures: dict[object, tuple[int, float]] = {}

    def wait(self, about: object, now: float) -> float:
        count, last = self._failures.get(about, (0, now))
        if count < self._free or now - last >= FORGOTTEN:
            return 0.0
        return max(0.0, last + min(MOST_WAIT, 2.0 ** min(count - self._free, 30)) - now)

    def add(self, about: object, now: float) -> None:
        count, last = self._failures.pop(about, (0, now))
        if len(self._failures) >= MOST_REMEMBERED:
            del self._failures[next(iter(self._failures))]
        self._failures[about] = (1 if now - last >= FORGOTTEN else count + 1, now)

    def take_back(self, about: object) -> None:
        count, last = self._failures.get(about, (0, 0.0))
        if count > 1:
            self._failures[about] = (count - 1, last)
        else:
            self._failures.pop(about, None)

    def forget(self, about: object) -> None:
        self._failures.pop(about, None)

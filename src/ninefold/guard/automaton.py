"""Expressions as deterministic automata, which the native judge follows (`native/rules.h`).

What `ninefold.guard.expression` does not read, and what unfolds into too many states, has none: jsonschema-rs alone judges
by it. A pattern is searched for, as JSON Schema has it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ninefold.guard.expression import LAST, Unsaid, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.guard.expression import Ranges, Tree

#: Bounds of one automaton: its states, the states of the automaton that it is made of, and the steps that making it takes.
MOST_STATES, _MOST_PARTS, _MOST_WORK = 4096, 3000, 300_000
_MOST_CLASSES = 255
#: The verdicts of `native/rules.h`.
NO, UNSURE, YES = 0, 1, 2
#: States in which every text ends at once; all others come behind them.
_FAILED, _FITTED = 0, 1


@dataclass(frozen=True, slots=True)
class Automaton:
    """`steps[state * classes + class]` is the next state, `final[state]` the verdict of a text that ends in it.

    `ascii` has the class of each character below 128, `ranges` those from 0 on, each up to where the next begins.
    """

    start: int
    classes: int
    steps: array[int]
    final: bytes
    ascii: bytes
    ranges: tuple[tuple[int, int], ...]


@lru_cache(maxsize=1024)
def automaton(pattern: str, *, doubtful: bool = False) -> Automaton | None:
    """None: it is not one of those that are read alike, or would be too large.

    `doubtful`: what does not fit is not sure to be wrong (expressions for a part of a format).
    """
    try:
        parts = _Parts()
        begin, end = parts.state(), parts.state()
        parts.wire(read(pattern), begin, end)
        return _determined(parts, begin, end, UNSURE if doubtful else NO)
    except Unsaid:
        return None


class _Parts:
    """States with steps by characters and without; of the latter some only where a text begins (1) or ends (2)."""

    def __init__(self) -> None:
        self.free: list[list[tuple[int, int]]] = []
        self.steps: list[tuple[Ranges, int] | None] = []
        self._work = 0

    def worked(self, steps: int) -> None:
        """Raises `Unsaid` past the bound."""
        self._work += steps
        if self._work > _MOST_WORK:
            raise Unsaid

    def state(self) -> int:
        if len(self.steps) >= _MOST_PARTS:
            raise Unsaid
        self.free.append([])
        self.steps.append(None)
        return len(self.steps) - 1

    def wire(self, tree: Tree, begin: int, end: int) -> None:
        """Let `tree` lead from `begin` to `end`; no other step leaves `begin` by a character."""
        match tree:
            case ("set", ranges):
                inner = self.state()
                self.free[begin].append((0, inner))
                self.steps[inner] = ranges, end  # type: ignore[assignment]
            case ("begin",):
                self.free[begin].append((1, end))
            case ("end",):
                self.free[begin].append((2, end))
            case ("or", list(ways)):
                for one in ways:
                    self.wire(one, begin, end)
            case ("then", list(found)):
                at = begin
                for one in found:
                    to = self.state()
                    self.wire(one, at, to)
                    at = to
                self.free[at].append((0, end))
            case ("count", tuple(what), int(least), int(most)):
                self._repeat(what, least, most, begin, end)

    def _repeat(self, what: Tree, least: int, most: int, begin: int, end: int) -> None:
        at = begin
        for _ in range(least):
            to = self.state()
            self.wire(what, at, to)
            at = to
        if most == -1:
            again = self.state()
            self.free[at].append((0, again))
            to = self.state()
            self.wire(what, again, to)
            self.free[to].append((0, again))
            at = again
        for _ in range(most - least if most != -1 else 0):
            self.free[at].append((0, end))
            to = self.state()
            self.wire(what, at, to)
            at = to
        self.free[at].append((0, end))

    def reached(self, state: int, *kinds: int) -> int:
        """A bit for each state that is reached without a character, by steps of these kinds."""
        found, waiting = 1 << state, [state]
        while waiting:
            for kind, to in self.free[waiting.pop()]:
                if (kind == 0 or kind in kinds) and not found >> to & 1:
                    found |= 1 << to
                    waiting.append(to)
            self.worked(1)
        return found


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _classes(parts: _Parts) -> tuple[list[tuple[int, int]], list[int], int]:
    """Where each class of characters begins, which sets each class is in, and how many classes there are."""
    sets = list(dict.fromkeys(step[0] for step in parts.steps if step is not None))
    edges = sorted({0, *(edge for one in sets for first, last in one for edge in (first, last + 1) if edge <= LAST)})
    known: dict[int, int] = {}
    ranges: list[tuple[int, int]] = []
    at = [0] * len(sets)
    for edge in edges:
        within = 0
        for number, one in enumerate(sets):
            while at[number] < len(one) and one[at[number]][1] < edge:
                at[number] += 1
            if at[number] < len(one) and one[at[number]][0] <= edge:
                within |= 1 << number
        ranges.append((edge, known.setdefault(within, len(known))))
    if len(known) > _MOST_CLASSES:
        raise Unsaid
    taken = []
    for step in parts.steps:
        number = -1 if step is None else sets.index(step[0])
        taken.append(sum(1 << class_ for within, class_ in known.items() if number >= 0 and within >> number & 1))
    return ranges, taken, len(known)


def _determined(parts: _Parts, begin: int, end: int, otherwise: int) -> Automaton:
    """The subsets of states in which a text can be."""
    ranges, taken, classes = _classes(parts)
    count = len(parts.steps)
    plain = [parts.reached(state) for state in range(count)]
    # only states with a step by a character go on, and those that reach the end tell
    going = sum(1 << state for state in range(count) if parts.steps[state] is not None)
    ended = [bool(parts.reached(state, 2) >> end & 1) for state in range(count)]
    told = sum(1 << state for state in range(count) if ended[state])
    kept = going | told | 1 << end
    anew = plain[begin]  # a search begins at every character
    known: dict[int, int] = {}
    waiting: list[int] = []
    final = bytearray((otherwise, YES))
    steps = array("H", [_FAILED] * classes + [_FITTED] * classes)  # as the native form has them: two bytes each

    def number(subset: int, *, first: bool = False) -> int:
        if subset >> end & 1:
            return _FITTED
        subset &= kept
        if not subset and not first:
            return _FAILED
        key = -1 if first else subset
        if key not in known:
            if len(final) >= MOST_STATES:
                raise Unsaid
            known[key] = len(final)
            fits = bool(subset & told) or (first and bool(parts.reached(begin, 1, 2) >> end & 1))
            final.append(YES if fits else otherwise)
            waiting.append(subset)
            steps.extend([_FAILED] * classes)
        return known[key]

    start = number(parts.reached(begin, 1), first=True)
    done = 2
    while waiting:
        subset = waiting.pop(0)
        to = [anew] * classes
        for state in _bits(subset & going):
            step = parts.steps[state]
            assert step is not None
            for class_ in _bits(taken[state]):
                to[class_] |= plain[step[1]]
            parts.worked(1 + taken[state].bit_count())
        parts.worked(classes)
        for class_ in range(classes):
            steps[done * classes + class_] = number(to[class_])
        done += 1
    if done == 2:  # fits, or not, whatever comes: the native form wants a state that goes on
        final.append(final[start])
        steps.extend([start] * classes)
    low = bytearray(128)
    for (first, class_), (after, _) in zip(ranges, [*ranges[1:], (LAST + 1, 0)], strict=True):
        for point in range(first, min(after, 128)):
            low[point] = class_
    return Automaton(start, classes, steps, bytes(final), bytes(low), tuple(ranges))

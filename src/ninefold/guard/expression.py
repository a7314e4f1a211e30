"""ECMA-262 expressions as deterministic automata that the native judge follows (`native/judge.h`).

Only what ECMA-262 and jsonschema-rs read alike, and what an automaton can say: characters, sets, groups, alternatives, counts, `^`
and `$`. No look-around, no word boundary, no back-reference, no property of Unicode: those, and what unfolds into too many states,
are for jsonschema-rs alone. The reader is our own, for Python's reads `$`, `\\d`, `\\w` and `{,3}` in another way.

A pattern is searched for, as JSON Schema has it; a character is a code point, as with the flag `u`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bounds of one automaton: its states, the states of the automaton that it is made of, and the steps that making it takes.
MOST_STATES, _MOST_PARTS, _MOST_WORK = 4096, 3000, 300_000
_MOST_CLASSES = 255
_LONGEST, _MOST_COUNT, _DEEPEST = 2000, 1000, 50
_LAST = 0x10FFFF
#: The verdicts of `native/judge.h`.
NO, UNSURE, YES = 0, 1, 2
#: States in which every text ends at once; all others come behind them.
_FAILED, _FITTED = 0, 1

#: Code points, as ranges in order.
Ranges: TypeAlias = "tuple[tuple[int, int], ...]"

_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = (
    (0x9, 0xD), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS: Ranges = ((0xA, 0xA), (0xD, 0xD), (0x2028, 0x2029))
_CONTROLS = {"n": 0xA, "r": 0xD, "t": 0x9, "f": 0xC, "v": 0xB}


def _without(ranges: Ranges) -> Ranges:
    found, at = [], 0
    for first, last in ranges:
        if first > at:
            found.append((at, first - 1))
        at = last + 1
    return (*found, (at, _LAST)) if at <= _LAST else tuple(found)


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


_SETS = {
    "d": _DIGIT, "w": _WORD, "s": _SPACE, "D": _without(_DIGIT), "W": _without(_WORD), "S": _without(_SPACE),
}  # fmt: skip
_DOT = _without(_LINE_ENDS)


@dataclass(frozen=True, slots=True)
class Automaton:
    """`steps[state * classes + class]` is the next state, `final[state]` the verdict of a text that ends in it.

    `ascii` has the class of each character below 128, `ranges` those from 0 on, each up to where the next begins.
    """

    start: int
    classes: int
    steps: tuple[int, ...]
    final: bytes
    ascii: bytes
    ranges: tuple[tuple[int, int], ...]


class _Unsaid(Exception):
    """No automaton is made of it."""


@lru_cache(maxsize=1024)
def automaton(pattern: str, *, doubtful: bool = False) -> Automaton | None:
    """None: it is not one of those that are read alike, or would be too large.

    `doubtful`: what does not fit is not sure to be wrong (expressions for a part of a format).
    """
    if len(pattern) > _LONGEST:
        return None
    try:
        parts = _Parts()
        begin, end = parts.state(), parts.state()
        parts.wire(_Reader(pattern).whole(), begin, end)
        return _determined(parts, begin, end, UNSURE if doubtful else NO)
    except _Unsaid:
        return None


#: An expression as it was read: a set of characters, where a text begins or ends, or a word and what it is about.
_Tree: TypeAlias = "tuple[object, ...]"


class _Reader:
    """Reads one expression. Raises `_Unsaid` for all that it does not know."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> _Tree:
        made = self._either()
        if self._at < len(self._text):
            raise _Unsaid
        return made

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, what: str) -> bool:
        taken = self._text.startswith(what, self._at)
        self._at += len(what) if taken else 0
        return taken

    def _either(self) -> _Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unsaid
        ways = [self._sequence()]
        while self._take("|"):
            ways.append(self._sequence())
        self._depth -= 1
        return ways[0] if len(ways) == 1 else ("or", ways)

    def _sequence(self) -> _Tree:
        found: list[_Tree] = []
        while self._next() not in {"", "|", ")"}:
            if self._take("^"):
                found.append(("begin",))
            elif self._take("$"):
                found.append(("end",))
            else:
                found.append(self._counted(self._atom()))
        return ("then", found)

    def _atom(self) -> _Tree:
        if self._take("("):
            if self._take("?") and not self._take(":"):
                raise _Unsaid
            inner = self._either()
            if not self._take(")"):
                raise _Unsaid
            return inner
        if self._take("["):
            return ("set", self._set())
        if self._take("."):
            return ("set", _DOT)
        if self._take("\\"):
            return ("set", self._escaped())
        one = self._next()
        if one in "*+?{}]" or _is_half(one):
            raise _Unsaid
        self._at += 1
        return ("set", ((ord(one), ord(one)),))

    def _counted(self, what: _Tree) -> _Tree:
        least, most = 1, 1
        if self._take("*"):
            least, most = 0, -1
        elif self._take("+"):
            least, most = 1, -1
        elif self._take("?"):
            least, most = 0, 1
        elif self._take("{"):
            least = most = self._number()
            if self._take(","):
                most = -1 if self._next() == "}" else self._number()
            if not self._take("}") or (most != -1 and most < least):
                raise _Unsaid
        else:
            return what
        self._take("?")  # as few as can be: no other texts fit for it
        if self._next() and self._next() in "*+?{":
            raise _Unsaid
        return ("count", what, least, most)

    def _number(self) -> int:
        begin = self._at
        while self._next() and self._next() in "0123456789":
            self._at += 1
        digits = self._text[begin : self._at]
        if not digits or len(digits) > len(str(_MOST_COUNT)) or int(digits) > _MOST_COUNT:
            raise _Unsaid
        return int(digits)

    def _set(self) -> Ranges:
        other = self._take("^")
        found: list[tuple[int, int]] = []
        while not self._take("]"):
            if self._text[self._at : self._at + 2] in {"&&", "--", "~~"} or self._next() in {"", "["}:
                raise _Unsaid  # sets of sets, to some
            first = self._member()
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                if self._next() in {"", "[", "-"}:
                    raise _Unsaid
                last = self._member()
                if len(first) > 1 or len(last) > 1 or first[0][0] != first[0][1] or last[0][0] != last[0][1]:
                    raise _Unsaid
                if last[0][0] < first[0][0]:
                    raise _Unsaid
                found.append((first[0][0], last[0][0]))
            else:
                found += first
        if not found:
            raise _Unsaid
        return _without(_joined(found)) if other else _joined(found)

    def _member(self) -> Ranges:
        if self._take("\\"):
            return self._escaped()
        one = self._next()
        if one == "" or _is_half(one):
            raise _Unsaid
        self._at += 1
        return ((ord(one), ord(one)),)

    def _escaped(self) -> Ranges:
        one = self._next()
        self._at += 1
        if one in _SETS:
            return _SETS[one]
        if one in _CONTROLS:
            return ((_CONTROLS[one], _CONTROLS[one]),)
        if one in {"x", "u"}:
            size = 2 if one == "x" else 4
            digits = self._text[self._at : self._at + size]
            self._at += size
            if len(digits) < size or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
                raise _Unsaid
            point = int(digits, 16)
            if _is_half(chr(point)):
                raise _Unsaid
            return ((point, point),)
        if not one or not one.isascii() or one.isalnum() or not one.isprintable():
            raise _Unsaid
        return ((ord(one), ord(one)),)


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


class _Parts:
    """States with steps by characters and without; of the latter some only where a text begins (1) or ends (2)."""

    def __init__(self) -> None:
        self.free: list[list[tuple[int, int]]] = []
        self.steps: list[tuple[Ranges, int] | None] = []
        self._work = 0

    def worked(self, steps: int) -> None:
        """Raises `_Unsaid` past the bound."""
        self._work += steps
        if self._work > _MOST_WORK:
            raise _Unsaid

    def state(self) -> int:
        if len(self.steps) >= _MOST_PARTS:
            raise _Unsaid
        self.free.append([])
        self.steps.append(None)
        return len(self.steps) - 1

    def wire(self, tree: _Tree, begin: int, end: int) -> None:
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

    def _repeat(self, what: _Tree, least: int, most: int, begin: int, end: int) -> None:
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
    edges = sorted({0, *(edge for one in sets for first, last in one for edge in (first, last + 1) if edge <= _LAST)})
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
        raise _Unsaid
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
    steps: list[int] = [_FAILED] * classes + [_FITTED] * classes

    def number(subset: int, *, first: bool = False) -> int:
        if subset >> end & 1:
            return _FITTED
        subset &= kept
        if not subset and not first:
            return _FAILED
        key = -1 if first else subset
        if key not in known:
            if len(final) >= MOST_STATES:
                raise _Unsaid
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
    for (first, class_), (after, _) in zip(ranges, [*ranges[1:], (_LAST + 1, 0)], strict=True):
        for point in range(first, min(after, 128)):
            low[point] = class_
    return Automaton(start, classes, tuple(steps), bytes(final), bytes(low), tuple(ranges))

"""ECMA-262 expressions, read as trees: only what ECMA-262 and jsonschema-rs read alike, and what an automaton can say.

Those are characters, sets, groups, alternatives, counts, `^` and `$`; not look-around, word boundaries, back-references and
properties of Unicode. The reader is our own, for Python's reads ends, digits, words and `{,3}` in another way. A
character is a code point, as with the flag `u`.
"""

from __future__ import annotations

from typing import TypeAlias

_LONGEST, _MOST_COUNT, _DEEPEST = 2000, 1000, 50
#: The last code point.
LAST = 0x10FFFF

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
    return (*found, (at, LAST)) if at <= LAST else tuple(found)


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


class Unsaid(Exception):
    """No automaton is made of it."""


#: An expression as it was read: a set of characters, where a text begins or ends, or a word and what it is about.
Tree: TypeAlias = "tuple[object, ...]"


def read(pattern: str) -> Tree:
    """Raises `Unsaid` for all that is not read alike everywhere."""
    if len(pattern) > _LONGEST:
        raise Unsaid
    return _Reader(pattern).whole()


class _Reader:
    """Reads one expression."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> Tree:
        made = self._either()
        if self._at < len(self._text):
            raise Unsaid
        return made

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, what: str) -> bool:
        taken = self._text.startswith(what, self._at)
        self._at += len(what) if taken else 0
        return taken

    def _either(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unsaid
        ways = [self._sequence()]
        while self._take("|"):
            ways.append(self._sequence())
        self._depth -= 1
        return ways[0] if len(ways) == 1 else ("or", ways)

    def _sequence(self) -> Tree:
        found: list[Tree] = []
        while self._next() not in {"", "|", ")"}:
            if self._take("^"):
                found.append(("begin",))
            elif self._take("$"):
                found.append(("end",))
            else:
                found.append(self._counted(self._atom()))
        return ("then", found)

    def _atom(self) -> Tree:
        if self._take("("):
            if self._take("?") and not self._take(":"):
                raise Unsaid
            inner = self._either()
            if not self._take(")"):
                raise Unsaid
            return inner
        if self._take("["):
            return ("set", self._set())
        if self._take("."):
            return ("set", _DOT)
        if self._take("\\"):
            return ("set", self._escaped())
        one = self._next()
        if one in "*+?{}]" or _is_half(one):
            raise Unsaid
        self._at += 1
        return ("set", ((ord(one), ord(one)),))

    def _counted(self, what: Tree) -> Tree:
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
                raise Unsaid
        else:
            return what
        self._take("?")  # as few as can be: no other texts fit for it
        if self._next() and self._next() in "*+?{":
            raise Unsaid
        return ("count", what, least, most)

    def _number(self) -> int:
        begin = self._at
        while self._next() and self._next() in "0123456789":
            self._at += 1
        digits = self._text[begin : self._at]
        if not digits or len(digits) > len(str(_MOST_COUNT)) or int(digits) > _MOST_COUNT:
            raise Unsaid
        return int(digits)

    def _set(self) -> Ranges:
        other = self._take("^")
        found: list[tuple[int, int]] = []
        while not self._take("]"):
            if self._text[self._at : self._at + 2] in {"&&", "--", "~~"} or self._next() in {"", "["}:
                raise Unsaid  # sets of sets, to some
            first = self._member()
            if self._next() == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                if self._next() in {"", "[", "-"}:
                    raise Unsaid
                last = self._member()
                if len(first) > 1 or len(last) > 1 or first[0][0] != first[0][1] or last[0][0] != last[0][1]:
                    raise Unsaid
                if last[0][0] < first[0][0]:
                    raise Unsaid
                found.append((first[0][0], last[0][0]))
            else:
                found += first
        if not found:
            raise Unsaid
        return _without(_joined(found)) if other else _joined(found)

    def _member(self) -> Ranges:
        if self._take("\\"):
            return self._escaped()
        one = self._next()
        if one == "" or _is_half(one):
            raise Unsaid
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
                raise Unsaid
            point = int(digits, 16)
            if _is_half(chr(point)):
                raise Unsaid
            return ((point, point),)
        if not one or not one.isascii() or one.isalnum() or not one.isprintable():
            raise Unsaid
        return ((ord(one), ord(one)),)


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"

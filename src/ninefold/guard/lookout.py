"""Looks through free texts of answers for what should never leave in them, as the contract's `responses.leaks` says.

Which texts are looked through at all is told in C, by words that every leak has (`ninefold/native/watch.h`); what stands in
them, by the rules of `ninefold.leak`.
"""

from __future__ import annotations

import json
from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

from ninefold.leak.find import HIDDEN, RULES, find, masked
from ninefold.leak.held import held
from ninefold.leak.rule import Kind
from ninefold.native.library import ffi, library

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.responses import Leaks
    from ninefold.leak.rule import Rule

#: How much is searched of one text, and of all of an answer in which something may stand, in bytes: what hostile texts
#: may cost.
MOST_OF_TEXT, MOST_OF_ANSWER = 131_072, 262_144
_HIDDEN = json.dumps(HIDDEN).encode()


class Lookout:
    """What becomes of leaks, by kind: `report`, `mask` or `block`. Kinds that it does not name are not looked for.

    Safe for any number of threads.
    """

    __slots__ = ("_named", "_policy", "_rules", "_sets", "_words", "native")

    def __init__(self, policy: Mapping[Kind, str], *, named: bool = True) -> None:
        """`named`: members have the names that the API gave them, so that they may tell what is expected there.

        Raises `MemoryError` without memory, `FileError` without the native library.
        """
        self._policy = dict(policy)
        self._named = named
        self._words = frozenset(policy.values())
        self._rules = tuple(rule for rule in RULES if rule.kind in policy)
        #: What `nf_look` takes; it has to live as long as programs that heed it.
        self.native, self._sets = _watch(frozenset(policy))

    def judge(self, token: bytes, member: str, spent: int = 0) -> Judged | None:
        """What leaks in a JSON string (with its quotes), and what becomes of it. None: nothing does.

        `member` is the name of the declared member around it; empty: none is known. `spent` are the bytes of the same answer
        that were searched before: of one that has more than may be searched, texts in which something may stand count as leaks.
        """
        if len(token) > MOST_OF_TEXT or spent > MOST_OF_ANSWER:
            return Judged(
                ("unread",), "unread" if "block" in self._words else "", _HIDDEN if "mask" in self._words else token
            )
        text: str = json.loads(token)
        kinds = self._policy.keys() - held(member) if self._named and member else self._policy.keys()
        leaks = find(text, self._told(text), kinds)
        if not leaks:
            return None
        hides = [one for one in leaks if self._policy[one.kind] == "mask"]
        return Judged(
            tuple(dict.fromkeys(one.kind.value for one in leaks)),
            next((one.kind.value for one in leaks if self._policy[one.kind] == "block"), ""),
            json.dumps(masked(text, hides), ensure_ascii=False).encode() if hides else token,
        )

    def _told(self, text: str) -> list[Rule]:
        """The rules whose words are in a text."""
        raw = text.encode()
        told = ffi.new("uint64_t[2]")
        library().nf_look(self.native, raw, len(raw), told)
        bits = told[0] | told[1] << 64
        return [
            rule for rule, (words, also) in zip(self._rules, self._sets, strict=True) if bits & words and bits & also
        ]


def lookout_of(leaks: Leaks, *, named: bool = True) -> Lookout | None:
    """As a contract says; None: texts are not looked through."""
    policy = {kind: leaks.kinds.get(kind, leaks.found) for kind in Kind}
    wanted = {kind: word for kind, word in policy.items() if word != "ignore"}
    return Lookout(wanted, named=named) if wanted else None


class Judged:
    """What leaks in a text: `kinds` of it; `blocks`, one that nothing may leave for (empty: none); and `token`, what leaves."""

    __slots__ = ("blocks", "kinds", "token")

    def __init__(self, kinds: tuple[str, ...], blocks: str, token: bytes) -> None:
        self.kinds = kinds
        self.blocks = blocks
        self.token = token


@cache
def _watch(kinds: frozenset[Kind]) -> tuple[Any, tuple[tuple[int, int], ...]]:
    """The native watch for rules of these kinds, and by rule the bits of its words and of what has to stand beside them."""
    rules = [rule for rule in RULES if rule.kind in kinds]
    sets: dict[tuple[str, ...], int] = {}
    pairs = array("I")
    bits = []
    for rule in rules:
        one = sets.setdefault(rule.words, len(sets))
        other = sets.setdefault(rule.also, len(sets)) if rule.also else one
        pairs.extend((one, other))
        bits.append((1 << one, 1 << other))
    words = [(word.encode(), number) for group, number in sets.items() for word in group]
    lengths = array("I", (len(word) for word, _ in words))
    of = array("I", (number for _, number in words))
    load = library()
    made = load.nf_watch(
        len(words),
        b"".join(word for word, _ in words),
        ffi.from_buffer("uint32_t[]", lengths),
        ffi.from_buffer("uint32_t[]", of),
        len(rules),
        ffi.from_buffer("uint32_t[]", pairs),
    )
    if made == ffi.NULL:
        raise MemoryError("no memory to look through answers")
    return ffi.gc(made, load.nf_unwatch), tuple(bits)

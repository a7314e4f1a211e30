"""Looks through a text with every rule whose words are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ninefold.leak import banner, number, place, secret, statement, trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ninefold.leak.rule import Kind, Rule

#: All that is known, in the order of its kinds.
RULES: tuple[Rule, ...] = (
    *trace.RULES, *statement.RULES, *place.RULES, *banner.RULES, *secret.RULES, *number.RULES,
)  # fmt: skip

#: A longer text is searched in pieces of so many characters, of which each begins with so many of the last one: between two of
#: them other threads have their turn.
PIECE, SHARED = 65_536, 16_384

#: What stands in a leak's place.
HIDDEN = "****"


class Leak(NamedTuple):
    """`text[begin:end]` gives something away."""

    kind: Kind
    what: str
    begin: int
    end: int


def find(text: str, rules: Iterable[Rule] = RULES, kinds: Collection[str] | None = None) -> list[Leak]:
    """What leaks in a text, by where it begins. `kinds`: of these alone."""
    wanted = [rule for rule in rules if kinds is None or rule.kind in kinds]
    found: set[Leak] = set()
    for begin in range(0, max(len(text) - SHARED, 1), PIECE - SHARED):
        end = begin + PIECE
        for rule in wanted:
            group = "leak" if "leak" in rule.pattern.groupindex else 0
            # pos and not a slice: what stands before a match counts
            for one in rule.pattern.finditer(text, begin, end):
                if one.end(group) > one.start(group) and (rule.real is None or rule.real(one)):
                    found.add(Leak(rule.kind, rule.what, one.start(group), one.end(group)))
    return sorted(found, key=lambda one: (one.begin, one.end))


def masked(text: str, leaks: Iterable[Leak]) -> str:
    """The text with `HIDDEN` for each leak, one for those that touch or lie in each other."""
    pieces: list[str] = []
    at = 0
    for leak in sorted(leaks, key=lambda one: one.begin):
        if leak.begin > at or not pieces:
            pieces += [text[at : leak.begin], HIDDEN]
        at = max(at, leak.end)
    return "".join([*pieces, text[at:]])

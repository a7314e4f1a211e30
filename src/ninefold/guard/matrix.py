"""Who may do what, by the rules alone: nothing is asked about a request, so a condition stays a condition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ninefold.contract.rules import allowing, denying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ninefold.contract.authorization import Authorization, Rule


class May(StrEnum):
    """Whether a caller may do something."""

    ALWAYS = "yes"
    SOMETIMES = "if"
    NEVER = "-"
    ANYBODY = "open"


@dataclass(frozen=True, slots=True)
class Cell:
    """One caller and one operation. `places` are the rules that allow, or the one that denies."""

    may: May
    places: tuple[str, ...]


def cell(
    authorization: Authorization | None, operation: str, held: frozenset[str], now: float, place: Callable[[int], str]
) -> Cell:
    """What who holds these scopes and roles may do with an operation at this time (Unix seconds)."""
    if authorization is None:
        return Cell(May.ALWAYS, ())
    denials = [one for one in denying(authorization, operation) if _holds(one[1], now)]
    for number, rule in denials:
        if rule.when is None:
            return Cell(May.NEVER, (place(number),))
    rules = [one for one in allowing(authorization, operation) if _holds(one[1], now)]
    public = tuple(place(number) for number, rule in rules if rule.public is not None)
    if public:
        return Cell(May.ANYBODY, (*public, *(place(number) for number, _ in denials)))
    if any(len(held & set(apart)) > 1 for apart in authorization.separate):
        return Cell(May.NEVER, ())
    fit = [(number, rule) for number, rule in rules if not rule.allow or held & set(rule.allow)]
    if not fit:
        return Cell(May.NEVER, ())
    sure = [number for number, rule in fit if rule.when is None]
    if sure and not denials:
        return Cell(May.ALWAYS, tuple(map(place, sure)))
    return Cell(May.SOMETIMES, tuple(place(number) for number, _ in (*fit, *denials)))


def over(authorization: Authorization | None, now: float, place: Callable[[int], str]) -> Iterable[str]:
    """Rules whose time is over: they can go."""
    for number, rule in enumerate(authorization.rules if authorization else ()):
        if rule.until is not None and rule.until <= now:
            yield place(number)


def _holds(rule: Rule, now: float) -> bool:
    return (rule.from_ is None or rule.from_ <= now) and (rule.until is None or now < rule.until)

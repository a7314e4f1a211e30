"""Which rules of a contract decide about an operation. Each with its place in `authorization.rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.authorization import Authorization, Rule
    from ninefold.contract.source import Source


def allowing(authorization: Authorization | None, operation: str) -> tuple[tuple[int, Rule], ...]:
    """Those that may allow it: the ones that name it stand before those for `*`; of them, any allows."""
    rules = [(place, one) for place, one in enumerate(authorization.rules if authorization else ()) if one.deny is None]
    named = tuple((place, one) for place, one in rules if operation in one.operations)
    return named or tuple((place, one) for place, one in rules if "*" in one.operations)


def denying(authorization: Authorization | None, operation: str) -> tuple[tuple[int, Rule], ...]:
    """Those that may deny it, whatever the others allow: the ones that name it, and those for `*`."""
    rules = authorization.rules if authorization else ()
    return tuple(
        (place, one)
        for place, one in enumerate(rules)
        if one.deny is not None and (operation in one.operations or "*" in one.operations)
    )


def unfolded(roles: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Each role with every scope and role that it holds, itself among them. Cycles hold what their members hold."""
    found: dict[str, frozenset[str]] = {}
    for role in roles:
        held: set[str] = set()
        waiting = [role]
        while waiting:
            one = waiting.pop()
            if one not in held:
                held.add(one)
                waiting.extend(roles.get(one, ()))
        found[role] = frozenset(held)
    return found


def standing(source: Source | None) -> Callable[[int], str]:
    """Tells where the rule of a number stands, as `contract.yaml:12`; by its number where there is no file."""

    def place(number: int) -> str:
        if source is None:
            return f"authorization.rules[{number}]"
        found = source.place(("authorization", "rules", number))
        return f"{found.file.rpartition('/')[2]}:{found.line}"

    return place

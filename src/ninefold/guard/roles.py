"""Roles and rules of a contract, unfolded once: what each role holds, and what each operation asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.plan import Permission

if TYPE_CHECKING:
    from ninefold.contract.model import Authorization, Rule


def grants(authorization: Authorization | None) -> dict[str, frozenset[str]]:
    """Each role with every scope and role that it holds, itself among them. Cycles hold what their members hold."""
    roles = authorization.roles if authorization else {}
    unfolded: dict[str, frozenset[str]] = {}
    for role in roles:
        held: set[str] = set()
        waiting = [role]
        while waiting:
            one = waiting.pop()
            if one not in held:
                held.add(one)
                waiting.extend(roles.get(one, ()))
        unfolded[role] = frozenset(held)
    return unfolded


def permission(authorization: Authorization | None, operation: str) -> Permission:
    """What an operation asks of its callers. Rules that name it stand before those for `*`; of its rules, any allows."""
    if authorization is None:
        return Permission(held_by=None)
    rules = rules_for(authorization, operation)
    if any(rule.public for rule in rules):
        return Permission(open=True)
    return Permission(held_by=frozenset(name for rule in rules for name in rule.allow))


def rules_for(authorization: Authorization | None, operation: str) -> tuple[Rule, ...]:
    """The rules that decide about an operation."""
    if authorization is None:
        return ()
    named = tuple(rule for rule in authorization.rules if operation in rule.operations)
    return named or tuple(rule for rule in authorization.rules if "*" in rule.operations)

"""Roles and rules of a contract, unfolded once: what each role holds, and what each operation asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.contract.rules import allowing, denying, unfolded
from ninefold.guard.plan import Permission

if TYPE_CHECKING:
    from ninefold.contract.authorization import Authorization, Rule


def grants(authorization: Authorization | None) -> dict[str, frozenset[str]]:
    """Each role with every scope and role that it holds, itself among them."""
    return unfolded(authorization.roles if authorization else {})


def permission(authorization: Authorization | None, operation: str) -> Permission:
    """What an operation asks of its callers. Rules that name it stand before those for `*`; of its rules, any allows."""
    if authorization is None:
        return Permission(held_by=None)
    rules = rules_for(authorization, operation)
    every = (*rules, *(rule for _, rule in denying(authorization, operation)))
    ruled = any(rule.when is not None or rule.timed or rule.deny is not None for rule in every)
    judged = any(rule.when is not None and "resource" in rule.when for rule in every)
    if any(rule.public for rule in rules):
        return Permission(open=True, ruled=ruled, judged=judged)
    return Permission(held_by=frozenset(name for rule in rules for name in rule.allow), ruled=ruled, judged=judged)


def rules_for(authorization: Authorization | None, operation: str) -> tuple[Rule, ...]:
    """The rules that may allow an operation."""
    return tuple(rule for _, rule in allowing(authorization, operation))

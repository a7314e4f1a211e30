"""The nine signs in their order, and the rules of each. A tenth sign is a module and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ninefold.audit.signs import (
    authorization,
    callers,
    collected,
    cors,
    credentials,
    dependencies,
    encryption,
    filtering,
    keys,
    limits,
    monitoring,
    standard,
    tokens,
)

if TYPE_CHECKING:
    from ninefold.audit.rule import Rule


class Sign(NamedTuple):
    """A sign of doing API security wrong. `name` is its module's and its section's name."""

    number: int
    name: str
    title: str
    rules: tuple[Rule, ...]


SIGNS = (
    Sign(1, "keys", "Overreliance on API keys", keys.RULES + credentials.RULES),
    Sign(2, "authorization", "No smart authorization", authorization.RULES + callers.RULES + tokens.RULES),
    Sign(3, "encryption", "Improper encryption, at rest or in transit", encryption.RULES + collected.RULES),
    Sign(4, "dependencies", "Outdated or vulnerable dependencies", dependencies.RULES),
    Sign(5, "standard", "No standard authentication or authorization", standard.RULES),
    Sign(6, "limits", "No rate limiting or throttling", limits.RULES),
    Sign(7, "filtering", "Insufficient data filtering", filtering.RULES),
    Sign(8, "monitoring", "Poor logging and monitoring", monitoring.RULES),
    Sign(9, "cors", "Improper CORS", cors.RULES),
)

RULES: tuple[Rule, ...] = tuple(rule for sign in SIGNS for rule in sign.rules)

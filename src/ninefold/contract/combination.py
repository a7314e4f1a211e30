"""Which proofs of an operation's callers are taken together, and which in each other's place (ADR 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.contract.model import Contract, Rule

#: Names of proofs that all have to hold.
Combination: TypeAlias = tuple[str, ...]

#: What is cheap, and in memory, comes first.
_ORDER = ("key", "token", "address")


def combinations(contract: Contract, rules: Iterable[Rule]) -> tuple[Combination, ...]:
    """Any one of these admits a caller of an operation that these rules are about. The first is how callers are refused."""
    for rule in rules:
        if rule.proofs:  # that all rules of an operation ask for the same is checked when the contract is loaded
            return tuple(_ordered(one) for one in rule.proofs)
    keys, with_ = contract.keys, contract.keys.with_
    proofs = {"key"}
    if keys.alone is None and (with_ is None or with_.ip is not None):
        proofs.add("address")
    if contract.identity is None:
        return (_ordered(proofs),)
    if "keys" not in contract.model_fields_set:
        return (("token",),)
    if with_ is not None and with_.token:
        return (_ordered(proofs | {"token"}),)
    return _ordered(proofs), ("token",)


def _ordered(proofs: Iterable[str]) -> Combination:
    named = set(proofs)
    return tuple(one for one in _ORDER if one in named)

"""Which proofs of an operation's callers are taken together, and which in each other's place (ADR 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ninefold.contract.authorization import Rule
    from ninefold.contract.model import Contract

#: Names of proofs that all have to hold.
Combination: TypeAlias = tuple[str, ...]

#: What is cheap, and in memory, comes first.
_ORDER = ("key", "token", "certificate", "address", "device")


def combinations(contract: Contract, rules: Iterable[Rule]) -> tuple[Combination, ...]:
    """Any one of these admits a caller of an operation that these rules are about. The first is how callers are refused."""
    for rule in rules:
        if rule.proofs:  # that all rules of an operation ask for the same is checked when the contract is loaded
            return tuple(_ordered(one) for one in rule.proofs)
    keys, with_ = contract.keys, contract.keys.with_
    proofs = {"key"}
    if keys.alone is None and (with_ is None or with_.ip is not None):
        proofs.add("address")
    if with_ is not None:
        asked = {"token": with_.token, "certificate": with_.certificate, "device": with_.device}
        proofs |= {name for name, wanted in asked.items() if wanted}
    others: list[Combination] = []
    if contract.identity is not None and "token" not in proofs:
        others.append(("token",))
    if contract.certificates and "certificate" not in proofs:
        others.append(("certificate",))
    return (_ordered(proofs), *others) if "keys" in contract.model_fields_set or not others else tuple(others)


def _ordered(proofs: Iterable[str]) -> Combination:
    named = set(proofs)
    return tuple(one for one in _ORDER if one in named)

"""How the operations of several contracts prove who calls, and which of them do it another way than the standard.

The standard is what a contract that is named for it does, else what most operations do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.contract.combination import combinations
from ninefold.contract.rules import allowing
from ninefold.errors import ContractError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ninefold.contract.load import LoadedContract
    from ninefold.contract.model import Contract


@dataclass(frozen=True, slots=True)
class Odd:
    """An operation that proves callers in a way of its own."""

    file: str
    operation: str
    way: str


@dataclass(frozen=True, slots=True)
class Standard:
    """`way` is empty where no way is that of more operations than every other. Public operations are not counted."""

    way: str
    operations: int
    odd: tuple[Odd, ...]


def way(contract: Contract, operation: str) -> str:
    """How callers of an operation prove who they are; empty: it is public."""
    rules = [rule for _, rule in allowing(contract.authorization, operation)]
    if any(rule.public for rule in rules):
        return ""
    keys, identity = contract.keys, contract.identity
    told = {"key": f"key in {keys.header.lower()}{' or the query' if keys.query is not None else ''}"}
    if identity is not None:
        told["token"] = f"token of {identity.issuer}" + (f" bound by {identity.bound}" if identity.bound else "")
    ways = [[told.get(name, name) for name in names] for names in combinations(contract, rules)]
    return " or ".join(f"{first}, {f'with {_and(others)}' if others else 'alone'}" for first, *others in ways)


def _and(names: list[str]) -> str:
    return " and ".join(names)


def standard(contracts: Sequence[LoadedContract], declared: LoadedContract | None = None) -> Standard:
    """Hold contracts against each other. Raises `ContractError` where `declared` has no one way of its own."""
    ways = [
        (str(loaded.path), operation.id, found)
        for loaded in contracts
        for operation in loaded.description.operations
        if (found := way(loaded.contract, operation.id))
    ]
    if declared is None:
        common = _most(one for *_, one in ways)
    else:
        common = _most(way(declared.contract, operation.id) for operation in declared.description.operations)
        if not common:
            raise ContractError(
                "declares no standard: it has no way of proving callers that most of its operations have",
                place=Place(str(declared.path)),
                remedy="name a contract whose operations prove callers in one way",
            )
    odd = tuple(Odd(file, operation, found) for file, operation, found in ways if found != common)
    return Standard(common, len(ways), odd)


def _most(ways: Iterable[str]) -> str:
    counts = Counter(one for one in ways if one).most_common(2)
    tied = len(counts) > 1 and counts[0][1] == counts[1][1]
    return counts[0][0] if counts and not tied else ""

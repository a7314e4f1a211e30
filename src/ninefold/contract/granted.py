"""Rules held against the description: conditions that cannot be kept, and duties that are not separate."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ninefold.contract.attribute import Environment
from ninefold.contract.rules import allowing, denying, unfolded
from ninefold.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.authorization import Authorization
    from ninefold.contract.description import Description, Operation
    from ninefold.contract.model import Contract
    from ninefold.contract.source import Source


def conditions(contract: Contract, description: Description, source: Source) -> Iterator[Problem]:
    """Conditions that speak of what an operation does not have, compare unlike things, or come too late."""
    authorization = contract.authorization
    if authorization is None or not any(rule.when is not None for rule in authorization.rules):
        return
    # the library behind it is loaded only for contracts that have a condition
    from ninefold.contract.condition import ConditionFaults, compile_condition  # noqa: PLC0415

    told: set[tuple[int, int]] = set()
    for operation in description.operations:
        for number in deciding(authorization, operation.id):
            text = authorization.rules[number].when
            if text is None:
                continue
            path = ("authorization", "rules", number, "when")
            try:
                condition = compile_condition(text, environment(contract, description, operation))
            except ConditionFaults as faults:
                several = (
                    len(authorization.rules[number].operations) > 1 or "*" in authorization.rules[number].operations
                )
                said = f"`when`, for {operation.id}" if several else "`when`"
                for one in faults.faults:
                    if (number, one.offset) not in told:  # once, though it may be so for every operation
                        told.add((number, one.offset))
                        yield Problem(f"{said}: {one.what}", source.within(path, one.offset), one.remedy)
                continue
            if "resource" in condition.roots and (fault := _late(contract, operation)) and (number, -1) not in told:
                told.add((number, -1))
                yield Problem(fault[0], source.within(path, text.find("resource")), fault[1])


def environment(contract: Contract, description: Description, operation: Operation) -> Environment:
    """What the conditions of an operation may speak of."""
    open_ = any(rule.public for _, rule in allowing(contract.authorization, operation.id))
    return Environment(operation, description, contract.keys.header, open_=open_)


def deciding(authorization: Authorization, operation: str) -> list[int]:
    """The places of all rules that decide about an operation."""
    return [number for number, _ in (*allowing(authorization, operation), *denying(authorization, operation))]


def _late(contract: Contract, operation: Operation) -> tuple[str, str] | None:
    """Why an answer of this operation cannot be judged."""
    if operation.method not in {"GET", "HEAD"}:
        return (
            f"{operation.id} ({operation.method}) would have acted before its answer is judged",
            "compare with `path` or `body`; `resource` is for GET",
        )
    if operation.id in contract.responses.open:
        return f"the responses of {operation.id} pass unread (responses.open)", "remove it there, or `resource` here"
    if any(rule.upgrade for _, rule in allowing(contract.authorization, operation.id)):
        return (
            f"{operation.id} may switch protocols, and then has no answer to judge",
            "remove `upgrade`, or `resource`",
        )
    return None


def duties(contract: Contract, source: Source) -> Iterator[Problem]:
    """Sets of roles that are to be separate, and are not."""
    authorization = contract.authorization
    if authorization is None:
        return
    roles = unfolded(authorization.roles)
    known = {name for held in roles.values() for name in held}
    for number, apart in enumerate(authorization.separate):
        path: tuple[str | int, ...] = ("authorization", "separate", number)
        if len(set(apart)) < 2:
            yield Problem(
                "a set of one cannot be separate", source.place(path), "name two roles, as [approver, requester]"
            )
        for place, name in enumerate(apart):
            if name not in known and contract.identity is None:  # tokens may bring scopes that no role holds
                near = get_close_matches(name, known, 1)
                remedy = f"did you mean `{near[0]}`?" if near else "name roles, or scopes that a role holds"
                yield Problem(f"no role is, or holds, {name!r}", source.place((*path, place)), remedy)
        for role, held in roles.items():
            both = [name for name in dict.fromkeys(apart) if name in held]
            if len(both) > 1:
                what = f"the role {role!r} holds {' and '.join(both)}, which are to be separate"
                place_ = source.place(("authorization", "roles", role), key=True)
                yield Problem(what, place_, "take one of them away, or give it to another role")

"""Why one caller may, or may not, do one thing: the same rules as for a request, asked one by one and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.contract.granted import environment
from ninefold.contract.rules import allowing
from ninefold.guard.answer import Answer
from ninefold.guard.need import Need
from ninefold.guard.ruling import Asked, Ruling
from ninefold.guard.steps.permission import Duties

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description, Operation
    from ninefold.contract.model import Contract
    from ninefold.guard.request import Request


@dataclass(frozen=True, slots=True)
class Explanation:
    """`allowed` None: it depends on what was not given. `asked` are the rules in the order in which they were asked."""

    allowed: bool | None
    reason: str
    asked: tuple[Asked, ...]


def explain(
    contract: Contract,
    description: Description,
    operation: Operation,
    request: Request,
    place: Callable[[int], str],
    answer: bytes | None = None,
) -> Explanation:
    """Decide about `request` (its caller proved, its `scopes` filled in) as the permission step does.

    `answer` is the JSON that the API would answer. Raises `ConditionFaults` for a contract that was not checked.
    """
    authorization = contract.authorization
    if authorization is None:
        return Explanation(
            allowed=True, reason="without `authorization`, any caller may call every operation", asked=()
        )
    aside = _set_aside(contract, operation, place)
    asked: list[Asked] = []
    rules = allowing(authorization, operation.id)
    public = next((one for one in rules if one[1].public is not None), None)
    if public is not None:
        asked.append(Asked(place(public[0]), deny=False, what=f"public: {public[1].public}", holds=True))
    elif not Duties(authorization.separate).separate(request.scopes):
        reason = "the caller holds roles or scopes that are to be separate (authorization.separate)"
        return Explanation(allowed=False, reason=reason, asked=(*aside, *asked))
    ruling = Ruling(authorization, operation, environment(contract, description, operation), place, None)
    verdict = ruling.decide(request, asked)
    if verdict is Need.BODY:
        return Explanation(allowed=None, reason="it depends on the request's body", asked=(*aside, *asked))
    if isinstance(verdict, Answer):
        return Explanation(allowed=False, reason=verdict.reason, asked=(*aside, *asked))
    if request.held is None:
        return Explanation(allowed=True, reason=_by(asked), asked=(*aside, *asked))
    if answer is None:
        return Explanation(allowed=None, reason="it depends on what the API answers", asked=(*aside, *asked))
    kept, reason = request.held.release(request, answer)
    asked = [one for one in asked if one.holds is not None]
    asked += [Asked(one.place, one.deny, f"of the answer: {reason or '`when` allows it'}", kept is not None)
              for one in (*request.held.denials, *request.held.grants)]  # fmt: skip
    if kept is None:
        return Explanation(allowed=False, reason=f"the answer is withheld: {reason}", asked=(*aside, *asked))
    return Explanation(allowed=True, reason=reason or _by(asked), asked=(*aside, *asked))


def _set_aside(contract: Contract, operation: Operation, place: Callable[[int], str]) -> list[Asked]:
    """Rules for `*`, where others name the operation."""
    assert contract.authorization is not None
    counted = {number for number, _ in allowing(contract.authorization, operation.id)}
    what = "rules that name the operation stand before it"
    return [
        Asked(place(number), deny=False, what=what, holds=False)
        for number, rule in enumerate(contract.authorization.rules)
        if rule.deny is None and "*" in rule.operations and number not in counted
    ]


def _by(asked: list[Asked]) -> str:
    allowing_ = next((one.place for one in asked if one.holds and not one.deny), "")
    return f"by {allowing_}" if allowing_ else ""

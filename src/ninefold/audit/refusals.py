"""How secured operations refuse: with a challenge or without one (RFC 9110 section 11.6.1), and all in one way or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ninefold.audit.judge import alike, proof, serves
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

_REFUSED = frozenset({401, 403, 407})

#: Most operations that are asked with a wrong credential.
WRONG = 3


class Refusal(NamedTuple):
    call: Call
    operation: Operation
    answer: Answer


def refusals(target: Target) -> list[Refusal]:
    """What secured operations answer without credentials, where that is known to be a refusal."""
    found = []
    for call in target.survey.calls():
        if call.operation is None or not call.operation.security or not all(call.operation.security):
            continue
        answer = target.survey.anonymous(call)
        served = bool(target.keys) and serves(call.answer, target.description, call.operation)
        if answer.status in _REFUSED or (served and not alike(answer, call.answer)):
            found.append(Refusal(call, call.operation, answer))
    if not found:
        raise Untried("no operation that is described as secured refused a request without credentials", missed=False)
    return found


def challenge(target: Target) -> Looked:
    """To no credential, and to a wrong one: both are asked, because different code often answers them."""
    found = refusals(target)
    asked = [(one.call, one.call.ask, one.answer) for one in found]
    for call, _, _ in found[:WRONG] if target.keys else ():
        wrong = target.keys[0].wrong().on(call.ask)
        asked.append((call, wrong, target.probe.send(wrong)))
    refused = [one for one in asked if one[2].status == 401]
    if not refused:
        raise Untried("no operation answered 401", missed=False)
    seen = []
    for call, ask, answer in refused:
        if not answer.header("www-authenticate"):
            again = target.probe.send(ask)
            to = "no credential" if ask is call.ask else "a wrong credential"
            seen.append(
                Observation(
                    call.place,
                    f"401 to {to} without `WWW-Authenticate`, which RFC 9110 section 11.6.1 requires: "
                    "clients cannot know what to send.",
                    (call.answer.exchange("baseline"), answer.exchange("attack"), again.exchange("repeat")),
                    cause="no challenge",
                )
            )
    return Looked(len(refused), tuple(seen))


def differ(target: Target) -> Looked:
    found = refusals(target)
    first = found[0]
    for other in found[1:]:
        if alike(other.answer, first.answer) and other.answer.media == first.answer.media:
            continue
        control, again = target.probe.send(first.call.ask), target.probe.send(other.call.ask)
        if not alike(control, first.answer) or not alike(again, other.answer):
            continue
        detail = (
            f"Without credentials {first.operation.id} answers {said(first.answer)}, and "
            f"{other.operation.id} "
            f"{said(other.answer)}: one API, two ways to refuse."
        )
        evidence = proof(first.answer, other.answer, control, again)
        return Looked(len(found), (Observation(other.call.place, detail, evidence, cause="refusals differ"),))
    return Looked(len(found))


def said(answer: Answer) -> str:
    return f"{answer.status} {answer.media or 'without a body'}"

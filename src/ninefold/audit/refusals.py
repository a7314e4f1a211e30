"""How secured operations refuse: with a challenge or without one (RFC 9110 section 11.6.1), and all in one way or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ninefold.audit.answer import Ask
from ninefold.audit.enumeration import VARYING
from ninefold.audit.finding import Confidence
from ninefold.audit.judge import KIN, alike, proof, says_no, serves
from ninefold.audit.record import ids
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

_REFUSED = frozenset({401, 403, 407})
_NOWHERE = frozenset({404, 410})

#: Most operations that are asked with a wrong credential.
WRONG = 3

#: How deep in a body its members are compared.
_DEPTH = 3

#: What a body says that wants a credential, where its status does not.
_WANTS = re.compile(
    r"\blog[-_ ]?in\b|\bsign[-_ ]?in\b|\bun-?(?:authori[sz]ed|authenticated)\b"
    r"|\bnot (?:authori[sz]ed|authenticated|logged in)\b|\bauthenticat(?:e|ion) (?:is )?(?:required|needed)\b|\bcredentials?\b"
    r"|\b(?:missing|invalid|bad|no|unknown|expired|wrong|needs?|requires?)\W+(?:\w+\W+)?(?:api[-_ ]?key|token|key|session)\b",
    re.IGNORECASE,
)


class Refusal(NamedTuple):
    call: Call
    operation: Operation
    answer: Answer


def refusals(target: Target) -> list[Refusal]:
    """What secured operations answer without credentials, where that is known to be a refusal."""
    found = []
    for call, operation in _secured(target):
        answer = target.survey.anonymous(call)
        served = bool(target.keys) and serves(call.answer, target.description, operation)
        if answer.status in _REFUSED or (served and not alike(answer, call.answer)):
            found.append(Refusal(call, operation, answer))
    if not found:
        raise Untried("no operation that is described as secured refused a request without credentials", missed=False)
    return found


def _secured(target: Target) -> Iterator[tuple[Call, Operation]]:
    for call in target.survey.calls():
        if call.operation is not None and call.operation.security and all(call.operation.security):
            yield call, call.operation


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
    """What is refused as if it were not there is left out: RFC 9110 section 15.5.4 allows that, to hide it."""
    known, worded = refusals(target), list(_worded(target))
    found = _shown(target, [*known, *worded])
    for other in found[1:]:
        first = found[0]
        if _one_way(other.answer, first.answer):
            continue
        control, again = target.probe.send(first.call.ask), target.probe.send(other.call.ask)
        if not _one_way(control, first.answer) or not _one_way(again, other.answer):
            continue
        detail = (
            f"Without credentials {first.operation.id} answers {said(first.answer)}, and "
            f"{other.operation.id} "
            f"{said(other.answer)}: one API, two ways to refuse."
        )
        if said(first.answer) == said(other.answer):
            named = (", ".join(f"`{name}`" for name in _top(one.answer)) for one in (first, other))
            detail += " The members of their bodies are {} and {}.".format(*named)
        evidence = proof(first.answer, other.answer, control, again)
        sure = Confidence.SUSPECTED if first in worded or other in worded else None
        seen = Observation(other.call.place, detail, evidence, cause="refusals differ", confidence=sure)
        return Looked(len(found), (seen,))
    return Looked(len(found) or len(known))


def _worded(target: Target) -> Iterator[Refusal]:
    """Failures under a success that ask for a credential in words, of operations that serve none of the audit's callers.

    Only where nothing else was left to choose: without parameters, nothing can be wrong but the credential.
    """
    for call, operation in _secured(target):
        answer = target.survey.anonymous(call)
        if not answer.ok or not says_no(answer) or "{" in operation.path or call.ask.query:
            continue
        served = bool(target.keys) and serves(call.answer, target.description, operation)
        if not served and _WANTS.search(answer.text[:8192].replace(call.ask.path, "")):
            yield Refusal(call, operation, answer)


def _shown(target: Target, found: list[Refusal]) -> list[Refusal]:
    """Those that are not refused as a path is that nobody serves, whoever asks for it."""
    told = [one for one in found if one.answer.status not in _NOWHERE]
    if all(one.answer.status in _REFUSED for one in told):
        return told
    ask = Ask("GET", f"{target.survey.base}/ninefold-no-such-thing")
    nowhere, known = target.probe.send(ask), target.probe.send(target.survey.as_caller(ask))
    if (nowhere.status, _plain(nowhere)) != (known.status, _plain(known)):
        return told  # it is asked for a credential before anybody looks for the path
    return [one for one in told if (one.answer.status, _plain(one.answer)) != (nowhere.status, _plain(nowhere))]


def _plain(answer: Answer) -> str:
    """The body without what is new in each answer, or repeats its request."""
    text = answer.text
    for own in (answer.asked.path, *ids(answer).values()):
        text = text.replace(own, "")
    return VARYING.sub("", text)


def _one_way(one: Answer, other: Answer) -> bool:
    """Whether two refusals are made alike: status, media type and members; what they say may be each one's own."""
    if (one.status, one.media) != (other.status, other.media) or (one.ok and says_no(one) != says_no(other)):
        return False
    left, right = one.json(), other.json()
    if left is None or right is None:
        return (left is None) == (right is None) and bool(one.body) == bool(other.body)
    mine, its = set(_form(left)), set(_form(right))
    return len(mine & its) >= KIN * len(mine | its)


def _form(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Each member of a body as its path and its type."""
    if isinstance(value, dict) and depth < _DEPTH:
        for name, inner in value.items():
            yield from _form(inner, f"{path}.{name}", depth + 1)
    else:
        yield f"{path}:{type(value).__name__}"


def _top(answer: Answer) -> list[str]:
    document = answer.json()
    return [str(name) for name in document][:6] if isinstance(document, dict) else []


def said(answer: Answer) -> str:
    return f"{answer.status} {answer.media or 'without a body'}"

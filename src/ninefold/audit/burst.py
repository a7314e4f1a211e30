"""What a bounded burst of one cheap GET comes to: made once an audit, for all rules that need to know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ninefold.audit.probe import EVENTS
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Requests of a burst, and of its repetition. More than an honest page needs in a second, too few to hurt.
BURST, AGAIN = 120, 30

#: A limit as an honest API may have it gives back so many in a second; a burst that took its time has to be the longer for it.
REFILL = 12.0

#: What a burst leaves of the budget for the proof.
RESERVE = AGAIN + 5

#: Over how many requests what is left must become less; a limit that refills quickly gives some of it back meanwhile.
WATCHED = 20

#: How often a spent limit must let a request through to be none.
HOLLOW = 8

_REMAINING = re.compile(r"(?:^|[;,\s])r=(\d+)")
_LEGACY = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining", "x-ratelimit-requests-remaining")


@dataclass(frozen=True, slots=True)
class Burst:
    """`answers` to the request of `call`, one after the other, in so many `seconds`. `throttled` is the last, if the API
    stopped it.

    `counted`: what the API says is left became steadily less. `hollow`: it became nothing, and requests were served on.
    """

    call: Call
    answers: tuple[Answer, ...]
    throttled: Answer | None
    counted: bool
    hollow: bool
    seconds: float = 0.0


def burst(target: Target) -> Burst:
    """The burst of this audit. Raises `Untried` when no operation serves, or the budget is too small for it."""
    if target.survey.burst is None:
        target.survey.burst = _press(target)
    return target.survey.burst


def _press(target: Target) -> Burst:
    call = min(target.survey.answered(), key=lambda one: (one.answer.media == EVENTS, one.answer.took))
    ask = target.survey.as_caller(call.ask)
    count = min(BURST, target.probe.left - RESERVE)
    if count < BURST // 2:
        raise Untried(f"a burst needs {BURST + RESERVE} requests, and {target.probe.left} are left (--budget)")
    answers: list[Answer] = []
    counted = False
    least, began, most = count, target.probe.clock(), target.probe.left - RESERVE
    while len(answers) < count:
        count = max(count, min(most, least + round(REFILL * (target.probe.clock() - began))))
        answers.append(target.probe.send(ask, patient=False))
        if is_throttled(answers[-1]):
            return Burst(call, tuple(answers), answers[-1], counted=counted, hollow=False)
        counted = counted or counts_down(answers)
        if counted and _needed(answers) > count - len(answers):
            break  # an honest limit that is larger than the burst: that it counts has to be enough
    if not counted and len(answers) < least + REFILL * (target.probe.clock() - began) - WATCHED:
        raise Untried("the API answers too slowly for a burst: what an honest limit gives back meanwhile is as much")
    spent = [one for one in answers if left(one) == 0]
    hollow, seconds = counted and len(spent) >= HOLLOW, target.probe.clock() - began
    return Burst(call, tuple(answers), None, counted=counted, hollow=hollow, seconds=seconds)


def allowed(target: Target, seconds: float) -> float:
    """How many requests the contract lets any caller send in that time; without end where it does not say."""
    rates = target.contract.contract.limits.rates if target.contract else ()
    general = (one for one in rates if not one.operations)
    return min((one.depth + seconds * one.rate.count / one.rate.period for one in general), default=float("inf"))


def is_throttled(answer: Answer) -> bool:
    """429 (RFC 6585 section 4), or 503 that says when to come back (RFC 9110 section 15.6.4)."""
    return answer.status == 429 or (answer.status == 503 and answer.header("retry-after") is not None)


def left(answer: Answer) -> int | None:
    """What is left, by draft-ietf-httpapi-ratelimit-headers or by what was customary before it."""
    told = answer.header("ratelimit")
    if told and (found := _REMAINING.search(told)):
        return int(found[1])
    return next((int(value) for name in _LEGACY if (value := answer.header(name)) and value.strip().isdigit()), None)


def says_when(answer: Answer) -> bool:
    """Whether it tells when to come again: `Retry-After`, `t` of `RateLimit`, or a reset field of older make."""
    told = answer.header("ratelimit") or ""
    return answer.header("retry-after") is not None or bool(
        re.search(r"(?:^|[;,\s])t=\d", told)
        or any(re.sub("[-_]", "", name.lower()).endswith("ratelimitreset") for name, _ in answer.headers)
    )


def counts_down(answers: list[Answer]) -> bool:
    """Whether the API says what is left, and it becomes less as requests come."""
    known = [one for one in map(left, answers[-WATCHED:]) if one is not None]
    steady = all(after <= before for before, after in pairwise(known))
    return len(known) == WATCHED and steady and known[0] - known[-1] >= WATCHED // 5


def _needed(answers: list[Answer]) -> float:
    """How many more requests would spend the limit, and show whether it is kept, at the pace of the last ones."""
    first, last = left(answers[-WATCHED]), left(answers[-1])
    if first is None or last is None or first <= last:
        return HOLLOW if last == 0 else float("inf")
    return last * (WATCHED - 1) / (first - last) + HOLLOW

"""Does anybody hear of a burst of refused credentials (sign 8)? It is made, and an alert of it has to arrive.

That one arrives is judged by what it names, else by its kind, else by the time. That none arrives is as sure as the place is:
one in which alerts were seen is one; of another it is not known.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ninefold.audit.answer import redact
from ninefold.audit.bogus import bogus_in, with_bogus
from ninefold.audit.burst import is_throttled
from ninefold.audit.finding import Confidence, Location
from ninefold.audit.judge import alike, proof
from ninefold.audit.record import SETTLES, about
from ninefold.audit.refusal import first_refused
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from ninefold.audit.alerts import Alerts, Arrivals
    from ninefold.audit.answer import Answer
    from ninefold.audit.finding import Exchange
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Calls of the burst and of its repetition, and how many of the first must be refused for their credential.
BURST, AGAIN, LEAST = 60, 30, 20

#: What other bursts leave of the budget for these.
RESERVE = BURST + AGAIN + 5

#: Seconds for which nothing is done before the burst, so that what arrives without it is known.
QUIET = 2.0

#: Most characters of an alert that a report shows.
SHOWN = 300

#: What alerts on refused callers, or on too many of them, speak of.
_SPEAKS = re.compile(
    r"auth|credential|log-?in|sign-?in|password|api[ _-]?key|token|brute|guess|stuffing|\b4(?:01|03|29)\b|\b4xx\b|refus|denied"
    r"|deny|reject|invalid|forbidden|too[ _-]?many|burst|\brate\b|throttl|spike|anomal|attack|abuse|suspicious|intrusion"
    r"|fail\w*[ _-](?:attempt|request|call)",
    re.IGNORECASE,
)
_PASSING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Names:
    """What an alert may name this audit by: words that no other sends, or the address that it comes from."""

    words: tuple[str, ...]
    address: str

    def __call__(self, line: str) -> bool:
        if any(word and word in line for word in self.words):
            return True
        there = self.address and re.search(rf"(?<![\w.:]){re.escape(self.address)}(?![\w.]|:[0-9a-f]*:)", line)
        return bool(there) and _SPEAKS.search(line) is not None


@dataclass(frozen=True, slots=True)
class _Burst:
    """`answers` to calls with wrong credentials, `took` seconds; and what has arrived `since` it began."""

    answers: tuple[Answer, ...]
    took: float
    since: Arrivals

    @property
    def told(self) -> str:
        """`60 (401 x 20, 429 x 40)`."""
        numbers = Counter(one.status for one in self.answers)
        return f"{len(self.answers)} ({', '.join(f'{status} x {count}' for status, count in numbers.items())})"


def burst_unnoticed(target: Target) -> Looked:
    """Baseline: what arrives without it. Attack: the burst. Control: what shows that alerts do arrive there. Repeat."""
    alerts = target.alerts
    assert alerts is not None
    found = first_refused(target)
    if found is None:
        raise Untried("nothing that was asked for needs a credential, so none can be refused", missed=False)
    call, refusal = found
    name = f"ninefold-{secrets.token_hex(8)}"
    names = _Names((target.probe.run, target.probe.agent, name), _address(target))
    honest = _is_a_log(target, alerts, call, name)
    alerts.since().wait_within(_never, min(QUIET, alerts.within))
    earlier = [line for line in alerts.began.lines() if line.strip()]
    already = any(map(names, earlier))
    noise = {_shape(line) for line in earlier}
    usual = {_shape(line) for line in alerts.before if not _SPEAKS.search(line)}

    def tells(line: str) -> bool:
        if not line.strip() or names(line):
            return bool(line.strip())
        strange = _shape(line) not in noise | usual
        return strange and (not noise or _SPEAKS.search(line) is not None)

    bursts: list[_Burst] = []
    for count in (BURST, AGAIN):
        wait = min(QUIET, alerts.within) if already else alerts.within
        if target.probe.remaining < wait + 1:
            raise Untried(f"the audit has too few seconds left to wait {wait:.0f} for an alert (--time)")
        one = _press(target, call, refusal, name, count)
        bursts.append(one)
        if one.since.wait_within(tells, wait):
            one.since.wait_within(_never, min(SETTLES, wait))
            return _noticed(one, names)
        if already:
            return Looked(1, note="an alert that names this audit had come before the burst was made")
        if fresh := [line for line in one.since.lines() if line.strip() and _shape(line) not in noise | usual]:
            raise Untried(
                f"what arrived ({redact(fresh[0][:SHOWN], target.probe.secrets)}) neither names the burst nor speaks of "
                "refusals, and other alerts arrive without it: which one it raised is not known"
            )
    if held := next(filter(_SPEAKS.search, earlier), ""):
        raise Untried(
            f"an alert had come during this audit that may be of its own refused calls "
            f"({redact(held[:SHOWN], target.probe.secrets)}), and hold back another"
        )
    return Looked(1, (_unnoticed(target, call, honest, bursts, earlier),))


def _address(target: Target) -> str:
    try:
        return target.probe.source()
    except Untried:
        return ""


def _is_a_log(target: Target, alerts: Alerts, call: Call, name: str) -> Answer:
    """The answer to an honest request. Raises `Untried` when it brings a line of its own: that place is no alerts' place."""
    since = alerts.since()
    honest = target.probe.send(target.survey.as_caller(call.ask).header("X-Request-Id", f"{name}-0"))
    if since.wait_within(about(honest, f"{name}-0"), min(QUIET, alerts.within)):
        raise Untried(f"{alerts.name} gets a line for an honest request too: it is a log, and not where alerts arrive")
    return honest


def _press(target: Target, call: Call, refusal: Answer, name: str, count: int) -> _Burst:
    """Wrong credentials, one after the other. Raises `Untried` when they are not refused as credentials."""
    if target.probe.left < count:
        raise Untried(f"a burst needs {count} requests, and {target.probe.left} are left (--budget)")
    assert target.alerts is not None
    since, began = target.alerts.since(), target.probe.clock()
    answers: list[Answer] = []
    for number in range(count):
        ask = with_bogus(target, call.ask, f"nf-bogus-{secrets.token_hex(12)}")
        answer = target.probe.send(ask.header("X-Request-Id", f"{name}-{number + 1}"), patient=number == 0)
        answers.append(replace(answer, secrets=(*answer.secrets, *bogus_in(ask))))
    wrong = [one for one in answers if one.status in {401, 403} or alike(one, refusal)]
    if len(wrong) + sum(map(is_throttled, answers)) < count:
        raise Untried("a wrong credential is not refused as none is, so no burst of refusals can be made")
    if len(wrong) < min(LEAST, count):
        raise Untried(
            f"only {len(wrong)} wrong credentials were looked at before the API throttled: too few for an alert"
        )
    return _Burst(tuple(answers), target.probe.clock() - began, since)


def _noticed(burst: _Burst, names: _Names) -> Looked:
    """Raises `Untried` when a line came for each call: a log of refusals is no alert."""
    came = burst.since.lines()
    if len(came) >= len(burst.answers):
        raise Untried(f"{len(came)} lines came for {len(burst.answers)} refused calls: that is a log of them, no alert")
    judged = "what it speaks of" if any(map(_SPEAKS.search, came)) else "the time"
    told = "names them" if any(map(names, came)) else f"does not name them, and is judged by {judged}"
    return Looked(1, note=f"an alert came after {burst.told} refused calls; it {told}")


def _unnoticed(target: Target, call: Call, honest: Answer, bursts: list[_Burst], earlier: list[str]) -> Observation:
    alerts = target.alerts
    assert alerts is not None
    first, again = bursts
    shown = (*alerts.before, *earlier)[-1:]
    known = (
        "Something had come there before, so it is a place in which alerts arrive."
        if shown
        else "Nothing is known to have come there of late, so it may be the wrong place."
    )
    detail = (
        f"{first.told} calls with wrong credentials were refused in {first.took:.0f} s, then {again.told} more, and within "
        f"{alerts.within:g} s of either no alert of them arrived in {alerts.name}. {known}"
    )
    is_file = not alerts.name.startswith("http://")
    place = Location(
        operation=call.place.operation,
        file=alerts.name if is_file else "",
        url="" if is_file else alerts.name,
    )
    pieces = tuple(f"before the burst: {redact(line[:SHOWN], target.probe.secrets)}" for line in shown)
    evidence: tuple[Exchange | str, ...] = (
        *proof(honest, first.answers[-1], target.survey.anonymous(call), again.answers[-1]),
        *pieces,
    )
    sure = None if shown else Confidence.SUSPECTED
    return Observation(place, detail, evidence, cause="no alert", confidence=sure)


def _never(_: str) -> bool:
    return False


def _shape(line: str) -> str:
    """The line without what differs from one alert of a kind to the next."""
    return _PASSING.sub("#", line)

"""Sign 6, no rate limiting or throttling: nothing said of limits, input without bounds, bursts that nobody stops."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import alike, proof
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Requests of a burst, and of its repetition. More than an honest page needs in a second, too few to hurt.
BURST, AGAIN = 120, 30

#: Over how many requests what is left must become less; a limit that refills quickly gives some of it back meanwhile.
_WATCHED = 20

_DEPTH = 6
_REMAINING = re.compile(r"(?:^|[;,\s])r=(\d+)")
_LEGACY = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_CONTRACT = "limits:\n  - {per: ip, rate: 600/min, burst: 120}\n  - {per: caller, rate: 600/min, burst: 120}\n"


def _undeclared(target: Target) -> Looked:
    operations = target.api.operations
    seen = tuple(
        Observation(
            Location(operation=one.id, pointer=one.pointer),
            "No operation says that there is a limit: neither a 429 nor a RateLimit field is declared.",
            cause="no 429",
        )
        for one in operations
        if "429" not in one.responses
        and "4XX" not in one.responses
        and not any("ratelimit" in name.lower() for response in one.responses.values() for name in response.headers)
    )
    return Looked(len(operations), seen)


def _unbounded(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        for media, schema in operation.request.items():
            if schema is None or "json" not in media:
                continue
            at += 1
            for path in _open_inputs(target, schema, "", 0):
                place = Location(operation=operation.id, pointer=f"{operation.pointer}/requestBody")
                detail = f"`{path or 'the body'}` of a request has no upper bound (maxLength, maxItems)."
                seen.append(Observation(place, detail, cause="unbounded body"))
                break
    return Looked(at, tuple(seen))


def _open_inputs(target: Target, schema: Any, path: str, depth: int) -> list[str]:
    """Members of a request body whose text or list may be as long as the caller likes."""
    try:
        schema = target.api.resolve(schema)
    except DescriptionError:
        return []
    if not isinstance(schema, dict) or depth > _DEPTH:
        return []
    found: list[str] = []
    for part in (one for word in ("allOf", "oneOf", "anyOf") for one in schema.get(word) or ()):
        found += _open_inputs(target, part, path, depth + 1)
    kind = schema.get("type")
    fixed = any(word in schema for word in ("enum", "const", "pattern")) or schema.get("format") in {
        "date", "date-time", "uuid", "ipv4", "ipv6", "time",
    }  # fmt: skip
    if kind == "string" and "maxLength" not in schema and not fixed:
        found.append(path)
    elif kind == "array":
        if "maxItems" not in schema:
            found.append(path)
        found += _open_inputs(target, schema.get("items", {}), f"{path}[]", depth + 1)
    for name, member in (schema.get("properties") or {}).items():
        found += _open_inputs(target, member, f"{path}.{name}".lstrip("."), depth + 1)
    return found


def _burst(target: Target) -> Looked:
    call = min(target.survey.answered(), key=lambda one: one.answer.took)
    ask = target.survey.as_caller(call.ask)
    count = min(BURST, target.probe.left - AGAIN - 5)
    if count < BURST // 2:
        raise Untried(f"a burst needs {BURST + AGAIN + 5} requests, and {target.probe.left} are left (--budget)")
    answers: list[Answer] = []
    for _ in range(count):
        answers.append(target.probe.send(ask, patient=False))
        if answers[-1].status == 429 or _counts_down(answers):
            return Looked(1)
    if not all(alike(answer, call.answer) for answer in answers):
        raise Untried("the answers changed during the burst, and not into 429: what that means is not known")
    again = [target.probe.send(ask, patient=False) for _ in range(AGAIN)]
    if not all(alike(answer, call.answer) for answer in again):
        return Looked(1)
    if all(_left(answer) is not None for answer in answers):
        raise Untried("the API announces a limit that the audit, at its own rate (--rate), does not reach")
    control = target.probe.send(_nowhere(call), patient=False)
    detail = (
        f"{count} requests as fast as the audit sends them, and {AGAIN} more after them, were all served "
        f"by {call.ask.path}; nothing counted down."
    )
    return Looked(
        1, (Observation(call.place, detail, proof(call.answer, answers[-1], control, again[-1]), cause="burst"),)
    )


def _counts_down(answers: list[Answer]) -> bool:
    """Whether the API says what is left, and it becomes less as requests come: a limit that is kept."""
    if len(answers) < _WATCHED:
        return False
    known = [one for one in map(_left, answers[-_WATCHED:]) if one is not None]
    steady = all(after <= before for before, after in pairwise(known))
    return len(known) == _WATCHED and steady and known[0] - known[-1] >= _WATCHED // 5


def _left(answer: Answer) -> int | None:
    """What is left, by draft-ietf-httpapi-ratelimit-headers or by what was customary before it."""
    told = answer.header("ratelimit")
    if told and (found := _REMAINING.search(told)):
        return int(found[1])
    return next((int(value) for name in _LEGACY if (value := answer.header(name)) and value.isdigit()), None)


def _nowhere(call: Call) -> Ask:
    return Ask("GET", f"{call.ask.path.rstrip('/')}/ninefold-no-such-thing")


def _spoofed(target: Target) -> Looked:
    call = min(target.survey.answered(), key=lambda one: one.answer.took)
    ask = target.survey.as_caller(call.ask)
    baseline = [target.probe.send(ask, patient=False) for _ in range(4)]
    left = [_left(one) for one in baseline]
    if any(one is None for one in left):
        raise Untried(
            "the API does not say what is left of its limit, so whether it can be reset is not known", missed=False
        )
    for attempt in range(2):
        forged = ask.header("X-Forwarded-For", f"192.0.2.{17 + attempt}")
        attack = target.probe.send(forged, patient=False)
        control = target.probe.send(ask, patient=False)
        before, during, after = _left(baseline[-1]), _left(attack), _left(control)
        if before is None or during is None or after is None or not during > before + 2 or after >= during:
            return Looked(1)
    again = target.probe.send(forged, patient=False)
    detail = (
        f"With another X-Forwarded-For, {during} requests are left instead of {after}: it counts what callers claim."
    )
    return Looked(1, (Observation(call.place, detail, proof(baseline[-1], attack, control, again), cause="forwarded"),))


def _no_retry_after(target: Target) -> Looked:
    seen = []
    throttled = [one for one in target.survey.calls() if one.answer.status == 429]
    for call in throttled:
        if call.answer.header("retry-after") is None:
            detail = "429 without Retry-After: honest clients cannot know when to come back (RFC 6585 section 4)."
            seen.append(Observation(call.place, detail, (call.answer.exchange("attack"),), cause="no retry-after"))
    if not throttled:
        raise Untried("nothing was throttled", missed=False)
    return Looked(len(throttled), tuple(seen))


RULES = (
    Rule(
        id="limits-undeclared",
        sign=6,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="No limit is described",
        owasp="API4:2023",
        cwe="CWE-770",
        asvs="V2.4.1",
        why="Clients that are not told of a limit do not slow down, and a limit that nobody describes is often not there.",
        remedy="Limit every operation, and declare its 429 with Retry-After and the RateLimit fields.",
        contract=_CONTRACT,
        needs=(Needs.DESCRIPTION,),
        look=_undeclared,
    ),
    Rule(
        id="limits-unbounded-input",
        sign=6,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Request bodies have no bounds",
        owasp="API4:2023",
        cwe="CWE-1284",
        asvs="V2.2.1",
        why="Text and lists of any length cost memory and time before anything looks at them.",
        remedy="Give every text a maxLength and every list maxItems; the guard bounds the body as a whole.",
        contract="limits:\n  body: 64KiB\n",
        needs=(Needs.DESCRIPTION,),
        look=_unbounded,
    ),
    Rule(
        id="limits-burst",
        sign=6,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A burst of requests is not throttled",
        owasp="API4:2023",
        cwe="CWE-770",
        asvs="V2.4.1",
        why="Without a limit, one caller takes the API from all others, guesses keys, and copies the data out.",
        remedy="Limit requests per address and per caller, and answer 429 with Retry-After past that.",
        contract=_CONTRACT,
        needs=(Needs.URL,),
        look=_burst,
        exhausting=True,
    ),
    Rule(
        id="limits-spoofed-address",
        sign=6,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="The limit counts addresses that callers claim",
        owasp="API4:2023",
        cwe="CWE-348",
        asvs="V2.4.1",
        why="Whoever writes another X-Forwarded-For into each request is never limited.",
        remedy="Believe X-Forwarded-For only from your own proxies.",
        contract="api:\n  trusted_proxies: []\n",
        needs=(Needs.URL,),
        look=_spoofed,
    ),
    Rule(
        id="limits-no-retry-after",
        sign=6,
        method=Method.LIVE,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Throttled clients are not told when to come back",
        owasp="API4:2023",
        cwe="CWE-770",
        asvs="V2.4.1",
        why="Clients that do not know when to come back try again at once.",
        remedy="Send Retry-After with every 429.",
        contract=_CONTRACT,
        needs=(Needs.URL,),
        look=_no_retry_after,
    ),
)

"""Sign 6, no rate limiting or throttling: nothing said of limits, input without bounds, bursts that nobody stops."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.again import after, repeated
from ninefold.audit.answer import Ask
from ninefold.audit.bounds import unbounded, unpaged
from ninefold.audit.burst import AGAIN, allowed, burst, counts_down, is_throttled, left, says_when
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.guessing import GUESSES, guessed_logins, slowed
from ninefold.audit.judge import alike, proof
from ninefold.audit.key import Key, parse_key
from ninefold.audit.overload import aliases, batches, depth
from ninefold.audit.refusal import first_refused
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.audit.answer import Answer
    from ninefold.audit.finding import Exchange
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: How many requests in a row must all be served, or mostly be throttled, to tell a spoofed address from the true one.
SAMPLE = 6

#: Fields in which proxies tell whom they forward for; `{}` is the address.
_FORWARDED = (
    ("X-Forwarded-For", "{}"),
    ("X-Real-IP", "{}"),
    ("Forwarded", "for={}"),
    ("X-Client-IP", "{}"),
    ("True-Client-IP", "{}"),
    ("CF-Connecting-IP", "{}"),
)

_LIMIT_EXTENSION = re.compile(r"^x-.*(?:rate-?limit|throttl|quota)", re.IGNORECASE)
_CONTRACT = "limits:\n  - {per: ip, rate: 600/min, burst: 120}\n  - {per: caller, rate: 600/min, burst: 120}\n"


def _undeclared(target: Target) -> Looked:
    """An extension of the description that tells of limits (`x-kong-plugin-rate-limiting`, `x-throttling-tier`) counts."""
    operations = target.api.operations
    paths = target.api.document.get("paths")
    everywhere = any(_LIMIT_EXTENSION.search(word) for word in target.api.document)
    seen = tuple(
        Observation(
            Location(operation=one.id, pointer=one.pointer),
            "It is not said that there is a limit: neither a 429 nor a RateLimit field is declared.",
            cause="no 429",
        )
        for one in operations
        if not everywhere
        and not {"429", "4XX"} & {status.upper() for status in one.responses}
        and not any("ratelimit" in _plain(name) for response in one.responses.values() for name in response.headers)
        and not any(_LIMIT_EXTENSION.search(word) for word in (*one.raw, *_item(paths, one.path)))
    )
    return Looked(len(operations), seen)


def _item(paths: Any, path: str) -> Mapping[str, Any]:
    item = paths.get(path) if isinstance(paths, dict) else None
    return item if isinstance(item, dict) else {}


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _burst(target: Target) -> Looked:
    made = burst(target)
    call, count = made.call, len(made.answers)
    if made.throttled or (made.counted and not made.hollow):
        return Looked(1)
    if not all(alike(answer, call.answer) for answer in made.answers):
        raise Untried("the answers changed during the burst, and not into 429: what that means is not known")
    ask = target.survey.as_caller(call.ask)
    again = [target.probe.send(ask, patient=False) for _ in range(AGAIN)]
    if stopped := next(filter(is_throttled, again), None):
        target.survey.burst = replace(made, throttled=stopped)  # a limit there is, a little higher than the burst
    if not all(alike(answer, call.answer) for answer in again):
        return Looked(1)
    if not made.hollow and all(left(answer) is not None for answer in made.answers):
        raise Untried("the API announces a limit that the audit, at its own rate (--rate), does not reach")
    control = target.probe.send(_nowhere(call), patient=False)
    most = allowed(target, made.seconds)
    proven = made.hollow or most < count
    if made.hollow:
        more = "What was said to be left became nothing, and that stopped nobody."
    elif proven:
        more = f"The contract allows {most:.0f} in that time."
    else:
        more = "No answer told of a limit; whether there is one above that is not known."
    served = (
        f"{count} requests in {made.seconds:.1f} s, and {AGAIN} more after them, were all served by {call.ask.path}."
    )
    evidence = _many(proof(call.answer, made.answers[-1], control, again[-1]), count)
    sure = Confidence.CONFIRMED if proven else None
    cause = "hollow" if made.hollow else "burst"
    return Looked(1, (Observation(call.place, f"{served} {more}", evidence, cause=cause, confidence=sure),))


def _many(evidence: tuple[Exchange, ...], times: int) -> tuple[Exchange, ...]:
    """The same evidence, and the attack's line sends as many as there were."""
    return tuple(replace(one, again=repeated(one.again, times)) if one.role == "attack" else one for one in evidence)


def _nowhere(call: Call) -> Ask:
    return Ask("GET", f"{call.ask.path.rstrip('/')}/ninefold-no-such-thing")


def _spoofed(target: Target) -> Looked:
    made = burst(target)
    ask = target.survey.as_caller(made.call.ask)
    if made.throttled:
        return _lifted(target, made.call, ask)
    if left(made.answers[-1]) is None:
        raise Untried(
            "the API stops no burst and does not say what is left, so there is no limit to get round", missed=False
        )
    return _refilled(target, made.call, ask)


def _lifted(target: Target, call: Call, ask: Ask) -> Looked:
    """Is who is throttled served again under another address? Limits that refill let some of the true ones through."""

    def sample(names: tuple[tuple[str, str], ...], network: int) -> list[Answer]:
        asked = [_forged(ask, names, network, number) for number in range(SAMPLE)] if names else [ask] * SAMPLE
        return [target.probe.send(one, patient=False) for one in asked]

    before = sample((), 0)
    if not _mostly(before):
        raise Untried("the limit was back before a claimed address could be tried on it", missed=False)
    attack = sample(_FORWARDED, 1)
    control = sample((), 0)
    again = sample(_FORWARDED, 2)
    if any(map(is_throttled, (*attack, *again))) or not _mostly(control):
        return Looked(1)
    names = [one[0] for number, one in enumerate(_FORWARDED) if not any(map(is_throttled, sample((one,), 3 + number)))]
    stopped = next(one for one in control if is_throttled(one))
    detail = (
        f"Who is throttled is served again under a claimed address ({', '.join(names) or 'several fields together'})."
    )
    evidence = _both(proof(before[-1], attack[0], stopped, again[0]), len(burst(target).answers) + SAMPLE)
    return Looked(1, (Observation(call.place, detail, evidence, cause="forwarded"),))


def _both(evidence: tuple[Exchange, ...], times: int = 1) -> tuple[Exchange, ...]:
    """The same evidence, and the attack's line sends the baseline before it, so many times."""
    first = repeated(evidence[0].again, times) if times > 1 else evidence[0].again
    return tuple(replace(one, again=after(first, one.again)) if one.role == "attack" else one for one in evidence)


def _mostly(answers: list[Answer]) -> bool:
    return 2 * sum(map(is_throttled, answers)) >= len(answers)


def _forged(ask: Ask, names: tuple[tuple[str, str], ...], network: int, host: int) -> Ask:
    """`network` 1 to 15 and `host` make an address of the documentation networks (RFC 5737), another for each pair."""
    for name, form in names:
        ask = ask.header(name, form.format(f"198.51.100.{16 * network + host}"))
    return ask


def _refilled(target: Target, call: Call, ask: Ask) -> Looked:
    """Is more left under another address, and again less under the true one? A window that begins anew is no such thing."""
    for network in (1, 2):
        before = target.probe.send(ask, patient=False)
        attack = target.probe.send(_forged(ask, _FORWARDED, network, 0), patient=False)
        control = target.probe.send(ask, patient=False)
        first, claimed, then = left(before), left(attack), left(control)
        if first is None or claimed is None or then is None or claimed <= first + 2 or then > first:
            return Looked(1)
    again = target.probe.send(_forged(ask, _FORWARDED, 3, 0), patient=False)
    detail = f"Under a claimed address, {claimed} requests are left instead of {then}: it counts what callers say."
    evidence = _both(proof(before, attack, control, again))
    return Looked(1, (Observation(call.place, detail, evidence, cause="forwarded"),))


def _no_retry_after(target: Target) -> Looked:
    throttled = [(call.place, call.answer) for call in target.survey.calls() if is_throttled(call.answer)]
    if not throttled and (stopped := burst(target).throttled):
        throttled.append((burst(target).call.place, stopped))
    if not throttled:
        raise Untried("nothing was throttled", missed=False)
    detail = "429 without Retry-After: honest clients cannot know when to come back (RFC 6585 section 4)."
    seen = tuple(
        Observation(place, detail, (answer.exchange("attack"),), cause="no retry-after")
        for place, answer in throttled
        if not says_when(answer)
    )
    return Looked(len(throttled), seen)


def _guessed(target: Target) -> Looked:
    """Wrong credentials where a credential is needed; with leave, also wrong passwords at the log-in."""
    try:
        looked = _guessed_keys(target)
    except Untried:
        if not target.active or (logged_in := guessed_logins(target)) is None:
            raise
        return logged_in
    logged_in = guessed_logins(target) if target.active else None
    return Looked(looked.at + logged_in.at, (*looked.seen, *logged_in.seen)) if logged_in else looked


def _guessed_keys(target: Target) -> Looked:
    made = burst(target)
    first = _guess(target)
    if is_throttled(target.probe.send(first.on(made.call.ask), patient=False)):
        return Looked(1)  # whoever was throttled stays it with a wrong credential
    found = first_refused(target)
    if found is None:
        raise Untried("nothing that was asked for needs a credential", missed=False)
    call, refusal = found
    count = max(GUESSES, len(made.answers) + 5 if made.throttled else 0)
    if target.probe.left < count + 5:
        raise Untried(f"that needs {count + 5} requests, and {target.probe.left} are left (--budget)")
    answers: list[Answer] = []
    for _ in range(count):
        guess = _guess(target)
        answer = target.probe.send(guess.on(call.ask), patient=False)
        answers.append(replace(answer, secrets=(*answer.secrets, *guess.secrets)))
        if is_throttled(answer) or counts_down(answers):
            return Looked(1)
    known = answers[0].status in {401, 403} or alike(answers[0], refusal)
    if not known or not all(alike(answer, answers[0]) for answer in answers):
        raise Untried("wrong credentials were answered in several ways, and not with 429: what that means is not known")
    if slowed(answers, call.answer if target.keys else None):
        return Looked(1)
    control = target.probe.send(target.survey.as_caller(call.ask), patient=False)
    if target.keys and not alike(control, call.answer) and alike(control, answers[-1]):
        return Looked(1)  # the good credential is refused as well by now: whoever guesses is locked out
    detail = f"{count} wrong credentials in a row were refused by {call.ask.path}, and nothing slowed that down."
    evidence = _many(proof(answers[0], answers[1], control, answers[-1]), count)
    return Looked(1, (Observation(call.place, detail, evidence, cause="guessing"),))


def _guess(target: Target) -> Key:
    """A credential that nobody has, of the shape of the true one if that was given."""
    if target.keys:
        wrong = target.keys[0].wrong()
        return replace(wrong, value=wrong.value[:-6] + secrets.token_hex(3))
    return parse_key(f"ninefold{secrets.token_hex(16)}", target.description)


_GRAPHQL = (
    Rule(
        id="limits-graphql-depth", sign=6, method=Method.LIVE, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="GraphQL queries may nest without end", owasp="API4:2023", cwe="CWE-770", asvs="V4.3.1",
        why="Each level multiplies what the service fetches: one small request keeps it busy for minutes.",
        remedy="Limit the depth (10 is plenty for most) or the cost of a query before it is executed.", contract="",
        needs=(Needs.URL,), look=depth,
    ),
    Rule(
        id="limits-graphql-aliases", sign=6, method=Method.LIVE, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="GraphQL aliases are not limited", owasp="API4:2023", cwe="CWE-770", asvs="V4.3.1",
        why="One request with a hundred aliases is a hundred tries, and a limit on requests counts one.",
        remedy="Limit aliases or root fields (15 to 30), or the cost of a query.", contract="",
        needs=(Needs.URL,), look=aliases,
    ),
    Rule(
        id="limits-graphql-batch", sign=6, method=Method.LIVE, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="GraphQL batches are not limited", owasp="API4:2023", cwe="CWE-799", asvs="V4.3.1",
        why="A batch of many documents goes past whatever counts requests.",
        remedy="Refuse batches, or limit them to ten documents and count each.", contract="",
        needs=(Needs.URL,), look=batches,
    ),
)  # fmt: skip

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
        asvs="V2.1.3",
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
        title="Requests have no bounds",
        owasp="API4:2023",
        cwe="CWE-1284",
        asvs="V2.2.1",
        why="Text and lists of any length cost memory and time before anything looks at them.",
        remedy="Give text a maxLength, lists maxItems and numbers a maximum; the guard bounds the body as a whole.",
        contract="limits:\n  body: 64KiB\n",
        needs=(Needs.DESCRIPTION,),
        look=unbounded,
    ),
    Rule(
        id="limits-unpaged-list",
        sign=6,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="Lists come without pages",
        owasp="API4:2023",
        cwe="CWE-770",
        asvs="V15.2.2",
        why="A list that grows with its table makes each request dearer, and one request takes all of the data out.",
        remedy="Take a limit and a cursor with bounds of their own, or say with maxItems how many there can be.",
        contract="limits:\n  lists: {most: 100, sent: block}\n",
        needs=(Needs.DESCRIPTION,),
        look=unpaged,
    ),
    Rule(
        id="limits-burst",
        sign=6,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED,
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
        asvs="V15.3.4",
        why="Whoever writes another X-Forwarded-For into each request is never limited.",
        remedy="Believe X-Forwarded-For only from your own proxies.",
        contract="api:\n  trusted_proxies: []\n",
        needs=(Needs.URL,),
        look=_spoofed,
        exhausting=True,
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
        exhausting=True,
    ),
    Rule(
        id="limits-guessing",
        sign=6,
        method=Method.LIVE,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="Wrong credentials may be tried without end",
        owasp="API2:2023",
        cwe="CWE-307",
        asvs="V6.3.1",
        why="Who may guess as often as he likes finds a weak key or a leaked password in the end, and nobody notices.",
        remedy="Limit requests per address before the credential is looked at, so that guesses count too.",
        contract="limits:\n  penalty: {after: 5 denials, start: 1s, factor: 2, most: 1h}\n",
        needs=(Needs.URL,),
        look=_guessed,
        exhausting=True,
    ),
    *_GRAPHQL,
)

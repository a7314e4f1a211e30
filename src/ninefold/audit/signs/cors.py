"""Sign 9, improper CORS: origins that are taken at their word, with credentials, on the preflight and the request itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import proof
from ninefold.audit.pycors import open_origins
from ninefold.audit.rule import Looked, Needs, Observation, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Most operations that are tried with foreign origins; CORS is nearly always one setting for all.
OPERATIONS = 3

_CONTRACT = "origins:\n  allow: ['https://app.example.com']\n  headers: [Content-Type]\n"


def _in_source(target: Target) -> Looked:
    read, seen = 0, []
    for module in target.modules:
        read += 1
        for line, found in open_origins(module):
            seen.append(Observation(Location(file=module.file.name, line=line), found, cause=found))
    code = target.code
    return Looked(read + code.at.get("file", 0), (*seen, *code.of("cors")), target.left)


def _reflected(target: Target) -> Looked:
    calls = target.survey.calls()[:OPERATIONS]
    seen = []
    at = 0
    for call in calls:
        ask = target.survey.as_caller(call.ask)
        for name, origin in _tricks(target):
            at += 1
            answer = target.probe.send(ask.header("Origin", origin))
            if not _allows(answer, origin):
                continue
            control = target.probe.send(ask)
            again = target.probe.send(ask.header("Origin", origin))
            if _allows(control, origin) or not _allows(again, origin):
                continue
            preflight = target.probe.send(_preflight(call, origin))
            both = " On the preflight too." if _allows(preflight, origin) else " Not on the preflight."
            credentials = answer.header("access-control-allow-credentials") == "true"
            detail = f"{name} is allowed to read answers{', with credentials' if credentials else ''}.{both}"
            evidence = (*proof(call.answer, answer, control, again), preflight.exchange("attack"))
            severity = Severity.HIGH if credentials else Severity.MEDIUM
            seen.append(Observation(call.place, detail, evidence, cause=name, severity=severity))
            break
    return Looked(at, tuple(seen))


def _tricks(target: Target) -> Iterator[tuple[str, str]]:
    """Foreign origins, some made from the API's own so that a careless comparison takes them for it."""
    yield "Any origin", f"https://ninefold-{secrets.token_hex(4)}.example"
    yield "The origin `null`", "null"
    hosts = [urlsplit(str(target.probe.origin)).hostname or ""]
    hosts += [urlsplit(one).hostname or "" for one in (target.description.servers if target.description else ())]
    for host in dict.fromkeys(one for one in hosts if one):
        yield "An origin that begins with the API's own name", f"https://{host}.ninefold.example"
        if host.count(".") and not host.replace(".", "").isdigit():
            yield "An origin that ends in the API's own name", f"https://ninefold{host}"


def _allows(answer: Answer, origin: str) -> bool:
    return answer.header("access-control-allow-origin") == origin


def _preflight(call: Call, origin: str) -> Ask:
    asked = call.ask.header("Origin", origin).header("Access-Control-Request-Method", "GET")
    return type(asked)("OPTIONS", asked.path, asked.query, asked.headers)


def _no_vary(target: Target) -> Looked:
    call = target.survey.calls()[0]
    ask = target.survey.as_caller(call.ask)
    origins = [f"https://ninefold-{secrets.token_hex(4)}.example" for _ in range(2)]
    answers = [target.probe.send(ask.header("Origin", origin)) for origin in origins]
    told = [answer.header("access-control-allow-origin") for answer in answers]
    if None in told or told[0] == told[1]:
        return Looked(1)
    if any("origin" in (answer.header("vary") or "").lower() or answer.header("vary") == "*" for answer in answers):
        return Looked(1)
    control = target.probe.send(ask)
    again = target.probe.send(ask.header("Origin", origins[0]))
    detail = "The answer depends on the origin and does not say so (`Vary: Origin`): a cache may mix two origins up."
    return Looked(1, (Observation(call.place, detail, proof(answers[0], answers[1], control, again), cause="no vary"),))


RULES = (
    Rule(
        id="cors-open-in-source", sign=9, method=Method.STATIC, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="The source allows foreign origins", owasp="API8:2023", cwe="CWE-942", asvs="V3.4.2",
        why="Any web page that a user opens may call the API as that user and read what it answers.",
        remedy="List the origins of your own pages, exactly; or take CORS out of the source and leave it to the guard.",
        contract=_CONTRACT, needs=(Needs.SOURCE,), look=_in_source,
    ),
    Rule(
        id="cors-foreign-origin", sign=9, method=Method.LIVE, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="Foreign origins may read answers", owasp="API8:2023", cwe="CWE-942", asvs="V3.4.2",
        why="Any web page that a user opens may call the API as that user and read what it answers.",
        remedy="Compare the whole origin with a list; never reflect it, never allow `null`.",
        contract=_CONTRACT, needs=(Needs.URL,), look=_reflected,
    ),
    Rule(
        id="cors-no-vary", sign=9, method=Method.LIVE, severity=Severity.LOW, confidence=Confidence.CONFIRMED,
        title="Answers for one origin may be cached for another", owasp="API8:2023", cwe="CWE-525", asvs="V3.4.2",
        why="A shared cache that does not know of the dependence serves one origin's permission to another.",
        remedy="Send `Vary: Origin` whenever the answer depends on it.",
        contract=_CONTRACT, needs=(Needs.URL,), look=_no_vary,
    ),
)  # fmt: skip

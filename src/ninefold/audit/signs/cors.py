"""Sign 9, improper CORS: origins that are taken at their word, with credentials, on the preflight and the request itself."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.audit.again import after
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import proof
from ninefold.audit.pycors import open_origins
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried

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
    """Foreign origins, some made from the API's own and from those on its list, so that a careless comparison takes them."""
    yield "Any origin", f"https://ninefold-{secrets.token_hex(4)}.example"
    yield "The origin `null`", "null"
    hosts = [urlsplit(str(target.probe.origin)).hostname or ""]
    hosts += [urlsplit(one).hostname or "" for one in (target.description.servers if target.description else ())]
    for host in dict.fromkeys(one for one in hosts if one):
        yield "An origin that begins with the API's own name", f"https://{host}.ninefold.example"
        if host.count(".") and not host.replace(".", "").isdigit():
            yield "An origin that ends in the API's own name", f"https://ninefold{host}"
    for known in target.origins:
        yield from forged(known)


def forged(known: str) -> Iterator[tuple[str, str]]:
    """What is not `known` (`https://app.example.com`) and looks like it to a prefix, a suffix, or a loose pattern."""
    parts = urlsplit(known)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    yield f"An origin that begins with {known}", f"{parts.scheme}://{host}.ninefold.example{port}"
    yield f"An origin that ends in {known}", f"{parts.scheme}://ninefold{host}{port}"
    yield f"A subdomain of {known}", f"{parts.scheme}://ninefold.{host}{port}"
    if parts.scheme == "https":
        yield f"{known} over plain HTTP", f"http://{host}{port}"
    yield f"{known} on another port", f"{parts.scheme}://{host}:{8443 if parts.port != 8443 else 9443}"
    head, dot, tail = host.rpartition(".")
    if dot and not tail.isdigit():
        yield f"{known} with a letter in the place of a dot", f"{parts.scheme}://{head.replace('.', 'x')}x{tail}{port}"
        if "." in head:
            yield (
                f"{known} with a letter in the place of its first dot",
                f"{parts.scheme}://{host.replace('.', 'x', 1)}{port}",
            )


def _allows(answer: Answer, origin: str) -> bool:
    return answer.header("access-control-allow-origin") == origin


def _preflight(call: Call, origin: str) -> Ask:
    asked = call.ask.header("Origin", origin).header("Access-Control-Request-Method", "GET")
    return replace(asked, method="OPTIONS")


def _no_vary(target: Target) -> Looked:
    """Two origins get different permissions. Most lists cannot be known; `null` and the API's own are on many."""
    call = target.survey.calls()[0]
    ask = target.survey.as_caller(call.ask)
    stranger = f"https://ninefold-{secrets.token_hex(4)}.example"
    refused = target.probe.send(ask.header("Origin", stranger))
    servers = target.description.servers if target.description else ()
    own = [
        *target.origins,
        str(target.probe.origin),
        *(f"{one.scheme}://{one.netloc}" for one in map(urlsplit, servers) if one.netloc),
    ]
    tried = dict.fromkeys((f"https://ninefold-{secrets.token_hex(4)}.example", "null", *own))
    for origin in tried:
        answer = target.probe.send(ask.header("Origin", origin))
        if not _allows(answer, origin) or _allows(refused, origin) or _varies(answer) or _varies(refused):
            continue
        control, again = target.probe.send(ask), target.probe.send(ask.header("Origin", origin))
        if not _allows(again, origin) or _varies(again):
            continue
        detail = (
            "The answer depends on the origin and does not say so (`Vary: Origin`): a cache may mix two origins up."
        )
        baseline, attack, *rest = proof(refused, answer, control, again)
        evidence = (baseline, replace(attack, again=after(baseline.again, attack.again)), *rest)
        return Looked(1, (Observation(call.place, detail, evidence, cause="no vary"),))
    return Looked(1)


def _varies(answer: Answer) -> bool:
    named = {one.strip().lower() for one in (answer.header("vary") or "").split(",")}
    return not named.isdisjoint({"origin", "*"})


def _broad(target: Target) -> Looked:
    """A header and a method that nobody declared, asked for by an origin that may ask: whatever is asked is allowed."""
    call = target.survey.calls()[0]
    listed = (*target.origins, f"https://ninefold-{secrets.token_hex(4)}.example", "null", str(target.probe.origin))
    for origin in dict.fromkeys(listed):
        first = target.probe.send(_preflight(call, origin))
        if not first.ok or first.header("access-control-allow-origin") not in {origin, "*"}:
            continue
        attack, again = (
            target.probe.send(_wish(call, origin, f"x-ninefold-{n}", "MKCALENDAR")) for n in ("one", "two")
        )
        control = target.probe.send(replace(_preflight(call, origin), method="GET"))
        seen = []
        for what, granted, field in (
            ("header", "x-ninefold-one", "access-control-allow-headers"),
            ("method", "mkcalendar", "access-control-allow-methods"),
        ):
            if _grants(attack, field, granted) and _grants(again, field, granted.replace("one", "two")):
                told = attack.header(field)
                detail = f"Any {what} is allowed across origins: {field.title()}: {told}."
                seen.append(Observation(call.place, detail, proof(first, attack, control, again), cause=f"any {what}"))
        return Looked(1, tuple(seen))
    raise Untried("no origin is known that may ask; name one with --origin", missed=False)


def _wish(call: Call, origin: str, header: str, method: str) -> Ask:
    asked = call.ask.header("Origin", origin).header("Access-Control-Request-Method", method)
    asked = asked.header("Access-Control-Request-Headers", header)
    return replace(asked, method="OPTIONS")


def _grants(answer: Answer, field: str, wanted: str) -> bool:
    """By name, or by `*`, which is a wildcard for requests without credentials only (Fetch, section 3.3.5)."""
    listed = {one.strip().lower() for one in (answer.header(field) or "").split(",")}
    star = "*" in listed and answer.header("access-control-allow-credentials") != "true"
    return answer.ok and (star or wanted in listed)


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
        id="cors-broad-preflight", sign=9, method=Method.LIVE, severity=Severity.LOW, confidence=Confidence.CONFIRMED,
        title="Any header or method is allowed across origins", owasp="API8:2023", cwe="CWE-942", asvs="V3.4.2",
        why="A preflight that grants whatever it is asked for stops nothing: a list is what makes it a check.",
        remedy="Name the methods and header fields that your pages send, and no others.",
        contract=_CONTRACT, needs=(Needs.URL,), look=_broad,
    ),
    Rule(
        id="cors-no-vary", sign=9, method=Method.LIVE, severity=Severity.LOW, confidence=Confidence.CONFIRMED,
        title="Answers for one origin may be cached for another", owasp="API8:2023", cwe="CWE-525", asvs="V3.4.2",
        why="A shared cache that does not know of the dependence serves one origin's permission to another.",
        remedy="Send `Vary: Origin` whenever the answer depends on it.",
        contract=_CONTRACT, needs=(Needs.URL,), look=_no_vary,
    ),
)  # fmt: skip

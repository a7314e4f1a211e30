"""Sign 7, insufficient data filtering: more leaves than was declared, and errors tell what only developers should know."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from ninefold.audit.answer import Ask
from ninefold.audit.debugcode import debug_flags
from ninefold.audit.debugpage import harmless
from ninefold.audit.disclosure import banners, is_doubtful, leak
from ninefold.audit.enumeration import enumeration
from ninefold.audit.exposure import open_answers, sensitive_members
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.graphql import odd_documents, with_document
from ninefold.audit.introspection import introspection, suggestions
from ninefold.audit.judge import Judge, alike, proof, serves
from ninefold.audit.probe import Unanswered
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.sensitive import opens
from ninefold.audit.surplus import surplus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Most requests with odd input of one operation, of all, and how many of them may go without an answer.
ODD_EACH, ODD, UNANSWERED = 10, 120, 5

#: Values that code which trusts its input trips over; none changes anything.
_IN_PATH, _IN_QUERY = ("%27%22", "-1", "9" * 40, "%00", "%E0%A4%A"), ("'\"", "-1", "9" * 40)

#: Fields that code which reads them itself trips over.
_IN_FIELDS = (("Authorization", "Bearer e30.e30."), ("Accept", "*/*;q=x, ;"), ("Cookie", "session='\"; =;"))

#: Paths that are often forgotten, and what their answer must hold where the name alone may be anything.
_DEBUG: tuple[tuple[str, str], ...] = (
    ("/.env", r"(?m)^[A-Z][A-Z0-9_]*\s*="), ("/.git/config", r"\[core\]"), ("/.git/HEAD", r"^ref: "), ("/debug", ""),
    ("/debug/vars", ""), ("/debug/pprof/", ""), ("/actuator", r"_links|/actuator/"), ("/actuator/env", r"propertySources"),
    ("/server-status", ""), ("/metrics", r"(?m)^# (?:HELP|TYPE) |^\w+(?:\{[^}]*\})? [\d.]+"), ("/console", ""),
    ("/phpinfo.php", r"PHP Version"), ("/_profiler", ""), ("/trace", ""), ("/config.json", r"^\s*\{"), ("/heapdump", ""),
    ("/backup.sql", r"CREATE TABLE|INSERT INTO"), ("/swagger-resources", r"location"), ("/elmah.axd", ""),
    ("/__debug__/", ""), ("/h2-console", ""),
)  # fmt: skip

#: Where frameworks publish a description that they make themselves.
_PUBLISHED = ("/openapi.json", "/swagger.json", "/v3/api-docs", "/v2/api-docs", "/api-docs", "/swagger/v1/swagger.json")
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_CONTRACT = "responses:\n  undeclared: drop\n  errors: scrub\n"


def _undeclared(target: Target) -> Looked:
    at, seen = 0, []
    for call in target.survey.answered():
        schema = _declared(call)
        if call.field:
            continue  # of GraphQL: a query names its members, and the service's own schema declares them
        if schema is None or call.answer.truncated or call.answer.json() is None:
            continue
        at += 1
        names = surplus(target.api, call.answer.json(), schema)
        if not names:
            continue
        again = target.probe.send(target.survey.as_caller(call.ask))
        control = target.probe.send(_nowhere(call))
        still = names & surplus(target.api, again.json(), schema)
        if not still or still <= surplus(target.api, control.json(), schema):
            continue
        leaves = {name.rpartition(".")[2].removesuffix("[]") or name for name in still}
        worst = Severity.HIGH if any(opens(name) for name in leaves) else Severity.MEDIUM
        shown = sorted(still)
        more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
        detail = f"Members come that are not declared: {', '.join(shown[:12])}{more}."
        evidence = proof(call.answer, call.answer, control, again)
        seen.append(Observation(call.place, detail, evidence, cause=" ".join(sorted(leaves)), severity=worst))
    return Looked(at, tuple(seen))


def _nowhere(call: Call) -> Ask:
    return Ask("GET", f"{call.ask.path.rstrip('/')}/ninefold-no-such-thing")


def _declared(call: Call) -> Any:
    """The schema for what came, by its status and media type or their ranges (OpenAPI 3.1, 4.8.16 and 4.8.17)."""
    if call.operation is None:
        return None
    responses = {status.upper(): one for status, one in call.operation.responses.items()}
    told = responses.get(str(call.answer.status)) or responses.get("2XX") or responses.get("DEFAULT")
    media = {name.split(";")[0].strip().lower(): schema for name, schema in told.media.items()} if told else {}
    came = call.answer.media
    return next((media[one] for one in (came, f"{came.split('/')[0]}/*", "*/*") if one in media), None)


def _verbose(target: Target) -> Looked:
    at, unanswered, seen = 0, 0, []
    calls = target.survey.calls()
    for number, call in enumerate(calls):
        if call.answer.status >= 500 and (what := leak(call.answer.text)):
            at += 1
            seen.append(_failing(target, call, what))
            continue
        if leak(call.answer.text):
            continue  # it is what the API is about
        proper = target.survey.as_caller(call.ask)
        for ask in islice(_oddities(target, call, proper, fields=number == 0), min(ODD_EACH, max(0, ODD - at))):
            answer = _patiently(target, ask)
            unanswered += answer is None
            if unanswered > UNANSWERED:
                raise Untried("the API gives no answer to input that is not expected, several times over")
            at += answer is not None
            if answer is None or not (what := leak(answer.text)) or alike(answer, call.answer):
                continue
            again, control = _patiently(target, ask), _patiently(target, proper)
            if again and control and leak(again.text) and not leak(control.text):
                detail = f"Input that was not expected brings {what} into the answer."
                evidence = proof(call.answer, answer, control, again)
                # what is served may be about faults, and columns may be the caller's own
                doubt = serves(answer, target.description, call.operation) or is_doubtful(answer.text)
                sure = Confidence.SUSPECTED if doubt else None
                seen.append(Observation(call.place, detail, evidence, cause=what, confidence=sure))
                break
    return Looked(at, tuple(seen))


def _failing(target: Target, call: Call, what: str) -> Observation:
    again = _patiently(target, target.survey.as_caller(call.ask)) or call.answer
    control = _patiently(target, _nowhere(call)) or call.answer
    sure = None if leak(again.text) and not leak(control.text) else Confidence.SUSPECTED
    detail = f"A request as it is described brings {what} into the answer."
    evidence = proof(call.answer, call.answer, control, again)
    return Observation(call.place, detail, evidence, cause=what, confidence=sure)


def _patiently(target: Target, ask: Ask) -> Answer | None:
    """The answer, asked for twice if need be: servers that fail close the connection that the next request is on."""
    for _ in range(2):
        try:
            return target.probe.send(ask)
        except Unanswered:
            continue
    return None


def _oddities(target: Target, call: Call, ask: Ask, *, fields: bool) -> Iterator[Ask]:
    """`ask`, which is the call as its caller makes it, with odd values in place of its parameters, one at a time."""
    if call.field:
        odd = odd_documents(target.survey.types()) if call.field == "__typename" else ()
        yield from (with_document(ask, one) for one in odd)
    elif call.operation is not None:
        template, asked = call.operation.path.split("/"), ask.path.split("/")
        shift = len(asked) - len(template)
        for place, segment in enumerate(template):
            for value in _IN_PATH if "{" in segment else ():
                parts = [*asked]
                parts[place + shift] = value
                yield replace(ask, path="/".join(parts))
        for name in [one.name for one in call.operation.parameters if one.location == "query"][:3]:
            for value in _IN_QUERY:
                yield ask.ask(name, value)
    if fields:
        for segment in ("%27%22%5B%5D%7B%7D", "%E0%A4%A"):  # the second is no UTF-8 and breaks off
            yield replace(ask, path=f"{ask.path.rstrip('/')}/{segment}")
        for field in _IN_FIELDS:
            yield ask.header(*field)


def _banner(target: Target) -> Looked:
    calls = target.survey.calls()
    told: dict[str, Call] = {}
    for call in calls:
        for one in banners(call.answer):
            told.setdefault(one, call)
    seen = []
    for one, call in told.items():
        again = target.probe.send(target.survey.as_caller(call.ask))
        control = target.probe.send(_nowhere(call))
        still = one in banners(again)
        elsewhere = "on errors too" if one in banners(control) else "not on errors"
        detail = f"Answers tell which software and version serves them, {elsewhere}: {one}."
        evidence = proof(call.answer, call.answer, control, again)
        sure = None if still else Confidence.SUSPECTED
        seen.append(Observation(call.place, detail, evidence, cause=one.split(":")[0], confidence=sure))
    return Looked(len(calls), tuple(seen))


def _debug(target: Target) -> Looked:
    base = target.survey.base
    missing = target.probe.send(Ask("GET", f"{base}/ninefold-no-such-thing-1"))
    declared = tuple(one.path for one in target.description.operations) if target.description else ()
    at, seen = 0, []
    for path, sign in _DEBUG:
        if any(_covers(one, path) for one in declared):
            continue
        at += 1
        answer = target.probe.send(Ask("GET", f"{base}{path}"))
        judge = Judge(answer, missing)
        if not answer.ok or not answer.body or not re.search(sign, answer.text) or not judge.tells:
            continue
        if harmless(path, answer):
            continue
        control = target.probe.send(Ask("GET", f"{base}{path.rstrip('/')}-ninefold-no-such-thing"))
        again = target.probe.send(Ask("GET", f"{base}{path}"))
        if judge.accepts(again) and not judge.accepts(control):
            detail = f"{path} answers everybody, and the description does not know it."
            place = Location(url=f"{base}{path}")
            seen.append(Observation(place, detail, proof(missing, answer, control, again), cause=path))
    if not at:
        raise Untried("every path that is often forgotten is described", missed=False)
    return Looked(at, tuple(seen))


def _covers(template: str, path: str) -> bool:
    """Whether a described path is this one, or takes it for a value: `/{slug}` takes `/debug`."""
    one, other = template.rstrip("/").split("/"), path.rstrip("/").split("/")
    return len(one) == len(other) and all("{" in a or a == b for a, b in zip(one, other, strict=True))


def _published(target: Target) -> Looked:
    """Is there a description that the API makes itself, with operations that the given one lacks?"""
    base = target.survey.base
    described = {(one.method, _shape(prefix + one.path)) for one in target.api.operations for prefix in ("", base)}
    missing = target.probe.send(Ask("GET", f"{base}/ninefold-no-such-thing-2"))
    for path in _PUBLISHED:
        published = target.probe.send(Ask("GET", f"{base}{path}"))
        document = published.json()
        if not published.ok or not isinstance(document, dict) or not document.keys() & {"openapi", "swagger"}:
            continue
        unknown = sorted(one for one in _listed(document) if (one[0], _shape(one[1])) not in described)
        if not unknown:
            continue
        served = _served(target, [one for method, one in unknown if method == "GET" and "{" not in one][:3], missing)
        shown = ", ".join(f"{method} {one}" for method, one in unknown[:8])
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        detail = f"{path} lists operations that the description does not have ({len(unknown)}): {shown}{more}."
        evidence = [published.exchange("baseline"), missing.exchange("control")]
        evidence += [one.exchange(role) for one, role in zip(served, ("attack", "repeat"), strict=False)]
        sure = None if served else Confidence.SUSPECTED
        place = Location(url=f"{base}{path}")
        return Looked(1, (Observation(place, detail, tuple(evidence), cause="published", confidence=sure),))
    return Looked(len(_PUBLISHED))


def _served(target: Target, paths: list[str], missing: Answer) -> tuple[Answer, ...]:
    """The answer, twice, of the first of these paths that is not answered as one is that does not exist."""
    for path in paths:
        for whole in dict.fromkeys((target.survey.base + path, path)):
            ask = target.survey.as_caller(Ask("GET", whole))
            answer = target.probe.send(ask)
            if answer.status != 404 and not alike(answer, missing):
                return answer, target.probe.send(ask)
    return ()


def _listed(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and path of each operation, without the description itself."""
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method in item if isinstance(item, dict) else ():
            if method in _METHODS and str(path).rstrip("/") not in _PUBLISHED:
                yield method.upper(), str(path)


def _shape(path: str) -> str:
    """The path without the names of its parameters, which say nothing."""
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")


RULES = (
    Rule(
        id="filtering-open-schema", sign=7, method=Method.STATIC, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="Answers are not described", owasp="API3:2023", cwe="CWE-213", asvs="V15.3.1",
        why="What is not described cannot be filtered: whatever the code returns, leaves.",
        remedy="Give each answer a schema that names its members, and no `additionalProperties: true`.",
        contract="api:\n  description: openapi.yaml  # with a schema for every answer\n" + _CONTRACT,
        needs=(Needs.DESCRIPTION,), look=open_answers,
    ),
    Rule(
        id="filtering-sensitive-declared", sign=7, method=Method.STATIC, severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED, title="Answers declare sensitive members", owasp="API3:2023", cwe="CWE-200",
        asvs="V14.2.6", why="Password hashes, secrets and card numbers are of use to nobody who reads an API.",
        remedy="Take the member out of the answer's schema, or mark it writeOnly.",
        contract="api:\n  description: openapi.yaml  # without these members\n" + _CONTRACT,
        needs=(Needs.REQUESTS,), look=sensitive_members,
    ),
    Rule(
        id="filtering-debug-flag", sign=7, method=Method.STATIC, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="A debug mode is switched on in the source", owasp="API8:2023", cwe="CWE-489", asvs="V13.4.2",
        why="Debug modes answer with traces and settings, and some run code for whoever reaches them.",
        remedy="Leave it off in the source, and switch it on from the environment of your own machine.",
        contract="responses:\n  errors: scrub\n", needs=(Needs.SOURCE,), look=debug_flags,
    ),
    Rule(
        id="filtering-undeclared-members", sign=7, method=Method.LIVE, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="More is returned than was declared", owasp="API3:2023", cwe="CWE-213",
        asvs="V15.3.1", why="Members that nobody declared were never meant for callers; prices and hashes leave this way.",
        remedy="Return a model made for the answer, not the database's row.", contract=_CONTRACT,
        needs=(Needs.DESCRIPTION, Needs.URL), look=_undeclared,
    ),
    Rule(
        id="filtering-verbose-errors", sign=7, method=Method.LIVE, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="Errors tell how the API is built", owasp="API8:2023", cwe="CWE-209",
        asvs="V16.5.1", why="Stack traces, statements and paths tell an attacker what to try next.",
        remedy="Answer errors with problem+json (RFC 9457) and an id; keep the rest for the log.", contract=_CONTRACT,
        needs=(Needs.URL,), look=_verbose,
    ),
    Rule(
        id="filtering-banner", sign=7, method=Method.LIVE, severity=Severity.LOW, confidence=Confidence.CONFIRMED,
        title="Answers name the software and its version", owasp="API8:2023", cwe="CWE-497", asvs="V13.4.6",
        why="Who knows the version knows which published weaknesses to try first.",
        remedy="Take Server, X-Powered-By and their kind off, or at least the version.", contract=_CONTRACT,
        needs=(Needs.URL,), look=_banner,
    ),
    Rule(
        id="filtering-debug-paths", sign=7, method=Method.LIVE, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="A path for developers is open to everybody", owasp="API9:2023", cwe="CWE-489", asvs="V13.4.5",
        why="Debug pages, metrics and configuration files hold secrets, and nobody watches who reads them.",
        remedy="Take them off the public server.",
        contract="api:\n  description: openapi.yaml  # what it does not declare is not served\n",
        needs=(Needs.URL,), look=_debug,
    ),
    Rule(
        id="filtering-undocumented-operations", sign=7, method=Method.LIVE, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="Operations are served that the description does not have",
        owasp="API9:2023", cwe="CWE-1059", asvs="V15.2.3",
        why="What nobody described nobody reviews, limits or filters, and the API itself tells everybody where it is.",
        remedy="Describe them, or take them off the public server; publish one description, the true one.",
        contract="api:\n  description: openapi.yaml  # what it does not declare is not served\n",
        needs=(Needs.DESCRIPTION, Needs.URL), look=_published,
    ),
    Rule(
        id="filtering-graphql-introspection", sign=7, method=Method.LIVE, severity=Severity.LOW,
        confidence=Confidence.SUSPECTED, title="GraphQL tells its whole schema", owasp="API8:2023", cwe="CWE-200",
        asvs="V4.3.2", why="The schema is a map of all that can be asked, with what was never meant to be found.",
        remedy="Switch introspection off in production, or answer it to developers only, unless the API is public on purpose.",
        contract="", needs=(Needs.URL,), look=introspection,
    ),
    Rule(
        id="filtering-graphql-suggestions", sign=7, method=Method.LIVE, severity=Severity.LOW,
        confidence=Confidence.CONFIRMED, title="GraphQL suggests names", owasp="API8:2023", cwe="CWE-209", asvs="V4.3.2",
        why="`Did you mean` gives the schema away name by name, with introspection switched off.",
        remedy="Take suggestions out of errors in production (`hideSuggestions`, or a rule that cuts them).",
        contract=_CONTRACT, needs=(Needs.URL,), look=suggestions,
    ),
    Rule(
        id="filtering-user-enumeration", sign=7, method=Method.LIVE, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="The log-in tells who has an account", owasp="API2:2023", cwe="CWE-204",
        asvs="V6.3.8", why="With a list of names that are there, guessing passwords and phishing have a target.",
        remedy="Answer a wrong password and an unknown name alike: same status, same text, same work done.",
        contract=_CONTRACT, needs=(Needs.URL,), look=enumeration, active=True,
    ),
)  # fmt: skip

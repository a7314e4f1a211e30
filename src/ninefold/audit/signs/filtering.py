"""Sign 7, insufficient data filtering: more leaves than was declared, and errors tell what only developers should know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import Judge, proof
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

_DEPTH = 8
_SENSITIVE = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code)?(?:_?hash)?|pwd|secret|salt|private_?key|api_?key|access_?token|refresh_?token"
    r"|ssn|social_?security(?:_?number)?|card_?number|cvv|cvc|iban|pin_?code|mfa_?secret|otp_?secret)(?:$|_)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: What only a fault inside the API writes: traces, database errors, paths of files.
_LEAKS = (
    ("a Python traceback", re.compile(r"Traceback \(most recent call last\)|File \"[^\"\n]+\.py\", line \d+")),
    ("a Java stack trace", re.compile(r"\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)|java\.lang\.\w+(?:Exception|Error)")),
    ("a .NET stack trace", re.compile(r"\bat [\w.`<>]+\([^)\n]*\) in [^\n]+\.cs:line \d+|System\.\w+Exception:")),
    ("a JavaScript stack trace", re.compile(r"\bat [\w.<>$ ]+\((?:file://)?/[^)\n]+\.[cm]?[jt]s:\d+:\d+\)")),
    ("a PHP error", re.compile(r"(?:Fatal error|Warning|Notice)</?b?>?: .+ in .+\.php")),
    ("a Go panic", re.compile(r"goroutine \d+ \[running\]|panic: runtime error")),
    ("a Ruby backtrace", re.compile(r"\.rb:\d+:in [`']")),
    (
        "an error of the database",
        re.compile(
            r"sqlite3?\.\w*Error|SQLITE_ERROR|unrecognized token:|near \"[^\"\n]*\": syntax error|no such (?:table|column):"
            r"|You have an error in your SQL syntax|ORA-\d{5}|PG::\w+Error|psycopg\d?\.|pg_query\(\)"
            r"|syntax error at or near|SQLSTATE\[|Unclosed quotation mark|unterminated quoted string|MongoServerError"
            r"|\bSELECT\b[^\n]{1,200}\bFROM\b[^\n]{1,200}\bWHERE\b",
        ),
    ),
)  # fmt: skip
#: Values that code which trusts its input trips over; none changes anything.
_ODD = ("'\"", "%", "-1", "9" * 40, "\u0130[]{}")

_DEBUG = (
    "/.env", "/.git/config", "/debug", "/debug/vars", "/debug/pprof/", "/actuator", "/actuator/env", "/server-status",
    "/metrics", "/phpinfo.php", "/console", "/_profiler", "/trace", "/config.json", "/backup.sql", "/swagger-resources",
    "/elmah.axd", "/__debug__/",
)  # fmt: skip
_CONTRACT = "responses:\n  undeclared: drop\n  errors: scrub\n"


def _open(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        for response in operation.responses.values():
            if response.status[0] not in "2d":
                continue
            for media, schema in response.media.items():
                if "json" not in media:
                    continue
                at += 1
                place = Location(operation=operation.id, pointer=response.pointer)
                if schema is None or _says_nothing(target, schema):
                    detail = f"The {response.status} answer is {media} without a schema: anything may be in it."
                    seen.append(Observation(place, detail, cause="no schema"))
                elif path := next(_any_members(target, schema, "", 0, set()), None):
                    detail = f"`{path}` of the {response.status} answer may have any members (additionalProperties)."
                    seen.append(Observation(place, detail, cause="open object", severity=Severity.LOW))
    return Looked(at, tuple(seen))


def _resolved(target: Target, schema: Any) -> Any:
    try:
        return target.api.resolve(schema)
    except DescriptionError:
        return {}


def _says_nothing(target: Target, schema: Any) -> bool:
    found = _resolved(target, schema)
    return found is True or (
        isinstance(found, dict) and not set(found) - {"title", "description", "example", "examples"}
    )


def _any_members(target: Target, schema: Any, path: str, depth: int, seen: set[int]) -> Iterator[str]:
    found = _resolved(target, schema)
    if not isinstance(found, dict) or depth > _DEPTH or id(found) in seen:
        return
    seen.add(id(found))
    if found.get("additionalProperties") is True or found.get("additionalProperties") == {}:
        yield path or "the body"
    for name, member in (found.get("properties") or {}).items():
        yield from _any_members(target, member, f"{path}.{name}".lstrip("."), depth + 1, seen)
    if "items" in found:
        yield from _any_members(target, found["items"], f"{path}[]", depth + 1, seen)
    for part in (one for word in ("allOf", "oneOf", "anyOf") for one in found.get(word) or ()):
        yield from _any_members(target, part, path, depth + 1, seen)


def _sensitive(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        if operation.method != "GET":
            continue  # a fresh token or key is shown by the POST that makes it, and rightly so
        for response in operation.responses.values():
            for schema in response.media.values():
                at += 1
                names = sorted(set(_named(target, schema, 0, set())))
                if names:
                    place = Location(operation=operation.id, pointer=response.pointer)
                    detail = f"Answers declare what no reader needs: {', '.join(names)}."
                    seen.append(Observation(place, detail, cause=" ".join(names)))
    return Looked(at, tuple(seen))


def _named(target: Target, schema: Any, depth: int, seen: set[int]) -> Iterator[str]:
    found = _resolved(target, schema)
    if not isinstance(found, dict) or depth > _DEPTH or id(found) in seen:
        return
    seen.add(id(found))
    for name, member in (found.get("properties") or {}).items():
        inner = _resolved(target, member)
        if _SENSITIVE.search(_CAMEL.sub("_", name)) and not (isinstance(inner, dict) and inner.get("writeOnly")):
            yield name
        yield from _named(target, member, depth + 1, seen)
    for part in [
        found.get("items", {}),
        *(one for word in ("allOf", "oneOf", "anyOf") for one in found.get(word) or ()),
    ]:
        yield from _named(target, part, depth + 1, seen)


def _undeclared(target: Target) -> Looked:
    at, seen = 0, []
    for call in target.survey.answered():
        schema = _declared(call)
        if schema is None or call.answer.truncated:
            continue
        at += 1
        names = _surplus(target, call.answer.json(), [schema], "")
        if not names:
            continue
        again = target.probe.send(target.survey.as_caller(call.ask))
        control = target.probe.send(Ask("GET", f"{call.ask.path.rstrip('/')}/ninefold-no-such-thing"))
        still = names & _surplus(target, again.json(), [schema], "")
        if still and not still <= _surplus(target, control.json(), [schema], ""):
            worst = (
                Severity.HIGH if any(_SENSITIVE.search(_CAMEL.sub("_", name)) for name in still) else Severity.MEDIUM
            )
            detail = f"Members come that are not declared: {', '.join(sorted(still)[:12])}."
            seen.append(
                Observation(
                    call.place,
                    detail,
                    proof(call.answer, call.answer, control, again),
                    cause=" ".join(sorted(still)),
                    severity=worst,
                )
            )
    return Looked(at, tuple(seen))


def _declared(call: Call) -> Any:
    if call.operation is None:
        return None
    responses = call.operation.responses
    told = responses.get(str(call.answer.status)) or responses.get("2XX") or responses.get("default")
    return told.media.get(call.answer.media) if told else None


def _surplus(target: Target, value: Any, schemas: list[Any], path: str) -> set[str]:
    """Members of a JSON value that none of the schemas for its place declares, by their paths."""
    atoms: list[dict[str, Any]] = []
    waiting = list(schemas)
    while waiting:
        schema = _resolved(target, waiting.pop())
        if schema is True or not isinstance(schema, dict):
            return set()
        parts = [one for word in ("allOf", "oneOf", "anyOf") for one in schema.get(word) or ()]
        waiting += parts
        if "properties" in schema or "items" in schema or "additionalProperties" in schema or "type" in schema:
            atoms.append(schema)
        elif not parts:
            return set()  # one that says nothing lets everything be
    if len(path) > 200:
        return set()
    if isinstance(value, list):
        inner = [schema["items"] for schema in atoms if "items" in schema]
        return set().union(*(_surplus(target, one, inner, f"{path}[]") for one in value[:20])) if inner else set()
    if not isinstance(value, dict) or not any("properties" in schema for schema in atoms):
        return set()
    found: set[str] = set()
    for name, member in value.items():
        told = [schema["properties"][name] for schema in atoms if name in (schema.get("properties") or {})]
        others = [
            schema["additionalProperties"]
            for schema in atoms
            if schema.get("additionalProperties") not in (None, False)
        ]
        if told or others:
            found |= _surplus(target, member, told or others, f"{path}.{name}".lstrip("."))
        else:
            found.add(f"{path}.{name}".lstrip("."))
    return found


def _verbose(target: Target) -> Looked:
    at, seen = 0, []
    for call in target.survey.calls():
        for ask in _oddities(call):
            at += 1
            answer = target.probe.send(target.survey.as_caller(ask))
            what = _leak(answer.text)
            if not what or _leak(call.answer.text):
                continue
            again = target.probe.send(target.survey.as_caller(ask))
            control = target.probe.send(target.survey.as_caller(call.ask))
            if _leak(again.text) and not _leak(control.text):
                detail = f"Input that was not expected brings {what} into the answer."
                seen.append(Observation(call.place, detail, proof(call.answer, answer, control, again), cause=what))
                break
    return Looked(at, tuple(seen))


def _oddities(call: Call) -> Iterator[Ask]:
    """The same request with odd values in place of its parameters; a few."""
    if call.operation is None:
        return
    query = [one.name for one in call.operation.parameters if one.location == "query"][:3]
    for name in query:
        for value in _ODD[:3]:
            yield call.ask.ask(name, value)
    template, asked = call.operation.path.split("/"), call.ask.path.split("/")
    shift = len(asked) - len(template)
    for place, segment in enumerate(template):
        if segment.startswith("{"):
            for value in ("%27%22", "-1", "9" * 40):
                parts = [*asked]
                parts[place + shift] = value
                yield Ask("GET", "/".join(parts), call.ask.query, call.ask.headers)


def _leak(text: str) -> str:
    return next((what for what, pattern in _LEAKS if pattern.search(text)), "")


def _debug(target: Target) -> Looked:
    base = target.survey.base
    missing = target.probe.send(Ask("GET", f"{base}/ninefold-no-such-thing-1"))
    declared = {one.path for one in target.description.operations} if target.description else set()
    at, seen = 0, []
    for path in _DEBUG:
        if path in declared or path.rstrip("/") in declared:
            continue
        at += 1
        answer = target.probe.send(Ask("GET", f"{base}{path}"))
        if not answer.ok or not answer.body or not Judge(answer, missing).tells:
            continue
        control = target.probe.send(Ask("GET", f"{base}{path}-ninefold-no-such-thing"))
        again = target.probe.send(Ask("GET", f"{base}{path}"))
        judge = Judge(answer, missing)
        if judge.accepts(again) and not judge.accepts(control):
            detail = f"{path} answers everybody, and the description does not know it."
            seen.append(
                Observation(Location(url=f"{base}{path}"), detail, proof(missing, answer, control, again), cause=path)
            )
    if not at:
        raise Untried("every path that is often forgotten is described", missed=False)
    return Looked(at, tuple(seen))


RULES = (
    Rule(
        id="filtering-open-schema", sign=7, method=Method.STATIC, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="Answers are not described", owasp="API3:2023", cwe="CWE-213", asvs="V15.3.1",
        why="What is not described cannot be filtered: whatever the code returns, leaves.",
        remedy="Give each answer a schema that names its members, and no `additionalProperties: true`.",
        contract="api:\n  description: openapi.yaml  # with a schema for every answer\n" + _CONTRACT,
        needs=(Needs.DESCRIPTION,), look=_open,
    ),
    Rule(
        id="filtering-sensitive-declared", sign=7, method=Method.STATIC, severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED, title="Answers declare sensitive members", owasp="API3:2023", cwe="CWE-200",
        asvs="V15.3.1", why="Password hashes, secrets and card numbers are of use to nobody who reads an API.",
        remedy="Take the member out of the answer's schema, or mark it writeOnly.",
        contract="api:\n  description: openapi.yaml  # without these members\n" + _CONTRACT,
        needs=(Needs.DESCRIPTION,), look=_sensitive,
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
        needs=(Needs.DESCRIPTION, Needs.URL), look=_verbose,
    ),
    Rule(
        id="filtering-debug-paths", sign=7, method=Method.LIVE, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="A path for developers is open to everybody", owasp="API9:2023", cwe="CWE-489", asvs="V13.4.2",
        why="Debug pages, metrics and configuration files hold secrets, and nobody watches who reads them.",
        remedy="Take them off the public server.",
        contract="api:\n  description: openapi.yaml  # what it does not declare is not served\n",
        needs=(Needs.URL,), look=_debug,
    ),
)  # fmt: skip

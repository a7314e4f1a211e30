"""Sign 8, poor logging and monitoring: secrets in logs, faults that nobody hears of, requests that leave no trace."""

from __future__ import annotations

import ast
import re
import secrets
import time
from typing import TYPE_CHECKING

from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.source import called, dotted, imported, modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ninefold.audit.answer import Answer
    from ninefold.audit.finding import Exchange
    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

#: How long a record may take to its log, in seconds, and how much of the log's end is read.
PATIENCE, TAIL = 3.0, 4 * 1024 * 1024

_SECRET = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|apikey|authorization|credentials?|cvv)(?:$|_)",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"(?:^|\.)(?:log|logger|logging|_log|_logger|LOG|LOGGER)\.(?:debug|info|warning|warn|error|critical|exception|log)$"
)
_WEB = re.compile(r"^(?:fastapi|flask|django|starlette|aiohttp|litestar|falcon|sanic|bottle|tornado|quart)(?:\.|$)")
_LOGGERS = re.compile(r"^(?:logging|structlog|loguru|opentelemetry|sentry_sdk)(?:\.|$)")
_ID = re.compile(
    r"^(?:x-)?(?:amzn-|cloud-|correlation-|request-|trace-)*(?:request|correlation|trace|transaction)-?id$|^traceparent$|^x-amzn-trace-id$|^cf-ray$"
)
_CONTRACT = "trail:\n  path: ninefold-trail.jsonl\n"


def _secrets(target: Target) -> Looked:
    at, seen = 0, []
    for module in modules(target.tree):
        names = imported(module.tree)
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not _writes(called(node, names)):
                continue
            at += 1
            told = sorted(
                {name for argument in [*node.args, *(k.value for k in node.keywords)] for name in _spoken(argument)}
            )
            if told:
                detail = f"A log line holds {', '.join(f'`{name}`' for name in told)}."
                seen.append(
                    Observation(Location(file=module.file.name, line=node.lineno), detail, cause="secret logged")
                )
    return Looked(at, tuple(seen))


def _writes(name: str) -> bool:
    return name in {"print", "sys.stdout.write", "sys.stderr.write"} or _LOG.search(name) is not None


def _spoken(node: ast.AST) -> Iterator[str]:
    """Names of secrets whose values an argument shows; calls that hide them (`mask(token)`, `len(token)`) do not."""
    if isinstance(node, ast.Name) and _SECRET.search(node.id):
        yield node.id
    elif isinstance(node, ast.Attribute):
        if _SECRET.search(node.attr):
            yield dotted(node) or node.attr
        elif not dotted(node.value):  # `credentials.email` shows the e-mail address only
            yield from _spoken(node.value)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        if _SECRET.search(node.slice.value.replace("-", "_")):
            yield node.slice.value
    elif isinstance(node, ast.Call):
        last = dotted(node.func).rpartition(".")[2]
        if last in {"get", "format", "str", "repr", "dumps"}:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and last == "get":
                    if _SECRET.search(argument.value.replace("-", "_")):
                        yield argument.value
                else:
                    yield from _spoken(argument)
            for keyword in node.keywords:
                yield from _spoken(keyword.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _spoken(child)


def _silent(target: Target) -> Looked:
    at, seen = 0, []
    for module in modules(target.tree):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            at += 1
            if _broad(node) and all(_nothing(one) for one in node.body):
                detail = (
                    "Every fault ends here without a word: nobody will know that something failed, or who tried what."
                )
                seen.append(Observation(Location(file=module.file.name, line=node.lineno), detail, cause="silent"))
    return Looked(at, tuple(seen))


def _broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or dotted(node.type) in {"Exception", "BaseException"}


def _nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Continue):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _no_log(target: Target) -> Looked:
    apps: list[Module] = []
    logs = False
    for module in modules(target.tree):
        found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [one.name for node in found if isinstance(node, ast.Import) for one in node.names]
        names += [node.module for node in found if isinstance(node, ast.ImportFrom) and node.module]
        logs = logs or any(_LOGGERS.match(name) for name in names)
        if any(_WEB.match(name) for name in names):
            apps.append(module)
    if not apps or logs:
        return Looked(len(apps))
    detail = "The application logs nothing of its own: refusals and faults leave no trace."
    return Looked(len(apps), (Observation(Location(file=apps[0].file.name), detail, cause="no logging"),))


def _request_id(target: Target) -> Looked:
    calls = target.survey.calls()
    call = calls[0]
    answers = [call.answer, target.probe.send(target.survey.as_caller(call.ask)), target.probe.send(call.ask)]
    if any(_ids(answer) for answer in answers):
        first, second = _ids(answers[0]), _ids(answers[1])
        if {name for name, value in first.items() if second.get(name) not in (None, value)}:
            return Looked(1)
    evidence = (answers[0].exchange("baseline"), answers[1].exchange("attack"), answers[2].exchange("repeat"))
    detail = "No answer carries an id of its request, so a complaint cannot be found again in the log."
    return Looked(1, (Observation(call.place, detail, evidence, cause="no id"),))


def _ids(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers if _ID.match(name)}


def _in_log(target: Target) -> Looked:
    assert target.log is not None
    marker = f"ninefold-{secrets.token_hex(8)}"
    secret = f"nf-bogus-{secrets.token_hex(12)}"
    before = _tail(target.log)
    if marker in before:
        raise Untried("the log already holds what was to be looked for")
    ask = Ask(
        "GET", f"{target.survey.base}/{marker}", headers=(("Authorization", f"Bearer {secret}"), ("X-API-Key", secret))
    )
    answer = target.probe.send(ask)
    lines = _found(target.log, marker, answer)
    again = target.probe.send(Ask("GET", f"{ask.path}-2", headers=ask.headers))
    evidence: tuple[Exchange | str, ...] = (answer.exchange("attack"), again.exchange("repeat"), *lines[:3])
    place = Location(file=str(target.log))
    if not lines:
        detail = f"A refused request was made ({ask.path}), and the log does not know of it."
        return Looked(1, (Observation(place, detail, evidence, cause="not recorded"),))
    seen = []
    if not any(str(answer.status) in line for line in lines):
        seen.append(Observation(place, "The log does not tell how the request ended.", evidence, cause="no outcome"))
    ids = set(_ids(answer).values())
    if not any(one in line for one in ids for line in lines):
        detail = "The log's record has no id that the answer has too, so the two cannot be brought together."
        seen.append(Observation(place, detail, evidence, cause="no request id"))
    if secret in _tail(target.log):
        detail = "The log holds a credential that was sent."
        seen.append(Observation(place, detail, evidence, cause="credential", severity=Severity.HIGH))
    return Looked(1, tuple(seen))


def _found(log: Path, marker: str, answer: Answer) -> list[str]:
    """The log's lines about a request, as soon as there are some."""
    end = time.monotonic() + PATIENCE
    ids = [value for value in _ids(answer).values() if len(value) >= 8]
    while True:
        lines = [line for line in _tail(log).splitlines() if marker in line or any(one in line for one in ids)]
        if lines or time.monotonic() > end:
            return lines
        time.sleep(0.05)


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError as fault:
        raise Untried(f"the log cannot be read ({fault.strerror})") from None


RULES = (
    Rule(
        id="monitoring-secret-logged", sign=8, method=Method.STATIC, severity=Severity.HIGH, confidence=Confidence.SUSPECTED,
        title="Secrets are written to the log", owasp="API8:2023", cwe="CWE-532", asvs="V16.2.5",
        why="Logs are copied, shipped and read by many; a secret in them is one no longer.",
        remedy="Log who and what, never the password, token or key itself.", contract="",
        needs=(Needs.SOURCE,), look=_secrets,
    ),
    Rule(
        id="monitoring-silent-except", sign=8, method=Method.STATIC, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="Faults are swallowed", owasp="API8:2023", cwe="CWE-390", asvs="V16.5.3",
        why="An attack that makes the API fail is not seen when failing leaves no trace.",
        remedy="Catch what is expected, and log the rest with its request's id.", contract="",
        needs=(Needs.SOURCE,), look=_silent,
    ),
    Rule(
        id="monitoring-no-logging", sign=8, method=Method.STATIC, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="The application logs nothing", owasp="API8:2023", cwe="CWE-778", asvs="V16.3.1",
        why="Nobody can tell afterwards who did what, or that something was tried.",
        remedy="Log refusals and faults with the request's id; the guard's trail has every decision.", contract=_CONTRACT,
        needs=(Needs.SOURCE,), look=_no_log,
    ),
    Rule(
        id="monitoring-no-request-id", sign=8, method=Method.LIVE, severity=Severity.LOW, confidence=Confidence.CONFIRMED,
        title="Answers have no request id", owasp="API8:2023", cwe="CWE-778", asvs="V16.2.1",
        why="Without an id that both sides know, a complaint or an alert cannot be matched to what happened.",
        remedy="Give every request an id, send it in the answer, and log it.", contract=_CONTRACT,
        needs=(Needs.URL,), look=_request_id,
    ),
    Rule(
        id="monitoring-not-in-log", sign=8, method=Method.LIVE, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="The log misses what happened", owasp="API8:2023", cwe="CWE-778", asvs="V16.3.1",
        why="A refused request that leaves no usable record is how an attack stays unseen.",
        remedy="Record every request with its outcome, caller and id, and without its secrets.", contract=_CONTRACT,
        needs=(Needs.URL, Needs.LOG), look=_in_log,
    ),
)  # fmt: skip

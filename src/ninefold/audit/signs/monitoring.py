"""Sign 8, poor logging and monitoring: secrets in logs, faults that nobody hears of, requests that leave no trace."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.alarm import burst_unnoticed
from ninefold.audit.answer import Ask, redact
from ninefold.audit.bogus import bogus_in, with_bogus
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.judge import alike, proof
from ninefold.audit.logcode import no_logging, secrets_logged, silent_handlers
from ninefold.audit.logged import held
from ninefold.audit.loginlog import failed_login, password_in_log
from ninefold.audit.record import (
    TAIL,
    Mark,
    about,
    changing,
    ids,
    mark,
    spoken,
    tells_outcome,
    tells_refusal,
    tells_who,
)
from ninefold.audit.refusal import first_refused
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.survey import NO_MORE

if TYPE_CHECKING:
    from pathlib import Path

    from ninefold.audit.answer import Answer
    from ninefold.audit.finding import Exchange
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

#: Most lines of the log that a finding shows, and the most characters of one.
LINES, LINE = 3, 500

_CONTRACT = "trail:\n  path: ninefold-trail.jsonl\n"


def _request_id(target: Target) -> Looked:
    """An id by any name will do: one that is new in each answer, or the one that was sent, handed back."""
    call = target.survey.calls()[0]
    ask = target.survey.as_caller(call.ask)
    again = target.probe.send(ask)
    if changing(call.answer, again):
        return Looked(1)
    sent = f"ninefold-{secrets.token_hex(8)}"
    echoed = target.probe.send(ask.header("X-Request-Id", sent).header("X-Correlation-Id", sent))
    if any(sent in value for _, value in echoed.headers):
        return Looked(1)
    nowhere = Ask("GET", f"{call.ask.path.rstrip('/')}/ninefold-no-such-thing")
    refused = [target.probe.send(nowhere) for _ in range(2)]
    if changing(refused[0], refused[1]):
        return Looked(1)
    detail = "No answer carries an id of its request, so a complaint cannot be found again in the log."
    evidence = proof(call.answer, echoed, refused[0], again)
    return Looked(1, (Observation(call.place, detail, evidence, cause="no id"),))


def _in_log(target: Target) -> Looked:
    """Are a served and a refused request in the log, and does the record say what it must?"""
    log = _log(target)
    name = f"ninefold-{secrets.token_hex(8)}"
    call = target.survey.calls()[0]
    began = mark(log)
    served = target.probe.send(target.survey.as_caller(call.ask).header("X-Request-Id", f"{name}-1"))
    refused, again = (target.probe.send(Ask("GET", f"{target.survey.base}/{name}-{number}")) for number in (2, 3))
    lines = began.wait(about(refused, f"{name}-2"))
    place = Location(file=str(log))
    if not lines:
        if any(map(about(again, f"{name}-3"), began.lines())):
            return Looked(1)
        if not target.survey.serves_still():
            raise Untried(NO_MORE)
        is_there = any(map(about(served, f"{name}-1"), began.lines()))
        admitted = "served ones are there" if is_there else "nor of one that was served"
        detail = f"A refused request was made ({refused.asked.path}), and the log does not know of it; {admitted}."
        evidence = proof(call.answer, refused, served, again)
        sure, severity = (Confidence.SUSPECTED, Severity.LOW) if is_there and _others(target, began) else (None, None)
        if sure:
            detail += " Other refusals are: what stands before the API may answer paths that it does not know."
        gap = Observation(place, detail, evidence, cause="not recorded", confidence=sure, severity=severity)
        return Looked(1, (gap,))
    began.wait(about(again, f"{name}-3"))  # a request may have several lines, and they are there before the next one's
    lines = list(filter(about(refused, f"{name}-2"), began.lines()))
    shown: tuple[Exchange | str, ...] = (refused.exchange("attack"), *_shown(target, lines))
    seen: list[Observation] = []
    if not any(tells_outcome(line.replace(name, ""), refused.status) for line in lines):
        seen.append(Observation(place, "The log does not tell how the request ended.", shown, cause="no outcome"))
    known = ids(refused) or changing(served, call.answer)  # a page for a path that is not there may have none
    said = [one for value in known.values() for one in spoken(value)]
    if not any(one in line for one in said for line in (lines if ids(refused) else began.lines())):
        detail = "The log's record has no id that the answer has too, so the two cannot be brought together."
        seen.append(Observation(place, detail, shown, cause="no request id", severity=Severity.LOW))
    if not any(map(tells_who, lines)):
        detail = "The log does not tell who made the request: neither an address nor a caller."
        seen.append(Observation(place, detail, shown, cause="no caller", severity=Severity.LOW))
    return Looked(1, tuple(seen))


def _others(target: Target, began: Mark) -> bool:
    """Whether the log knows of a refusal of what the API is sure to answer itself."""
    found = first_refused(target)
    if found is None:
        return False
    name = f"ninefold-{secrets.token_hex(8)}"
    answer = target.probe.send(found[0].ask.header("X-Request-Id", name))
    return bool(began.wait(about(answer, name)))


def _failed(target: Target) -> Looked:
    """Is a refused credential in the log, as a refusal? With leave, also a log-in that failed."""
    found = first_refused(target)
    logged_in = failed_login(target) if target.active else None
    if found is None and logged_in is None:
        raise Untried("nothing that was asked for needs a credential", missed=False)
    looked = [one for one in (logged_in, _refused_credential(target, *found) if found else None) if one]
    if any(one.seen for one in looked) and not target.survey.serves_still():
        raise Untried(NO_MORE)  # a refusal that was somebody else's, before the API
    return Looked(sum(one.at for one in looked), tuple(seen for one in looked for seen in one.seen))


def _refused_credential(target: Target, call: Call, refusal: Answer) -> Looked:
    log = _log(target)
    place = Location(file=str(log), operation=call.place.operation)
    began = mark(log)
    tries, wanted = [], []
    for _ in range(2):
        name, secret = f"ninefold-{secrets.token_hex(8)}", f"nf-bogus-{secrets.token_hex(12)}"
        ask = with_bogus(target, call.ask, secret).header("X-Request-Id", name)
        answer = target.probe.send(ask.ask("ninefold", name))
        if not _is_like(answer, refusal):  # whoever does not know the parameter may mind it
            answer = target.probe.send(ask)
        if answer.ok and not _is_like(answer, refusal):
            raise Untried("a wrong credential is not refused as none is, so what the log must say of it is not known")
        tries.append(replace(answer, secrets=(*answer.secrets, *bogus_in(ask))))
        wanted.append(about(answer, name, secret))
    told_by = tells_refusal if tries[0].ok else lambda line: tells_outcome(line, tries[0].status)
    if began.wait(lambda line: any(one(line) for one in wanted) and told_by(line)):
        return Looked(1)
    written = began.lines()
    lines = [line for line in written if any(one(line) for one in wanted)]
    lines = lines or [line for line in written if f"{call.ask.path} " in f"{line} "]  # it is there, and not its outcome
    control = target.probe.send(target.survey.as_caller(call.ask))
    told = "does not say that it was refused" if lines else "does not know of it"
    detail = f"A wrong credential was refused ({tries[0].status}), and the log {told}: guessing goes unseen."
    evidence: tuple[Exchange | str, ...] = proof(target.survey.anonymous(call), tries[0], control, tries[1])
    hidden = (*tries[0].secrets, *tries[1].secrets)
    evidence = (*evidence, *(redact(line, hidden) for line in _shown(target, lines)))
    return Looked(1, (Observation(place, detail, evidence, cause="failed login"),))


def _is_like(answer: Answer, refusal: Answer) -> bool:
    return answer.status in {401, 403} or alike(answer, refusal)


def _secret_in_log(target: Target) -> Looked:
    """Does a credential that was sent stand in the log? It is nobody's, and sent where the API takes credentials.

    With leave, also the password of a log-in; and where neither is found, what others' log-ins left there by its name.
    """
    looked = [found] if target.active and (found := password_in_log(target)) else []
    untried = None
    try:
        looked.append(_credential_in_log(target))
    except Untried as fault:
        untried = fault
    if not any(one.seen for one in looked) and (found := _held_in_log(target)):
        looked.append(found)
    if untried and not looked:
        raise untried
    return Looked(sum(one.at for one in looked), tuple(seen for one in looked for seen in one.seen))


def _held_in_log(target: Target) -> Looked | None:
    log = _log(target)
    found = list(held(Mark(log, 0).lines(), target.probe.secrets))
    if not found:
        return None
    values = tuple(one.value for one in found)
    shown = tuple(redact(line, values) for line in _shown(target, [one.line for one in found]))
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(one.name for one in found[:LINES]))
    where = f"{len(found)} lines of its last {TAIL // 2**20} MiB"
    detail = f"The log holds what reads as a password, under the name {names}: {where}."
    seen = Observation(Location(file=str(log)), detail, shown, cause="named", confidence=Confidence.SUSPECTED)
    return Looked(1, (seen,))


def _credential_in_log(target: Target) -> Looked:
    log = _log(target)
    calls = target.survey.calls()
    found = first_refused(target)
    call = found[0] if found else calls[0]
    began = mark(log)
    answers, hidden = [], []
    for _ in range(2):
        ask = with_bogus(target, call.ask, f"nf-bogus-{secrets.token_hex(12)}").header(
            "X-Request-Id", f"ninefold-{secrets.token_hex(8)}"
        )
        answer = target.probe.send(ask)
        hidden.append(bogus_in(ask))
        answers.append(replace(answer, secrets=(*answer.secrets, *bogus_in(ask))))
    name = answers[1].asked.headers[-1][1]
    recorded = began.wait(about(answers[1], name))  # and so the first, with all that belongs to it
    held = [line for line in began.lines() if _holds(line, hidden[0])]
    if not held and not recorded:
        raise Untried("the log has no record of what was sent, so what it would hold is not known", missed=False)
    if not held:
        return Looked(1)
    again = began.wait(lambda line: _holds(line, hidden[1]))
    evidence = proof(call.answer, answers[0], target.survey.anonymous(call), answers[1])
    shown = tuple(redact(line, (*hidden[0], *hidden[1])) for line in _shown(target, [*held, *again]))
    detail = "The log holds a credential that was sent."
    sure = None if again else Confidence.SUSPECTED
    place = Location(file=str(log), operation=call.place.operation)
    return Looked(1, (Observation(place, detail, (*evidence, *shown), cause="credential", confidence=sure),))


def _holds(line: str, credentials: tuple[str, ...]) -> bool:
    return any(one.rpartition("-")[2] in line for one in credentials)


def _log(target: Target) -> Path:
    assert target.log is not None
    return target.log


def _shown(target: Target, lines: list[str]) -> tuple[str, ...]:
    return tuple(redact(line[:LINE], target.probe.secrets) for line in lines[:LINES])


RULES = (
    Rule(
        id="monitoring-secret-logged", sign=8, method=Method.STATIC, severity=Severity.HIGH, confidence=Confidence.SUSPECTED,
        title="Secrets are written to the log", owasp="API8:2023", cwe="CWE-532", asvs="V16.2.5",
        why="Logs are copied, shipped and read by many; a secret in them is one no longer.",
        remedy="Log who and what, never the password, token or key itself.", contract="",
        needs=(Needs.SOURCE,), look=secrets_logged,
    ),
    Rule(
        id="monitoring-silent-except", sign=8, method=Method.STATIC, severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED, title="Faults are swallowed", owasp="API8:2023", cwe="CWE-390", asvs="V16.3.4",
        why="An attack that makes the API fail is not seen when failing leaves no trace.",
        remedy="Catch what is expected, and log the rest with its request's id.", contract="",
        needs=(Needs.SOURCE,), look=silent_handlers,
    ),
    Rule(
        id="monitoring-no-logging", sign=8, method=Method.STATIC, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="The application logs nothing", owasp="API8:2023", cwe="CWE-778", asvs="V16.3.1",
        why="Nobody can tell afterwards who did what, or that something was tried.",
        remedy="Log refusals and faults with the request's id; the guard's trail has every decision.", contract=_CONTRACT,
        needs=(Needs.SOURCE,), look=no_logging,
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
    Rule(
        id="monitoring-failed-login", sign=8, method=Method.LIVE, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="Refused credentials are not in the log", owasp="API8:2023", cwe="CWE-778", asvs="V16.3.1",
        why="Guessing is loud only for whoever listens: without these records an attack on keys looks like silence.",
        remedy="Record each refused credential with its address, time and id, and never the credential.",
        contract=_CONTRACT, needs=(Needs.URL, Needs.LOG), look=_failed,
    ),
    Rule(
        id="monitoring-secret-in-log", sign=8, method=Method.LIVE, severity=Severity.HIGH, confidence=Confidence.CONFIRMED,
        title="Credentials reach the log", owasp="API8:2023", cwe="CWE-532", asvs="V16.2.5",
        why="Whoever reads, ships or backs up the log can act as every caller in it.",
        remedy="Log no credential fields, and no query in which one may stand.", contract=_CONTRACT,
        needs=(Needs.URL, Needs.LOG), look=_secret_in_log,
    ),
    Rule(
        id="monitoring-no-alert", sign=8, method=Method.LIVE, severity=Severity.MEDIUM, confidence=Confidence.CONFIRMED,
        title="A burst of refused credentials raises no alert", owasp="API8:2023", cwe="CWE-778", asvs="V16.3.3",
        why="Records that nobody looks at stop nobody: a guess that succeeds is found out months later, by others.",
        remedy="Raise an alert when refused credentials come in numbers, from one address or in all, to where somebody "
        "looks; and try now and then whether it comes.", contract="",
        needs=(Needs.URL, Needs.ALERTS), look=burst_unnoticed, exhausting=True,
    ),
)  # fmt: skip

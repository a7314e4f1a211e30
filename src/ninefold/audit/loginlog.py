"""What the log says of a log-in that failed: that it did, and not with which password (CWE-778, CWE-532).

The name and the password are nobody's, so no account is touched; a failed log-in is still one, and is made with leave only.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.answer import redact
from ninefold.audit.burst import is_throttled
from ninefold.audit.finding import Confidence, Location
from ninefold.audit.judge import proof
from ninefold.audit.login import failed, logins
from ninefold.audit.record import about, mark, tells_outcome, tells_refusal
from ninefold.audit.rule import Looked, Observation

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.login import Login
    from ninefold.audit.record import Mark
    from ninefold.audit.target import Target

#: Most lines of the log that a finding shows, and the most characters of one.
LINES, LINE = 3, 500


def failed_login(target: Target) -> Looked | None:
    """Is a failed log-in in the log, as one that failed? None: there is no log-in, or it could not be tried."""
    tried = _tried(target)
    if tried is None:
        return None
    login, began, tries = tried
    wanted = [about(answer, name, request) for answer, name, _, request in tries]
    status = tries[0][0].status

    def tells(line: str) -> bool:
        said = _without(line, tries)
        return tells_refusal(said) if status < 400 else tells_outcome(said, status)

    if began.wait(lambda line: any(one(line) for one in wanted) and tells(line)):
        return Looked(1)
    lines = [line for line in began.lines() if any(one(line) for one in wanted)]
    told = "does not say that it failed" if lines else "does not know of it"
    detail = f"A log-in failed ({status}), and the log {told}: guessing goes unseen."
    return Looked(1, (_observation(target, login, detail, "failed login", tries, lines),))


def password_in_log(target: Target) -> Looked | None:
    """Does the password of a failed log-in stand in the log? None: there is no log-in, or the log does not know of it."""
    tried = _tried(target)
    if tried is None:
        return None
    login, began, tries = tried
    last, name, _, request = tries[1]
    recorded = began.wait(about(last, name, request))
    held = [[line for line in began.lines() if word.rpartition("-")[2] in line] for _, _, word, _ in tries]
    if not held[0] and not recorded:
        return None
    if not held[0]:
        return Looked(1)
    detail = "The log holds the password of a log-in."
    sure = None if held[1] else Confidence.SUSPECTED
    return Looked(1, (_observation(target, login, detail, "password", tries, [*held[0], *held[1]], sure),))


_Try = tuple["Answer", str, str, str]


def _tried(target: Target) -> tuple[Login, Mark, list[_Try]] | None:
    """Two failed log-ins: each the answer, the name, the password, and the request's id."""
    login = next(iter(logins(target)), None)
    if login is None or target.log is None:
        return None
    began, tries = mark(target.log), []
    for _ in range(2):
        name, word = f"nf{secrets.token_hex(8)}", f"nf-bogus-{secrets.token_hex(12)}"
        request = f"ninefold-{secrets.token_hex(8)}"
        answer = target.probe.send(login.ask(name, word).header("X-Request-Id", request), patient=False)
        if is_throttled(answer) or answer.status >= 500 or not failed(answer):
            return None
        tries.append((replace(answer, secrets=(*answer.secrets, word)), name, word, request))
    return login, began, tries


def _without(line: str, tries: list[_Try]) -> str:
    """The line without what was sent: a name must not pass for a word of the log's own."""
    return redact(line, [one for _, name, word, request in tries for one in (name, word, request)])


def _observation(
    target: Target,
    login: Login,
    detail: str,
    cause: str,
    tries: list[_Try],
    lines: list[str],
    sure: Confidence | None = None,
) -> Observation:
    first, again = tries[0][0], tries[1][0]
    hidden = (*first.secrets, *again.secrets)
    shown = tuple(redact(line[:LINE], hidden) for line in lines[:LINES])
    place = Location(file=str(target.log), operation=login.place.operation)
    other = target.survey.calls()[0]
    evidence = proof(other.answer, first, target.survey.anonymous(other), again)
    return Observation(place, detail, (*evidence, *shown), cause=cause, confidence=sure)

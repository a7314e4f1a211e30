"""Whether a log-in may be tried with wrong passwords without end (CWE-307, API2:2023); asked with leave only.

The name is nobody's, so that no account is locked. That is also why it stays suspected: a service may count for names alone
that are there.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.burst import counts_down, is_throttled
from ninefold.audit.finding import Confidence
from ninefold.audit.judge import alike, proof
from ninefold.audit.login import failed, logins
from ninefold.audit.rule import Looked, Observation

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.target import Target

#: How many wrong credentials are tried, at least.
GUESSES = 60

#: By how much, in seconds, the last answers must be later than the first ones to be slowed down on purpose, and how many of
#: each are looked at: one that is late by chance is no limit.
SLOWED, LATE = 0.25, 5


def guessed_logins(target: Target) -> Looked | None:
    """None: there is no log-in, or what it answers cannot be judged."""
    login = next(iter(logins(target)), None)
    if login is None or target.probe.left < GUESSES + 5:
        return None
    name = f"nf{secrets.token_hex(8)}"
    answers: list[Answer] = []
    for _ in range(GUESSES):
        word = f"nf-bogus-{secrets.token_hex(8)}"
        answer = target.probe.send(login.ask(name, word), patient=False)
        answers.append(replace(answer, secrets=(*answer.secrets, word)))
        if is_throttled(answer) or counts_down(answers):
            return Looked(1)
    if slowed(answers) or not alike(answers[-1], answers[0]):
        return Looked(1)
    if not all(failed(one) and alike(one, answers[0]) for one in answers):
        return None
    other = target.survey.calls()[0]
    detail = f"{GUESSES} wrong passwords in a row for one name (nobody's) were refused, and nothing slowed that down."
    evidence = proof(answers[0], answers[1], target.survey.anonymous(other), answers[-1])
    seen = Observation(login.place, detail, evidence, cause="log-in", confidence=Confidence.SUSPECTED)
    return Looked(1, (seen,))


def slowed(answers: list[Answer], good: Answer | None = None) -> bool:
    """Whether each of the last answers took longer than the first ones usually did, or than the `good` credential's.

    The second, since the delay may have grown to its most before the first of these: other rules try wrong credentials too.
    """
    first = sorted(one.took for one in answers[:LATE])
    usual = first[len(first) // 2]
    return min(one.took for one in answers[-LATE:]) > (min(usual, good.took) if good else usual) + SLOWED

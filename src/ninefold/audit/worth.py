"""What a credential is worth: an operation that serves it and refuses another, by which a third is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.judge import Judge, serves
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.key import Key
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target


def learn(target: Target) -> tuple[Call, Judge]:
    """An operation that serves the key and refuses another; what separates the two answers is the key's worth."""
    key = target.keys[0]
    for call in target.survey.answered():
        if not serves(call.answer, target.description, call.operation):
            continue
        refused = target.probe.send(key.wrong().on(call.ask))
        judge = Judge(call.answer, refused)
        if judge.tells:
            return call, judge
    raise Untried("no operation tells the key from a wrong one, so nothing shows whether a key is accepted")


def ask_with(target: Target, call: Call, key: Key, value: str) -> Answer:
    """The answer to the call with `value` where the credential's own is, after `Bearer` if that stands before it."""
    head, space, _ = key.value.rpartition(" ")
    target.probe.hide(value)
    return target.probe.send(replace(key, value=f"{head}{space}{value}").on(call.ask))

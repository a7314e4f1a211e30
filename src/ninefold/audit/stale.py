"""Whether a key is accepted that should be worth nothing: it ran out, was taken back, or comes without its second proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.judge import Judge, proof, serves
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.worth import learn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.key import Key
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation, SecurityScheme


def expired(target: Target) -> Looked:
    """The key of `--expired-key` still opens what the good one opens."""
    assert target.expired is not None
    return _still(target, target.expired, "has expired")


def revoked(target: Target) -> Looked:
    """The key of `--revoked-key` still opens what the good one opens."""
    assert target.revoked is not None
    return _still(target, target.revoked, "was revoked")


def _still(target: Target, key: Key, what: str) -> Looked:
    if key.value == target.keys[0].value:
        raise Untried(f"the key that {what} is the good one too; give another with --key")
    call, judge = learn(target)
    attack = target.probe.send(key.on(call.ask))
    if not judge.accepts(attack):
        return Looked(1)
    control, again = target.probe.send(key.wrong().on(call.ask)), target.probe.send(key.on(call.ask))
    if judge.accepts(control) or not judge.accepts(again):
        return Looked(1)
    detail = f"{call.ask.method} {call.ask.path} accepts a key that {what}, and refuses one that was never given."
    return Looked(1, (Observation(call.place, detail, proof(call.answer, attack, control, again), cause="still"),))


def without_second_proof(target: Target) -> Looked:
    """Where two schemes are required together (OpenAPI 3.1, 4.8.30), one of them is enough."""
    at, seen = 0, []
    for call in target.survey.answered():
        if call.operation is None or not serves(call.answer, target.description, call.operation):
            continue
        for key, scheme, missing in _halves(target, call.operation):
            at += 1
            if found := _enough(target, call, key, scheme, missing):
                seen.append(found)
    if not at:
        raise Untried("no operation that answers requires two schemes together of which one was given", missed=False)
    return Looked(at, tuple(seen))


def _halves(target: Target, operation: Operation) -> Iterator[tuple[Key, str, str]]:
    """The credentials with one scheme only, that scheme's name, and those that are left out."""
    choices = operation.security or ()
    if not choices or any(len(choice) < 2 for choice in choices):
        return
    given = target.keys[0]
    pieces = [
        replace(given, also=()),
        *(replace(given, place="header", name=n, value=v, also=()) for n, v in given.also),
    ]
    for choice in choices[:2]:
        schemes = [target.api.schemes[name] for name in choice if name in target.api.schemes]
        for piece in pieces:
            mine = next((one for one in schemes if carries(one, piece)), None)
            rest = [one.name for one in schemes if one is not mine]
            if mine is not None and rest:
                yield piece, mine.name, " and ".join(rest)


def carries(scheme: SecurityScheme, piece: Key) -> bool:
    """Whether this credential is one of that scheme, by where it goes."""
    if scheme.kind == "apiKey":
        return scheme.raw.get("in") == piece.place and str(scheme.raw.get("name", "")).lower() == piece.name.lower()
    if scheme.kind in {"http", "oauth2", "openIdConnect"}:
        return piece.place == "header" and piece.name.lower() == "authorization"
    return False


def _enough(target: Target, call: Call, key: Key, scheme: str, missing: str) -> Observation | None:
    wrong = target.probe.send(key.wrong().on(call.ask))
    judge = Judge(call.answer, wrong)
    attack = target.probe.send(key.on(call.ask))
    again = target.probe.send(key.on(call.ask))
    if not (judge.accepts(attack) and judge.accepts(again)):
        return None
    detail = f"GET {call.operation.path if call.operation else call.ask.path} accepts `{scheme}` without {missing}."
    return Observation(call.place, detail, proof(call.answer, attack, wrong, again), cause=f"{scheme} alone")

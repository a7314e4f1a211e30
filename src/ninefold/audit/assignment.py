"""Whether a caller may set members that are the API's to set (mass assignment, API3:2023, CWE-915).

An object of the audit's own is written with one member more than the description lets a request have, and read again. It
counts when the API shows our value, the same object without that member shows another, and it happens twice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.body import MATTERS, OWNER, answered, fields, is_free, json_schema, others, plain
from ninefold.audit.finding import Confidence, Location, Severity
from ninefold.audit.judge import proof
from ninefold.audit.made import objects
from ninefold.audit.promotion import promoted
from ninefold.audit.remake import remade
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ninefold.audit.answer import Answer
    from ninefold.audit.collection import Kind
    from ninefold.audit.made import Made, Objects
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Most members of one collection that are tried.
MEMBERS = 6

_IDLE = re.compile(
    r"^_?id$|uuid$|(?:^|_)(?:at|on|date|time|timestamp|created|updated|modified|version|revision|etag|links?|href|url"
    r"|self|count|number|hash|slug)$|^(?:created|updated|modified)(?:_|$)"
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member that no request declares. `sure`: it says itself that it is the API's, or decides about rights or money."""

    name: str
    raw: Any
    confidence: Confidence
    severity: Severity


def mass_assignment(target: Target) -> Looked:
    """Members that responses have and requests must not are set by an ordinary write."""
    at, seen, why = 0, list[Observation](), list[Untried]()
    for look in (_objects, promoted):
        try:
            looked = look(target)
            at, seen = at + looked.at, [*seen, *looked.seen]
        except Untried as fault:
            why.append(fault)
    if not at:
        raise next((one for one in why if one.missed), why[0])
    return Looked(at, tuple(seen))


def _objects(target: Target) -> Looked:
    ours = objects(target)
    at, seen, why = 0, list[Observation](), ""
    for kind in ours.kinds:
        try:
            for found in _each(ours, kind):
                at += 1
                seen += [found] if found else []
        except Untried as fault:
            why = fault.reason
    if not at:
        raise Untried(why or "responses have no member that requests must not set", missed=bool(why))
    return Looked(at, tuple(seen))


def _each(ours: Objects, kind: Kind) -> Iterator[Observation | None]:
    first = ours.make(kind, ours.callers[0])
    shown = ours.members(first, first.answer)
    for member in _members(ours, kind, shown)[:MEMBERS]:
        known = ours.known(kind).get(member.name, ())
        value = next(iter(_values(member, shown[member.name], known, first.mark)), None)
        if value is None:
            continue
        yield _created(ours, kind, member, value, first) or _changed(ours, kind, member, value, first)


def _members(ours: Objects, kind: Kind, shown: dict[str, Any]) -> list[_Member]:
    """What the API shows of the object and lets no request declare, what matters first."""
    api = ours.target.api
    taken: dict[str, Any] = {}
    free = False
    for operation in (kind.create, *kind.changes):
        told = json_schema(operation)
        taken |= fields(api, told[1])[0] if told else {}
        free = free or (told is not None and is_free(api, told[1]))
    told_back = answered(api, kind.read)
    found = []
    for name, now in shown.items():
        raw = taken.get(name)
        locked = isinstance(raw, dict) and raw.get("readOnly") is True
        if not isinstance(now, (bool, int, float, str)) or (raw is not None and not locked):
            continue
        if name == kind.parameter or _IDLE.search(plain(name)):
            continue
        matters = bool(MATTERS.search(plain(name)))
        if OWNER.search(plain(name)) or not (matters or locked or taken):
            continue
        sure = locked or (matters and bool(taken) and not free)
        confidence = Confidence.CONFIRMED if sure else Confidence.SUSPECTED
        severity = Severity.HIGH if matters else Severity.MEDIUM
        found.append(_Member(name, told_back.get(name, raw or {}), confidence, severity))
    return sorted(found, key=lambda one: (one.severity is not Severity.HIGH, one.name))


def _values(member: _Member, now: Any, known: Any, mark: str) -> tuple[Any, ...]:
    if isinstance(now, str) and not (isinstance(member.raw, dict) and member.raw.get("enum")):
        if plain(member.name) in {"role", "roles"}:
            return ("admin",) if now != "admin" else ()
        shown = [one for one in known if isinstance(one, str) and one != now]
        return (*shown[:1], *others(member.raw, now, known, mark))
    return others(member.raw, now, known, mark)


def _created(ours: Objects, kind: Kind, member: _Member, value: Any, first: Made) -> Observation | None:
    more = {member.name: value}
    try:
        attack = ours.make(kind, first.owner, more)
        if not _is(ours, attack, attack.answer, member.name, value):
            return None
        control, again = ours.make(kind, first.owner), ours.make(kind, first.owner, more)
    except Untried:
        return None  # such a body is refused, or what came of it is not shown: the other way is tried
    if not _is(ours, again, again.answer, member.name, value) or _comes(ours, (first, control), member.name, value):
        return None
    if not all(_is(ours, one, ours.read(one), member.name, value) for one in (attack, again)):
        return None  # it was so at first and is so no more, as a job's state is
    shown = proof(
        first.answer, attack.made or attack.answer, control.made or control.answer, again.made or again.answer
    )
    shown = remade(ours, attack, attack.made or attack.answer, shown)
    return _observed(kind.create, member, first, (*shown, attack.answer.exchange("attack")))


def _changed(ours: Objects, kind: Kind, member: _Member, value: Any, first: Made) -> Observation | None:
    for operation in kind.changes:
        other = ours.make(kind, first.owner)
        for made in (first, other):
            if _is(ours, made, ours.read(made), member.name, value):
                return None
        body = _body(ours, operation, first)
        if body is None:
            continue
        attack = _write(ours, operation, first, {**body, member.name: value})
        after = ours.read(first)
        if not _is(ours, first, after, member.name, value):
            continue
        _write(ours, operation, other, _body(ours, operation, other) or {})
        if _comes(ours, (other,), member.name, value):
            return None
        control = ours.read(other)
        _write(ours, operation, other, {**(_body(ours, operation, other) or {}), member.name: value})
        again = ours.read(other)
        if not (_is(ours, other, again, member.name, value) and _is(ours, first, ours.read(first), member.name, value)):
            continue
        shown = remade(ours, first, attack, proof(first.answer, attack, control, again))
        return _observed(operation, member, first, (*shown, after.exchange("attack")))
    return None


def _body(ours: Objects, operation: Operation, made: Made) -> dict[str, Any] | None:
    """What the operation needs to be sent anyway: everything for PUT, what is required for PATCH."""
    told = json_schema(operation)
    if told is None:
        return None
    named, wanted = fields(ours.target.api, told[1])
    held = {**ours.members(made, made.answer), **made.sent}
    if operation.method == "PUT":
        return {name: value for name, value in made.sent.items() if not named or name in named}
    return {name: held[name] for name in wanted if name in held}


def _write(ours: Objects, operation: Operation, made: Made, body: dict[str, Any]) -> Answer:
    told = json_schema(operation)
    media = told[0] if told else "application/json"
    ask = replace(ours.ask(operation, made), body=json.dumps(body).encode()).header("Content-Type", media)
    return ours.send(made.owner.on(ask))


def _comes(ours: Objects, plain_ones: Iterable[Made], name: str, value: Any) -> bool:
    """Whether the value comes by itself in a moment, as a job's state does, where nobody asked for it."""
    return any(_is(ours, one, ours.read(one), name, value) for _ in ours.target.probe.moments() for one in plain_ones)


def _is(ours: Objects, made: Made, answer: Answer, name: str, value: Any) -> bool:
    shown = ours.members(made, answer).get(name)
    return type(shown) is type(value) and bool(shown == value)


def _observed(operation: Operation, member: _Member, made: Made, evidence: tuple[Any, ...]) -> Observation:
    return Observation(
        Location(operation=operation.id, pointer=operation.pointer, url=made.path),
        f"{operation.method} {operation.path} takes `{member.name}`, which the description names for no request, and the "
        "object keeps the value.",
        evidence,
        cause=f"members of {made.kind.template}",
        severity=member.severity,
        confidence=member.confidence,
    )

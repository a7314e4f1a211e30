"""Whether one caller may read, change or remove what the audit made for another (API1:2023).

The owner's own reading is the oracle: a write counts when the owner reads the new value, or no longer finds the object.
Three things tell it from an API that is open: the same request of nobody changes nothing, the owner read the old value
before, and it happens twice. What is written to are the audit's own objects alone, never an id that is free.

Objects that everybody may edit, as in a wiki, cannot be told from a missing check without knowing what was meant. So what
the API does not give the other to read is confirmed, and so is what it lists to its owner alone if its name says that it is
private; what else it lists to its owner alone, and what it shows to both and names an owner, is suspected. The rest is not
told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from ninefold.audit.body import MATTERS, OWNER, fields, json_schema, others, plain
from ninefold.audit.finding import Confidence, Location, Severity
from ninefold.audit.judge import alike, proof
from ninefold.audit.made import Made, Objects, Trio, objects
from ninefold.audit.private import is_private
from ninefold.audit.remake import remade
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.selection import chooses_whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.key import Key
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation


def own_reads(target: Target) -> Looked:
    """What the audit made for one caller, and the API lists to that caller only, is read by another by its id."""
    return _each(target, _reads)


def foreign_writes(target: Target) -> Looked:
    """What the audit made for one caller is changed or removed by another."""
    return _each(target, _writes)


def _each(target: Target, tried: Callable[[Objects, Trio, Confidence | None], Iterator[Observation | None]]) -> Looked:
    ours = objects(target)
    at, seen, why = 0, list[Observation](), ""
    for kind in ours.kinds:
        try:
            trio = ours.trio(kind)
            if kind.template not in ours.standings:
                ours.standings[kind.template] = _standing(ours, trio.main)
            for found in tried(ours, trio, ours.standings[kind.template]):
                at += 1
                seen += [found] if found else []
        except Untried as fault:
            why = fault.reason
    if not at:
        raise Untried(why or "no object that the audit made can be changed, by the description", missed=bool(why))
    return Looked(at, tuple(seen))


def _standing(ours: Objects, made: Made) -> Confidence | None:
    """How sure it is that the object is its owner's alone. None: nothing says so.

    What another does not see yet he may see in a moment: lists and copies of a database lag behind.
    """
    owner, stranger = ours.callers[:2]
    mine, theirs, index = ours.listed(made.kind, owner), ours.listed(made.kind, stranger), made.kind.index
    if index and mine and theirs and made.mark in mine.text and not _is_listed(ours, made, stranger):
        told = is_private(made.kind.template) and not chooses_whose(index) and _is_fresh(ours, made, stranger)
        return Confidence.CONFIRMED if told else Confidence.SUSPECTED
    if not any(ours.shows(made, ours.read(made, stranger)) for _ in ours.target.probe.moments()):
        return Confidence.CONFIRMED
    shown = ours.members(made, ours.read(made))
    named = [name for name in shown if OWNER.search(plain(name)) and isinstance(shown[name], (str, int))]
    if not named:
        return None
    other = ours.another(made.kind, stranger)
    theirs_own = ours.members(other, other.answer)
    return Confidence.SUSPECTED if any(shown[name] != theirs_own.get(name, shown[name]) for name in named) else None


def _is_hidden(ours: Objects, made: Made) -> bool:
    """Whether the API still keeps the object from another, in its list or by its id, now that some time has gone by."""
    stranger = ours.callers[1]
    theirs = ours.listed(made.kind, stranger) if made.kind.index else None
    return (theirs is not None and made.mark not in theirs.text) or not ours.shows(made, ours.read(made, stranger))


def _is_listed(ours: Objects, made: Made, stranger: Key) -> bool:
    """Whether the collection shows the object to another, at once, in a moment, or when it is asked for more."""
    lists = (ours.listed(made.kind, stranger) for _ in ours.target.probe.moments())
    return any(made.mark in one.text for one in chain(lists, ours.widened(made.kind, stranger)) if one)


def _is_fresh(ours: Objects, made: Made, stranger: Key) -> bool:
    """Whether the collection shows to another what he made just now, and still not the object: then it is no old copy."""
    try:
        other = ours.another(made.kind, stranger)
    except Untried:
        return False
    theirs = ours.listed(made.kind, stranger)
    return theirs is not None and other.mark in theirs.text and made.mark not in theirs.text


def _reads(ours: Objects, trio: Trio, sure: Confidence | None) -> Iterator[Observation | None]:
    owner, stranger = ours.callers[:2]
    mine, theirs = ours.listed(trio.main.kind, owner), ours.listed(trio.main.kind, stranger)
    if not (sure and mine and theirs and trio.main.mark in mine.text and trio.main.mark not in theirs.text):
        return
    baseline, attack = ours.read(trio.main), ours.read(trio.main, stranger)
    control = ours.read(trio.void, stranger)
    open_to_all = ours.send(ours.ask(trio.main.kind.read, trio.main))
    again = ours.read(trio.spare, stranger)
    told = ours.shows(trio.main, attack) and ours.shows(trio.spare, again) and not alike(control, attack)
    if not told or ours.shows(trio.main, open_to_all):
        yield None
        return
    template = trio.main.kind.template
    detail = f"GET {template} gives a caller the object of another, which the API does not list to that caller."
    place = _place(trio.main.kind.read, trio.main.path)
    evidence = remade(ours, trio.main, attack, proof(baseline, attack, control, again))
    yield Observation(place, detail, evidence, cause=f"object {template}", confidence=sure)


def _writes(ours: Objects, trio: Trio, sure: Confidence | None) -> Iterator[Observation | None]:
    for operation in trio.main.kind.changes:
        try:
            if change := change_for(ours, trio.main, operation):
                yield _changed(ours, trio, operation, change, sure)
        except Untried:
            continue
    yield _removed(ours, trio, sure)


@dataclass(frozen=True, slots=True)
class Change:
    """Bodies for one operation that differ in one member, and two values that the owner must read afterwards."""

    media: str
    body: Mapping[str, Any]
    member: str
    values: tuple[Any, ...]

    def ask(self, bare: Ask, value: Any) -> Ask:
        """The request with this value in its body; `bare` is it without a body."""
        return replace(bare, body=json.dumps({**self.body, self.member: value}).encode()).header(
            "Content-Type", self.media
        )


def change_for(ours: Objects, made: Made, operation: Operation) -> Change | None:
    """A change of one member that the API shows as it was sent. None: no member of it can be followed."""
    told = json_schema(operation)
    if told is None:
        return None
    api = ours.target.api
    named, wanted = fields(api, told[1])
    shown, known = ours.members(made, made.answer), ours.known(made.kind)
    held = {name: value for name, value in made.sent.items() if not named or name in named}
    held |= {name: shown[name] for name in wanted if name not in held and name in shown}
    if operation.method == "PATCH":
        held = {name: value for name, value in held.items() if name in wanted}
    loose = [one for one in (named or made.sent) if isinstance(shown.get(one), (str, int, float))]
    loose = [one for one in loose if one not in {made.kind.parameter, "id"} and not MATTERS.search(plain(one))]
    loose = [
        one for one in loose if not OWNER.search(plain(one)) and (one not in made.sent or shown[one] == made.sent[one])
    ]
    for name in sorted(loose, key=lambda one: (made.mark not in str(shown[one]), plain(one).endswith("id"), one)):
        raw = named.get(name, {})
        if isinstance(raw, dict) and raw.get("readOnly") is True:
            continue
        values = others(raw, shown[name], known.get(name, ()), made.mark)
        if len(values) >= 2 and (made.mark in str(values[0]) or _keeps_mark(made, shown, name)):
            return Change(told[0], held, name, values[:2])
    return None


def _keeps_mark(made: Made, shown: dict[str, Any], name: str) -> bool:
    return any(made.mark in str(value) for other, value in shown.items() if other != name)


def _changed(
    ours: Objects, trio: Trio, operation: Operation, change: Change, sure: Confidence | None
) -> Observation | None:
    stranger, made = ours.callers[1], trio.main
    first, second = change.values

    def send(value: Any, key: Key | None) -> Answer:
        ask = change.ask(ours.ask(operation, made), value)
        return ours.send(key.on(ask) if key else ask)

    baseline = ours.read(made)
    control = send(first, None)
    if _becomes(ours, made, change, first, control):
        return None  # nobody needs a credential: another rule's matter
    attack = send(first, stranger)
    if not _becomes(ours, made, change, first, attack):
        if _becomes(ours, made, change, first, send(first, ours.callers[0])):
            return None
        raise Untried(f"{operation.method} {operation.path} changes nothing for the owner either")
    after = ours.read(made)
    again = send(second, stranger)
    if not _becomes(ours, made, change, second, again) or sure is None:
        return None
    if sure is Confidence.CONFIRMED and not _is_hidden(ours, made):
        return None
    detail = (
        f"{operation.method} {operation.path} changes `{change.member}` of an object that another caller made, and that "
        f"caller reads the new value.{_doubt(sure)}"
    )
    evidence = (*remade(ours, trio.main, attack, proof(baseline, attack, control, again)), after.exchange("attack"))
    return _observed(trio.main, operation, detail, evidence, sure)


def _removed(ours: Objects, trio: Trio, sure: Confidence | None) -> Observation | None:
    stranger, operation = ours.callers[1], trio.main.kind.remove
    baseline = ours.read(trio.main)
    control = ours.send(ours.ask(operation, trio.main))
    if _goes(ours, trio.main, control):
        return None  # nobody needs a credential: another rule's matter
    attack = ours.send(stranger.on(ours.ask(operation, trio.main)))
    if not _goes(ours, trio.main, attack) or not ours.shows(trio.spare, ours.read(trio.spare)):
        return None
    after = ours.read(trio.main)
    ours.lost(trio.main)
    sure = sure if sure is not Confidence.CONFIRMED or _is_hidden(ours, trio.spare) else None
    again = ours.send(stranger.on(ours.ask(operation, trio.spare)))
    if not _goes(ours, trio.spare, again):
        return None
    ours.lost(trio.spare)
    if not alike(after, ours.read(trio.void)) or sure is None:
        return None
    detail = f"DELETE {operation.path} removes an object that another caller made.{_doubt(sure)}"
    evidence = (*remade(ours, trio.main, attack, proof(baseline, attack, control, again)), after.exchange("attack"))
    return _observed(trio.main, operation, detail, evidence, sure)


def _becomes(ours: Objects, made: Made, change: Change, value: Any, answer: Answer) -> bool:
    """Whether the owner reads the value; what an API has taken may need a moment."""
    return any(ours.members(made, ours.read(made)).get(change.member) == value for _ in _moments(ours, answer))


def _goes(ours: Objects, made: Made, answer: Answer) -> bool:
    """Whether the owner reads the object no more."""
    return any(not ours.shows(made, ours.read(made)) for _ in _moments(ours, answer))


def _moments(ours: Objects, answer: Answer) -> Iterator[None]:
    """One for what was refused, some for what was taken."""
    return islice(ours.target.probe.moments(), None if answer.ok else 1)


def _doubt(sure: Confidence) -> str:
    if sure is Confidence.CONFIRMED:
        return ""
    return " If everybody is meant to edit it, say so in a baseline."


def _observed(
    made: Made, operation: Operation, detail: str, evidence: tuple[Any, ...], sure: Confidence
) -> Observation:
    place = _place(operation, made.path)
    severity = None if sure is Confidence.CONFIRMED else Severity.MEDIUM
    return Observation(
        place, detail, evidence, cause=f"object {made.kind.template}", confidence=sure, severity=severity
    )


def _place(operation: Operation, path: str) -> Location:
    return Location(operation=operation.id, pointer=operation.pointer, url=path)

"""Whether one caller may read the objects of another (broken object level authorization, API1:2023).

Two callers list the same thing, twice. What the API lists to the first only, both times, is the first one's own as far as
a list can say; the second then asks for it by its id. Where the name does not say that it is private (a page may be listed
to its author and read by all), the finding is suspected. With leave to change things the audit also makes an object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.answer import Ask
from ninefold.audit.crossing import own_reads
from ninefold.audit.finding import Confidence
from ninefold.audit.graphowner import foreign_objects
from ninefold.audit.judge import alike, proof, serves
from ninefold.audit.private import is_private
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.sample import Listed, listed
from ninefold.audit.selection import chooses_whose, wider

if TYPE_CHECKING:
    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target


def foreign_reads(target: Target) -> Looked:
    """What the API lists to one caller only is read by another, by its id (API1:2023)."""
    survey, at, seen = target.survey, 0, []
    keys = list({key.value: key for key in target.keys}.values())
    reads = {call.operation.path: call for call in survey.calls() if call.operation}
    for call in survey.answered():
        if call.operation is None or "{" in call.operation.path:
            continue
        theirs = listed(target.api, call.operation, target.probe.send(keys[1].on(call.ask)))
        for mine in listed(target.api, call.operation, call.answer):
            others = next((one.ids for one in theirs if one.template == mine.template), None)
            private = [one for one in mine.ids if others is not None and one not in others]
            if not private or mine.template not in reads:
                continue
            at += 1
            if not _stays(target, call, mine.template, private[0]):
                continue
            sure = is_private(mine.template) and not chooses_whose(call.operation)
            if found := _foreign_read(target, reads[mine.template], mine, private[0], sure=sure):
                seen.append(found)
    more, queried = foreign_objects(target)
    at, seen = at + more, [*seen, *queried]
    if target.active:
        try:
            own = own_reads(target)
            known = {one.cause for one in seen}
            at, seen = at + own.at, [*seen, *(one for one in own.seen if one.cause not in known)]
        except Untried:
            pass  # nothing can be made: what was there already has to do
    if not at:
        raise Untried(
            "the API lists the same objects to both callers, so none is known to belong to one of them",
            missed=False,
        )
    return Looked(at, tuple(seen))


def _stays(target: Target, call: Call, template: str, private: str) -> bool:
    """Whether the lists say the same of it once more: some are drawn by lot, some show what is newest."""
    assert call.operation is not None
    ids = []
    for key in list({key.value: key for key in target.keys}.values())[:2]:
        again = listed(target.api, call.operation, target.probe.send(key.on(call.ask)))
        ids.append(next((one.ids for one in again if one.template == template), ()))
    return private in ids[0] and private not in ids[1] and not _is_asked_for(target, call, template, private)


def _is_asked_for(target: Target, call: Call, template: str, private: str) -> bool:
    """Whether the list shows it to the second caller too, if only he asks for more."""
    assert call.operation is not None
    stranger = list({key.value: key for key in target.keys}.values())[1]
    for ask in wider(target.api, call.operation, call.ask):
        found = listed(target.api, call.operation, target.probe.send(stranger.on(ask)))
        if any(private in one.ids for one in found if one.template == template):
            return True
    return False


def _foreign_read(target: Target, read: Call, mine: Listed, private: str, *, sure: bool) -> Observation | None:
    owner, stranger = list({key.value: key for key in target.keys}.values())[:2]
    path = target.survey.base + mine.template[: mine.template.rindex("{")]
    ask = Ask("GET", path + private, read.ask.query, read.ask.headers)
    baseline = target.probe.send(owner.on(ask))
    if not serves(baseline, target.description, read.operation):
        return None
    attack = target.probe.send(stranger.on(ask))
    control = target.probe.send(stranger.on(Ask("GET", path + _no_such(private), ask.query, ask.headers)))
    if attack.body != baseline.body or attack.status != baseline.status or alike(control, attack):
        return None
    open_to_all = target.probe.send(ask)
    if alike(open_to_all, baseline):
        return None  # everybody may read it: another rule's matter, or no secret
    again = target.probe.send(stranger.on(ask))
    if again.body != attack.body:
        return None
    detail = f"GET {mine.template} gives a caller the object of another, which the API does not list to that caller."
    evidence = proof(baseline, attack, control, again)
    confidence = None if sure else Confidence.SUSPECTED
    return Observation(read.place, detail, evidence, cause=f"object {mine.template}", confidence=confidence)


def _no_such(value: str) -> str:
    """An id of the same make that is not there."""
    if value.isdigit():
        return str(int(value) + 900_000_000)
    return re.sub(r"[0-9a-f]", "f", value) if re.fullmatch(r"[0-9a-f-]{8,}", value) else f"{value}-none"

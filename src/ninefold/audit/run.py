"""Runs rules on a target: every rule ends in findings, passed, skipped or errored, and no crash sinks the
audit.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from ninefold.audit.account import Accounts
from ninefold.audit.alarm import RESERVE
from ninefold.audit.baseline import Excuse, anchor, stale
from ninefold.audit.clauses import clauses
from ninefold.audit.finding import Audit, Confidence, Errored, Finding, Method, Outcome, Passed, Skipped
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.survey import NO_MORE, Survey
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ninefold.audit.key import Key
    from ninefold.audit.target import Target

#: Most places and pieces of evidence that one finding lists; its detail says how many there are.
PLACES, EVIDENCE = 50, 12


def audit(
    target: Target,
    rules: Sequence[Rule],
    *,
    asked: frozenset[str] = frozenset(),
    excuses: Mapping[str, Excuse] | None = None,
    clock: Callable[[], float] = time.monotonic,
    told: Callable[[Rule], None] | None = None,
) -> Audit:
    """Try every rule once. `asked` are rule ids that were named by a person, so that their being skipped
    counts.

    `excuses` maps fingerprints to what a baseline says about them; `told` is called before each rule. Rules
    that wear out the API's patience run after the others, and last those that hold the others' outcomes against each
    other; the outcomes stand in the order of `rules`. What rules made in the API is removed before its patience is worn out,
    and in any case before this ends, by an exception too, whose notes then tell what could not be.
    """
    began = clock()
    ended: dict[str, tuple[Outcome, ...]] = {}
    try:
        target = _with_callers(target, rules)
        kept = _kept_back(target, rules)
        for rule in sorted(rules, key=lambda one: (one.closing, one.exhausting)):
            if rule.exhausting:
                _remove_objects(target)
            if rule.id == kept:
                target.probe.reserve -= RESERVE
            if told:
                told(rule)
            ended[rule.id] = tuple(_outcomes(rule, replace(target, ended=ended), asked, excuses or {}))
        left = clean(target)
    except BaseException as fault:
        for one in clean(target):
            fault.add_note(f"left behind: {one}")
        raise
    outcomes = tuple(one for rule in rules for one in ended[rule.id])
    return Audit(
        target=_name(target),
        started=target.now,
        took=clock() - began,
        requests=target.probe.sent if target.url else 0,
        ninefold=version("ninefold"),
        outcomes=outcomes,
        url=target.url,
        description=target.description.source if target.description else "",
        source=str(target.source) if target.source else "",
        left=left,
        clauses=tuple(clause for clause, _ in clauses(replace(target, ended=ended))),
        stale=stale(excuses or {}, outcomes),
        notes=_notes(target),
        collected=target.known("collected") or (),
    )


def _notes(target: Target) -> tuple[str, ...]:
    return target.description.notes if target.description else (target.undescribed,) if target.undescribed else ()


def clean(target: Target) -> tuple[str, ...]:
    """Remove what the audit made, and say what of it could not be: operation, path and id. Once is enough."""
    if not target.url:
        return ()
    objects, accounts = _remove_objects(target), target.survey.accounts
    return (*objects, *(accounts.clean() if accounts else ()))


def _kept_back(target: Target, rules: Sequence[Rule]) -> str:
    """The rule that wants requests which no other burst may spend, once they are kept for it; empty: none does."""
    rule = next((one.id for one in rules if Needs.ALERTS in one.needs and not target.lacks(one.needs)), "")
    if rule and target.probe.left > 2 * RESERVE:
        target.probe.reserve += RESERVE
        return rule
    return ""


def _remove_objects(target: Target) -> tuple[str, ...]:
    objects = target.survey.objects if target.url else None
    return objects.clean() if objects else ()


def _with_callers(target: Target, rules: Sequence[Rule]) -> Target:
    """The target with two callers, if rules need them and the API lets the audit sign them up; else as it was."""
    changing = target.active and any(rule.active and not target.lacks((Needs.URL, Needs.DESCRIPTION)) for rule in rules)
    if not changing or not target.lacks((Needs.KEYS,)):
        return target
    survey = target.survey
    survey.accounts = Accounts(target.probe, target.api, survey.base)
    entered: list[Key] = []
    while len({key.value for key in (*target.keys, *entered)}) < 2:
        try:
            entered.append(survey.accounts.enter())
        except Untried:
            break
    if not entered:
        return target
    keys = (*target.keys, *entered)
    again = Survey(target.probe, target.description, keys)
    again.accounts, again.signed_up = survey.accounts, frozenset(entered)
    return replace(target, keys=keys).at(target.url, target.probe, again)


def _name(target: Target) -> str:
    named = (target.url, target.description.source if target.description else "", target.source, target.log)
    return " ".join(str(one) for one in named if one)


def _outcomes(rule: Rule, target: Target, asked: frozenset[str], excuses: Mapping[str, Excuse]) -> Iterable[Outcome]:
    if missing := target.lacks(rule.needs):
        reason = target.reason(missing)
        applies = Needs.CONTRACT not in missing  # without a contract there is nothing to drift from
        return (Skipped(rule.id, rule.sign, rule.method, reason, asked=rule.id in asked, applies=applies),)
    if rule.active and not target.active:
        reason = "changes things, and that needs --active"
        return (Skipped(rule.id, rule.sign, rule.method, reason, asked=rule.id in asked),)
    try:
        looked = rule.look(target)
    except Untried as fault:
        told = fault.missed or rule.id in asked
        return (Skipped(rule.id, rule.sign, rule.method, fault.reason, asked=told, applies=fault.applies),)
    except NinefoldError as fault:
        return (Errored(rule.id, rule.sign, rule.method, str(fault)),)
    except Exception as fault:  # noqa: BLE001  (one rule's crash is its own outcome, not the audit's end)
        return (Errored(rule.id, rule.sign, rule.method, _crash(fault)),)
    left = [
        Skipped(rule.id, rule.sign, rule.method, one.reason, asked=one.missed, applies=one.missed)
        for one in looked.left
    ]
    if looked.seen:
        return (*_findings(rule, looked, excuses, target.now), *left)
    if looked.at == 0 and left:
        return tuple(left)
    if looked.at == 0:
        reason = "there was nothing to try it on"
        return (Skipped(rule.id, rule.sign, rule.method, reason, asked=rule.id in asked, applies=False),)
    if _is_shut_out(rule, target):
        return (Skipped(rule.id, rule.sign, rule.method, NO_MORE, asked=True), *left)
    return (Passed(rule.id, rule.sign, rule.method, looked.at, looked.note), *left)


def _is_shut_out(rule: Rule, target: Target) -> bool:
    """Whether the API refused the last request of a rule that looks at it, and serves the caller no more."""
    if not target.url or rule.method is not Method.LIVE or rule.exhausting or target.probe.refusals == 0:
        return False
    try:
        return not target.survey.serves_still()
    except Untried:
        return False


def _crash(fault: Exception) -> str:
    """The fault and the line of ours that it came from; no traceback, it may hold what was being audited."""
    here = fault.__traceback__
    while here is not None and here.tb_next is not None:
        here = here.tb_next
    where = f" at {here.tb_frame.f_code.co_name}:{here.tb_lineno}" if here else ""
    return f"the rule failed ({type(fault).__name__}{where}); please report it"


def _findings(rule: Rule, looked: Looked, excuses: Mapping[str, Excuse], now: float) -> Iterable[Outcome]:
    causes: dict[tuple[str, int], list[Observation]] = {}
    for at, seen in enumerate(looked.seen):
        causes.setdefault((seen.cause, 0 if seen.cause else at + 1), []).append(seen)
    taken: dict[str, int] = {}
    for (cause, _), group in causes.items():
        sure = sorted(group, key=lambda one: (one.confidence or rule.confidence) is not Confidence.CONFIRMED)
        worst = max((one.severity or rule.severity for one in group), key=lambda one: one.rank)
        places = tuple(dict.fromkeys(one.place for one in sure))
        stands = cause or anchor(places[0])
        taken[stands] = taken.get(stands, 0) + 1
        more = f" ({len(places)} places)" if len(places) > 1 else ""
        finding = Finding(
            rule=rule.id,
            sign=rule.sign,
            severity=worst,
            confidence=sure[0].confidence or rule.confidence,
            method=rule.method,
            title=rule.title,
            detail=sure[0].detail + more,
            places=places[:PLACES],
            evidence=tuple(piece for one in sure for piece in one.evidence)[:EVIDENCE],
            remedy=rule.remedy,
            contract=rule.contract,
            fingerprint=_fingerprint(rule.id, stands, taken[stands]),
        )
        if excuse := excuses.get(finding.fingerprint):
            finding = replace(finding, baselined=excuse.covers(finding, now), excuse=excuse.told(finding, now))
        yield finding


def _fingerprint(rule: str, stands: str, nth: int) -> str:
    return hashlib.sha256(f"{rule}\n{stands}\n{nth}".encode()).hexdigest()[:16]

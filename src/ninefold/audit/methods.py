"""Methods that an API serves and its description does not know: by what it says of itself, and by what it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Location
from ninefold.audit.judge import alike, proof, serves
from ninefold.audit.rule import Looked, Observation

if TYPE_CHECKING:
    from ninefold.audit.target import Target

#: A path that no API serves.
NOWHERE = "ninefold-audit-no-such-path-7c1e"

#: Most paths that are asked beyond the survey.
PATHS = 25


def undeclared_methods(target: Target) -> Looked:
    """What `Allow` names beyond the description, GET where none is declared, and paths that take any method."""
    declared: dict[str, set[str]] = {}
    for operation in target.api.operations:
        declared.setdefault(operation.path, set()).add(operation.method)
    survey, seen = target.survey, []
    nowhere = target.probe.send(survey.as_caller(Ask("OPTIONS", f"{survey.base}/{NOWHERE}")))
    plain = sorted(path for path in declared if "{" not in path)[:PATHS]
    for path in plain:
        asked = target.probe.send(survey.as_caller(Ask("OPTIONS", survey.base + path)))
        more = _allowed(asked.header("allow")) - declared[path] - {"HEAD", "OPTIONS"}
        if not more or _allowed(nowhere.header("allow")) >= more:
            continue
        again = target.probe.send(survey.as_caller(Ask("OPTIONS", survey.base + path)))
        if not _allowed(again.header("allow")) >= more:
            continue
        known = next((call.answer for call in survey.calls() if call.operation and call.operation.path == path), asked)
        seen.append(
            Observation(
                Location(operation=f"{min(declared[path])} {path}", url=survey.base + path),
                f"{path} says that it also takes {', '.join(sorted(more))}, which the description does not know.",
                proof(known, asked, nowhere, again),
                cause=f"undeclared {path}",
            )
        )
    return Looked(len(plain), (*seen, *_undeclared_reads(target, declared), *_any_method(target, declared)))


def _any_method(target: Target, declared: dict[str, set[str]]) -> list[Observation]:
    """SEARCH (RFC 5323), which is safe and which nobody means to serve, gets what GET gets: so does any method."""
    survey, seen = target.survey, []
    served = [
        (call, call.operation)
        for call in survey.calls()
        if call.operation and call.answer.body and serves(call.answer, target.description, call.operation)
    ]
    for call, operation in served[:PATHS]:
        if "SEARCH" in declared[operation.path]:
            continue
        ask = replace(survey.as_caller(call.ask), method="SEARCH")
        attack = target.probe.send(ask)
        if attack.status != call.answer.status or not alike(attack, call.answer):
            continue
        control = target.probe.send(replace(ask, path=f"{survey.base}/{NOWHERE}"))
        again = target.probe.send(ask)
        if alike(control, attack) or not alike(again, attack):
            continue
        detail = f"{operation.path} serves SEARCH as it serves GET: it does not look at the method at all."
        evidence = proof(call.answer, attack, control, again)
        seen.append(Observation(call.place, detail, evidence, cause="any method", confidence=Confidence.CONFIRMED))
    return seen


def _undeclared_reads(target: Target, declared: dict[str, set[str]]) -> list[Observation]:
    """GET where only other methods are declared: a read that nobody described."""
    survey, seen = target.survey, []
    hidden = sorted(path for path, methods in declared.items() if "{" not in path and not methods & {"GET", "HEAD"})
    for path in hidden[:PATHS]:
        ask = survey.as_caller(Ask("GET", survey.base + path))
        attack = target.probe.send(ask)
        if not serves(attack, None, None) or not attack.body:
            continue
        control = target.probe.send(survey.as_caller(Ask("GET", f"{survey.base}/{NOWHERE}")))
        again = target.probe.send(ask)
        if alike(control, attack) or not alike(again, attack):
            continue
        detail = f"GET {path} answers, and the description knows only {', '.join(sorted(declared[path]))} there."
        baseline = next((one.answer for one in survey.calls()), attack)
        place = Location(operation=f"GET {path}", url=ask.path)
        seen.append(
            Observation(
                place,
                detail,
                proof(baseline, attack, control, again),
                cause=f"undeclared GET {path}",
                confidence=Confidence.CONFIRMED,
            )
        )
    return seen


def _allowed(value: str | None) -> set[str]:
    return {one.strip().upper() for one in (value or "").split(",") if one.strip()}

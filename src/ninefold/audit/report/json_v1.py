"""The machine's report, version 1: everything that the audit knows. The file's name carries the version.

`json_v1.schema.json` beside this file is its JSON Schema. Within version 1 members are added, never taken or changed;
`read` passes over those that it does not know.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ninefold.audit.finding import Audit, Clause, Collected, Errored, Finding, Outcome, Passed, Skipped
from ninefold.audit.report.card import tiles, verdict
from ninefold.audit.report.text import writable
from ninefold.audit.score import score
from ninefold.audit.signs.order import RULES
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ninefold.audit.rule import Rule

FORMAT = "ninefold.audit/1"
_KINDS: dict[str, type[Outcome]] = {"finding": Finding, "skipped": Skipped, "errored": Errored, "passed": Passed}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_YEAR_10000 = 253_402_300_800
_REMEDY = "make it with `ninefold audit --json FILE`"


class _Head(msgspec.Struct):
    kind: Literal["finding", "skipped", "errored", "passed"]
    sign: Annotated[int, msgspec.Meta(ge=1, le=9)]


class _Document(msgspec.Struct):
    format: str
    target: str
    started: Annotated[float, msgspec.Meta(ge=0, lt=_YEAR_10000)]
    took: Annotated[float, msgspec.Meta(ge=0, lt=_YEAR_10000)]
    requests: Annotated[int, msgspec.Meta(ge=0)]
    ninefold: str
    outcomes: list[dict[str, Any]]
    url: str = ""
    description: str = ""
    source: str = ""
    left: tuple[str, ...] = ()
    clauses: list[Clause] = []
    stale: list[str] = []
    notes: tuple[str, ...] = ()
    collected: tuple[Collected, ...] = ()


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """Indented JSON with a line's end."""
    here = {one.rule for one in audit.outcomes}
    document = {
        "format": FORMAT,
        "ninefold": audit.ninefold,
        "verdict": verdict(audit),
        "target": audit.target,
        "url": audit.url,
        "description": audit.description,
        "source": audit.source,
        "started": audit.started,
        "took": audit.took,
        "requests": audit.requests,
        "left": audit.left,
        **({"notes": audit.notes} if audit.notes else {}),
        "signs": [
            {
                "sign": tile.number,
                "title": tile.title,
                "state": tile.state,
                "findings": len(tile.findings),
                "notices": len(tile.notices),
                "excused": len(tile.excused),
                "passed": tile.passed,
                "skipped": tile.skipped,
                "errored": tile.errored,
            }
            for tile in tiles(audit)
        ],
        "score": _score(audit, rules),
        **({"collected": [msgspec.to_builtins(one) for one in audit.collected]} if audit.collected else {}),
        "clauses": [msgspec.to_builtins(one) for one in audit.clauses],
        "stale": list(audit.stale),
        "rules": [_rule(rule) for rule in rules if rule.id in here],
        "outcomes": [{"kind": _NAMES[type(one)], **msgspec.to_builtins(one)} for one in audit.outcomes],
    }
    return msgspec.json.format(msgspec.json.encode(writable(document)), indent=2).decode() + "\n"


def _score(audit: Audit, rules: Sequence[Rule]) -> dict[str, Any]:
    """Made anew from the outcomes by whoever reads the report: it is here for those who do not."""
    told = score(audit, rules=rules)
    return {
        "score": told.whole.score,
        "letter": told.whole.letter,
        "standing": told.standing,
        "coverage": told.whole.coverage,
        "checked": told.whole.checked,
        "applies": told.whole.applies,
        "cap": told.whole.cap,
        "signs": [msgspec.to_builtins(one) for one in told.signs],
        "charges": [{**msgspec.to_builtins(one), "points": round(one.points, 2)} for one in told.charges],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "sign": rule.sign,
        "method": rule.method,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "title": rule.title,
        "owasp": rule.owasp,
        "cwe": rule.cwe,
        "asvs": rule.asvs,
        "why": rule.why,
        "remedy": rule.remedy,
        "contract": rule.contract,
    }


def read(text: str | bytes, file: str = "") -> Audit:
    """The audit that was rendered. `file` is what errors name. Raises `FileError` for what is no such report."""
    place = Place(file) if file else None
    try:
        document = msgspec.json.decode(text, type=_Document)
        if document.format != FORMAT:
            raise FileError(
                f"this report has the form {document.format!r}, and this Ninefold reads {FORMAT!r}",
                place=place,
                remedy="audit again, or read it with the Ninefold that wrote it",
            )
        outcomes = tuple(_outcome(one, at) for at, one in enumerate(document.outcomes))
    except msgspec.ValidationError as fault:
        raise FileError(f"this is no audit report: {fault}", place=place, remedy=_REMEDY) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise FileError(f"this is no JSON: {fault}", place=_where(text, file), remedy=_REMEDY) from None
    return Audit(
        target=document.target,
        started=document.started,
        took=document.took,
        requests=document.requests,
        ninefold=document.ninefold,
        outcomes=outcomes,
        url=document.url,
        description=document.description,
        source=document.source,
        left=document.left,
        clauses=tuple(document.clauses),
        stale=tuple(document.stale),
        notes=document.notes,
        collected=document.collected,
    )


def _outcome(raw: dict[str, Any], at: int) -> Outcome:
    try:
        return msgspec.convert(raw, _KINDS[msgspec.convert(raw, _Head).kind])
    except msgspec.ValidationError as fault:
        raise msgspec.ValidationError(f"{fault} (in `$.outcomes[{at}]`)") from None


def _where(text: str | bytes, file: str) -> Place | None:
    """The line and column at which JSON ends to be JSON."""
    if not file:
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as fault:
        return Place(file, fault.lineno, fault.colno)
    except (ValueError, RecursionError):
        pass
    return Place(file)

"""The machine's report, version 1: everything that the audit knows. The file's name carries the version."""

from __future__ import annotations

from typing import Any

import msgspec

from ninefold.audit.finding import Audit, Errored, Finding, Outcome, Passed, Skipped
from ninefold.audit.report.card import rule_of, tiles, verdict
from ninefold.errors import FileError

FORMAT = "ninefold.audit/1"
_KINDS: dict[str, type[Outcome]] = {"finding": Finding, "skipped": Skipped, "errored": Errored, "passed": Passed}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def render(audit: Audit) -> str:
    """Indented JSON with a line's end."""
    document = {
        "format": FORMAT,
        "verdict": verdict(audit),
        "target": audit.target,
        "started": audit.started,
        "took": audit.took,
        "requests": audit.requests,
        "ninefold": audit.ninefold,
        "signs": [{"sign": tile.number, "title": tile.title, "state": tile.state} for tile in tiles(audit)],
        "outcomes": [_outcome(one) for one in audit.outcomes],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _outcome(one: Outcome) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": _NAMES[type(one)], **msgspec.to_builtins(one)}
    if isinstance(one, Finding) and (rule := rule_of(one.rule)) is not None:
        fields |= {"owasp": rule.owasp, "cwe": rule.cwe, "asvs": rule.asvs}
    return fields


def read(text: str | bytes) -> Audit:
    """The audit that was rendered. Raises `FileError` for what is no such report."""
    try:
        document = msgspec.json.decode(text)
        if document.get("format") != FORMAT:
            raise FileError(f"is no report of the form {FORMAT}", remedy="make it with `ninefold audit --json FILE`")
        return Audit(
            target=document["target"],
            started=document["started"],
            took=document["took"],
            requests=document["requests"],
            ninefold=document["ninefold"],
            outcomes=tuple(msgspec.convert(one, _KINDS[one["kind"]]) for one in document["outcomes"]),
        )
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as fault:
        raise FileError(f"is no audit report ({fault})", remedy="make it with `ninefold audit --json FILE`") from None

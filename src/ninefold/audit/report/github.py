"""Workflow commands of GitHub Actions: an annotation on the line, as many as GitHub shows, and the rest counted.

GitHub shows ten of each level for a step, and drops the others without a word: so the last of each level is a summary.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ninefold.audit.finding import Errored, Method, Severity, Skipped
from ninefold.audit.report.card import ordered, verdict
from ninefold.audit.report.sarif import below
from ninefold.audit.report.text import count, line, visible, written
from ninefold.audit.score import score
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ninefold.audit.finding import Audit, Finding
    from ninefold.audit.rule import Rule

#: Annotations of one level that a step may have.
SHOWN = 10

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """Lines of commands, and the verdict as the last."""
    lines: list[str] = []
    for level in ("error", "warning", "notice"):
        mine = [one for one in ordered(audit) if _LEVELS[one.severity] == level]
        kept = mine if len(mine) <= SHOWN else mine[: SHOWN - 1]
        lines += [_annotation(level, one, audit) for one in kept]
        if left := len(mine) - len(kept):
            lines.append(
                _command(level, f"{count(left, 'more finding')} of this level; the report has them", "Ninefold")
            )
    missed = [one for one in audit.outcomes if isinstance(one, Errored) or (isinstance(one, Skipped) and one.asked)]
    if missed:
        told = ", ".join(dict.fromkeys(line(one.rule, 60) for one in missed[:20]))
        lines.append(_data(f"Ninefold could not check {count(len(missed), 'rule')}: {told}"))
    lines += [_data(f"Ninefold: an excuse of the baseline fits nothing: {one}") for one in audit.stale[:SHOWN]]
    lines.append(_data(f"Ninefold: {verdict(audit)}. Score: {score(audit, rules=rules).told}."))
    return written("\n".join(lines)) + "\n"


def _annotation(level: str, finding: Finding, audit: Audit) -> str:
    place = next((one for one in finding.places if one.file), None)
    root = audit.source if finding.method is Method.STATIC else ""
    file = below(root, place.file) if place else audit.description
    where = "" if file == place_of(finding) else f" At {place_of(finding)}."
    excuse = f" ({finding.excuse})" if finding.excuse else ""
    text = f"{line(finding.detail, 500)}{where}{excuse} Fix: {line(finding.remedy, 300)}"
    title = f"{finding.severity.value}: {finding.title}"
    return _command(level, text, title, PurePath(file).as_posix() if file else "", place.line if place else 0)


def place_of(finding: Finding) -> str:
    """The first place, and how many more there are."""
    if not finding.places:
        return "the API"
    more = len(finding.places) - 1
    return line(str(finding.places[0]), 120) + (f" and {count(more, 'more place')}" if more else "")


def _command(level: str, text: str, title: str, file: str = "", number: int = 0) -> str:
    fields = [f"file={_property(file)}"] if file else []
    fields += [f"line={number}"] if file and number else []
    fields.append(f"title={_property(title)}")
    return f"::{level} {','.join(fields)}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """Data of a command, as `@actions/core` escapes it."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(line(text)).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    """A line of the log that is no command, whatever stands in it."""
    return line(text, 1000).replace("::", ": :")

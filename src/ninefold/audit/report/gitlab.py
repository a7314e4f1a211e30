"""GitLab: the Code Quality report (an array of issues on lines of files), which every tier shows in a merge request.

The format has a file and a line for each issue, and no place for anything else: what stands on none is on the
description, or else on the name of what was audited.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.finding import Method, Severity
from ninefold.audit.report.card import ordered
from ninefold.audit.report.github import place_of
from ninefold.audit.report.sarif import below
from ninefold.audit.report.text import line, writable

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit, Finding

#: Most issues of a report; a merge request has no use for more, and the worst come first.
MOST = 5000

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def render(audit: Audit) -> str:
    """A JSON array. Fingerprints are those of the findings, told apart where two are the same."""
    issues: dict[str, dict[str, Any]] = {}
    for one in ordered(audit)[:MOST]:
        issue = _issue(one, audit)
        name, nth = issue["fingerprint"], 1
        while issue["fingerprint"] in issues:
            nth += 1
            issue["fingerprint"] = hashlib.sha256(f"{name} {nth}".encode()).hexdigest()[:32]
        issues[issue["fingerprint"]] = issue
    return msgspec.json.format(msgspec.json.encode(writable(list(issues.values()))), indent=2).decode() + "\n"


def _issue(finding: Finding, audit: Audit) -> dict[str, Any]:
    file, number = stands(finding, audit)
    where = "" if any(one.file for one in finding.places) else f" At {place_of(finding)}."
    return {
        "description": line(f"{finding.title}: {finding.detail}{where}", 1000),
        "check_name": line(finding.rule),
        "fingerprint": line(finding.fingerprint) or "0",
        "severity": _SEVERITIES[finding.severity],
        "categories": ["Security"],
        "location": {"path": file, "lines": {"begin": number}},
    }


def stands(finding: Finding, audit: Audit) -> tuple[str, int]:
    """The file and line of its first place that has one; else the description's first line."""
    place = next((one for one in finding.places if one.file), None)
    root = audit.source if finding.method is Method.STATIC else ""
    file = below(root, place.file) if place else audit.description or "openapi.yaml"
    return _relative(file), max(1, place.line if place else 1)


def _relative(file: str) -> str:
    """GitLab takes paths below the repository, and without a leading `./`."""
    return PurePath(line(file, 500)).as_posix().lstrip("/") or "openapi.yaml"

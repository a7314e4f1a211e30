"""GitLab's security report of kind SAST (security-report-schemas, version 15.0): for its dashboards and merge requests.

It has a file and a line for each vulnerability. Of a finding on the running API that is the description, and its place and
the line that shows it again are in its words. What did not run is no part of this form but as a message.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.finding import Confidence, Errored, Severity, Skipped
from ninefold.audit.report.card import known, ordered, verdict
from ninefold.audit.report.evidence import again
from ninefold.audit.report.github import place_of
from ninefold.audit.report.gitlab import MOST, stands
from ninefold.audit.report.markdown import block, escaped
from ninefold.audit.report.standards import cwe, owasp
from ninefold.audit.report.text import line, writable
from ninefold.audit.score import score
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.finding import Audit, Finding
    from ninefold.audit.rule import Rule

VERSION = "15.0.6"
_TOOL = {
    "id": "ninefold",
    "name": "Ninefold",
    "vendor": {"name": "Ninefold"},
    "url": "https://pypi.org/project/ninefold/",
}
#: Names the vulnerabilities of this report; the names are of the findings, so that they stay.
_SPACE = uuid.UUID("6f0a1c52-5f0b-5d6e-9a55-0d9f6b1d9e09")
_SEVERITIES = {one: one.value.capitalize() for one in Severity}


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """A JSON document. What a baseline excuses is left out, and so are all beyond the `MOST` worst."""
    by_id = known(rules)
    made: dict[str, dict[str, Any]] = {}
    for one in ordered(audit)[:MOST]:
        told = _vulnerability(one, audit, by_id)
        nth = 1
        while told["id"] in made:
            nth += 1
            told["id"] = str(uuid.uuid5(_SPACE, f"{one.rule} {one.fingerprint} {nth}"))
        made[told["id"]] = told
    tool = {**_TOOL, "version": line(audit.ninefold, 40) or "0"}
    document = {
        "version": VERSION,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": "sast",
            "status": "failure" if any(isinstance(one, Errored) for one in audit.outcomes) else "success",
            "start_time": _time(audit.started),
            "end_time": _time(audit.started + audit.took),
            "messages": _messages(audit, rules),
        },
        "vulnerabilities": list(made.values()),
    }
    return msgspec.json.format(msgspec.json.encode(writable(document)), indent=2).decode() + "\n"


def _messages(audit: Audit, rules: Sequence[Rule]) -> list[dict[str, str]]:
    missed = [one for one in audit.outcomes if isinstance(one, Errored) or (isinstance(one, Skipped) and one.applies)]
    told = [f"{verdict(audit)}. Score: {score(audit, rules=rules).told}."]
    told += [f"Not verified: {line(one.rule, 80)}: {line(one.reason)}" for one in missed[:100]]
    return [{"level": "info" if at == 0 else "warn", "value": value} for at, value in enumerate(told)]


def _vulnerability(finding: Finding, audit: Audit, rules: Mapping[str, Rule]) -> dict[str, Any]:
    file, number = stands(finding, audit)
    rule = rules.get(finding.rule)
    shell = again(finding)
    words = [escaped(finding.detail, 4000), f"At {escaped(place_of(finding), 300)}."]
    words += [escaped(rule.why, 1000)] if rule else []
    words += (
        [f"It is {finding.confidence.value}, and not proven."] if finding.confidence is Confidence.SUSPECTED else []
    )
    words += [f"Again:\n\n{block(shell, 'sh')}"] if shell else []
    name = line(finding.rule, 80) or "unknown"
    identifiers = [{"type": "ninefold_rule", "name": f"Ninefold {name}", "value": name}]
    if rule:
        weakness, risk = cwe(rule.cwe), owasp(rule.owasp)
        if weakness.url:
            number_of = rule.cwe.removeprefix("CWE-")
            identifiers.append({"type": "cwe", "name": weakness.label, "value": number_of, "url": weakness.url})
        if risk.url:
            identifiers.append({"type": "owasp", "name": risk.label, "value": rule.owasp, "url": risk.url})
    return {
        "id": str(uuid.uuid5(_SPACE, f"{finding.rule} {finding.fingerprint}".encode("utf-8", "replace").decode())),
        "name": line(finding.title, 250),
        "description": "\n\n".join(words),
        "severity": _SEVERITIES[finding.severity],
        "solution": line(finding.remedy, 6000),
        "identifiers": identifiers,
        "location": {"file": file, "start_line": number},
        "details": {"fingerprint": {"type": "text", "name": "Fingerprint", "value": line(finding.fingerprint)}},
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")

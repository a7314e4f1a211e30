"""SARIF 2.1.0 (OASIS), for code scanning: rules with their help, findings with stable fingerprints, what was not looked at.

Code scanning refuses a whole file for one location that is only a name, or that is a URL. So a location always stands on
a file, the description where there is no other, and a finding without any file has its places in its message alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ninefold.audit.finding import Errored, Finding, Method, Severity, Skipped
from ninefold.audit.inputs.name import is_app, is_url
from ninefold.audit.report.card import known, verdict
from ninefold.audit.report.evidence import again
from ninefold.audit.report.standards import cwe, owasp
from ninefold.audit.report.text import writable
from ninefold.audit.score import score
from ninefold.audit.signs.order import RULES, SIGNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ninefold.audit.finding import Audit, Location
    from ninefold.audit.rule import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://pypi.org/project/ninefold/"
#: Most places that a result lists; its message says how many there are.
_PLACES = 20
#: Most results of a run that code scanning takes; the worst are kept, and the rest is counted.
_RESULTS = 5000
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
#: What code scanning sorts by, on CVSS's scale.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}


def render(audit: Audit, *, rules: Sequence[Rule] = RULES) -> str:
    """A SARIF log with one run."""
    by_id = known(rules)
    names = list(dict.fromkeys(one.rule for one in audit.outcomes))
    index = {name: at for at, name in enumerate(names)}
    findings = [one for one in audit.outcomes if isinstance(one, Finding)]
    kept = sorted(findings, key=lambda one: (one.baselined, -one.severity.rank))[:_RESULTS]
    results = [_result(one, audit, index) for one in (findings if len(findings) <= _RESULTS else kept)]
    run = {
        "tool": {
            "driver": {
                "name": "Ninefold",
                "version": audit.ninefold,
                "informationUri": _HOME,
                "rules": [_rule(by_id[name]) if name in by_id else {"id": name} for name in names],
            }
        },
        "invocations": [_invocation(audit, index)],
        "results": results,
        "properties": {
            "target": audit.target,
            "verdict": verdict(audit),
            "requests": audit.requests,
            "left": list(audit.left),
            "score": _score(audit, rules),
            "stale": list(audit.stale),
            "left_out": len(findings) - len(results),
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(writable(log)), indent=2).decode() + "\n"


def _score(audit: Audit, rules: Sequence[Rule]) -> dict[str, Any]:
    told = score(audit, rules=rules)
    return {
        "score": told.whole.score,
        "letter": told.whole.letter,
        "standing": told.standing,
        "coverage": told.whole.coverage,
        "signs": {
            str(one.sign): {"score": one.score, "letter": one.letter, "coverage": one.coverage} for one in told.signs
        },
    }


def _rule(rule: Rule) -> dict[str, Any]:
    risk, weakness = owasp(rule.owasp), cwe(rule.cwe)
    sign = next(one for one in SIGNS if one.number == rule.sign)
    lines = f"\n\nThe contract lines that close it:\n\n```yaml\n{rule.contract.rstrip()}\n```" if rule.contract else ""
    seen = ", ".join(f"[{one.label}]({one.url})" if one.url else one.label for one in (risk, weakness))
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why}\n\n{rule.remedy}{lines}",
            "markdown": f"{rule.why}\n\n**What to do.** {rule.remedy}{lines}\n\n{seen}, ASVS 5.0 {rule.asvs}",
        },
        "helpUri": risk.url or weakness.url or _HOME,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": [
                "security",
                f"external/cwe/{rule.cwe.lower()}",
                f"external/owasp/{rule.owasp.lower()}",
                f"external/asvs/{rule.asvs.lower()}",
                f"ninefold/sign-{rule.sign}-{sign.name}",
            ],
            "security-severity": _SCORES[rule.severity],
            "precision": "very-high" if rule.confidence.value == "confirmed" else "medium",
            "problem.severity": {"error": "error", "warning": "warning"}.get(_LEVELS[rule.severity], "recommendation"),
        },
    }


def _invocation(audit: Audit, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "executionSuccessful": not any(isinstance(one, Errored) for one in audit.outcomes),
        "startTimeUtc": _time(audit.started),
        "endTimeUtc": _time(audit.started + audit.took),
        "toolExecutionNotifications": [
            {
                "descriptor": {"id": "rule-failed" if isinstance(one, Errored) else "rule-skipped"},
                "associatedRule": {"id": one.rule, "index": index[one.rule]},
                "level": "error" if isinstance(one, Errored) else "warning" if one.asked else "note",
                "message": {"text": f"{one.rule}: {one.reason}"},
            }
            for one in audit.outcomes
            if isinstance(one, Errored | Skipped)
        ],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _result(one: Finding, audit: Audit, index: Mapping[str, int]) -> dict[str, Any]:
    locations = [found for place in one.places[:_PLACES] if (found := _location(place, one, audit))]
    unfiled = "" if locations else "".join(f"\nat {place}" for place in one.places[:_PLACES])
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": index[one.rule],
        "level": _LEVELS[one.severity],
        "message": {"text": f"{one.title}: {one.detail}{unfiled}\n{one.remedy}"},
        "locations": locations,
        "partialFingerprints": {"ninefold/v1": one.fingerprint},
        "properties": {
            "sign": one.sign,
            "severity": one.severity,
            "confidence": one.confidence,
            "method": one.method,
            "security-severity": _SCORES[one.severity],
        },
    }
    if line := again(one):
        result["properties"]["again"] = line
    if one.baselined:
        result["baselineState"] = "unchanged"
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": one.excuse or "accepted in the baseline"}
        ]
    return result


def _location(place: Location, finding: Finding, audit: Audit) -> dict[str, Any] | None:
    if place.file:
        root = audit.source if finding.method is Method.STATIC else ""
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(below(root, place.file))}}
        if place.line:
            physical["region"] = {"startLine": place.line}
    elif audit.description and not is_url(audit.description) and not is_app(audit.description):
        physical = {"artifactLocation": {"uri": _uri(audit.description)}}
    else:
        return None
    names = (("function", place.operation), ("object", place.pointer), ("resource", place.url))
    logical = [{"fullyQualifiedName": name, "kind": kind} for kind, name in names if name]
    return {"physicalLocation": physical} | ({"logicalLocations": logical} if logical else {})


def below(root: str, file: str) -> str:
    """A file of the source as it is seen from where the audit ran. A source that is one file (`app.py`) is that file."""
    whole = PurePath(root)
    if not root or PurePath(file).is_absolute():
        return file
    return root if whole.suffix and whole.name == file else str(whole / file)


def _uri(path: str) -> str:
    """A path as a URI reference (RFC 3986): relative as it is, absolute with its scheme (RFC 8089)."""
    text = quote(writable(PurePath(path).as_posix()), safe="/")
    return f"file://{text}" if text.startswith("/") else text

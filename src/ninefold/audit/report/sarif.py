"""SARIF 2.1.0 (OASIS), for code scanning: rules with their help, findings with stable fingerprints, what was not looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.finding import Errored, Finding, Severity, Skipped
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit, Location
    from ninefold.audit.rule import Rule

_LEVELS = {
    Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note", Severity.INFO: "note",
}  # fmt: skip
#: What code scanning sorts by, on CVSS's scale.
_SCORES = {
    Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0", Severity.INFO: "0.0",
}  # fmt: skip


def render(audit: Audit) -> str:
    """A SARIF log with one run."""
    findings = [one for one in audit.outcomes if isinstance(one, Finding)]
    used = [rule for rule in RULES if any(one.rule == rule.id for one in audit.outcomes)]
    places = {rule.id: place for place, rule in enumerate(used)}
    ended = datetime.fromtimestamp(audit.started + audit.took, UTC)
    invocation = {
        "executionSuccessful": not any(isinstance(one, Errored) for one in audit.outcomes),
        "startTimeUtc": datetime.fromtimestamp(audit.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endTimeUtc": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "toolExecutionNotifications": [
            {
                "level": "error" if isinstance(one, Errored) else "note",
                "message": {"text": f"{one.rule}: {one.reason}"},
                "associatedRule": {"id": one.rule},
            }
            for one in audit.outcomes
            if isinstance(one, Errored | Skipped)
        ],
    }
    driver = {
        "name": "Ninefold",
        "version": audit.ninefold,
        "informationUri": "https://pypi.org/project/ninefold/",
        "rules": [_rule(rule) for rule in used],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "results": [_result(one, places) for one in findings],
    }
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.remedy}\n\n{rule.contract}".rstrip()},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": [
                "security",
                f"sign-{rule.sign}",
                f"external/cwe/{rule.cwe.lower()}",
                rule.owasp,
                f"ASVS-5.0-{rule.asvs}",
            ],
            "security-severity": _SCORES[rule.severity],
            "precision": "very-high" if rule.confidence.value == "confirmed" else "medium",
        },
    }


def _result(one: Finding, places: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "level": _LEVELS[one.severity],
        "kind": "fail" if one.confidence.value == "confirmed" else "review",
        "message": {"text": f"{one.title}: {one.detail}\n{one.remedy}"},
        "locations": [_location(place) for place in one.places[:10]],
        "partialFingerprints": {"ninefold/v1": one.fingerprint},
        "properties": {"sign": one.sign, "confidence": one.confidence.value, "severity": one.severity.value},
    }
    if one.rule in places:
        result["ruleIndex"] = places[one.rule]
    if one.confidence.value != "confirmed":
        del result["level"]  # section 3.27.10: only a `fail` has one
    if one.baselined:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _location(place: Location) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if place.file:
        location["physicalLocation"] = {"artifactLocation": {"uri": place.file.replace("\\", "/").lstrip("/")}}
        if place.line:
            location["physicalLocation"]["region"] = {"startLine": place.line}
    name = place.operation or place.pointer or place.url
    if name:
        location["logicalLocations"] = [
            {"fullyQualifiedName": name, "kind": "function" if place.operation else "resource"}
        ]
    return location

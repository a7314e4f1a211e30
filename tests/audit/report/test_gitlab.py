from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator

from ninefold.audit.finding import Location
from ninefold.audit.report.gitlab import MOST, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit

#: GitLab's documentation of the Code Quality report: the fields that it needs.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.]|^\\.[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def test_the_golden_report(sample: Audit, golden: Callable[[str, str], None]) -> None:
    golden("report.gitlab.json", render(sample))


def test_it_has_what_gitlab_needs(sample: Audit, nothing: Audit, clean: Audit) -> None:
    for audit in (sample, nothing, clean):
        Draft202012Validator(SCHEMA).validate(json.loads(render(audit)))
    assert json.loads(render(clean)) == []


def test_fingerprints_are_the_findings_own_and_told_apart(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    first = sample.findings[0]
    told = [one["fingerprint"] for one in json.loads(render(audit_of((first, first))))]
    assert told[0] == first.fingerprint
    assert len(set(told)) == 2


def test_a_place_is_below_the_repository(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    of = replace(sample.findings[0], places=(Location(file="/srv/app.log", line=0),))
    assert json.loads(render(audit_of((of,))))[0]["location"] == {"path": "srv/app.log", "lines": {"begin": 1}}


def test_there_are_never_too_many(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    many = tuple(replace(sample.findings[0], fingerprint=str(at)) for at in range(MOST + 10))
    assert len(json.loads(render(audit_of(many)))) == MOST

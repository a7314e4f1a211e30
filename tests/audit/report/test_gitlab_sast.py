from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Exchange, Location
from ninefold.audit.report.gitlab_sast import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule


def _read(audit: Audit, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(audit, **more))
    return document


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    golden("report.gitlab-sast.json", render(sample, rules=rules))


def test_it_has_what_the_form_needs(sample: Audit, nothing: Audit, clean: Audit) -> None:
    """The required members and patterns of sast-report-format.json, 15.0."""
    for audit in (sample, nothing, clean):
        document = _read(audit)
        assert re.fullmatch(r"\d+\.\d+\.\d+", document["version"])
        scan = document["scan"]
        assert scan["type"] == "sast"
        assert scan["status"] in {"success", "failure"}
        for when in ("start_time", "end_time"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", scan[when])
        for who in ("analyzer", "scanner"):
            assert all(scan[who][name] for name in ("id", "name", "version"))
            assert scan[who]["vendor"]["name"]
        assert all(set(one) == {"level", "value"} for one in scan["messages"])
        for one in document["vulnerabilities"]:
            uuid.UUID(one["id"])
            assert one["severity"] in {"Info", "Unknown", "Low", "Medium", "High", "Critical"}
            assert len(one["name"]) <= 255
            assert len(one["solution"]) <= 7000
            assert one["location"]["start_line"] >= 1
            assert all(each[name] for each in one["identifiers"] for name in ("type", "name", "value"))


def test_a_finding_keeps_its_id_and_two_have_two(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    first = sample.findings[0]
    alone = _read(audit_of((first,)))["vulnerabilities"]
    twice = _read(audit_of((first, replace(first, detail="other"))))["vulnerabilities"]
    assert alone[0]["id"] in {one["id"] for one in twice}
    assert len({one["id"] for one in twice}) == 2


def test_what_the_api_said_is_no_markup(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    hostile = "![x](http://evil.example) <img src=x> @octocat"
    shown = replace(
        sample.findings[0],
        detail=hostile,
        places=(Location(url=hostile),),
        evidence=(Exchange("attack", "GET /", "200", "curl '```\n<img>'"),),
    )
    words = _read(audit_of((shown,)))["vulnerabilities"][0]["description"]
    outside = re.sub(r"(`{3,}).*?\1", "", words, flags=re.DOTALL)
    assert not any(one in outside for one in ("![", "<img", "@octocat", "http:"))


def test_what_did_not_run_is_said(nothing: Audit, sample: Audit, rules: tuple[Rule, ...]) -> None:
    told = [one["value"] for one in _read(nothing)["scan"]["messages"]]
    assert told[0].startswith("0 of 9 signs, 9 unknown. Score: no letter")
    assert any("limits-burst" in one for one in told[1:])
    assert _read(nothing)["scan"]["status"] == "failure"
    assert "Score: F" in _read(sample, rules=rules)["scan"]["messages"][0]["value"]

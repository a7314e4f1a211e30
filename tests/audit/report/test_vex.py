"""What an audit says of flaws is in triage until somebody decides; what it writes it also takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ninefold.audit.assess import assess
from ninefold.audit.report.vex import render_vex
from ninefold.audit.supply import Supply
from ninefold.audit.target import Target
from ninefold.audit.vex import read_vex

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_000_000.0


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "requirements.txt").write_text("jinja2==2.11\nflask==1.0\nopen\n")
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0"}]}
    severity = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    records = [
        {
            "id": f"GHSA-{name}",
            "aliases": [f"CVE-2026-{number}"],
            "modified": "2026-11-10T00:00:00Z",
            "summary": "bad",
            "severity": severity,
            "affected": [{"package": {"ecosystem": "PyPI", "name": name}, "ranges": [span]}],
        }
        for name, number in (("jinja2", 1111), ("flask", 2222))
    ]
    (tmp_path / "osv.json").write_text(json.dumps(records))
    return Target(now=NOW, source=tmp_path / "src", advisories=tmp_path / "osv.json")


def rendered(target: Target) -> dict[str, Any]:
    text = render_vex(assess(target), NOW)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    made: dict[str, Any] = json.loads(text)
    return made


def test_it_is_in_triage_with_its_rating_and_way_out(target: Target) -> None:
    told = rendered(target)
    one = next(one for one in told["vulnerabilities"] if one["id"] == "CVE-2026-1111")
    assert one["analysis"] == {"state": "in_triage"}
    assert one["affects"] == [{"ref": "pkg:pypi/jinja2@2.11"}]
    assert one["ratings"][0] | {"vector": ""} == {
        "score": 9.8,
        "severity": "critical",
        "method": "CVSSv31",
        "vector": "",
    }
    assert one["recommendation"] == "Raise jinja2 to 3.0."
    assert [ref["id"] for ref in one["references"]] == ["GHSA-jinja2"]
    properties = {one["name"]: one["value"] for one in told["properties"]}
    assert "1 of 3 dependencies have no exact version" in properties["ninefold:unverified"]
    assert "PyPI 2 records of 2026-11-10" in properties["ninefold:source"]


@pytest.mark.parametrize(
    ("analysis", "state"),
    [
        ({"state": "not_affected", "justification": "code_not_reachable"}, "not_affected"),
        ({"state": "false_positive", "detail": "another package"}, "not_affected"),
        ({"state": "exploitable", "detail": "tried"}, "exploitable"),
    ],
)
def test_what_was_decided_comes_out_as_it_went_in(
    target: Target, tmp_path: Path, analysis: dict[str, str], state: str
) -> None:
    written = rendered(target)
    one = next(one for one in written["vulnerabilities"] if one["id"] == "CVE-2026-1111")
    one["analysis"] = analysis
    one["properties"] = [{"name": "ninefold:until", "value": "2026-12-31"}]
    (tmp_path / "vex.json").write_text(json.dumps(written))
    said = replace(target, supply=Supply(vex=read_vex(tmp_path / "vex.json")))
    again = {one["id"]: one for one in rendered(said)["vulnerabilities"]}
    assert again["CVE-2026-1111"]["analysis"]["state"] == state
    assert again["CVE-2026-2222"]["analysis"]["state"] == "in_triage"
    assert again["CVE-2026-1111"]["properties"] == [{"name": "ninefold:until", "value": "2026-12-31"}]
    (tmp_path / "again.json").write_text(json.dumps(rendered(said)))
    assert [one.quiet for one in read_vex(tmp_path / "again.json")] == [state == "not_affected"]
    late = replace(said, now=NOW + 90 * 86400)
    assert {one["analysis"]["state"] for one in rendered(late)["vulnerabilities"]} == {"in_triage"}

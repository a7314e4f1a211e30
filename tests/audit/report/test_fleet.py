from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource

from ninefold.audit.fleet import Fleet
from ninefold.audit.report import json_v1
from ninefold.audit.report.fleet import FORMATS, as_terminal, told_of

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit

SARIF = Draft7Validator(json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text()))
HOSTILE = "</td><script>alert(1)</script>\x1b[2J\u202e"


@pytest.fixture
def fleet(sample: Audit) -> Fleet:
    empty = replace(sample, outcomes=(), requests=0)
    return Fleet((("orders", sample), (HOSTILE, empty)), replace(sample, outcomes=sample.outcomes[:1]))


def test_the_verdict_is_of_them_all(fleet: Fleet, sample: Audit) -> None:
    assert told_of(fleet).startswith("2 APIs: ")
    assert fleet.findings[-len(sample.findings) :] == sample.findings


def test_json_holds_each_audit_as_its_own(fleet: Fleet, sample: Audit) -> None:
    document = json.loads(FORMATS["json"](fleet))
    assert document["format"] == "ninefold.fleet/1"
    assert [one["name"] for one in document["apis"]] == ["orders", HOSTILE]
    assert document["apis"][0]["audit"] == json.loads(json_v1.render(sample))
    assert json_v1.read(json.dumps(document["apis"][0]["audit"])) == json_v1.read(json_v1.render(sample))


def test_json_is_as_its_schema_says(fleet: Fleet) -> None:
    folder = files("ninefold.audit.report")
    own, single = (json.loads((folder / f"{name}.schema.json").read_text("utf-8")) for name in ("fleet_v1", "json_v1"))
    Draft202012Validator.check_schema(own)
    registry = Registry().with_resource("urn:ninefold:audit:1", Resource.from_contents(single))
    Draft202012Validator(own, registry=registry).validate(json.loads(FORMATS["json"](fleet)))


def test_sarif_has_a_run_for_each_and_is_valid(fleet: Fleet) -> None:
    log = json.loads(FORMATS["sarif"](fleet))
    SARIF.validate(log)
    names = [run["automationDetails"]["id"] for run in log["runs"]]
    assert len(names) == len(set(names)) == 3


def test_junit_has_the_suites_of_each_and_their_sums(fleet: Fleet) -> None:
    root = fromstring(FORMATS["junit"](fleet).partition("\n")[2])
    assert int(root.get("tests", "0")) == len(root.findall("testsuite/testcase")) > 0
    assert any(str(suite.get("name")).startswith("orders: ") for suite in root)


def test_html_names_each_and_lets_nothing_of_them_run(fleet: Fleet) -> None:
    page = FORMATS["html"](fleet)
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            tags.append(tag)

    Reader().feed(page)
    assert "script" not in tags
    assert tags.count("table") == 1
    assert "\x1b" not in page
    assert "default-src 'none'" in page


def test_the_terminal_shows_each_and_ends_with_the_verdict(fleet: Fleet) -> None:
    text = as_terminal(fleet, width=80)
    assert text.splitlines()[-1] == told_of(fleet)
    assert "\x1b" not in text
    assert "Among the APIs: " in text

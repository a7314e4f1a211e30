from __future__ import annotations

from dataclasses import replace

from ninefold.audit.finding import Confidence, Finding, Location, Method, Severity
from ninefold.audit.report.compact import DETAIL, REMEDY, compact

FINDING = Finding(
    rule="a-rule",
    sign=1,
    severity=Severity.HIGH,
    confidence=Confidence.CONFIRMED,
    method=Method.LIVE,
    title="t",
    detail="It is open.",
    places=(Location(operation="listOrders", url="/orders"), Location(operation="other")),
    evidence=(),
    remedy="Close it.",
    contract="",
    fingerprint="f",
)


def test_a_finding_is_its_place_severity_rule_what_and_fix() -> None:
    assert compact(FINDING) == "listOrders: high a-rule: It is open. fix: Close it."


def test_doubt_is_told() -> None:
    assert compact(replace(FINDING, confidence=Confidence.SUSPECTED)).startswith(
        "listOrders: high (suspected) a-rule: "
    )


def test_a_place_that_is_better_known_stands_in_its_stead() -> None:
    assert compact(FINDING, "openapi.yaml:3:1").startswith("openapi.yaml:3:1: high ")


def test_a_finding_about_no_place_is_about_the_api() -> None:
    assert compact(replace(FINDING, places=(Location(),))).startswith("the API: high ")


def test_whatever_an_api_says_it_stays_one_line_of_bounded_length() -> None:
    hostile = replace(FINDING, detail="a\n::error::b\x1b[2J" + "c" * 9999, places=(Location(url="/\r\n" + "x" * 999),))
    said = compact(hostile)
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said
    assert len(said) < DETAIL + REMEDY + 300

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft4Validator

from ninefold.audit.finding import Confidence, Errored, Exchange, Finding, Location, Method, Severity
from ninefold.audit.report.sarif import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
VALIDATOR = Draft4Validator(SCHEMA)


def _run(audit: Audit, rules: tuple[Rule, ...]) -> dict[str, Any]:
    log = json.loads(render(audit, rules=rules))
    VALIDATOR.validate(log)
    run: dict[str, Any] = log["runs"][0]
    return run


def _result(run: dict[str, Any], rule: str) -> dict[str, Any]:
    return next(one for one in run["results"] if one["ruleId"] == rule)


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    golden("report.sarif", render(sample, rules=rules))


def test_every_audit_keeps_to_the_schema(sample: Audit, clean: Audit, nothing: Audit, rules: tuple[Rule, ...]) -> None:
    for audit in (sample, clean, nothing):
        _run(audit, rules)
        VALIDATOR.validate(json.loads(render(audit)))


def test_each_rule_has_help_a_page_tags_and_a_score(sample: Audit, rules: tuple[Rule, ...]) -> None:
    run = _run(sample, rules)
    told = {one["id"]: one for one in run["tool"]["driver"]["rules"]}
    assert set(told) == {one.rule for one in sample.outcomes}
    rule = told["keys-in-query"]
    assert urlsplit(rule["helpUri"]).hostname == "owasp.org"
    assert {"security", "external/cwe/cwe-598", "ninefold/sign-1-keys"} <= set(rule["properties"]["tags"])
    assert rule["properties"]["security-severity"] == "8.0"
    assert "header: X-API-Key" in rule["help"]["markdown"]
    assert told["rule-of-another-version"] == {"id": "rule-of-another-version"}
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_finding_keeps_its_fingerprint_severity_and_confidence(sample: Audit, rules: tuple[Rule, ...]) -> None:
    result = _result(_run(sample, rules), "filtering-verbose-errors")
    finding = next(one for one in sample.findings if one.rule == "filtering-verbose-errors")
    assert result["partialFingerprints"] == {"ninefold/v1": finding.fingerprint}
    assert result["level"] == "warning"
    assert result["properties"]["confidence"] == "suspected"


def test_an_excused_finding_is_there_and_suppressed(sample: Audit, rules: tuple[Rule, ...]) -> None:
    run = _run(sample, rules)
    result = _result(run, "dependencies-vulnerable")
    assert result["baselineState"] == "unchanged"
    assert result["suppressions"][0]["status"] == "accepted"
    assert sum("suppressions" in one for one in run["results"]) == 1


def test_what_did_not_run_is_told(sample: Audit, clean: Audit, rules: tuple[Rule, ...]) -> None:
    invocation = _run(sample, rules)["invocations"][0]
    assert invocation["executionSuccessful"] is False
    told = {one["associatedRule"]["id"]: one for one in invocation["toolExecutionNotifications"]}
    assert (told["limits-burst"]["level"], told["encryption-old-tls"]["level"]) == ("error", "warning")
    assert _run(clean, rules)["invocations"][0]["executionSuccessful"] is True
    assert invocation["endTimeUtc"] == "2026-11-23T13:31:20Z"


class TestALocation:
    """Code scanning refuses a whole file for one location without a file, or on another scheme than the checkout's."""

    @pytest.fixture
    def places(self, audit_of: Callable[..., Audit]) -> Callable[..., list[dict[str, Any]]]:
        def of(
            place: Location, method: Method = Method.STATIC, *, description: str = "", source: str = ""
        ) -> list[dict[str, Any]]:
            finding = Finding(
                "r",
                1,
                Severity.LOW,
                Confidence.CONFIRMED,
                method,
                "t",
                "d",
                (place,),
                (),
                "fix",
                "",
                "0123456789abcdef",
            )
            run = _run(replace(audit_of((finding,)), description=description, source=source), ())
            found: list[dict[str, Any]] = run["results"][0]["locations"]
            return found

        return of

    def _uri(self, places: list[dict[str, Any]]) -> str:
        uri: str = places[0]["physicalLocation"]["artifactLocation"]["uri"]
        return uri

    def test_in_the_source_is_below_it(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        found = places(Location(file="app/a b.py", line=3), source="shop")
        assert self._uri(found) == "shop/app/a%20b.py"
        assert found[0]["physicalLocation"]["region"] == {"startLine": 3}

    def test_in_a_source_of_one_file_is_that_file(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        assert self._uri(places(Location(file="app.py"), source="shop/app.py")) == "shop/app.py"

    def test_in_the_source_here_is_where_it_is(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        assert self._uri(places(Location(file="app.py"), source=".")) == "app.py"

    def test_that_is_absolute_has_its_scheme(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        assert self._uri(places(Location(file="app.py"), source="/srv/shop")) == "file:///srv/shop/app.py"
        assert self._uri(places(Location(file="/var/log/shop.log"), Method.LIVE)) == "file:///var/log/shop.log"

    def test_of_the_log_is_not_below_the_source(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        assert self._uri(places(Location(file="shop.log"), Method.LIVE, source="shop")) == "shop.log"

    def test_of_an_operation_stands_on_the_description(self, places: Callable[..., list[dict[str, Any]]]) -> None:
        found = places(Location("listOrders", "/paths/~1orders/get", url="/orders"), description="shop/openapi.yaml")
        assert self._uri(found) == "shop/openapi.yaml"
        assert [one["fullyQualifiedName"] for one in found[0]["logicalLocations"]] == [
            "listOrders",
            "/paths/~1orders/get",
            "/orders",
        ]

    def test_without_any_file_is_none_and_the_message_has_it(self, audit_of: Callable[..., Audit]) -> None:
        finding = Finding(
            "r", 1, Severity.LOW, Confidence.CONFIRMED, Method.LIVE, "t", "d", (Location(url="/x"),), (), "fix", "", "0"
        )
        result = _run(replace(audit_of((finding,)), description=""), ())["results"][0]
        assert result["locations"] == []
        assert "at /x" in result["message"]["text"]


def test_a_name_that_is_no_text_does_not_break_it(audit_of: Callable[..., Audit]) -> None:
    finding = Finding(
        "r\udce9",
        1,
        Severity.LOW,
        Confidence.CONFIRMED,
        Method.STATIC,
        "t",
        "d\ud800",
        (Location(file="caf\udce9.py"),),
        (),
        "",
        "",
        "0",
    )
    run = _run(audit_of((finding, Errored("e", 2, Method.LIVE, "\ud800"))), ())
    assert run["results"][0]["ruleId"] == "r\\udce9"


def test_the_run_has_the_score_and_a_result_its_line_for_a_shell(sample: Audit, rules: tuple[Rule, ...]) -> None:
    finding = next(one for one in sample.findings if one.rule == "keys-in-query")
    shown = replace(finding, evidence=(Exchange("attack", "GET / HTTP/1.1", "HTTP/1.1 200", "curl http://a/"),))
    run = _run(replace(sample, outcomes=(shown,)), rules)
    assert run["properties"]["score"]["signs"]["1"] == {"score": 59, "letter": "D", "coverage": 50}
    assert run["properties"]["score"]["standing"] == "withheld"
    assert _result(run, "keys-in-query")["properties"]["again"] == "curl http://a/"


def test_the_worst_results_are_kept_and_the_rest_is_counted(sample: Audit) -> None:
    low = replace(sample.findings[0], severity=Severity.LOW)
    worst = replace(low, severity=Severity.CRITICAL, fingerprint="worst")
    many = tuple(replace(low, fingerprint=str(at)) for at in range(5001))
    run = json.loads(render(replace(sample, outcomes=(*many, worst)), rules=()))["runs"][0]
    assert len(run["results"]) == 5000
    assert run["results"][0]["partialFingerprints"] == {"ninefold/v1": "worst"}
    assert run["properties"]["left_out"] == 2

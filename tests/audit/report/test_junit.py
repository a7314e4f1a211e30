from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring

import pytest

from ninefold.audit.finding import Errored, Method
from ninefold.audit.report.junit import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit


def _cases(root: Element) -> dict[str, Element]:
    return {case.attrib["name"]: case for case in root.iter("testcase")}


def test_the_golden_report(sample: Audit, golden: Callable[[str, str], None]) -> None:
    golden("report.junit.xml", render(sample))


def test_each_rule_is_one_case_that_failed_erred_was_skipped_or_passed(sample: Audit) -> None:
    cases = _cases(fromstring(render(sample)))
    assert set(cases) == {one.rule for one in sample.outcomes}
    ends = {name: [child.tag for child in case] for name, case in cases.items()}
    assert ends["keys-in-query"] == ["failure"]
    assert ends["limits-burst"] == ["error"]
    assert ends["encryption-old-tls"] == ["skipped"]
    assert ends["monitoring-no-request-id"] == []
    assert ends["dependencies-vulnerable"] == ["system-out"], "an excused finding is no failure, and is told"


def test_the_totals_are_those_of_the_suites(sample: Audit) -> None:
    root = fromstring(render(sample))
    assert len(root.findall("testsuite")) == 9
    for name, number in {"tests": 10, "failures": 4, "errors": 1, "skipped": 1}.items():
        assert root.attrib[name] == str(number)
        assert sum(int(suite.attrib[name]) for suite in root) == number


def test_a_failure_tells_where_and_what_to_do(sample: Audit) -> None:
    failure = _cases(fromstring(render(sample)))["keys-in-query"].find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "high", "message": "A key is accepted in the query"}
    assert failure.text is not None
    assert "at listOrders" in failure.text
    assert "header: X-API-Key" in failure.text


@pytest.mark.parametrize("text", ["\x00\x0b\x1b[2J", "\ud800", "\ufffe\uffff", "]]><x>&\"'"])
def test_any_text_makes_valid_xml(audit_of: Callable[..., Audit], text: str) -> None:
    case = _cases(fromstring(render(audit_of((Errored("a" + text, 1, Method.LIVE, text),)))))
    assert len(case) == 1

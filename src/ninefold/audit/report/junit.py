"""JUnit XML: a suite a sign, a case a rule, so that any CI shows what was found."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # writes XML, never reads it

from ninefold.audit.finding import Errored, Finding, Severity, Skipped
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit, Outcome

#: What XML 1.0 (section 2.2) has no place for.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(audit: Audit) -> str:
    """An XML document. A rule is one case: failed, with all its findings; failed to run; skipped; or passed.

    What is of severity `info` is told as output of a case that it does not fail.
    """
    root = Element("testsuites", name=_text(f"ninefold {audit.target}"))
    stamp = datetime.fromtimestamp(audit.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for sign in SIGNS:
        cases: dict[str, list[Outcome]] = {}
        for one in audit.outcomes:
            if one.sign == sign.number:
                cases.setdefault(one.rule, []).append(one)
        suite = SubElement(root, "testsuite", name=f"{sign.number} {sign.title}", timestamp=stamp)
        for rule, outcomes in cases.items():
            _case(SubElement(suite, "testcase", classname=f"ninefold.{sign.name}", name=_text(rule)), outcomes)
        counts = {
            "tests": len(cases),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
            "skipped": len(suite.findall("testcase/skipped")),
        }
        for name, number in counts.items():
            suite.set(name, str(number))
            totals[name] += number
    for name, number in totals.items():
        root.set(name, str(number))
    root.set("time", f"{audit.took:.3f}")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(case: Element, outcomes: list[Outcome]) -> None:
    told = [one for one in outcomes if isinstance(one, Finding) and not one.baselined]
    found = [one for one in told if one.severity is not Severity.INFO]
    notices = [f"for information: {_told(one)}" for one in told if one.severity is Severity.INFO]
    excused = [
        f"excused by the baseline: {_told(one)}" for one in outcomes if isinstance(one, Finding) and one.baselined
    ]
    if found:
        worst = max(found, key=lambda one: one.severity.rank)
        failure = SubElement(case, "failure", type=worst.severity.value, message=_text(worst.title))
        failure.text = _text("\n\n".join(_told(one) for one in found))
    for one in outcomes:
        if isinstance(one, Errored):
            SubElement(case, "error", type="errored", message=_text(one.reason))
        elif isinstance(one, Skipped):
            SubElement(case, "skipped", message=_text(one.reason))
    if notices or excused:
        output = SubElement(case, "system-out")
        output.text = _text("\n\n".join((*notices, *excused)))


def _told(one: Finding) -> str:
    places = "".join(f"\nat {place}" for place in one.places)
    lines = f"\nin the contract:\n{one.contract.rstrip()}" if one.contract else ""
    return f"{one.severity.value}, {one.confidence.value}: {one.detail}{places}\nfix: {one.remedy}{lines}"


def _text(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)

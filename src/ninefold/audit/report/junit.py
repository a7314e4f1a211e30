"""JUnit XML: a suite a sign, a case a rule, so that any CI shows what was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # writes XML, never reads it

from ninefold.audit.finding import Errored, Finding, Skipped
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from ninefold.audit.finding import Audit, Outcome

#: What XML 1.0 (section 2.2) has no place for.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(audit: Audit) -> str:
    """An XML document."""
    root = Element("testsuites", name=_text(f"ninefold {audit.target}"), time=f"{audit.took:.3f}")
    for sign in SIGNS:
        mine = [one for one in audit.outcomes if one.sign == sign.number]
        cases: dict[str, list[Outcome]] = {}
        for one in mine:
            cases.setdefault(one.rule, []).append(one)
        suite = SubElement(
            root,
            "testsuite",
            name=f"{sign.number} {sign.title}",
            tests=str(len(cases)),
            failures=str(sum(any(_found(one) for one in outcomes) for outcomes in cases.values())),
            errors=str(sum(isinstance(one, Errored) for one in mine)),
            skipped=str(sum(isinstance(one, Skipped) for one in mine)),
        )
        for rule, outcomes in cases.items():
            case = SubElement(suite, "testcase", classname=f"ninefold.{sign.name}", name=rule)
            _case(case, outcomes)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _found(one: Outcome) -> bool:
    return isinstance(one, Finding) and not one.baselined


def _case(case: Element, outcomes: list[Outcome]) -> None:
    found = [one for one in outcomes if isinstance(one, Finding) and not one.baselined]
    if found:
        failure = SubElement(case, "failure", type=found[0].severity.value, message=_text(found[0].title))
        failure.text = _text("\n\n".join(_told(one) for one in found))
    for one in outcomes:
        if isinstance(one, Errored):
            SubElement(case, "error", message=_text(one.reason))
        elif isinstance(one, Skipped):
            SubElement(case, "skipped", message=_text(one.reason))


def _told(one: Finding) -> str:
    places = "\n".join(f"at {place}" for place in one.places)
    return f"{one.severity.value}, {one.confidence.value}: {one.detail}\n{places}\nfix: {one.remedy}\n{one.contract}".rstrip()


def _text(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)

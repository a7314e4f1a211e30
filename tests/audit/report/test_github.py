from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ninefold.audit.finding import Location, Severity
from ninefold.audit.report.github import SHOWN, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit
    from ninefold.audit.rule import Rule

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def test_the_golden_report(sample: Audit, rules: tuple[Rule, ...], golden: Callable[[str, str], None]) -> None:
    golden("report.github.txt", render(sample, rules=rules))


def test_a_finding_is_on_its_line_or_on_the_description(sample: Audit) -> None:
    found = [COMMAND.fullmatch(line) for line in render(sample).splitlines() if line.startswith("::")]
    assert all(found)
    fields = [one[2] for one in found if one]
    assert fields[0] == "file=shop/app/settings.py,line=12,title=critical%3A An API key stands in the source"
    assert any(one.startswith("file=shop/openapi.yaml,title=high%3A ") for one in fields)


def test_no_word_of_the_api_is_a_command(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    hostile = "a%0A::error::b\r\n::add-mask::c\n::set-output name=x::y, z: 100%"
    text = render(
        replace(
            audit_of((replace(sample.findings[0], title=hostile, detail=hostile, remedy=hostile),)), stale=(hostile,)
        )
    )
    commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert COMMAND.fullmatch(commands[0])
    assert "%250A" in commands[0]
    assert not any("::" in line for line in text.splitlines() if line not in commands)


def test_ten_of_a_level_and_the_rest_is_counted(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    many = tuple(
        replace(sample.findings[0], severity=one, fingerprint=f"{one}{at}") for one in Severity for at in range(25)
    )
    lines = render(audit_of(many)).splitlines()
    for level, left in (("error", 41), ("warning", 16), ("notice", 41)):
        mine = [line for line in lines if line.startswith(f"::{level} ")]
        assert len(mine) == SHOWN
        assert f"{left} more findings of this level" in mine[-1]


def test_the_last_line_is_the_verdict_and_the_score(sample: Audit, nothing: Audit) -> None:
    assert re.fullmatch(
        r"Ninefold: 3 of 9 signs, 3 unknown\. Score: F, \d+ of 100, \d+ % checked\.", render(sample).splitlines()[-1]
    )
    assert "Ninefold could not check 1 rule: cors-no-vary" in render(nothing)


def test_what_has_no_file_has_no_place(sample: Audit, audit_of: Callable[..., Audit]) -> None:
    audit = replace(audit_of((replace(sample.findings[0], places=(Location(url="/x"),)),)), description="")
    line = render(audit).splitlines()[0]
    assert line.startswith("::error title=")
    assert "At /x." in line

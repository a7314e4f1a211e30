from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

from ninefold.audit.report.compare import compare
from ninefold.audit.report.compare_svg import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit

SVG = "{http://www.w3.org/2000/svg}"


def _words(text: str) -> list[str]:
    return [one.text or "" for one in fromstring(text).iter(f"{SVG}text")]


def test_the_golden_picture(sample: Audit, after: Audit, golden: Callable[[str, str], None]) -> None:
    golden("compare.svg", render(compare(sample, after)))


def test_it_has_both_verdicts_and_a_row_a_sign(sample: Audit, clean: Audit) -> None:
    words = _words(render(compare(sample, clean)))
    assert {"3 of 9 signs", "4 findings, 3 unknown", "0 of 9 signs", "0 findings"} <= set(words)
    assert [one for one in words if one in set("123456789")] == list("123456789")
    assert words.count("shown 2") == 1
    assert words.count("clear") == 9 + 3


def test_what_is_not_proven_is_in_the_picture(sample: Audit, nothing: Audit) -> None:
    assert _words(render(compare(sample, nothing)))[-1].startswith("Not proven: 8 rules did not run again: ")


def test_the_verdict_is_green_only_when_it_is_proven(sample: Audit, clean: Audit) -> None:
    assert 'class="big clear-ink"' not in render(compare(sample, clean))
    assert render(compare(clean, clean)).count('class="big clear-ink"') == 2


def test_it_loads_nothing_and_what_is_hostile_is_text(sample: Audit, clean: Audit, hostile: str) -> None:
    text = render(compare(replace(sample, url=hostile), clean))
    root = fromstring(text)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {"svg", "title", "style", "rect", "path", "text"}
    assert not any("href" in name or name.startswith("on") for one in root.iter() for name in one.attrib)
    assert "url(" not in text
    assert "@import" not in text


def test_no_row_stands_outside(sample: Audit, clean: Audit) -> None:
    root = fromstring(render(compare(sample, clean)))
    height = float(root.attrib["height"])
    assert all(0 < float(one.attrib["y"]) < height for one in root.iter(f"{SVG}text"))

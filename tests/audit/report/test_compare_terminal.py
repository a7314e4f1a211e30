from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.report.compare import compare
from ninefold.audit.report.compare_terminal import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit


@pytest.mark.parametrize("width", [80, 120])
def test_the_golden_cards(sample: Audit, after: Audit, golden: Callable[[str, str], None], width: int) -> None:
    golden(f"compare-{width}.txt", render(compare(sample, after), width=width))


@pytest.mark.parametrize("width", [40, 80, 112, 200])
def test_no_line_is_wider_than_the_terminal(sample: Audit, clean: Audit, width: int) -> None:
    assert max(map(len, render(compare(sample, clean), width=width).splitlines())) <= width


def test_wide_the_cards_stand_side_by_side_and_narrow_one_sign_below_the_other(sample: Audit, clean: Audit) -> None:
    wide = render(compare(sample, clean), width=120).splitlines()
    assert any(re.match(r"1 +Overreliance on API keys +✗ shown \(2\) +✓ clear", line) for line in wide)
    narrow = render(compare(sample, clean), width=80).splitlines()
    at = narrow.index("1  Overreliance on API keys")
    assert narrow[at + 1].startswith("   ✗ shown (2) → ✓ clear")


def test_rules_that_did_not_run_again_are_named_in_red(sample: Audit, nothing: Audit) -> None:
    text = render(compare(sample, nothing), width=2000, colour=True)
    line = next(line for line in text.splitlines() if "not run again: " in line)
    assert line.startswith("\x1b[1;31m")
    for rule in ("keys-in-query", "keys-in-source", "cors-no-vary", "then it is not proven"):
        assert rule in line


def test_the_last_line_is_the_verdict_of_both(sample: Audit, clean: Audit) -> None:
    assert render(compare(sample, clean)).splitlines()[-1] == "3 of 9 signs, 3 unknown before, 0 of 9 signs after"
    assert "All 9 rules that ran before ran again." in render(compare(clean, clean))

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.baseline import Excuse, read_baseline, render_baseline, stale
from ninefold.audit.finding import Confidence, Finding, Location, Method, Passed, Severity, Skipped
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Finding(
    rule="a-rule",
    sign=1,
    severity=Severity.LOW,
    confidence=Confidence.CONFIRMED,
    method=Method.STATIC,
    title="t",
    detail="d",
    places=(Location(operation="a"), Location(file="b.py", line=3)),
    evidence=(),
    remedy="r",
    contract="",
    fingerprint="0123456789abcdef",
)


def test_what_is_written_excuses_the_finding_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(render_baseline([FOUND], "mended with the next release", date(2026, 11, 23)))
    excuse = read_baseline(path)[FOUND.fingerprint]
    assert excuse.reason == "mended with the next release"
    assert excuse.covers(FOUND, 1_795_391_999.0)  # 2026-11-22T23:59:59Z
    assert excuse.covers(FOUND, 1_795_478_399.0)  # 2026-11-23T23:59:59Z
    assert not excuse.covers(FOUND, 1_795_478_400.0)


def excuses(**change: Any) -> str:
    one = {"fingerprint": "f", "rule": "r", "places": ["a"], "reason": "because", "until": "2027-01-01", **change}
    return json.dumps({"ninefold_baseline": 1, "excuses": [{k: v for k, v in one.items() if v is not None}]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"baseline\.json:1:2: the baseline is no JSON"),
        ("[]", "no baseline of version 1"),
        ('{"ninefold_baseline": 2}', "no baseline of version 1"),
        (excuses(reason=" "), "excuse 1 gives no reason"),
        (excuses(until=None), "excuse 1 is not whole"),
        (excuses(until="some day"), "excuse 1 is not whole"),
        (excuses(fingerprint=None), "excuse 1 is not whole"),
        ('{"ninefold_baseline": 1, "excuses": [3]}', "excuse 1 is not whole"),
    ],
)
def test_what_is_no_baseline_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(FileError, match=said):
        read_baseline(path)


def test_a_baseline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_baseline(tmp_path / "none.json")


DAY = 1_795_392_000.0  # 2026-11-23


def _excuse(until: date = date(2027, 1, 1), places: frozenset[str] = frozenset({"a", "b.py"})) -> Excuse:
    return Excuse(FOUND.fingerprint, FOUND.rule, places, "because", until)


@pytest.mark.parametrize(
    ("excuse", "covers", "told"),
    [
        (_excuse(), True, "accepted until 2027-01-01 (because)"),
        (_excuse(date(2026, 1, 1)), False, "accepted until 2026-01-01, now counts again (because)"),
        (_excuse(places=frozenset({"a"})), False, "accepted until 2027-01-01, but not at b.py: counts again (because)"),
    ],
)
def test_an_excuse_says_whether_it_holds_and_why_not(excuse: Excuse, covers: bool, told: str) -> None:
    assert excuse.covers(FOUND, DAY) is covers
    assert excuse.told(FOUND, DAY) == told


def test_an_excuse_that_fits_nothing_is_told_if_its_rule_ran() -> None:
    known = {FOUND.fingerprint: _excuse()}
    gone = Passed(FOUND.rule, 1, Method.STATIC, 1)
    assert stale(known, [gone]) == ("a-rule (0123456789abcdef), accepted until 2027-01-01: because",)
    assert stale(known, [FOUND]) == ()
    assert stale(known, [Skipped(FOUND.rule, 1, Method.STATIC, "why")]) == ()
    assert stale({}, [gone]) == ()

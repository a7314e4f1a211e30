"""Ratios are taken round by round, and what falls short of its bar is said to."""

from __future__ import annotations

from typing import Any

import pytest
from bench.load import Run
from bench.table import markdown, ratio


def _runs(*costs: float) -> list[Run]:
    return [Run(cpu=cost, core=cost, rate=1e6 / cost, p99=1.0) for cost in costs]


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "date": "2026-11-23",
        "machine": {"cpu": "two cores"},
        "connections": 64,
        "rounds": 3,
        "seconds": 1,
        "took": 60,
        "left_out": {"envoy": "it is not installed"},
        "measured": {
            "nginx-lua": {"small": _runs(40, 80, 40), "medium": _runs(100, 100, 100)},
            "ninefold": {"small": _runs(32, 64, 36), "medium": _runs(50, 50, 50)},
        },
    }


def test_a_round_that_was_noisy_for_both_does_not_move_the_ratio(result: dict[str, Any]) -> None:
    assert ratio(result, "nginx-lua", "small") == pytest.approx(0.8)


def test_what_was_not_measured_has_no_ratio(result: dict[str, Any]) -> None:
    assert ratio(result, "envoy", "small") is None
    assert ratio(result, "nginx-lua", "large") is None


def test_the_page_tells_what_holds_what_falls_short_and_who_was_left_out(result: dict[str, Any]) -> None:
    page = markdown(result)
    assert "| nginx-lua | 0.4 kB | 0.80 | 0.85 | holds |" in page
    assert "| nginx-lua | 10 kB | 0.50 | 0.45 | short |" in page
    assert "40.0 (40.0 to 80.0)" in page
    assert "Left out: envoy, because it is not installed." in page

"""The figures as a picture: what each server costs, and how ours grows."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from bench.table import CASES, OURS, middle, values

if TYPE_CHECKING:
    from pathlib import Path

_INK, _MUTED, _GRID = "#24292f", "#8c959f", "#d0d7de"
_COLORS = {OURS: "#0969da", "ninefold-open": "#80b3f0"}


def plot(result: dict[str, Any], stem: Path) -> None:
    """Write `stem`.svg (cost beside the peers) and `stem`-scale.svg (how ours grows)."""
    with rc_context(
        {
            "font.size": 9,
            "text.color": _INK,
            "axes.edgecolor": _GRID,
            "svg.hashsalt": "ninefold",
            "svg.fonttype": "none",
        }
    ):
        _peers(result, stem)
        if "scale" in result:
            _scale(result["scale"], stem)


def _peers(result: dict[str, Any], stem: Path) -> None:
    names = list(result["measured"])
    figure = Figure(figsize=(11, 5.6))
    rows = figure.subplots(2, 3)
    for axis, case in zip(rows.flat, CASES, strict=True):
        mine = [name for name in reversed(names) if values(result, name, case, "cpu")]
        middles = [middle(result, name, case) or 0.0 for name in mine]
        spread: tuple[list[float], list[float]] = ([], [])
        for name, one in zip(mine, middles, strict=True):
            found = values(result, name, case, "cpu")
            spread[0].append(one - min(found))
            spread[1].append(max(found) - one)
        colors = [_COLORS.get(name, _MUTED) for name in mine]
        axis.barh(mine, middles, xerr=spread, color=colors, height=0.65, error_kw={"ecolor": _INK, "elinewidth": 0.8})
        for place, one in enumerate(middles):
            axis.text(one + spread[1][place], place, f"  {one:.0f}", va="center", fontsize=8)
        axis.set_title(CASES[case], loc="left", fontweight="bold")
        _bare(axis)
        axis.set_xlim(0, max(one + more for one, more in zip(middles, spread[1], strict=True)) * 1.18)
    figure.suptitle("CPU per request, µs (median; lines from the lowest to the highest round)", x=0.01, ha="left")
    figure.tight_layout()
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})


def _scale(scale: dict[str, Any], stem: Path) -> None:
    figure = Figure(figsize=(11, 3.2))
    operations, callers, answers = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    each, one = scale["operations"]["each"], scale["operations"]["one"]
    _curve(operations, each, "each asked in its turn", _COLORS[OURS])
    _curve(operations, one, "one of them asked", _MUTED)
    operations.set_title("operations", loc="left", fontweight="bold")
    operations.legend(frameon=False, loc="lower right")
    _curve(callers, scale["callers"], "", _COLORS[OURS])
    callers.set_title(f"callers in turn, of {scale['callers_of']:,} keys", loc="left", fontweight="bold")
    for axis in (operations, callers):
        axis.set_xscale("log")
        axis.set_ylim(0, axis.get_ylim()[1] * 1.2)
        _bare(axis)
    names = list(reversed(scale["answers"]))
    middles = [statistics.median(scale["answers"][name]) for name in names]
    answers.barh(names, middles, color=[_COLORS[OURS] if name == "admitted" else _MUTED for name in names], height=0.65)
    for place, one in enumerate(middles):
        answers.text(one, place, f" {one:.0f}", va="center", fontsize=8)
    answers.set_title("answers", loc="left", fontweight="bold")
    answers.set_xlim(0, max(middles) * 1.12)
    _bare(answers)
    operations.set_ylabel("CPU per request, µs")
    figure.tight_layout()
    figure.savefig(stem.with_name(f"{stem.name}-scale.svg"), metadata={"Date": None})


def _curve(axis: Any, curve: dict[str, list[float]], label: str, color: str) -> None:
    counts = [int(count) for count in curve]
    axis.fill_between(
        counts, [min(one) for one in curve.values()], [max(one) for one in curve.values()], alpha=0.15, color=color
    )
    axis.plot(counts, [statistics.median(one) for one in curve.values()], "o-", color=color, label=label)


def _bare(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(length=0)

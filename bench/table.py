"""The figures as Markdown, and how ours stands to each bar."""

from __future__ import annotations

import statistics
from typing import Any

from bench import large

#: Case name to its heading.
CASES = {
    "small": "0.4 kB",
    "medium": "10 kB",
    "large": "100 kB",
    "varied": "0.4 kB, no two alike",
    "paced": "0.4 kB, paced",
    "refused": "refused",
}
#: Peer and case to the most that ours may cost of it.
BARS = {
    ("nginx-lua", "small"): 0.85,
    ("nginx-lua", "medium"): 0.45,
    ("nginx-lua", "large"): 0.30,
    ("envoy", "small"): 1.0,
    ("envoy", "medium"): 1.0,
    ("nginx", "small"): 2.0,
}
#: What is said about the same work without a bar.
BESIDE = (
    ("nginx-lua", "varied"),
    ("envoy", "varied"),
    ("nginx", "varied"),
    ("nginx-lua", "paced"),
    ("envoy", "paced"),
    ("nginx", "paced"),
)
OURS = "ninefold"


def values(result: dict[str, Any], server: str, case: str, what: str) -> list[float]:
    """One figure of every round; empty when it was not measured."""
    return [getattr(run, what) for run in result.get("measured", {}).get(server, {}).get(case, ())]


def middle(result: dict[str, Any], server: str, case: str, what: str = "cpu") -> float | None:
    """The median over the rounds."""
    found = values(result, server, case, what)
    return statistics.median(found) if found else None


def ratio(result: dict[str, Any], peer: str, case: str) -> float | None:
    """Ours over the peer: the median over the rounds of the ratio in each, because a round's noise is one."""
    pairs = zip(values(result, OURS, case, "cpu"), values(result, peer, case, "cpu"), strict=False)
    found = [mine / theirs for mine, theirs in pairs if theirs]
    return statistics.median(found) if found else None


def markdown(result: dict[str, Any]) -> str:
    """Everything as one page."""
    lines = [f"# {result['date']}", ""]
    if "measured" in result:
        lines += _costs(result) + _ratios(result) + _rates(result)
    if "scale" in result:
        lines += _scale(result["scale"])
    if "large" in result:
        lines += large.table(result["large"])
    facts = "; ".join(f"{name} {text}" for name, text in result["machine"].items())
    return "\n".join([*lines, f"Measured in {result['took']} s on: {facts}."])


def _costs(result: dict[str, Any]) -> list[str]:
    head = [
        "## CPU per request, in microseconds",
        "",
        f"Median (lowest to highest) of {result['rounds']} {'round' if result['rounds'] == 1 else 'rounds'} of {result['seconds']} s, {result['connections']} connections.",
        "",
    ]

    def cell(server: str, case: str) -> str:
        found = values(result, server, case, "cpu")
        spread = f" ({min(found):.1f} to {max(found):.1f})" if len(found) > 1 else ""
        return f"{statistics.median(found):.1f}{spread}" if found else ""

    left_out = [f"Left out: {name}, because {why}." for name, why in result["left_out"].items()]
    return [*head, *_grid(result, cell), *left_out, ""]


def _rates(result: dict[str, Any]) -> list[str]:
    def cell(server: str, case: str) -> str:
        rate, p99 = middle(result, server, case, "rate"), middle(result, server, case, "p99")
        return f"{rate:.0f}/s, {p99:.1f} ms" if rate is not None else ""

    return ["## Requests per second and 99th percentile", "", *_grid(result, cell), ""]


def _grid(result: dict[str, Any], cell: Any) -> list[str]:
    rows = [f"| {server} | " + " | ".join(cell(server, case) for case in CASES) + " |" for server in result["measured"]]
    return [f"| | {' | '.join(CASES.values())} |", "|---" * (len(CASES) + 1) + "|", *rows, ""]


def _ratios(result: dict[str, Any]) -> list[str]:
    lines = ["## Ours over the peer's", "", "| peer | | ratio | bar | |", "|---|---|---|---|---|"]
    for (peer, case), bar in BARS.items():
        if (found := ratio(result, peer, case)) is not None:
            lines.append(
                f"| {peer} | {CASES[case]} | {found:.2f} | {bar:.2f} | {'holds' if found <= bar else 'short'} |"
            )
    for peer, case in BESIDE:
        if (found := ratio(result, peer, case)) is not None:
            lines.append(f"| {peer} | {CASES[case]} | {found:.2f} | | |")
    return [*lines, ""]


def _scale(scale: dict[str, Any]) -> list[str]:
    lines = ["## How ours grows", "", "| | CPU per request, µs | more than with 10 |", "|---|---|---|"]
    for way, says in (("one", "one of them asked"), ("each", "each asked in its turn")):
        curve = scale["operations"][way]
        smallest = next(iter(curve.values()))
        for count, runs in curve.items():
            growth = statistics.median(mine / first for mine, first in zip(runs, smallest, strict=True))
            lines.append(f"| {int(count):,} operations, {says} | {statistics.median(runs):.1f} | {growth - 1:+.1%} |")
    for count, runs in scale["callers"].items():
        lines.append(
            f"| {int(count):,} callers in turn, of {scale['callers_of']:,} keys | {statistics.median(runs):.1f} | |"
        )
    lines += ["", "| keys | look-up, µs | memory for them, MB | to start, s |", "|---|---|---|---|"]
    lines += [
        f"| {int(count):,} | {one['lookup']:.2f} | {one['memory'] / 1e6:.0f} | {one['start']:.1f} |"
        for count, one in scale["keys"].items()
    ]
    admitted = statistics.median(scale["answers"]["admitted"])
    lines += ["", "| answer | CPU per request, µs | of an admitted one |", "|---|---|---|"]
    for name, runs in scale["answers"].items():
        cost = statistics.median(runs)
        lines.append(f"| {name} | {cost:.1f} | {cost / admitted:.2f} |")
    lines += ["", "| what proves the caller | CPU per request, µs | of a key alone |", "|---|---|---|"]
    first = next(iter(scale["proofs"].values()))
    for name, runs in scale["proofs"].items():
        ratio = statistics.median(mine / base for mine, base in zip(runs, first, strict=True))
        lines.append(f"| {name} | {statistics.median(runs):.1f} | {ratio:.2f} |")
    return [*lines, ""]

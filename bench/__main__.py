"""Runs the bench: rounds over all servers in turn, so that noise hits them alike; figures to bench/results."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import servers
from bench.servers import Server
from bench.work import PAYLOADS, prepare

RESULTS = Path(__file__).parent / "results"
CONNECTIONS = 64
#: The issue's bars: ours over the peer, by payload.
BARS = {("nginx-lua", "small"): 0.85, ("nginx-lua", "medium"): 0.45, ("nginx-lua", "large"): 0.30,
        ("envoy", "small"): 1.0, ("envoy", "medium"): 1.0, ("nginx", "small"): 2.0}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="one short round, written nowhere")
    options = parser.parse_args()
    missing = servers.available()
    for name, why in missing.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    if "wrk" in missing or "nginx" in missing:
        sys.exit(69)
    rounds, seconds = (1, 2) if options.quick else (5, 4)
    cores = (0, 1) if (os.cpu_count() or 1) > 1 else (None, None)
    with tempfile.TemporaryDirectory(prefix="ninefold-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        behind = servers.free_port()
        contract, keys = prepare(folder, f"http://127.0.0.1:{behind}")
        stack.enter_context(servers.upstream(folder, behind, cores[1]))
        running = [stack.enter_context(servers.nginx_bare(folder, servers.free_port(), behind, cores[0]))]
        if "nginx-lua" not in missing:
            running.append(stack.enter_context(servers.nginx_lua(folder, servers.free_port(), behind, cores[0], keys)))
        if "envoy" not in missing:
            running.append(stack.enter_context(servers.envoy_bare(folder, servers.free_port(), behind, cores[0])))
        running.append(stack.enter_context(servers.ours(folder, contract, servers.free_port(), cores[0])))
        measured = measure(running, keys[0], rounds, seconds, cores[1])
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}",
        "connections": CONNECTIONS,
        "rounds": rounds,
        "seconds": seconds,
        "measured": measured,
    }
    table = markdown(result)
    print(table)
    if not options.quick:
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / result["date"]
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        stem.with_suffix(".md").write_text(table + "\n")
        plot(result, stem.with_suffix(".svg"))


def measure(
    running: list[Server], key: str, rounds: int, seconds: int, core: int | None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Server to payload to its rounds: CPU microseconds per request, requests per second, p99 in milliseconds."""
    found: dict[str, dict[str, dict[str, Any]]] = {one.name: {} for one in running}
    cases = [(name, key) for name in PAYLOADS]
    for number in range(-1, rounds):
        for payload, presented in cases:
            for server in running:
                one = load(server, f"/{payload}", presented, 1 if number < 0 else seconds, core)
                if number >= 0:
                    kept = found[server.name].setdefault(payload, {"cpu": [], "rate": [], "p99": []})
                    for name, value in one.items():
                        kept[name].append(value)
        if number >= 0:
            server = running[-1]
            one = load(server, "/small", "nf_bench_wrong", seconds, core)
            kept = found[server.name].setdefault("refused", {"cpu": [], "rate": [], "p99": []})
            for name, value in one.items():
                kept[name].append(value)
    return found


def load(server: Server, path: str, key: str, seconds: int, core: int | None) -> dict[str, float]:
    """Load from wrk for a bounded time, on the other core."""
    before = server.cpu()
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        "-H",
        f"X-API-Key: {key}",
        f"http://127.0.0.1:{server.port}{path}",
    ]
    pinned = ["taskset", "-c", str(core), *command] if core is not None else command
    done = subprocess.run(pinned, capture_output=True, text=True, check=True, timeout=seconds + 30)
    spent = server.cpu() - before
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()  # type: ignore[union-attr]
    return {
        "cpu": spent / max(requests, 1) * 1e6,
        "rate": rate,
        "p99": float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit],
    }


def middle(result: dict[str, Any], server: str, payload: str, what: str = "cpu") -> float | None:
    """The median over the rounds."""
    rounds = result["measured"].get(server, {}).get(payload, {}).get(what)
    return statistics.median(rounds) if rounds else None


def markdown(result: dict[str, Any]) -> str:
    """The figures and how ours stand to each bar."""
    lines = [
        f"CPU per request in microseconds (requests/s, p99), median of {result['rounds']} rounds of {result['seconds']} s;"
        f" {result['connections']} connections, one core each. Python {result['python']}, {result['machine']}.",
        "",
        "| | 0.4 kB | 10 kB | 100 kB | refused |",
        "|---|---|---|---|---|",
    ]
    for server in result["measured"]:
        cells = []
        for payload in (*PAYLOADS, "refused"):
            cpu = middle(result, server, payload)
            cells.append(
                "-" if cpu is None
                else f"{cpu:.1f} ({middle(result, server, payload, 'rate'):.0f}/s, {middle(result, server, payload, 'p99'):.1f} ms)"
            )  # fmt: skip
        lines.append(f"| {server} | {' | '.join(cells)} |")
    lines += ["", "| ours over | payload | ratio | bar | |", "|---|---|---|---|---|"]
    for (peer, payload), bar in BARS.items():
        mine, theirs = middle(result, "ninefold", payload), middle(result, peer, payload)
        if mine and theirs:
            lines.append(
                f"| {peer} | {payload} | {mine / theirs:.2f} | {bar} | {'holds' if mine / theirs <= bar else 'short'} |"
            )
    return "\n".join(lines)


def plot(result: dict[str, Any], path: Path) -> None:
    """Bars of CPU per request."""
    import matplotlib as mpl  # noqa: PLC0415  # a second that only a full run pays

    mpl.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, len(PAYLOADS), figsize=(10, 3.4))
    for axis, payload, title in zip(axes, PAYLOADS, ("0.4 kB", "10 kB", "100 kB"), strict=True):
        names = [name for name in result["measured"] if middle(result, name, payload)]
        values = [middle(result, name, payload) or 0 for name in names]
        axis.bar(names, values, color=["#1f6feb" if name == "ninefold" else "#9198a1" for name in names])
        axis.set_title(title)
        axis.tick_params(axis="x", rotation=30)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("CPU per request, µs")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()

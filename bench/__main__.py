"""Runs the bench: every server in turn, round after round, so that noise hits them alike. `python -m bench`."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench import envoy, large, nginx, ours, scale
from bench.load import CONNECTIONS, Case, Run, load
from bench.machine import machine
from bench.process import Cores, Server, free_port
from bench.table import markdown
from bench.work import PAYLOADS, Work, items, prepare, projected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
SECONDS = 1

Rounds = dict[str, dict[str, list[Run]]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="CPU per request beside the peers.")
    parser.add_argument("--quick", action="store_true", help="one round of everything but scale; nothing is written")
    parser.add_argument("--scale", action="store_true", help="only how ours grows; nothing is written")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of a full run (default: %(default)s)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended on the way out
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool):
            print(f"bench: {tool} is not installed, and nothing can be measured without it: sh scripts/debian.sh")
            sys.exit(69)
    began = time.monotonic()
    result: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "connections": CONNECTIONS,
    }
    with tempfile.TemporaryDirectory(prefix="ninefold-bench-") as name:
        folder = Path(name)
        rounds = 1 if options.quick else options.rounds
        if not options.scale:
            result |= {"rounds": rounds, "seconds": SECONDS, **_peers(folder / "peers", rounds, quick=options.quick)}
        if not options.quick:
            result["scale"] = scale.measure(folder / "scale", Cores.of_this_machine())
            if not options.scale:
                result["large"] = large.measure(folder / "large", Cores.of_this_machine())
    result["took"] = round(time.monotonic() - began)
    table = markdown(result)
    print(table)
    if not options.quick and not options.scale:
        _write(result, table)


def _peers(folder: Path, rounds: int, *, quick: bool) -> dict[str, Any]:
    """Everything that is measured beside others: the rounds, and who was left out and why."""
    cores = Cores.of_this_machine()
    work = prepare(folder, free_port())
    opened = prepare(folder / "opened", work.upstream, opened=True)
    left_out = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(nginx.upstream(work, cores))

        def start(
            begin: Callable[[Work, int, Cores], AbstractContextManager[Server]], why_not: str, name: str
        ) -> list[Server]:
            if why_not:
                left_out[name] = why_not
                print(f"bench: {name} is left out: {why_not}", file=sys.stderr)
                return []
            return [stack.enter_context(begin(work, free_port(), cores))]

        passing = start(nginx.bare, "", "nginx") + start(envoy.bare, envoy.missing(), "envoy")
        guarded = start(nginx.guarded, nginx.lua_missing(), "nginx-lua")
        guarded += start(envoy.guarded, envoy.guarded_missing(), "envoy-lua")
        passing.append(stack.enter_context(ours.guard(opened, free_port(), cores, "ninefold-open")))
        guarded.append(stack.enter_context(ours.guard(work, free_port(), cores)))
        for server in (*passing, *guarded):
            _checked(server, work.keys[0], projects=server in guarded)
        key = work.keys[0]
        cases = [Case(name, f"/{name}", key) for name in PAYLOADS]
        cases += [Case("varied", key=key, varied=True), Case("paced", key=key, pause=20)]
        refused = Case("refused", key=work.stranger, refused=True)
        turns = [(server, case) for case in cases for server in (*passing, *guarded)]
        turns += [(server, refused) for server in guarded]
        return {"left_out": left_out, "measured": _rounds(turns, rounds, cores, folder, warm=not quick)}


def _checked(server: Server, key: str, *, projects: bool) -> None:
    """Before anything is measured, that the server does the work. Raises `RuntimeError`."""
    for name, count in PAYLOADS.items():
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", f"/{name}", headers={"X-API-Key": key})
            answer = connection.getresponse()
            body = answer.read()
        whole = items(count)
        expected = projected(whole) if projects else json.loads(whole)
        if answer.status != 200 or json.loads(body) != expected:
            raise RuntimeError(f"{server.name} answers /{name} with {answer.status} and something else than it should")


def _rounds(turns: Sequence[tuple[Server, Case]], rounds: int, cores: Cores, folder: Path, *, warm: bool) -> Rounds:
    """Server to case to its runs. The first round only warms up."""
    found: Rounds = {}
    for number in range(-1 if warm else 0, rounds):
        for server, case in turns:
            run = load(server, case, SECONDS, cores, folder)
            if number >= 0:
                found.setdefault(server.name, {}).setdefault(case.name, []).append(run)
        print(f"bench: round {number + 1} of {rounds}", file=sys.stderr)
    return found


def _write(result: dict[str, Any], table: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / result["date"]
    stem.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    stem.with_suffix(".md").write_text(table + "\n")
    from bench.plot import plot  # noqa: PLC0415  # a second that only a full run pays

    plot(result, stem)
    print(f"bench: written to {stem}.json, .md, .svg", file=sys.stderr)


if __name__ == "__main__":
    main()

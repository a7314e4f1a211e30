"""Load from wrk, for a bounded time; and what the server under test spent on it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.process import pinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.process import Cores, Server

CONNECTIONS = 64
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, by 64 connections. `requests`, where given, is a file of `path<TAB>key` lines that are asked in turn.

    `varied`: each request has a browser's header fields and a trace id of its own. `pause`: milliseconds that each
    connection waits before it asks again. `refused`: the answers are not 2xx.
    """

    name: str
    path: str = "/small"
    key: str = ""
    fields: tuple[str, ...] = ()
    varied: bool = False
    pause: int = 0
    refused: bool = False
    requests: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: microseconds of CPU for each request, requests for each second, p99 in milliseconds.

    `core` is what the server's core was busy for each request, whoever was billed for it (0: it had none for itself).
    """

    cpu: float
    core: float
    rate: float
    p99: float


#: Sends what a browser sends, with another `traceparent` each time (W3C Trace Context), so that no two are alike.
VARIED = """
local number, heads = 0, {}
function init()
  for i = 1, 4096 do
    heads[i] = wrk.format("GET", "%s", {
      ["X-API-Key"] = "%s", ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      ["Accept"] = "application/json", ["Accept-Language"] = "en-US,en;q=0.5", ["Accept-Encoding"] = "gzip, deflate, br",
      ["Referer"] = "https://app.example.com/items", ["Sec-Fetch-Mode"] = "cors", ["Cache-Control"] = "no-cache",
      ["traceparent"] = string.format("00-4bf92f3577b34da6a3ce929d%%08x-00f067aa0ba902b7-01", i) })
  end
end
function request() number = number %% 4096 + 1; return heads[number] end
"""
#: Asks the lines of a file in turn.
IN_TURN = """
local number, count, heads = 0, 0, {}
function init()
  for line in io.lines("%s") do
    local path, key = line:match("^(.-)\\t(.*)$")
    count = count + 1
    heads[count] = wrk.format("GET", path, { ["X-API-Key"] = key })
  end
end
function request() number = number %% count + 1; return heads[number] end
"""


def load(server: Server, case: Case, seconds: int, cores: Cores, folder: Path) -> Run:
    """Ask one case for whole seconds. Raises `RuntimeError` where the answers are not what the case is about."""
    command = pinned(_command(server, case, seconds, folder), cores.load)
    busy, before = cores.busy(), server.cpu()
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    spent, busy = server.cpu() - before, cores.busy() - busy
    requests = int(_found(r"(\d+) requests in", said)[0])
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    turned_away = int(other[1]) if other else 0
    wrong = turned_away != (requests if case.refused else 0)
    if requests == 0 or wrong or (errors and any(int(one) for one in errors.groups())):
        raise RuntimeError(f"{server.name} answered {case.name!r} in a way that does not count:\n{said}")
    value, unit = _found(r"99%\s+([\d.]+)(us|ms|s|m)\b", said)
    return Run(
        cpu=spent / requests * 1e6,
        core=busy / requests * 1e6,
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", said)[0]),
        p99=float(value) * _UNITS[unit],
    )


def _command(server: Server, case: Case, seconds: int, folder: Path) -> list[str]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    script = f"function delay() return {case.pause} end\n" if case.pause else ""
    if case.varied:
        script += VARIED % (case.path, case.key)
    if case.requests:
        script += IN_TURN % case.requests
    if script:
        path = folder / "wrk.lua"
        path.write_text(script)
        command += ["-s", str(path)]
    if not case.varied and not case.requests:
        fields = (*case.fields, *((f"X-API-Key: {case.key}",) if case.key else ()))
        command += [one for field in fields for one in ("-H", field)]
    return [*command, f"http://127.0.0.1:{server.port}{case.path}"]


def _found(pattern: str, said: str) -> Sequence[str]:
    found = re.search(pattern, said)
    if found is None:
        raise RuntimeError(f"wrk said nothing of {pattern!r}:\n{said}")
    return found.groups()

"""Large answers: what they take of memory, and what small ones wait meanwhile. `python -m bench.large`.

A gateway as anybody starts it, in front of nginx; 10 MB of JSON, of which two fifths are declared nowhere. Memory is the highest resident
size (`VmHWM`, proc_pid_status(5)) less the one before, over the size of the answers. The small requests are those of the
bench's case "paced", while ten callers ask for large answers again and again; first of nginx itself, which says how much of the
wait is that of the core which the load, the callers and nginx share.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import nginx, ours
from bench.load import Case, load
from bench.process import Cores, free_port
from bench.work import items, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.process import Server
    from bench.work import Work

SIZE = 10_000_000
CALLERS = 10
ROUNDS = 5
SECONDS = 3


def measure(folder: Path, cores: Cores, rounds: int = ROUNDS) -> dict[str, Any]:
    """Memory in bytes a byte of the answers, p99 of small requests in milliseconds (a list of a value a round)."""
    limits: dict[str, Any] = {"rates": [{"per": "caller", "rate": "1000000/s", "burst": 1_000_000}], "response": "16MB"}
    limits |= {"connections": {"per_ip": 4096}}
    work = prepare(folder, free_port(), sections={"limits": limits})
    body = items(SIZE // 236)
    (folder / "www" / "large").write_bytes(body)
    found: dict[str, Any] = {"size": len(body), "callers": CALLERS, "p99": {}, "memory": {}, "served": {}}
    if cores.load is not None:
        os.sched_setaffinity(0, {cores.load})  # the callers are threads of this one; the server's core is its own
    with nginx.upstream(work, cores) as api:
        for name, callers in (("one", 1), ("ten", CALLERS)):
            with ours.guard(work, free_port(), cores) as server:
                load(server, Case("warm", key=work.keys[0]), 1, cores, folder)
                before = _peak(server)
                _once(server, work, callers)
                found["memory"][name] = (_peak(server) - before) / (len(body) * callers)
        with ours.guard(work, free_port(), cores) as server:
            small = Case("paced", key=work.keys[0], pause=20)
            turns = (("alone", 0, server), ("beside", CALLERS, api), ("through", CALLERS, server))
            for number in range(-1, rounds):
                for name, callers, asked in turns:
                    with _asking(asked, work, callers) as served:
                        p99 = load(server, small, SECONDS, cores, folder).p99
                    if number >= 0:
                        found["p99"].setdefault(name, []).append(p99)
                        found["served"].setdefault(name, []).append(served[0] / SECONDS)
    return found


def table(found: dict[str, Any]) -> list[str]:
    lines = [f"## Answers of {found['size'] / 1e6:.0f} MB", ""]
    lines += ["| asked for at once | memory, in sizes of all of them |", "|---|---|"]
    lines += [f"| {name} | {size:.1f} |" for name, size in found["memory"].items()]
    alone = statistics.median(found["p99"]["alone"])
    lines += [
        "",
        f"| meanwhile, {found['callers']} callers | large answers a second | p99 of small requests, ms | of alone |",
        "|---|---|---|---|",
    ]
    said = {
        "alone": "ask for nothing",
        "beside": "ask nginx itself for them, one after the other",
        "through": "ask Ninefold for them, one after the other",
    }
    for name, words in said.items():
        p99 = statistics.median(found["p99"][name])
        lines.append(f"| {words} | {statistics.median(found['served'][name]):.0f} | {p99:.1f} | {p99 / alone:.1f} |")
    return [*lines, ""]


def _peak(server: Server) -> int:
    """The highest resident size since this was last asked, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    return peak


def _once(server: Server, work: Work, callers: int) -> None:
    """One answer for each of some callers, at once."""
    threads = [threading.Thread(target=_read, args=(server, work)) for _ in range(callers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


@contextlib.contextmanager
def _asking(server: Server, work: Work, callers: int) -> Iterator[list[int]]:
    """Callers who ask for one large answer after the other; counts those that came."""
    over = threading.Event()
    served = [0]

    def ask() -> None:
        while not over.is_set():
            _read(server, work)
            served[0] += 1

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(callers)]
    for one in threads:
        one.start()
    time.sleep(0.5 if callers else 0)
    served[0] = 0
    try:
        yield served
    finally:
        over.set()
        for one in threads:
            one.join()


def _read(server: Server, work: Work) -> None:
    """Read a large answer. Raises `RuntimeError`."""
    request = f"GET /large HTTP/1.1\r\nHost: bench\r\nX-API-Key: {work.keys[2]}\r\nConnection: close\r\n\r\n"
    buffer = bytearray(1 << 18)
    got, status = 0, b""
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request.encode())
        while count := connection.recv_into(buffer):
            status = status or bytes(buffer[:12])
            got += count
    if status != b"HTTP/1.1 200" or got < SIZE // 3:
        raise RuntimeError(f"a large answer was {status!r} and {got} bytes")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ninefold-bench-") as name:
        rounds = 1 if "--quick" in sys.argv else ROUNDS
        print("\n".join(table(measure(Path(name), Cores.of_this_machine(), rounds))))


if __name__ == "__main__":
    main()

"""Processes: servers on free loopback ports, kept on one core, their CPU time counted, ended by their process ids."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 120
STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core the server under test has for itself, and which ones the load and the upstream have; None: any."""

    server: int | None
    load: int | None
    upstream: int | None

    @classmethod
    def of_this_machine(cls) -> Cores:
        """With two cores, the load and the upstream share the second one; with one, nothing is pinned."""
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) < 2 or not shutil.which("taskset"):
            return cls(None, None, None)
        return cls(mine[0], mine[1], mine[2] if len(mine) > 2 else mine[1])

    def busy(self) -> float:
        """Seconds that the server's core has worked so far, interrupts included (`/proc/stat`, proc_stat(5))."""
        if self.server is None:
            return 0.0
        line = next(one for one in Path("/proc/stat").read_text().splitlines() if one.startswith(f"cpu{self.server} "))
        user, nice, system, _, _, irq, softirq, *_ = (int(one) for one in line.split()[1:])
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command, on one core; it ends with the bench, however that ends."""
    dies = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return [*dies, *(["taskset", "-c", str(core)] if core is not None else []), *command]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens. Its CPU time is that of `pid` and of every process below it."""

    name: str
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU so far: user and system, of all threads, of the whole tree, ended children included."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for pid in tree(self.pid):
            with contextlib.suppress(OSError):
                total += sum(int(one) for one in _stat(pid)[11:15])
        return total / ticks

    def memory(self) -> int:
        """Bytes resident now (`VmRSS`), of the whole tree."""
        total = 0
        for pid in tree(self.pid):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
        return total


def _stat(pid: int) -> list[str]:
    """`/proc/PID/stat` behind the name: utime, stime, cutime, cstime are 11 to 14 (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree(pid: int) -> list[int]:
    """A process and all that live below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(name: str, command: Sequence[str], port: int, folder: Path, core: int | None) -> Iterator[Server]:
    """Start, wait until it listens, and end it afterwards. Raises `RuntimeError` with what it said when it does not."""
    log = folder / f"{name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            pinned(command, core),
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.02)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # children that it left behind; the session was made for it alone

"""CPU time is that of the whole tree, and nothing outlives the bench."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest
from bench.process import Cores, free_port, pinned, running, tree

#: Listens, and for each connection burns CPU: in itself, in a thread, in a child that lives and in one that ends.
SERVER = """
import os, socket, sys, threading, time
def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.accept()[0].close()
connection, _ = listener.accept()
burn(0.1)
thread = threading.Thread(target=burn, args=(0.1,)); thread.start(); thread.join()
if (ended := os.fork()) == 0: burn(0.1); os._exit(0)
os.waitpid(ended, 0)
ready, told = os.pipe()
if os.fork() == 0: burn(0.1); os.write(told, b"."); time.sleep(60); os._exit(0)
os.read(ready, 1)
connection.sendall(b".")
time.sleep(60)
"""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_time_of_threads_and_children_counts_too(tmp_path: Path) -> None:
    port = free_port()
    with running("burner", [sys.executable, "-c", SERVER, str(port)], port, tmp_path, None) as server:
        before = server.cpu()
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            assert connection.recv(1) == b"."
        assert server.cpu() - before == pytest.approx(0.4, abs=0.08)
        assert server.memory() > 1_000_000
        living = tree(server.pid)
        assert len(living) == 2
    until = time.monotonic() + 10  # whoever adopts an orphan takes a moment to bury it
    while any(_alive(pid) for pid in living) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(_alive(pid) for pid in living)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such module')"]
    with (
        pytest.raises(RuntimeError, match="broken did not start:\nno such module"),
        running("broken", command, free_port(), tmp_path, None),
    ):
        pass


def test_each_side_has_its_core_where_there_are_two() -> None:
    cores = Cores.of_this_machine()
    if cores.server is None:
        pytest.skip("one core, or no taskset")
    assert cores.server not in {cores.load, cores.upstream}
    assert pinned(["wrk"], cores.load)[-4:] == ["taskset", "-c", str(cores.load), "wrk"]
    assert cores.busy() > 0

"""The demo, end to end: nine signs before, none after; and however it ends, nothing is left running."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
#: Seconds that any one thing here may take.
PATIENCE = 100.0


class Demo:
    """A run of the demo in a folder of its own, marked so that every process that it started can be found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.command = [sys.executable, "-m", "examples.shop.demo", str(folder)]
        self.environment = {**os.environ, "DEMO_MARK": self.mark}

    def start(self, **more: int) -> subprocess.Popen[str]:
        output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(self.command, cwd=ROOT, env=self.environment, text=True, **output)  # type: ignore[call-overload, no-any-return]

    def left(self) -> dict[int, str]:
        """Every process of this run: its pid and its command line."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if self.mark.encode() in (entry / "environ").read_bytes():
                        found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found

    def await_child(self, words: str) -> int:
        """The pid of a child with these words in its command line, as soon as it listens."""
        until = time.monotonic() + PATIENCE
        log = self.folder / "state" / "insecure.log"
        while time.monotonic() < until:
            pids = [pid for pid, command in self.left().items() if words in command]
            if pids and log.exists() and "running on" in log.read_text():
                return pids[0]
            time.sleep(0.02)
        raise AssertionError(f"no child {words}: {self.left()}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "demo")
    yield made
    left = made.left()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "processes are left"


def test_shows_nine_signs_before_and_none_after(demo: Demo) -> None:
    with demo.start() as process:
        said, complained = process.communicate(timeout=PATIENCE)
    assert (process.returncode, complained) == (0, ""), said
    lines = said.splitlines()
    verdicts = [line.partition("    ")[0] for line in lines if "(all findings: " in line]
    assert verdicts == ["9 of 9 signs", "0 of 9 signs"]
    assert "9 of 9 signs before, 0 of 9 signs after" in lines
    assert re.search(r"trail verify \S+\n +\d+ records hold", said)
    before, after = (json.loads((demo.folder / f"{name}.json").read_text()) for name in ("before", "after"))
    ran = [
        {one["rule"] for one in audit["outcomes"] if one["kind"] not in {"skipped", "errored"}}
        for audit in (before, after)
    ]
    assert ran[0] <= ran[1]
    assert len(ran[0]) > 40
    for name in ("before", "after"):
        assert "</html>" in (demo.folder / f"{name}.html").read_text()


def test_keeps_no_key_readable_by_others(demo: Demo) -> None:
    with demo.start() as process:
        demo.await_child("uvicorn")
        assert (demo.folder / "state").stat().st_mode & 0o077 == 0
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM


def test_says_so_when_its_shop_dies(demo: Demo) -> None:
    with demo.start() as process:
        os.kill(demo.await_child("uvicorn"), signal.SIGKILL)
        _, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "the insecure shop ended by itself, with exit code -9" in complained
    assert "Traceback" not in complained


def test_does_not_disturb_another_demo_in_the_same_folder(demo: Demo) -> None:
    demo.folder.mkdir()
    with (demo.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with demo.start() as process:
            _, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "another demo runs in" in complained
    assert not (demo.folder / "state").exists()


def test_says_so_when_its_folder_cannot_be_written(demo: Demo) -> None:
    demo.folder.write_text("not a folder")
    with demo.start() as process:
        _, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert str(demo.folder) in complained
    assert "Traceback" not in complained


class Terminal:
    """What a program says to a terminal, as it comes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.text = ""

    def until(self, words: str) -> str:
        end = time.monotonic() + PATIENCE
        while words not in self.text and time.monotonic() < end:
            if select.select([self.descriptor], [], [], 0.5)[0]:
                try:
                    block = os.read(self.descriptor, 65536)
                except OSError:  # Linux says so when the last one who writes has gone
                    break
                self.text += block.decode("utf-8", "replace").replace("\r\n", "\n")
        assert words in self.text, self.text
        return self.text


def test_stays_up_on_a_terminal_with_a_key_to_try_until_ctrl_c(demo: Demo) -> None:
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, demo.command, demo.environment)
    try:
        said = Terminal(descriptor).until("Ctrl-C ends both.")
        curls = [line.strip() for line in said.splitlines() if line.strip().startswith("curl -i")]
        assert [_status(line) for line in curls] == [200, 401, 200, 403, 404, 403, 404]
        os.write(descriptor, b"\x03")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(descriptor)


def _status(line: str) -> int:
    """What the printed line gets, asked as curl would."""
    url = line.rsplit(" ", 1)[1]
    fields = dict(one.split(": ", 1) for one in re.findall(r"-H '([^']+)'", line))
    authority = re.search(r"--cacert (\S+)", line)
    context = ssl.create_default_context(cafile=str(ROOT / authority[1])) if authority else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=fields), context=context, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from ninefold.cli.screen import Screen, screen

TELL = "from ninefold.cli.screen import screen; print(*screen(100))"


def _on_a_terminal(**environment: str) -> str:
    """What a process says whose standard output is a terminal of 90 columns."""
    master, slave = pty.openpty()
    try:
        subprocess.run(["stty", "cols", "90"], stdin=slave, check=True, timeout=10)
        clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "TERM"}}
        command = [sys.executable, "-c", TELL]
        subprocess.run(command, stdout=slave, env=clean | environment, check=True, timeout=30)
        return os.read(master, 1000).decode().strip()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TERM": "xterm"}, "90 True"),
        ({"NO_COLOR": "1"}, "90 False"),
        ({"TERM": "dumb"}, "90 False"),
        ({"COLUMNS": "70"}, "70 True"),
    ],
)
def test_a_terminal_has_its_width_and_colour_unless_told_otherwise(environment: dict[str, str], said: str) -> None:
    assert _on_a_terminal(**environment) == said


def test_what_is_no_terminal_has_the_width_that_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((0, 0)))
    assert screen(100) == Screen(100, colour=False)
    monkeypatch.setenv("COLUMNS", "3")
    assert screen(100) == Screen(40, colour=False)


def test_progress_is_told_on_a_terminal_and_leaves_nothing_behind() -> None:
    code = "from ninefold.cli.screen import Progress; p = Progress(2); p.step('one\\x1b[2J'); p.step('two'); p.end()"
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", code], stderr=slave, check=True, timeout=30, env={**os.environ, "TERM": "xterm"}
        )
        told = os.read(master, 1000).decode()
    finally:
        os.close(master)
        os.close(slave)
    assert told == "\r\x1b[K1/2 one\\x1b[2J\r\x1b[K2/2 two\r\x1b[K"


def test_progress_is_silent_elsewhere() -> None:
    code = "from ninefold.cli.screen import Progress; p = Progress(1); p.step('one'); p.end()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)
    assert done.stdout == done.stderr == b""

"""What the terminal is like that a command writes to."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple, TextIO


class Screen(NamedTuple):
    """`width` in columns, from 40 on; `colour`: whether it is a terminal, and nobody set NO_COLOR or TERM=dumb."""

    width: int
    colour: bool


class Progress:
    """How far long work is, on one line of standard error; silent where that is no terminal."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total = total
        self._done = 0
        self._shown = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def step(self, name: str) -> None:
        """Say what is begun now."""
        self._done += 1
        if self._shown:
            self._stream.write(f"\r\x1b[K{self._done}/{self._total} {printable(name)[:60]}")
            self._stream.flush()

    def end(self) -> None:
        """Leave the line as if there had been nothing."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def printable(text: str) -> str:
    """Text from elsewhere (a request, a description, a store) without what moves a terminal; lines stay lines."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def screen(width: int) -> Screen:
    """Standard output as it is now. `width` stands where it is no terminal and COLUMNS is not set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Screen(max(40, shutil.get_terminal_size((width, 40)).columns), sys.stdout.isatty() and not plain)

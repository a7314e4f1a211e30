"""A server that runs beside the demo, and ends with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Seconds that a server may take to say where it listens, and to end when it is asked to.
PATIENCE, FAREWELL = 30.0, 10.0


class DemoFailure(Exception):
    """The demo cannot go on, or did not show what it promises; says what happened."""


class Child:
    """A Python module as a process of its own. What it says goes to `log`. A context manager: leaving it ends it."""

    def __init__(
        self, name: str, module: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def says(self, pattern: str) -> str:
        """The first group of `pattern` in its log, as soon as it is there. Raises `DemoFailure` if it ends before."""
        until = time.monotonic() + PATIENCE
        while True:
            alive = self._process.poll() is None  # asked first, so that the last words of a dead child are read
            if found := re.search(pattern, self._words()):
                return found[1]
            if not alive:
                raise self._ended()
            if time.monotonic() > until:
                raise DemoFailure(f"{self.name} does not listen after {PATIENCE:.0f} s. It says:\n{self._words()}")
            time.sleep(0.02)

    def check(self) -> None:
        """Raises `DemoFailure` if it has ended."""
        if self._process.poll() is not None:
            raise self._ended()

    def end(self) -> None:
        """Ask it to end, and make it."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ended(self) -> DemoFailure:
        code = self._process.returncode
        return DemoFailure(f"{self.name} ended by itself, with exit code {code}. It said:\n{self._words()}")

    def _words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4000:]

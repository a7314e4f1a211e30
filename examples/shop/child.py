"""Processes that the demo starts: servers beside it, and commands that it waits for. None of them outlives it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: Seconds that a server may take to say where it listens, and to end when it is asked to.
PATIENCE, FAREWELL = 30.0, 10.0


class DemoFailure(Exception):
    """The demo cannot go on, or did not show what it promises; says what happened."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put signals that would end this program off for a moment: one that came while a process is being started would
    leave it behind, running and known to nobody.
    """
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda one, _: came.append(one)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


class Child:
    """A Python module as a server of its own. What it says goes to `log`. Entering the context starts it, leaving it
    ends it.
    """

    def __init__(
        self, name: str, module: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, "-m", *module]
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            with self.log.open("wb") as file, undisturbed():
                self._process = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it has not been started"
        return self._process

    def says(self, pattern: str) -> str:
        """The first group of `pattern` in its log, as soon as it is there. Raises `DemoFailure` if it ends before."""
        until = time.monotonic() + PATIENCE
        while True:
            alive = self.running.poll() is None  # asked first, so that the last words of a dead child are read
            if found := re.search(pattern, self._words()):
                return found[1]
            if not alive:
                raise self._ended()
            if time.monotonic() > until:
                raise DemoFailure(f"{self.name} does not listen after {PATIENCE:.0f} s. It says:\n{self._words()}")
            time.sleep(0.02)

    def check(self) -> None:
        """Raises `DemoFailure` if it has ended."""
        if self.running.poll() is not None:
            raise self._ended()

    def end(self) -> None:
        """Ask it to end, and make it."""
        if self._process is None or self._process.poll() is not None:
            return
        with undisturbed():
            self._process.terminate()
            try:
                self._process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _ended(self) -> DemoFailure:
        code = self.running.returncode
        return DemoFailure(f"{self.name} ended by itself, with exit code {code}. It said:\n{self._words()}")

    def _words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4000:]


def command(
    module: Sequence[str], folder: Path, patience: float, *, kept: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a Python module to its end, and keep what it says, or let it say it here. Raises `DemoFailure` if that takes
    more than `patience` seconds.
    """
    output = subprocess.PIPE if kept else None
    process: subprocess.Popen[str] | None = None
    try:
        with undisturbed():
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
            )
        said, complained = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise DemoFailure(f"`{' '.join(module[:2])}` was not done after {patience:.0f} s") from None
    finally:
        if process is not None:
            with process:
                process.kill()  # nothing, where it has ended
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

"""A server that the lab starts, and ends again by its process id."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE, FAREWELL = 30.0, 10.0  # seconds to start and to end


class NotRun(Exception):
    """Something of the lab could not be run; says why."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Process:
    """Entering the context starts `command` in `folder` and waits until `port` answers; leaving it ends the process.
    Raises `NotRun`.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], port: int, output: Path
    ) -> None:
        self._command, self._folder, self._port, self._output = command, folder, port, output
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            with self._output.open("ab") as file:
                self._process = subprocess.Popen(  # noqa: S603 - commands of the lab's own list
                    self._command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                )
        except OSError as fault:
            raise NotRun(f"{self._command[0]}: {fault.strerror}") from None
        try:
            self._wait(self._process)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if process.poll() is not None:
                raise NotRun(f"it ended with exit code {process.returncode}: {self._last_words()}")
            try:
                with socket.create_connection(("127.0.0.1", self._port), 0.5):
                    return
            except OSError:
                time.sleep(0.05)
        raise NotRun(f"it did not listen within {PATIENCE:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._output.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

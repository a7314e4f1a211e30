"""Ninefold itself, as anybody starts it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.process import running

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bench.process import Cores, Server
    from bench.work import Work


def guard(work: Work, port: int, cores: Cores, name: str = "ninefold") -> AbstractContextManager[Server]:
    """`ninefold guard` with the work's contract."""
    command = [sys.executable, "-m", "ninefold", "guard", str(work.contract), "--listen", f"127.0.0.1:{port}"]
    return running(name, command, port, work.folder, cores.server)

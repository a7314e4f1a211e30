"""What is written in C, built with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ninefold.native import library

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
FLAGS = ("-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds a driver by its file's name."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no gcc or clang")

    def build(name: str) -> Path:
        made = tmp_path_factory.mktemp("native") / "driver"
        source = Path(library.__file__).parent
        subprocess.run([compiler, *FLAGS, f"-I{source}", HERE / name, "-o", made], check=True)
        return made

    return build

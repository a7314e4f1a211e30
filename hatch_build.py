"""Builds what is written in C: `src/ninefold/native/project.c` and its headers to a shared library, for every Python alike.

`CC` names the compiler; else `cc` is taken, else the one that the package `ziglang` brings, where it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("src/ninefold/native/project.c")
LIBRARY = SOURCE.with_name("_project.so")
FLAGS = (
    "-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-fstack-protector-strong",
    "-Wall", "-Wextra", "-Wconversion",
)  # fmt: skip


def compiler() -> list[str]:
    """The command of a C compiler. Raises `RuntimeError` where there is none."""
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    if found := shutil.which("cc"):
        return [found]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise RuntimeError(
        f"ninefold: {SOURCE} wants a C compiler, and there is none; install gcc or clang, or `pip install ziglang`"
    )


def build(root: Path) -> None:
    """Make the library anew; the old one stays whole until the new one is."""
    unfinished = root / f"{LIBRARY}.{os.getpid()}"
    try:
        subprocess.run([*compiler(), *FLAGS, str(root / SOURCE), "-o", str(unfinished)], check=True)  # noqa: S603
        unfinished.replace(root / LIBRARY)
    finally:
        unfinished.unlink(missing_ok=True)


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for wheels and for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """`version` is hatchling's name for the kind of build."""
        if self.target_name != "wheel":
            return
        build(Path(self.root))
        build_data["artifacts"].append(str(LIBRARY))
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"  # the library knows nothing of Python


if __name__ == "__main__":
    build(Path(__file__).parent)

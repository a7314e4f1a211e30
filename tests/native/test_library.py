"""The native library: what becomes of it when the interpreter ends."""

from __future__ import annotations

import subprocess
import sys


def test_what_was_made_can_be_freed_after_the_library_was_closed_as_when_the_interpreter_ends() -> None:
    code = """
from ninefold.guard.program import Program
from ninefold.guard.outline import Shape
from ninefold.native.library import ffi, library
program = Program()
program.add(Shape(anything=True))
program.make()
ffi.dlclose(library())
del program
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

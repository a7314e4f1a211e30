"""The demo, end to end without a terminal: nine signs before, none after, and nothing left running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_nine_signs_before_and_none_after(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.shop.demo"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 of 9 signs    " in done.stdout
    assert "0 of 9 signs    " in done.stdout
    assert "not run again" not in done.stdout
    for name in ("before", "after"):
        page = (tmp_path / "demo" / f"{name}.html").read_text()
        assert page.startswith("<!doctype html>")
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert left.stdout == ""

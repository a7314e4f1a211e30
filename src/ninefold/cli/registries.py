"""Which package registries pip and npm use here: their environment variables, then their files."""

from __future__ import annotations

import configparser
import os
import re
from importlib.metadata import version
from pathlib import Path

from ninefold.audit.fetch import Fetcher
from ninefold.audit.registry import MOST, SECONDS, Registries
from ninefold.cli.places import cache_home

_PYPI, _NPM = "https://pypi.org/simple", "https://registry.npmjs.org"


def registries(now: float) -> Registries:
    """`now` is Unix seconds."""
    bases = {"PyPI": _pip() or _PYPI, "npm": _npm() or _NPM}
    fetcher = Fetcher(f"ninefold-audit/{version('ninefold')}", MOST, SECONDS)
    return Registries(bases, fetcher, now, cache_home() / "ninefold" / "registries")


def _pip() -> str:
    """`PIP_INDEX_URL`, or `index-url` of the nearest pip.conf (pip.pypa.io/en/stable/topics/configuration)."""
    if told := os.environ.get("PIP_INDEX_URL", "").strip():
        return told
    named = os.environ.get("PIP_CONFIG_FILE", "")
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (
        Path(named) if named else None,
        home / "pip/pip.conf",
        Path.home() / ".pip/pip.conf",
        Path("/etc/pip.conf"),
    ):
        if path is None:
            continue
        read = configparser.RawConfigParser(strict=False)
        try:
            read.read_string(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        if told := read.get("global", "index-url", fallback="").strip():
            return told
    return ""


def _npm() -> str:
    """`npm_config_registry`, or `registry` of ~/.npmrc (docs.npmjs.com/cli/configuring-npm/npmrc)."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if told := os.environ.get(name, "").strip():
            return told
    try:
        text = (Path.home() / ".npmrc").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = re.search(r"^\s*registry\s*=\s*[\"']?(\S+?)[\"']?\s*$", text, re.MULTILINE)
    return found[1] if found else ""

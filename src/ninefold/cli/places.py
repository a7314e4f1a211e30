"""Where a person's data and caches lie (XDG Base Directory Specification)."""

from __future__ import annotations

import os
from pathlib import Path


def data_home() -> Path:
    """`$XDG_DATA_HOME`, or `~/.local/share`; a path that is not absolute does not count."""
    return _home("XDG_DATA_HOME", ".local/share")


def cache_home() -> Path:
    """`$XDG_CACHE_HOME`, or `~/.cache`."""
    return _home("XDG_CACHE_HOME", ".cache")


def index() -> Path:
    """The index of advisories that is made and used where no other is named."""
    return data_home() / "ninefold" / "advisories.db"


def default_index() -> Path | None:
    """That, if it is there."""
    return index() if index().is_file() else None


def _home(variable: str, otherwise: str) -> Path:
    told = Path(os.environ.get(variable) or "")
    return told if told.is_absolute() else Path.home() / otherwise

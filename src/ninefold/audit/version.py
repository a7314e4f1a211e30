"""Versions in the order of their ecosystem: `1.10` comes after `1.9`, and `1.0-rc1` before `1.0` or after it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from univers import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: By OSV's name of the ecosystem. Semantic versions are npm's, Rust's and (with a leading v) Go's.
_ORDERS: Mapping[str, Callable[[str], Any]] = {
    "PyPI": Version,
    "npm": versions.SemverVersion,
    "crates.io": versions.SemverVersion,
    "Go": versions.GolangVersion,
    "RubyGems": versions.RubygemsVersion,
    "Maven": versions.MavenVersion,
    "Packagist": versions.ComposerVersion,
    "NuGet": versions.NugetVersion,
}

#: What sorts versions of one ecosystem; `FIRST` is before every version (OSV writes it `0`).
Key = tuple[int, Any]
FIRST: Key = (0, 0)


@lru_cache(maxsize=65_536)
def key(ecosystem: str, text: str) -> Key | None:
    """The place of a version among those of its ecosystem. None: it is no version there, or the order is not known."""
    if text == "0":
        return FIRST
    order = _ORDERS.get(ecosystem)
    if order is None or not text:
        return None
    try:
        return 1, order(text)
    except (InvalidVersion, versions.InvalidVersion, ValueError, TypeError, AttributeError):
        return None


def name(ecosystem: str, text: str) -> str:
    """A package's name as its ecosystem compares names."""
    if ecosystem == "PyPI":
        return canonicalize_name(text)
    return text.lower() if ecosystem in {"NuGet", "Packagist"} else text

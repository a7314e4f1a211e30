"""Versions in the order of their ecosystem: `1.10` comes after `1.9`, and `1.0-rc1` before `1.0` or after it."""

from __future__ import annotations

import re
from functools import cmp_to_key, lru_cache
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SEMANTIC = re.compile(
    r"v?(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
#: Composer's words for a stability, in PHP's order (version_compare); a number stands between RC and patch.
_STABILITIES = {
    "dev": 0,
    "alpha": 1,
    "a": 1,
    "beta": 2,
    "b": 2,
    "rc": 3,
    "": 4,
    "stable": 4,
    "patch": 6,
    "pl": 6,
    "p": 6,
}
_COMPOSER = re.compile(
    r"v?(\d+(?:\.\d+){0,3})(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p|dev)(?:[.-]?(\d+(?:[.-]\d+)*))?)?"
    r"(?:[.-]?(dev))?(?:\+\S*)?",
    re.IGNORECASE,
)
#: Alpine's words after a version, in their order; nothing stands among them.
_SUFFIXES = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
_APK = re.compile(rf"(\d+(?:\.\d+)*)([a-z]?)((?:_(?:{'|'.join(filter(None, _SUFFIXES))})\d*)*)(?:-r(\d+))?")


def _semantic(text: str) -> tuple[Any, ...]:
    """SemVer 2.0.0 section 11: a build's name does not count, a pre-release comes before, numbers before words."""
    found = _SEMANTIC.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    numbers = tuple(int(one or 0) for one in found.groups()[:3])
    before = found[4]
    if before is None:
        return (*numbers, 1, ())
    words = tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in before.split("."))
    return (*numbers, 0, words)


def _composer(text: str) -> tuple[Any, ...]:
    """Composer's normal form: four numbers, then dev < alpha < beta < RC < nothing < patch."""
    found = _COMPOSER.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    numbers = [int(one) for one in found[1].split(".")]
    numbers += [0] * (4 - len(numbers))
    word = (found[2] or "").lower()
    nth = tuple(int(one) for one in re.split(r"[.-]", found[3])) if found[3] else ()
    return (*numbers, _STABILITIES[word], nth, 0 if found[4] and word != "dev" else 1)


def _alpine(text: str) -> tuple[Any, ...]:
    """Alpine's (apk-package(5)): numbers, a letter, suffixes of which some come before nothing, and the build's revision.

    A number with a zero before it, which apk compares as a fraction, is not ordered.
    """
    found = _APK.fullmatch(text)
    if found is None or re.search(r"\.0\d", found[1]):
        raise ValueError(text)
    numbers = tuple(int(one) for one in found[1].split("."))
    suffixes = tuple(
        (_SUFFIXES.index(word), int(number or 0)) for word, number in re.findall(r"_([a-z]+)(\d*)", found[3])
    )
    return numbers, found[2], (*suffixes, (_SUFFIXES.index(""), 0)), int(found[4] or 0)


def _maven(text: str) -> Any:
    """`release` is an alias of nothing, as `ga` and `final` are (Maven's ComparableVersion)."""
    return _library("MavenVersion")(re.sub(r"[.-]release$", "", text, flags=re.IGNORECASE))


def _debian(text: str) -> Any:
    """deb-version(7), where `00` and `000` are one place; the library orders them so and calls them different."""
    return cmp_to_key(_compared)(_library("DebianVersion")(text))


def _rubygems(text: str) -> Any:
    return _library("RubygemsVersion")(text)


def _nuget(text: str) -> Any:
    from univers.nuget import InvalidNuGetVersion  # noqa: PLC0415  # takes long to load, and this ecosystem alone needs it

    try:
        return _library("NugetVersion")(text)
    except InvalidNuGetVersion as fault:
        raise ValueError(text) from fault


def _library(name: str) -> Any:
    from univers import versions  # noqa: PLC0415  # takes long to load, and these ecosystems alone need it

    return getattr(versions, name)


def _compared(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


#: By OSV's name of the ecosystem. Go's pseudo-versions are semantic versions.
_ORDERS: Mapping[str, Callable[[str], Any]] = {
    "PyPI": Version,
    "npm": _semantic,
    "crates.io": _semantic,
    "Go": _semantic,
    "Hex": _semantic,
    "Pub": _semantic,
    "RubyGems": _rubygems,
    "Maven": _maven,
    "Packagist": _composer,
    "NuGet": _nuget,
    "Debian": _debian,
    "Ubuntu": _debian,
    "Alpine": _alpine,
}
#: Ecosystems whose every release has records of its own (`Debian:12`): one release says nothing about another.
RELEASED = frozenset({"Debian", "Ubuntu", "Alpine"})

#: What sorts versions of one ecosystem; `FIRST` is before every version (OSV writes it `0`).
Key = tuple[int, Any]
FIRST: Key = (0, 0)


@lru_cache(maxsize=65_536)
def key(ecosystem: str, text: str) -> Key | None:
    """The place of a version among those of its ecosystem. None: it is no version there, or the order is not known."""
    if text == "0":
        return FIRST
    order = _ORDERS.get(base(ecosystem))
    if order is None or not text.strip() or len(text) > 256:
        return None
    try:
        return 1, order(text)
    except (InvalidVersion, ValueError, TypeError, AttributeError):
        return None


def base(ecosystem: str) -> str:
    """Without the release that some have behind a colon (`Debian:12`)."""
    return ecosystem.partition(":")[0]


def release(ecosystem: str) -> str:
    """With the release, where that has records of its own: `Ubuntu:22.04` for `Ubuntu:22.04:LTS`; else as `base`."""
    parts = ecosystem.split(":")
    return ":".join(parts[:2]) if parts[0] in RELEASED else parts[0]


def name(ecosystem: str, text: str) -> str:
    """A package's name as its ecosystem compares names."""
    if ecosystem == "PyPI":
        return canonicalize_name(text)
    return text.lower() if ecosystem in {"NuGet", "Packagist"} else text

"""Every manifest and lock file of a source tree. What cannot be read is named, not passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.manifests import npm, others, python
from ninefold.audit.source import paths, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ninefold.audit.manifests.pin import Pin
    from ninefold.audit.source import SourceFile

#: Lock files grow with a project; past this many bytes one is named as unread.
MOST_BYTES = 64 * 1024 * 1024

READERS: tuple[tuple[re.Pattern[str], Callable[[SourceFile], Iterable[Pin]]], ...] = (
    (re.compile(r"[\w.-]*requirements[\w.-]*\.txt|requirements/[\w.-]+\.(?:txt|lock)"), python.requirements),
    (re.compile(r"uv\.lock|poetry\.lock|pylock(?:\.[\w-]+)?\.toml"), python.toml_lock),
    (re.compile(r"Pipfile\.lock"), python.pipfile_lock),
    (re.compile(r"package-lock\.json|npm-shrinkwrap\.json"), npm.package_lock),
    (re.compile(r"pnpm-lock\.yaml"), npm.pnpm_lock),
    (re.compile(r"yarn\.lock"), npm.yarn_lock),
    (re.compile(r"package\.json"), npm.package_json),
    (re.compile(r"go\.mod"), others.go_mod),
    (re.compile(r"Cargo\.lock"), others.cargo_lock),
    (re.compile(r"Gemfile\.lock|gems\.locked"), others.gemfile_lock),
    (re.compile(r"pom\.xml"), others.pom_xml),
    (re.compile(r"gradle\.lockfile"), others.gradle_lock),
    (re.compile(r"composer\.lock"), others.composer_lock),
    (re.compile(r"packages\.lock\.json"), others.nuget_lock),
    (re.compile(r"(?:[\w.-]+\.)?(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?", re.IGNORECASE), others.dockerfile),
)

#: There, but not understood: by itself one says too little, or nobody has written its reader yet.
_UNREAD = re.compile(
    r"(?:^|/)(?:build\.gradle(?:\.kts)?|mix\.lock|pubspec\.lock|Package\.resolved|conan\.lock|bun\.lockb?)$"
)
#: A manifest that one of these beside it (or above it, in a workspace) locks.
_LOCKED = {"package.json": ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")}


@dataclass(frozen=True, slots=True)
class Manifests:
    """`read` are the files that were understood; `unread` those that were found and were not, each with why."""

    pins: tuple[Pin, ...]
    read: tuple[str, ...]
    unread: tuple[str, ...]


def manifests(root: Path) -> Manifests:
    """Every manifest below `root` (or the one file that it is)."""
    pins: list[Pin] = []
    read: list[str] = []
    unread: list[str] = []
    for path in paths(root):
        name = path.relative_to(root).as_posix() if path != root else path.name
        reader = _reader(name)
        if reader is None:
            if _UNREAD.search(name):
                unread.append(f"{name} (this kind is not read yet)")
            continue
        file = read_text(root, path, MOST_BYTES)
        if file is None:
            unread.append(f"{name} (no text, or larger than {MOST_BYTES >> 20} MiB)")
            continue
        try:
            pins += _named(reader(file))
        except (ValueError, TypeError, KeyError, AttributeError, SyntaxError, RecursionError) as fault:
            unread.append(f"{name} ({type(fault).__name__})")
        else:
            read.append(name)
    return Manifests(tuple(pin for pin in pins if not _locked(pin.file, set(read))), tuple(read), tuple(unread))


def _named(pins: Iterable[Pin]) -> list[Pin]:
    """Raises `TypeError` where a file has something else in the place of a name or version."""
    listed = list(pins)
    if not all(isinstance(one.name, str) and isinstance(one.version, str) and one.name for one in listed):
        raise TypeError("a name or version is no text")
    return listed


def _reader(name: str) -> Callable[[SourceFile], Iterable[Pin]] | None:
    known = (name.rpartition("/")[2], "/".join(name.split("/")[-2:]))  # some are known by their folder
    return next((reader for pattern, reader in READERS if any(pattern.fullmatch(one) for one in known)), None)


def _locked(file: str, read: set[str]) -> bool:
    """Whether a lock file settles the ranges of this manifest, beside it or above it."""
    folder, _, last = file.rpartition("/")
    wanted = _LOCKED.get(last, ())
    while wanted:
        if any((f"{folder}/{one}" if folder else one) in read for one in wanted):
            return True
        if not folder:
            return False
        folder = folder.rpartition("/")[0]
    return False

"""What an API depends on, read from its manifests and lock files. What cannot be read is named, not passed
over.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ninefold.audit.source import SourceFile, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REQUIREMENTS = re.compile(r"(?:^|/)(?:[\w.-]*requirements[\w.-]*\.txt|requirements/[\w.-]+\.(?:txt|lock))$")
_LOCKS = re.compile(r"(?:^|/)(?:uv\.lock|poetry\.lock|pylock(?:\.[\w-]+)?\.toml|Pipfile\.lock)$")

#: Manifests of other ecosystems: there, but not understood yet.
_UNREAD = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|go\.mod"
    r"|Cargo\.lock|Gemfile\.lock"
    r"|pom\.xml|build\.gradle(?:\.kts)?|composer\.lock|mix\.lock|packages\.lock\.json)$"
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One dependency. `version` is empty when the manifest leaves it open; `name` is canonical (PEP 503)."""

    name: str
    version: str
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """`unread` are the manifests that were found and could not be understood, each with why."""

    pins: tuple[Pin, ...]
    read: tuple[str, ...]
    unread: tuple[str, ...]


def manifests(root: Path) -> Manifests:
    """Every manifest below `root` (or the one file that it is)."""
    pins: list[Pin] = []
    read: list[str] = []
    unread: list[str] = []
    for file in files(root):
        reader = _reader(file.name)
        if reader is not None:
            try:
                pins += reader(file)
                read.append(file.name)
            except (ValueError, TypeError, KeyError, AttributeError) as fault:
                unread.append(f"{file.name} ({type(fault).__name__})")
        elif _UNREAD.search(file.name):
            unread.append(f"{file.name} (this kind is not read yet)")
    return Manifests(tuple(pins), tuple(read), tuple(unread))


def _reader(name: str) -> Any:
    if _REQUIREMENTS.search(name):
        return _requirements
    if _LOCKS.search(name):
        return _pipfile if name.endswith("Pipfile.lock") else _toml
    return None


def _requirements(file: SourceFile) -> Iterator[Pin]:
    """Pip's requirements format: continuation lines, comments, options and hashes aside."""
    number, held, start = 0, "", 0
    for number, line in enumerate(file.text.splitlines(), 1):
        start = start or number
        held += re.sub(r"(?:^|\s)#.*$", "", line)
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        if pin := _requirement(file.name, start, held.strip()):
            yield pin
        held, start = "", 0
    if held and (pin := _requirement(file.name, start or number, held.strip())):
        yield pin


def _requirement(file: str, line: int, text: str) -> Pin | None:
    text = re.split(r"\s--", text, maxsplit=1)[0].strip()
    if not text or text.startswith(("-", ".", "/")):
        return None
    try:
        told = Requirement(text)
    except InvalidRequirement:
        return Pin(text.split()[0][:80], "", file, line, text[:120]) if "://" in text else None
    return Pin(canonicalize_name(told.name), _exact(told), file, line, text[:120])


def _exact(told: Requirement) -> str:
    if told.url:  # a URL with a whole commit or a digest stays what it is
        return "url" if re.search(r"@[0-9a-f]{40}\b|#.*sha256=", told.url) else ""
    for one in told.specifier:
        if one.operator in {"==", "==="} and not one.version.endswith("*"):
            return one.version
    return ""


def _toml(file: SourceFile) -> Iterator[Pin]:
    document = tomllib.loads(file.text)
    for package in document.get("package", document.get("packages", ())):
        name, version = str(package["name"]), str(package.get("version", ""))
        source = package.get("source")
        if version and not (isinstance(source, dict) and {"editable", "virtual"} & source.keys()):
            yield Pin(canonicalize_name(name), version, file.name, _line(file.text, name), f"{name} {version}")


def _pipfile(file: SourceFile) -> Iterator[Pin]:
    document = json.loads(file.text)
    for group in ("default", "develop"):
        for name, told in document.get(group, {}).items():
            version = str(told.get("version", "")).removeprefix("==")
            yield Pin(canonicalize_name(name), version, file.name, _line(file.text, name), f"{name} {version}")


def _line(text: str, name: str) -> int:
    return text[:at].count("\n") + 1 if (at := text.find(f'"{name}"')) >= 0 else 0

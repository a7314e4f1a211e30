"""Python's requirements and lock files: pip, uv, poetry, pipenv, and pylock.toml (PEP 751)."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ninefold.audit.manifests.pin import Lines, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import SourceFile


def requirements(file: SourceFile) -> Iterator[Pin]:
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


def toml_lock(file: SourceFile) -> Iterator[Pin]:
    """`uv.lock`, `poetry.lock`, `pylock.toml`."""
    document, lines = tomllib.loads(file.text), Lines(file.text)
    for package in document.get("package", document.get("packages", ())):
        name, version = str(package["name"]), str(package.get("version", ""))
        source = package.get("source")
        if version and not (isinstance(source, dict) and {"editable", "virtual"} & source.keys()):
            yield Pin(canonicalize_name(name), version, file.name, lines.of(f'"{name}"'), f"{name} {version}")


def pipfile_lock(file: SourceFile) -> Iterator[Pin]:
    """`Pipfile.lock`."""
    document, lines = json.loads(file.text), Lines(file.text)
    for group in ("default", "develop"):
        for name, told in document.get(group, {}).items():
            version = str(told.get("version", "")).removeprefix("==")
            yield Pin(canonicalize_name(name), version, file.name, lines.of(f'"{name}"'), f"{name} {version}")

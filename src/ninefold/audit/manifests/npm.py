"""What JavaScript packages depend on: npm, pnpm and yarn (both generations), and `package.json` where nothing locks it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.manifests.pin import Lines, Pin
from ninefold.contract.source import SourceFault, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import SourceFile

_EXACT = re.compile(r"[v=]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_FOREIGN = ("file:", "link:", "workspace:", "portal:", "patch:", "git", "http:", "https:", "github:")
_PNPM = re.compile(r"/?(?P<name>@?[^@/]+(?:/[^@/]+)?)[@/](?P<version>\d[^(_]*)")
_ENTRY = re.compile(r'^"?(?P<name>@?[^@"]+)@')
_VERSION = re.compile(r'^  version:? "?(?P<version>[^"\s]+)"?')


def package_lock(file: SourceFile) -> Iterator[Pin]:
    """`package-lock.json` and `npm-shrinkwrap.json`, of all three versions."""
    document, lines = json.loads(file.text), Lines(file.text)
    if "lockfileVersion" not in document:
        raise ValueError("it is no lock file")
    if "packages" in document:
        for place, told in document["packages"].items():
            name = told.get("name") or place.rpartition("node_modules/")[2]
            if place and "node_modules/" in place and not told.get("link") and told.get("version"):
                yield _pin(file, name, told["version"], lines.of(f'"{place}"'))
        return
    yield from _nested(file, document.get("dependencies", {}), lines)


def _nested(file: SourceFile, dependencies: dict[str, Any], lines: Lines) -> Iterator[Pin]:
    for name, told in dependencies.items():
        version = str(told.get("version", ""))
        if version and not version.startswith(_FOREIGN):
            yield _pin(file, name, version, lines.of(f'"{name}"'))
        yield from _nested(file, told.get("dependencies", {}), lines)


def pnpm_lock(file: SourceFile) -> Iterator[Pin]:
    """`pnpm-lock.yaml`: the keys of `packages`, as pnpm 5 to 10 write them."""
    try:
        document = parse(file.text.encode(), file.name).data
    except SourceFault as fault:
        raise ValueError(fault.what) from None
    lines = Lines(file.text)
    for key in document.get("packages") or {}:
        if found := _PNPM.match(key):
            yield _pin(file, found["name"], found["version"], lines.of(key))


def yarn_lock(file: SourceFile) -> Iterator[Pin]:
    """`yarn.lock`, of yarn 1 (a format of its own) and of later ones (YAML); both have an entry a block."""
    name, at = "", 0
    for number, line in enumerate(file.text.splitlines(), 1):
        if line and not line[0].isspace() and line.endswith(":"):
            found = _ENTRY.match(line)
            local = "@workspace:" in line or "@link:" in line or "@portal:" in line
            name, at = (found["name"], number) if found and not local else ("", 0)
        elif name and (version := _VERSION.match(line)):
            yield Pin(name, version["version"], file.name, at, f"{name} {version['version']}", "npm")
            name = ""


def package_json(file: SourceFile) -> Iterator[Pin]:
    """`package.json`: a range leaves the version to the next install."""
    document, lines = json.loads(file.text), Lines(file.text)
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, wanted in (document.get(group) or {}).items():
            if isinstance(wanted, str) and not wanted.startswith(_FOREIGN):
                version = wanted.lstrip("v=") if _EXACT.fullmatch(wanted) else ""
                yield Pin(name, version, file.name, lines.of(f'"{name}"'), f"{name} {wanted}", "npm")


def _pin(file: SourceFile, name: str, version: str, line: int) -> Pin:
    return Pin(name, version, file.name, line, f"{name} {version}", "npm")

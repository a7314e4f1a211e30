"""What JavaScript packages depend on: npm, pnpm and yarn (both generations), and `package.json` where nothing locks it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.manifests.pin import Lines, Need, Pin
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
        packages = document["packages"]
        own = [place for place, told in packages.items() if "node_modules/" not in place and isinstance(told, dict)]
        direct = {found for place in own for _, found in _resolved(packages, place)}
        for place, told in packages.items():
            if "node_modules/" in place and not told.get("link") and told.get("version"):
                yield Pin(
                    _named(packages, place),
                    told["version"],
                    file.name,
                    lines.of(f'"{place}"'),
                    f"{_named(packages, place)} {told['version']}",
                    "npm",
                    needs=tuple(need for need, _ in _resolved(packages, place)),
                    direct=place in direct if direct else None,
                    hashed=bool(told.get("integrity")) if not told.get("inBundle") else None,
                    deprecated=str(told["deprecated"])[:200] if told.get("deprecated") else None,
                    licence=told["license"] if isinstance(told.get("license"), str) else "",
                    tells=frozenset({"deprecated"}),
                )
        return
    yield from _nested(file, document.get("dependencies", {}), lines)


def _named(packages: dict[str, Any], place: str) -> str:
    """The package's own name, which an alias hides in the place."""
    return str(packages[place].get("name") or place.rpartition("node_modules/")[2])


def _resolved(packages: dict[str, Any], place: str) -> Iterator[tuple[Need, str]]:
    """What the package at `place` asks for, and where Node finds it: beside it, or in a folder above."""
    told = packages[place]
    groups = ("dependencies", "optionalDependencies", "peerDependencies")
    names = dict.fromkeys(name for group in (*groups, "devDependencies") for name in told.get(group) or {})
    for name in names:
        above = place
        while True:
            at = f"{above}/node_modules/{name}" if above else f"node_modules/{name}"
            if at in packages:
                to = str(packages[at].get("resolved", "")) if packages[at].get("link") else at
                if to == at and packages[at].get("version"):
                    yield Need(_named(packages, at), str(packages[at]["version"])), at
                break
            if not above:
                break
            above = above.rpartition("/node_modules/")[0] if "/node_modules/" in above else ""


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

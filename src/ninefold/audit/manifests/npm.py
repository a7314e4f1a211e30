"""What JavaScript packages depend on: npm, pnpm and yarn (both generations), and `package.json` where nothing locks it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ninefold.audit.manifests.pin import Lines, Need, Pin
from ninefold.contract.source import SourceFault, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import SourceFile

_EXACT = re.compile(r"[v=]?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_FOREIGN = ("file:", "link:", "workspace:", "portal:", "patch:", "git", "http:", "https:", "github:")
_PNPM = re.compile(r"/?(?P<name>@[^@/]+/[^@/]+|[^@/]+)[@/](?P<version>\d[^(_]*)")
_ENTRY = re.compile(r'^"?(?P<name>@?[^@"]+)@')
_OWN, _NONE = -1, -2
_ASKED = re.compile(r'^    "?(?P<name>@?[^"\s:]+)"?:? "?(?P<range>[^"]+)"?$')
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
    snapshots = document.get("snapshots") or {}  # pnpm 9 and later keep there what each asks for
    needs: dict[tuple[str, str], list[Need]] = {}
    for key, told in [*(document.get("packages") or {}).items(), *snapshots.items()]:
        if found := _PNPM.match(key):
            needs.setdefault((found["name"], found["version"]), []).extend(_pnpm_needs(told or {}))
    importers = (document.get("importers") or {".": document}).values()
    direct = {tuple(need) for one in importers for need in _pnpm_needs(one, "devDependencies")}
    for key, told in (document.get("packages") or {}).items():
        if found := _PNPM.match(key):
            name, version = found["name"], found["version"]
            why = told.get("deprecated")
            yield Pin(
                name,
                version,
                file.name,
                lines.of(key),
                f"{name} {version}",
                "npm",
                needs=tuple(dict.fromkeys(needs[name, version])),
                direct=(name, version) in direct if direct else None,
                hashed=bool(told["resolution"].get("integrity")) if "tarball" not in told["resolution"] else None,
                deprecated=str(why)[:200] if why else None,
                tells=frozenset({"deprecated"}),
            )


def _pnpm_needs(told: dict[str, Any], *more: str) -> Iterator[Need]:
    """`name: 1.0.0(peer@2.0.0)`, `name: {version: ...}`, or under an alias `name: real@1.0.0`."""
    for group in ("dependencies", "optionalDependencies", *more):
        for name, wanted in (told.get(group) or {}).items():
            version = str(wanted.get("version", "") if isinstance(wanted, dict) else wanted)
            if version.startswith(_FOREIGN):
                continue
            other = _PNPM.match(version) if not version[:1].isdigit() else None
            plain = re.split(r"[(_]", version)[0]
            yield Need(other["name"], other["version"]) if other else Need(name, plain)


def yarn_lock(file: SourceFile) -> Iterator[Pin]:
    """`yarn.lock`, of yarn 1 (a format of its own) and of later ones (YAML); both have an entry a block."""
    found: list[Pin] = []
    wanted: dict[int, list[str]] = {}
    versions: dict[str, Need] = {}
    name, at, asking = "", 0, False
    asked: list[str] = []
    here = _OWN  # whose entry it is: a place in `found`, or the project's own
    for number, line in enumerate(file.text.splitlines(), 1):
        if line and not line[0].isspace() and line.endswith(":"):
            entry = _ENTRY.match(line)
            local = "@workspace:" in line or "@link:" in line or "@portal:" in line
            name, at = (entry["name"], number) if entry and not local else ("", 0)
            here = _OWN if local else _NONE
            asked, asking = [one.strip().strip('"') for one in line[:-1].split(",")], False
        elif name and (version := _VERSION.match(line)):
            pin = Pin(name, version["version"], file.name, at, f"{name} {version['version']}", "npm")
            found.append(pin)
            here = len(found) - 1
            versions |= dict.fromkeys((one.replace("@npm:", "@", 1) for one in asked), Need(name, pin.version))
            name = ""
        elif line.startswith("  ") and not line.startswith("   "):
            asking = line.strip() in {"dependencies:", "devDependencies:", "optionalDependencies:"}
        elif asking and (need := _ASKED.match(line)):
            wanted.setdefault(here, []).append(f"{need['name']}@{need['range'].removeprefix('npm:')}")
    direct = {versions[one] for one in wanted.get(_OWN, ()) if one in versions}
    for number, pin in enumerate(found):
        needs = dict.fromkeys(versions[one] for one in wanted.get(number, ()) if one in versions)
        asks = Need(pin.name, pin.version) in direct if direct else None
        yield replace(pin, needs=tuple(needs), direct=asks)


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

"""What Go, Rust, Ruby, Java, PHP and .NET programs depend on, and the images that containers are built from."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from ninefold.audit.manifests.pin import Lines, Need, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.source import SourceFile

_GO = re.compile(r"^\s*(?:require\s+)?(?P<name>[\w.~-]+\.[\w.~-]+(?:/[\w.~-]+)*)\s+v(?P<version>\d[\w.+-]*)")
_GO_REPLACE = re.compile(r"^\s*(?:replace\s+)?(?P<name>\S+)(?:\s+v\S+)?\s+=>\s+(?P<new>\S+)(?:\s+v(?P<version>\S+))?")
_GEM = re.compile(r"^    (?P<name>[\w.-]+) \((?P<version>\d[\w.]*)(?:-[\w-]+)?\)")
_GRADLE = re.compile(r"^(?P<name>[\w.-]+:[\w.-]+):(?P<version>[^=\s]+)=")
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
_COPY = re.compile(r"^\s*(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=(?P<image>\S+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>\w+))")
#: Longest line of a Dockerfile that is read.
_LINE = 4096
_ARG = re.compile(r"^\s*ARG\s+(?P<name>\w+)=(?P<value>\S+)", re.IGNORECASE)


def go_mod(file: SourceFile) -> Iterator[Pin]:
    """`go.mod`: what is required, after its `replace` lines (go.dev/ref/mod)."""
    lines = [line.partition("//")[0].rstrip() for line in file.text.splitlines()]
    if not any(line.startswith("module ") for line in lines):
        raise ValueError("it names no module")
    replaced = {one["name"]: one for line in lines if (one := _GO_REPLACE.match(line)) and "=>" in line}
    for number, line in enumerate(lines, 1):
        found = _GO.match(line)
        if (
            found is None
            or "=>" in line
            or line.lstrip().startswith(("module", "go ", "toolchain", "exclude", "retract"))
        ):
            continue
        name, version = found["name"], found["version"]
        if (instead := replaced.get(name)) is not None:
            if not instead["version"]:
                continue  # a folder of one's own
            name, version = instead["new"], instead["version"]
        indirect = "// indirect" in file.text.splitlines()[number - 1]
        yield Pin(
            name, version.removesuffix("+incompatible"), file.name, number, line.strip(), "Go", direct=not indirect
        )


def cargo_lock(file: SourceFile) -> Iterator[Pin]:
    """`Cargo.lock`: what comes from a registry."""
    lines = Lines(file.text)
    packages = tomllib.loads(file.text).get("package", ())
    direct = {one[:2] for package in packages if not package.get("source") for one in _crates(package)}
    for package in packages:
        if "registry" in str(package.get("source", "")):
            name, version = str(package["name"]), str(package["version"])
            at = lines.of(f'name = "{name}"\nversion = "{version}"')
            yield Pin(
                name,
                version,
                file.name,
                at,
                f"{name} {version}",
                "crates.io",
                needs=tuple(_crates(package)),
                direct=bool({(name, version), (name, "")} & direct) if direct else None,
                hashed=bool(package.get("checksum")),
            )


def _crates(package: Mapping[str, Any]) -> Iterator[Need]:
    """`name`, or `name version` (and where from) where there are several of a name."""
    for one in package.get("dependencies", ()):
        name, _, rest = str(one).partition(" ")
        yield Need(name, rest.partition(" ")[0])


def gemfile_lock(file: SourceFile) -> Iterator[Pin]:
    """`Gemfile.lock`: the `GEM` section's own entries (what they ask for is indented deeper)."""
    section = ""
    found: list[Pin] = []
    needs: dict[int, list[Need]] = {}
    direct: set[str] = set()
    for number, line in enumerate(file.text.splitlines(), 1):
        if line and not line[0].isspace():
            section = line
        elif section == "GEM" and (gem := _GEM.match(line)):
            found.append(Pin(gem["name"], gem["version"], file.name, number, line.strip(), "RubyGems"))
        elif section == "GEM" and found and line.startswith("      ") and line.strip():
            needs.setdefault(len(found) - 1, []).append(Need(line.split()[0]))
        elif section == "DEPENDENCIES" and line.strip():
            direct.add(line.split()[0].rstrip("!"))
    for at, pin in enumerate(found):
        yield replace(pin, needs=tuple(needs.get(at, ())), direct=pin.name in direct if direct else None)


def pom_xml(file: SourceFile) -> Iterator[Pin]:
    """`pom.xml`: its own dependencies, with its own properties; a version that a parent manages is open here."""
    if "<!DOCTYPE" in file.text or "<!ENTITY" in file.text:
        raise ValueError("it declares entities, and those are not read")
    root = ET.fromstring(file.text)  # noqa: S314  # nothing that expands is left in it
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    known = {one.tag.removeprefix(space): (one.text or "").strip() for one in root.iterfind(f"{space}properties/*")}
    known |= {f"project.{name}": root.findtext(f"{space}{name}", "").strip() for name in ("version", "groupId")}
    managed = {
        (_text(one, space, "groupId", known), _text(one, space, "artifactId", known)): _text(
            one, space, "version", known
        )
        for one in root.iterfind(f"{space}dependencyManagement/{space}dependencies/{space}dependency")
    }
    lines = Lines(file.text)
    for one in root.iterfind(f"{space}dependencies/{space}dependency"):
        group, artifact = _text(one, space, "groupId", known), _text(one, space, "artifactId", known)
        version = _text(one, space, "version", known) or managed.get((group, artifact), "")
        exact = version if re.fullmatch(r"[\w.-]+", version) and version not in {"LATEST", "RELEASE"} else ""
        name = f"{group}:{artifact}"
        at = lines.of(f"<artifactId>{artifact}<")
        yield Pin(name, exact, file.name, at, f"{name} {version or 'version of a parent'}", "Maven")


def _text(element: ET.Element, space: str, name: str, known: dict[str, str]) -> str:
    found = element.findtext(f"{space}{name}", "").strip()
    for _ in range(5):  # a property may name another
        found = _PROPERTY.sub(lambda one: known.get(one[1], one[0]), found)
    return found


def gradle_lock(file: SourceFile) -> Iterator[Pin]:
    """`gradle.lockfile`."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if found := _GRADLE.match(line):
            yield Pin(found["name"], found["version"], file.name, number, line.partition("=")[0], "Maven")


def composer_lock(file: SourceFile) -> Iterator[Pin]:
    """`composer.lock`."""
    document, lines = json.loads(file.text), Lines(file.text)
    for group in ("packages", "packages-dev"):
        for package in document.get(group) or ():
            name, version = str(package["name"]).lower(), str(package["version"]).removeprefix("v")
            exact = "" if version.startswith("dev-") else version
            at = lines.of(f'"{package["name"]}"')
            gone = package.get("abandoned")
            instead = f"use {gone}" if isinstance(gone, str) else ""
            yield Pin(
                name,
                exact,
                file.name,
                at,
                f"{name} {version}",
                "Packagist",
                needs=tuple(Need(str(one).lower()) for one in package.get("require") or {} if "/" in str(one)),
                deprecated=f"abandoned{f', {instead}' if instead else ''}" if gone else None,
                licence=" OR ".join(str(one) for one in package.get("license") or () if isinstance(one, str)),
                tells=frozenset({"deprecated"}),
            )


def nuget_lock(file: SourceFile) -> Iterator[Pin]:
    """`packages.lock.json`."""
    lines = Lines(file.text)
    for framework in json.loads(file.text).get("dependencies", {}).values():
        for name, told in framework.items():
            if told.get("type") != "Project" and told.get("resolved"):
                at = lines.of(f'"{name}"')
                yield Pin(
                    name.lower(),
                    told["resolved"],
                    file.name,
                    at,
                    f"{name} {told['resolved']}",
                    "NuGet",
                    needs=tuple(Need(str(one).lower()) for one in told.get("dependencies") or {}),
                    direct=told.get("type") == "Direct",
                    hashed=bool(told.get("contentHash")),
                )


def dockerfile(file: SourceFile) -> Iterator[Pin]:
    """`Dockerfile`: each base image, and each that files are copied from; only a digest says which one it is, a tag moves."""
    stages: set[str] = set()
    known: dict[str, str] = {}
    for number, line in enumerate(file.text.splitlines(), 1):
        if len(line) > _LINE and _FROM.match(line[:_LINE]):
            raise ValueError(f"line {number} is too long")
        if argument := _ARG.match(line[:_LINE]):
            known[argument["name"]] = argument["value"].strip("\"'")
        if found := _FROM.match(line[:_LINE]):
            image = _filled(found["image"], known)
            if image.lower() not in stages and image != "scratch":
                yield _image(file, image, number, line)
            if found["stage"]:
                stages.add(found["stage"].lower())  # Docker compares their names without regard to case
        elif found := _COPY.match(line[:_LINE]):
            image = _filled(found["image"], known)
            if image.lower() not in stages and re.search(
                r"[:/@]", image
            ):  # else it is a stage's number or a build context
                yield _image(file, image, number, line)


def _filled(text: str, known: Mapping[str, str]) -> str:
    """With the arguments' defaults in the place of `$NAME`, `${NAME}` and `${NAME:-default}`."""
    return _VARIABLE.sub(lambda one: known.get(one["name"] or one["bare"], one["default"] or one[0]), text)


def _image(file: SourceFile, image: str, number: int, line: str) -> Pin:
    name, _, digest = image.partition("@")
    return Pin(name, digest, file.name, number, line.strip()[:120], "Docker")

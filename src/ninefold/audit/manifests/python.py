"""Python's requirements and lock files: pip, uv, poetry, pipenv, and pylock.toml (PEP 751)."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ninefold.audit.manifests.pin import Lines, Need, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.source import SourceFile


#: What `pip-compile` and `uv pip compile` say of where an entry comes from: names, or the file that asked.
_VIA = re.compile(
    r"^\s*#\s*(?:via\b)?\s*(?P<from>[A-Za-z0-9._-]+(?:\[[^\]]*\])?(?:\s*,\s*[A-Za-z0-9._-]+)*|-[rc] .+|.+\(.+\))?\s*$"
)


def requirements(file: SourceFile) -> Iterator[Pin]:
    """Pip's requirements format: continuation lines, comments, options and hashes aside."""
    found: list[Pin] = []
    above: dict[int, list[str]] = {}
    number, held, start = 0, "", 0
    for number, line in enumerate(file.text.splitlines(), 1):
        if found and not held:
            _note(line, above.setdefault(len(found) - 1, []))
        start = start or number
        held += re.sub(r"(?:^|\s)#.*$", "", line)
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        if pin := _requirement(file.name, start, held.strip()):
            found.append(pin)
            _note(line[line.find("#") :] if "# via" in line else "", above.setdefault(len(found) - 1, []))
        held, start = "", 0
    if held and (pin := _requirement(file.name, start or number, held.strip())):
        found.append(pin)
    yield from _linked(found, above)


def _note(line: str, told: list[str]) -> None:
    """A comment of a compiler's about the entry above it: `# via flask`, or `#   flask` after `# via`."""
    if len(line) < 500 and line.lstrip().startswith("#") and ("via" in line or told) and (of := _VIA.match(line)):
        told += [one.strip() for one in (of["from"] or "via").split(",")]


def _linked(found: list[Pin], above: dict[int, list[str]]) -> Iterator[Pin]:
    """With what each needs, where a compiler said what asked for it; a file written by hand says nothing of that."""
    if not any(above.values()):
        yield from found
        return
    needs: dict[str, list[Need]] = {}
    direct: set[int] = set()
    for at, pin in enumerate(found):
        for one in above.get(at, ()):
            if one.startswith("-") or "(" in one:
                direct.add(at)
            elif one != "via":
                needs.setdefault(canonicalize_name(one.partition("[")[0]), []).append(Need(pin.name, pin.version))
    for at, pin in enumerate(found):
        yield replace(pin, needs=tuple(needs.get(pin.name, ())), direct=at in direct)


def _requirement(file: str, line: int, text: str) -> Pin | None:
    hashed = bool(re.search(r"\s--hash[= ]", text))
    text = re.split(r"\s--", text, maxsplit=1)[0].strip()
    if not text or text.startswith(("-", ".", "/")):
        return None
    try:
        told = Requirement(text)
    except InvalidRequirement:
        return Pin(text.split()[0][:80], "", file, line, text[:120]) if "://" in text else None
    return Pin(
        canonicalize_name(told.name), _exact(told), file, line, text[:120], hashed=hashed or (_exact(told) == "url")
    )


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
    packages = document.get("package", document.get("packages", ()))
    direct = {need.name for package in packages if _own(package) for need in _all_needs(package)}
    for package in packages:
        name, version = str(package["name"]), str(package.get("version", ""))
        if version and not _own(package):
            yield Pin(
                canonicalize_name(name),
                version,
                file.name,
                lines.of(f'"{name}"'),
                f"{name} {version}",
                needs=tuple(_needs(package)),
                direct=canonicalize_name(name) in direct if direct else None,
                hashed=_hashed(package),
            )


def _own(package: Mapping[str, Any]) -> bool:
    """Whether it is the project itself, or lies in its tree."""
    source = package.get("source")
    return isinstance(source, dict) and bool({"editable", "virtual"} & source.keys())


def _needs(package: Mapping[str, Any]) -> Iterator[Need]:
    """Uv and pylock have a list of tables, poetry a table by name."""
    told = package.get("dependencies", ())
    for one in told:
        name, version = (str(one["name"]), str(one.get("version", ""))) if isinstance(one, dict) else (str(one), "")
        yield Need(canonicalize_name(name), version)


def _all_needs(package: Mapping[str, Any]) -> Iterator[Need]:
    """With those of its extras and development groups, as uv writes them."""
    yield from _needs(package)
    for group in ("optional-dependencies", "dev-dependencies"):
        for listed in (package.get(group) or {}).values():
            yield from _needs({"dependencies": listed})


def _hashed(package: Mapping[str, Any]) -> bool | None:
    """Whether every file of it has a digest; None: the lock names no files."""
    files = [
        *(package.get("wheels") or ()),
        *(package.get("files") or ()),
        package.get("sdist"),
        package.get("archive"),
    ]
    told = [one for one in files if isinstance(one, dict)]
    return all(one.get("hash") or one.get("hashes") for one in told) if told else None


def pipfile_lock(file: SourceFile) -> Iterator[Pin]:
    """`Pipfile.lock`."""
    document, lines = json.loads(file.text), Lines(file.text)
    for group in ("default", "develop"):
        for name, told in document.get(group, {}).items():
            version = str(told.get("version", "")).removeprefix("==")
            yield Pin(
                canonicalize_name(name),
                version,
                file.name,
                lines.of(f'"{name}"'),
                f"{name} {version}",
                hashed=bool(told.get("hashes")),
            )

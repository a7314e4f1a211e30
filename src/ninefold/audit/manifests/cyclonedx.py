"""A software bill of materials as a source of components: CycloneDX in JSON, versions 1.2 to 1.6 (ECMA-424)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.audit.manifests.pin import Lines, Need, Pin
from ninefold.audit.purl import parsed
from ninefold.contract.source import read_bytes
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: Most bytes of a bill, most components in it, and how deep they may stand in each other.
MOST, COMPONENTS, _DEPTH = 128 * 1024 * 1024, 200_000, 30
_VERSIONS = re.compile(r"1\.[2-6]")
_REMEDY = "give a CycloneDX bill in JSON, version 1.2 to 1.6"


def read_sbom(path: Path) -> tuple[list[Pin], list[str]]:
    """The components that have a purl, and the names of those that have none. Raises `FileError` for what is no bill."""
    raw = read_bytes(path, MOST)
    document = decoded(raw, path)
    lines = Lines(raw.decode("utf-8", "replace"))
    graph = _graph(document)
    root = document.get("metadata")
    root = root.get("component") if isinstance(root, dict) else None
    needed = graph.get(str(root.get("bom-ref"))) if isinstance(root, dict) else None
    known: dict[str, Need] = {}
    found: list[tuple[str, tuple[str, str, str], Mapping[str, Any]]] = []
    unnamed = []
    for one in components(document, path):
        told = parsed(str(one.get("purl", "")))
        if told is None:
            if str(one.get("type")) not in {"file", "operating-system", "data"}:
                unnamed.append(f"{one.get('name', '?')} {one.get('version', '')}".strip())
            continue
        version = told[2] or str(one.get("version", ""))
        told = (told[0], told[1], version)
        ref = str(one.get("bom-ref") or one["purl"])
        known[ref] = Need(told[1], version)
        found.append((ref, told, one))
    pins = [
        Pin(
            name,
            version,
            path.name,
            lines.of(f'"{one["purl"]}"'),
            f"{name} {version}",
            ecosystem,
            needs=tuple(known[to] for to in graph.get(ref, ()) if to in known),
            direct=ref in needed if needed else None,
            licence=_licence(one),
        )
        for ref, (ecosystem, name, version), one in found
    ]
    return pins, unnamed


def decoded(raw: bytes, path: Path) -> dict[str, Any]:
    """A document of CycloneDX. Raises `FileError` for any other."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise FileError(f"it is no JSON ({fault})", place=Place(str(path)), remedy=_REMEDY) from None
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise FileError("it is no CycloneDX document", place=Place(str(path)), remedy=_REMEDY)
    if not _VERSIONS.fullmatch(str(document.get("specVersion"))):
        raise FileError(
            f"its version {str(document.get('specVersion'))[:20]!r} is not read", place=Place(str(path)), remedy=_REMEDY
        )
    return document


def components(document: Mapping[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """Every component, those within others too. Raises `FileError` where there are too many, or one is none."""
    waiting: list[tuple[Any, int]] = [(document.get("components", []), 0)]
    count = 0
    while waiting:
        listed, depth = waiting.pop()
        if not isinstance(listed, list) or depth > _DEPTH:
            raise FileError("its components are no list, or too deep", place=Place(str(path)), remedy=_REMEDY)
        for one in listed:
            count += 1
            if not isinstance(one, dict) or count > COMPONENTS:
                raise FileError(
                    f"component {count} is none, or there are too many", place=Place(str(path)), remedy=_REMEDY
                )
            yield one
            if one.get("components"):
                waiting.append((one["components"], depth + 1))


def _graph(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    listed = document.get("dependencies")
    told = (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return {
        str(one.get("ref")): tuple(str(to) for to in one["dependsOn"])
        for one in told
        if isinstance(one.get("dependsOn"), list)
    }


def _licence(component: Mapping[str, Any]) -> str:
    listed = component.get("licenses")
    told = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            inner = one.get("license")
            inner = inner if isinstance(inner, dict) else {}
            told.append(str(one.get("expression") or inner.get("id") or inner.get("name") or ""))
    return " AND ".join(one for one in told if one)

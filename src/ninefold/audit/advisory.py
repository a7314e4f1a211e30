"""Known vulnerabilities as OSV records (https://ossf.github.io/osv-schema/), from a folder, a file or an
archive.
"""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]
from cvss.exceptions import CVSSError  # type: ignore[import-untyped]
from packaging.utils import canonicalize_name

from ninefold.audit import version
from ninefold.audit.finding import Severity
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

#: Most bytes of one record; the largest published one has less than a tenth of it.
_RECORD = 4 * 1024 * 1024

_ECOSYSTEM = re.compile(rb"[\"']?\becosystem[\"']?\s*:\s*[\"']?([A-Za-z.]+)")
_SUFFIXES = (".json", ".yaml", ".yml")
_WORDS = {
    "CRITICAL": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MODERATE": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
}
_VECTORS: Mapping[str, Callable[[str], Any]] = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record. `severity` is None where neither the record nor its package says."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity | None
    affected: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        """The CVE number if it has one, as people know it."""
        return next((one for one in (self.id, *self.aliases) if one.startswith("CVE-")), self.id)

    def affects(self, package: str, text: str, ecosystem: str | None) -> bool:
        """Whether the version `text` of this package is vulnerable. `ecosystem` None: in whichever the name is known."""
        return any(_affects(one, text) for one in self.about(package, ecosystem))

    def about(self, package: str, ecosystem: str | None) -> Iterator[Mapping[str, Any]]:
        for one in self.affected:
            told = str((one.get("package") or {}).get("name", ""))
            if ecosystem is None:
                if canonicalize_name(told) == package:
                    yield one
            elif _ecosystem(one) == ecosystem and version.name(ecosystem, told) == package:
                yield one

    def fixes(self, package: str, ecosystem: str | None) -> Iterator[str]:
        """Versions that the record calls fixed."""
        for one in self.about(package, ecosystem):
            for span in one.get("ranges") or ():
                if span.get("type") != "GIT":
                    yield from (str(event["fixed"]) for event in span.get("events") or () if "fixed" in event)


@dataclass(frozen=True, slots=True)
class Advisories:
    """`records` are those about the packages asked for; `total` how many were there, `newest` the last change of any,
    `ecosystems` those of which there is a record at all.
    """

    records: tuple[Advisory, ...]
    total: int
    newest: str
    ecosystems: frozenset[str]


def read_advisories(path: Path, packages: Iterable[str]) -> Advisories:
    """The records about `packages` (canonical names). Raises `FileError` when there is nothing to read, or it
    is broken.
    """
    names = [re.escape(one).replace(r"\-", "[-_.]+") for one in set(packages)]
    wanted = re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])".encode(), re.IGNORECASE) if names else None
    records: list[Advisory] = []
    total, newest = 0, ""
    ecosystems: set[str] = set()
    for name, raw in _documents(path):
        ecosystems |= {found.decode() for found in _ECOSYSTEM.findall(raw)}
        if found := re.search(rb"[\"']?modified[\"']?\s*:\s*[\"']?(\d{4}-\d\d-\d\d)", raw):
            newest = max(newest, found[1].decode())
        count, told = _records(name, raw) if wanted and wanted.search(raw) else (_count(raw), [])
        total += count
        records += told
    if not total:
        raise FileError(
            "there is no OSV record in it",
            place=Place(str(path)),
            remedy="give a folder, .json, .tar.gz or .zip of records",
        )
    return Advisories(tuple(records), total, newest, frozenset(ecosystems))


def _count(raw: bytes) -> int:
    """How many records a document holds that was not parsed: each has one `modified`."""
    return len(re.findall(rb"[\"']?\bmodified[\"']?\s*:", raw))


def _records(name: str, raw: bytes) -> tuple[int, list[Advisory]]:
    try:
        document = json.loads(raw) if name.endswith(".json") else yaml.load(raw, yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        said = str(fault).splitlines()[0]
        raise FileError(
            f"it cannot be parsed ({said})", place=Place(name), remedy="mend or remove the record"
        ) from None
    if isinstance(document, dict) and isinstance(document.get("vulns"), list):
        document = document["vulns"]
    listed = document if isinstance(document, list) else [document]
    told = [one for one in listed if isinstance(one, dict) and "id" in one]
    return len(told), [_advisory(one) for one in told if not one.get("withdrawn")]


def _advisory(raw: Mapping[str, Any]) -> Advisory:
    affected = tuple(one for one in raw.get("affected") or () if isinstance(one, dict))
    return Advisory(
        str(raw["id"]),
        tuple(str(one) for one in raw.get("aliases") or ()),
        str(raw.get("summary") or str(raw.get("details") or "").partition("\n")[0])[:160],
        _severity(raw, affected),
        affected,
    )


def _severity(raw: Mapping[str, Any], affected: Iterable[Mapping[str, Any]]) -> Severity | None:
    told = [one for holder in (raw, *affected) for one in holder.get("severity") or ()]
    for kind, reader in _VECTORS.items():
        for one in told:
            if isinstance(one, dict) and one.get("type") == kind:
                try:
                    return rating(float(reader(str(one.get("score"))).scores()[0]))
                except (CVSSError, ValueError, IndexError):
                    continue
    word = (raw.get("database_specific") or {}).get("severity")
    return _WORDS.get(str(word).upper())


def rating(score: float) -> Severity:
    """CVSS v3.1 section 5, the qualitative scale."""
    steps = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in steps if score >= least), Severity.INFO)


def _ecosystem(affected: Mapping[str, Any]) -> str:
    """Without the release that some have behind a colon (`Debian:12`)."""
    return str((affected.get("package") or {}).get("ecosystem", "")).partition(":")[0]


def _affects(affected: Mapping[str, Any], text: str) -> bool:
    """The evaluation that the OSV schema gives; GIT ranges say nothing about versions."""
    ecosystem = _ecosystem(affected)
    mine = version.key(ecosystem, text)
    if any(
        text == str(one) or (mine is not None and version.key(ecosystem, str(one)) == mine)
        for one in affected.get("versions") or ()
    ):
        return True
    spans = (one for one in affected.get("ranges") or () if one.get("type") in {"ECOSYSTEM", "SEMVER"})
    return mine is not None and any(_within(mine, ecosystem, span.get("events") or ()) for span in spans)


def _within(mine: version.Key, ecosystem: str, events: Iterable[Mapping[str, Any]]) -> bool:
    told = sorted(
        (
            (at, kind)
            for event in events
            for kind, text in event.items()
            if (at := version.key(ecosystem, str(text))) is not None
        ),
        key=lambda one: (one[0], one[1] == "introduced"),
    )
    limits = [at for at, kind in told if kind == "limit"]
    if limits and not any(mine < at for at in limits):
        return False
    inside = False
    for at, kind in told:
        if kind == "introduced" and mine >= at:
            inside = True
        elif (kind == "fixed" and mine >= at) or (kind == "last_affected" and mine > at):
            inside = False
    return inside


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if path.is_dir():
            for one in sorted(path.rglob("*")):
                if one.name.endswith(_SUFFIXES) and one.is_file() and one.stat().st_size <= _RECORD:
                    yield str(one), one.read_bytes()
        elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile() and member.name.endswith(_SUFFIXES) and member.size <= _RECORD:
                        stream = archive.extractfile(member)
                        assert stream is not None
                        yield f"{path}/{member.name}", stream.read()
        elif path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as packed:
                for info in packed.infolist():
                    if info.filename.endswith(_SUFFIXES) and info.file_size <= _RECORD:
                        yield f"{path}/{info.filename}", packed.read(info)
        else:
            yield str(path), path.read_bytes()
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as fault:
        raise FileError(
            f"the advisories cannot be read ({fault})", place=Place(str(path)), remedy="mend --advisories"
        ) from None

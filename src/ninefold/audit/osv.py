"""OSV records where people keep them: a folder, a .json or .yaml file, a .tar.gz or a .zip, as OSV exports them."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from ninefold.contract.source import read_bytes
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Most bytes of one record, and most records of one export. The largest published ones have a quarter of either.
RECORD, RECORDS = 16 * 1024 * 1024, 2_000_000
#: Most bytes of all of them unpacked, and of one file that is no archive.
TOTAL, FILE = 16 * 1024 * 1024 * 1024, 1024 * 1024 * 1024
#: Most values in one record of YAML: aliases unfold into more than the text says (CWE-776).
_VALUES = 500_000

_SUFFIXES = (".json", ".yaml", ".yml")


class _Severity(msgspec.Struct):
    type: str
    score: str


class _Package(msgspec.Struct):
    ecosystem: str
    name: str


class _Range(msgspec.Struct):
    type: str
    events: list[dict[str, str]]


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    database_specific: dict[str, Any] | None = None


class _Record(msgspec.Struct):
    """What of the schema is relied on; a record of another shape would be evaluated as if it said less."""

    id: str
    modified: str
    withdrawn: str | None = None
    aliases: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    database_specific: dict[str, Any] | None = None


def documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every document with its name. Raises `FileError` for what cannot be read, is broken or is too large."""
    size = 0
    try:
        for at, (name, raw) in enumerate(_documents(path)):
            size += len(raw)
            if at >= RECORDS or size > TOTAL:
                raise FileError("it has too many or too large files", place=Place(str(path)), remedy="give it in parts")
            yield name, raw
    except (
        OSError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as fault:
        raise FileError(
            f"the advisories cannot be read ({fault})", place=Place(str(path)), remedy="get or write them anew"
        ) from None


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.name.endswith(_SUFFIXES) and one.is_file():
                _bounded(str(one), one.stat().st_size)
                yield str(one), one.read_bytes()
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(_SUFFIXES):
                    _bounded(f"{path}/{member.name}", member.size)
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield f"{path}/{member.name}", stream.read()
    elif path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                if info.filename.endswith(_SUFFIXES):
                    _bounded(f"{path}/{info.filename}", info.file_size)
                    with packed.open(info) as stream:
                        raw = stream.read(RECORD + 1)
                    _bounded(f"{path}/{info.filename}", len(raw))
                    yield f"{path}/{info.filename}", raw
    else:
        yield str(path), read_bytes(path, FILE)


def _bounded(name: str, size: int) -> None:
    if size > RECORD:
        raise FileError(
            f"it has more than {RECORD >> 20} MiB, and no record has", place=Place(name), remedy="remove or split it"
        )


def records(name: str, raw: bytes) -> list[dict[str, Any]]:
    """The records of one document: one, a list, or an answer of OSV's (`{"vulns": [...]}`). Withdrawn ones too.

    A version in YAML stays as it is written (`1.10`, and not 1.1). Raises `FileError` for what cannot be parsed, and for a
    record that is not of the schema's form.
    """
    try:
        document = yaml.load(raw, yaml.CBaseLoader) if name.endswith((".yaml", ".yml")) else msgspec.json.decode(raw)  # noqa: S506  # it makes text alone
        if name.endswith((".yaml", ".yml")):
            _counted(document)
            if isinstance(document, dict) and document.get("withdrawn") in ("", "~", "null"):
                del document["withdrawn"]  # as text it would be a date
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        said = str(fault).splitlines()[0]
        raise FileError(
            f"it cannot be parsed ({said})", place=Place(name), remedy="mend or remove the record"
        ) from None
    if isinstance(document, dict) and isinstance(document.get("vulns"), list):
        document = document["vulns"]
    listed = document if isinstance(document, list) else [document]
    told = [one for one in listed if isinstance(one, dict) and "id" in one and "modified" in one]
    for one in told:
        try:
            msgspec.convert(one, _Record)
        except msgspec.ValidationError as fault:
            raise FileError(
                f"record {str(one['id'])[:60]!r} is not of OSV's form ({fault})",
                place=Place(name),
                remedy="mend or remove the record",
            ) from None
    return told


def _counted(document: Any) -> None:
    left, waiting = _VALUES, [document]
    while waiting:
        one = waiting.pop()
        left -= 1
        if left < 0:
            raise ValueError(f"it unfolds into more than {_VALUES} values")
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one

"""OSV records where people keep them: a folder, a .json or .yaml file, a .tar.gz or a .zip, as OSV exports them."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Most bytes of one record, and most records of one export. The largest published ones have a quarter of either.
RECORD, RECORDS = 16 * 1024 * 1024, 2_000_000
#: Most values in one record of YAML: aliases unfold into more than the text says (CWE-776).
_VALUES = 500_000

_SUFFIXES = (".json", ".yaml", ".yml")


def documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every document with its name. Raises `FileError` for what cannot be read, is broken or is too large."""
    try:
        for at, (name, raw) in enumerate(_documents(path)):
            if at >= RECORDS:
                raise FileError(f"it has more than {RECORDS} files", place=Place(str(path)), remedy="give it in parts")
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
        yield str(path), path.read_bytes()


def _bounded(name: str, size: int) -> None:
    if size > RECORD:
        raise FileError(
            f"it has more than {RECORD >> 20} MiB, and no record has", place=Place(name), remedy="remove or split it"
        )


def records(name: str, raw: bytes) -> list[dict[str, Any]]:
    """The records of one document: one, a list, or an answer of OSV's (`{"vulns": [...]}`). Withdrawn ones too.

    A version in YAML stays as it is written (`1.10`, and not 1.1). Raises `FileError` for what cannot be parsed.
    """
    try:
        document = yaml.load(raw, yaml.CBaseLoader) if name.endswith((".yaml", ".yml")) else msgspec.json.decode(raw)  # noqa: S506  # it makes text alone
        if name.endswith((".yaml", ".yml")):
            _counted(document)
    except (ValueError, yaml.YAMLError, RecursionError) as fault:
        said = str(fault).splitlines()[0]
        raise FileError(
            f"it cannot be parsed ({said})", place=Place(name), remedy="mend or remove the record"
        ) from None
    if isinstance(document, dict) and isinstance(document.get("vulns"), list):
        document = document["vulns"]
    listed = document if isinstance(document, list) else [document]
    return [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str) and "modified" in one]


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

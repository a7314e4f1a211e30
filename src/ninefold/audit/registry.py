"""What a package registry says of a package: which versions there are, which of them are withdrawn, and whether it is kept.

PyPI and its kin speak the simple API as JSON (PEP 691, 700, 792), npm and its kin the packument. What they say is put
into one shape, kept for the audit, and on disk for a while.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from ninefold.audit.fetch import Missing
from ninefold.audit.version import key
from ninefold.errors import NinefoldError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ninefold.audit.fetch import Fetcher

#: Most packages that one audit asks about, most bytes of one answer, and seconds that it may take.
PACKAGES, MOST, SECONDS = 500, 64 * 1024 * 1024, 30.0
#: Seconds for which an answer on disk is believed.
KEPT = 6 * 3600
#: After so many registries' silences in a row nobody is asked any more.
_SILENCES = 3

_SIMPLE = "application/vnd.pypi.simple.v1+json"
_PACKUMENT = "application/vnd.npm.install-v1+json, application/json;q=0.8"


class Entry(msgspec.Struct, frozen=True):
    """`yanked` and `deprecated` have the reason by version; `latest` is the newest release that is neither a pre-release
    nor withdrawn, or empty. `status` is the project's own (PEP 792: `archived`, `deprecated`, `quarantined`), with its
    reason. `days` has when versions were published, where the registry says so.
    """

    latest: str = ""
    yanked: dict[str, str] = {}
    deprecated: dict[str, str] = {}
    status: str = ""
    reason: str = ""
    days: dict[str, str] = {}


class Unknown(NamedTuple):
    """Nothing was learned, and why."""

    reason: str


@dataclass
class Registries:
    """`bases` are URLs by ecosystem (`PyPI`: of the simple API, `npm`). Each package is asked for once.

    `folder` keeps answers from one audit to the next; None: nothing is kept. `now` is Unix seconds.
    """

    bases: Mapping[str, str]
    fetcher: Fetcher
    now: float
    folder: Path | None = None
    asked: int = 0
    _known: dict[tuple[str, str], Entry | Unknown] = field(default_factory=dict)
    _silent: dict[str, int] = field(default_factory=dict)

    def entry(self, ecosystem: str, name: str) -> Entry | Unknown:
        """What is known of it. Never raises: what cannot be asked is `Unknown`."""
        if ecosystem not in self.bases:
            return Unknown(f"no registry of {ecosystem} is asked")
        if (ecosystem, name) not in self._known:
            self._known[ecosystem, name] = self._kept(ecosystem, name)
        return self._known[ecosystem, name]

    def _kept(self, ecosystem: str, name: str) -> Entry | Unknown:
        path = self._path(ecosystem, name)
        try:
            if path and self.now - path.stat().st_mtime < KEPT:
                return msgspec.json.decode(path.read_bytes(), type=Entry)
        except (OSError, msgspec.MsgspecError):
            pass  # nothing usable is kept, so it is asked for
        found = self._ask(ecosystem, name)
        if path and isinstance(found, Entry):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(msgspec.json.encode(found))
            except OSError:
                pass  # it is asked for again next time
        return found

    def _path(self, ecosystem: str, name: str) -> Path | None:
        named = hashlib.sha256(f"{self.bases[ecosystem]}\n{ecosystem}\n{name}".encode()).hexdigest()
        return self.folder / f"{named}.json" if self.folder else None

    def _ask(self, ecosystem: str, name: str) -> Entry | Unknown:
        if self.asked >= PACKAGES:
            return Unknown(f"more than {PACKAGES} packages would have to be asked for")
        if self._silent.get(ecosystem, 0) >= _SILENCES:
            return Unknown(f"the registry of {ecosystem} does not answer")
        self.asked += 1
        base = self.bases[ecosystem].rstrip("/")
        reader, accept = _READERS[ecosystem]
        url = f"{base}/{quote(name, safe='@')}" + ("/" if ecosystem == "PyPI" else "")
        sink = io.BytesIO()
        try:
            self.fetcher.get(url, sink, accept=accept)
            found = reader(msgspec.json.decode(sink.getvalue()))
        except Missing:
            self._silent[ecosystem] = 0
            return Unknown("the registry does not have it")
        except ServiceError as fault:
            self._silent[ecosystem] = self._silent.get(ecosystem, 0) + 1
            return Unknown(fault.what)
        except (msgspec.MsgspecError, RecursionError, NinefoldError, TypeError, ValueError, AttributeError, KeyError):
            return Unknown("the registry's answer is not of the form that is asked for")
        self._silent[ecosystem] = 0
        return found


def _simple(document: Any) -> Entry:
    """PEP 691, with `versions` and `upload-time` of PEP 700 and `project-status` of PEP 792 where they are."""
    if not isinstance(document.get("files"), list) or "api-version" not in document["meta"]:
        raise ValueError("no answer of the simple API")
    files: dict[Version, list[Mapping[str, Any]]] = {}
    for one in document["files"]:
        if (version := _version(str(one["filename"]))) is not None:
            files.setdefault(version, []).append(one)
    gone = {version: listed for version, listed in files.items() if all(one.get("yanked") for one in listed)}
    left = [one for one in files if one not in gone]
    newest = max((one for one in left if not one.is_prerelease), default=None)
    status = document.get("project-status") or {}
    return Entry(
        latest=str(newest) if newest else "",
        yanked={str(version): _reason(listed[0]["yanked"]) for version, listed in gone.items()},
        status=str(status.get("status", "")),
        reason=str(status.get("reason", ""))[:200],
        days={str(v): min(str(one.get("upload-time", ""))[:10] for one in listed) for v, listed in files.items()},
    )


def _version(filename: str) -> Version | None:
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None  # an egg, an installer, or a name of before PEP 440


def _packument(document: Any) -> Entry:
    """A packument of npm's, whole or abbreviated."""
    versions = document["versions"]
    tagged = str((document.get("dist-tags") or {}).get("latest", ""))
    times = document.get("time") if isinstance(document.get("time"), dict) else {}
    gone = {str(name): _reason(one["deprecated"]) for name, one in versions.items() if one.get("deprecated")}
    return Entry(
        latest=tagged if tagged in versions and key("npm", tagged) else "",
        deprecated=gone,
        days={str(name): str(day)[:10] for name, day in (times or {}).items() if name in versions},
    )


def _reason(told: Any) -> str:
    return told[:200] if isinstance(told, str) else ""


_READERS: Mapping[str, tuple[Callable[[Any], Entry], str]] = {
    "PyPI": (_simple, _SIMPLE),
    "npm": (_packument, _PACKUMENT),
}

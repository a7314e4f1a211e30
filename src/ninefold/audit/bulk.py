"""OSV's bulk exports: every record of an ecosystem in one zip, from OSV or a mirror of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ninefold.audit import renown
from ninefold.audit.fetch import day, past
from ninefold.audit.index import Addition, write_index
from ninefold.audit.osv import FILE, documents, records
from ninefold.audit.snapshot import ecosystems
from ninefold.audit.version import base
from ninefold.contract.source import read_bytes
from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ninefold.audit.fetch import Fetcher

#: Where OSV keeps them (https://google.github.io/osv.dev/data/#data-dumps).
EXPORTS = "https://osv-vulnerabilities.storage.googleapis.com"
#: Ecosystems of which Ninefold reads lock files.
ECOSYSTEMS = ("PyPI", "npm", "Go", "crates.io", "RubyGems", "Maven", "Packagist", "NuGet")
#: Most bytes of one export, and seconds that it may take. npm's, the largest, has about 200 MB.
MOST, SECONDS = 1024 * 1024 * 1024, 1800.0


def fetch(
    names: Iterable[str],
    index: Path,
    fetcher: Fetcher,
    *,
    now: float,
    source: str = EXPORTS,
    told: Callable[[str], None] | None = None,
) -> None:
    """Put the exports of the ecosystems of these `names` into the index. All of them are got before any is put in: half of
    it is nothing.

    `told` is called with each URL. Raises `ServiceError` where one cannot be got, and what `write_index` does.
    """
    with TemporaryDirectory(prefix="ninefold-") as folder:
        additions = []
        for at, ecosystem in enumerate(dict.fromkeys(names)):
            url = f"{source.rstrip('/')}/{quote(ecosystem, safe='')}/all.zip"
            if told:
                told(url)
            path = Path(folder, f"{at}.zip")
            with path.open("wb") as file:
                header = fetcher.get(url, file)
            told_day = day(header)
            whole = past(told_day, datetime.fromtimestamp(now, UTC).date())
            rows = _rows(path, ecosystem, url)
            additions.append(Addition(f"OSV {ecosystem}", "OSV", url, told_day if whole else "", rows))
        write_index(index, additions, now)


def _rows(path: Path, ecosystem: str, url: str) -> Iterator[dict[str, Any]]:
    known = False
    for name, raw in documents(path):
        for one in records(name, raw):
            known = known or base(ecosystem) in ecosystems(one)
            yield one
    if not known:
        raise FileError(f"no record in it is about {ecosystem}", place=Place(url), remedy="check the name and --from")


def addition(path: Path, day_: str = "") -> Addition:
    """One file (or folder) that somebody has: OSV records, CISA's catalogue as JSON, or an EPSS table.

    `day_` says of which day the records are, where that is known better than by the newest of them. Raises `FileError`.
    """
    if path.name.endswith((".csv", ".csv.gz")):
        when, rows = renown.table(path)
        return Addition("EPSS", "EPSS", str(path), when, rows)
    if path.name.endswith(".json") and path.is_file():
        try:
            document = msgspec.json.decode(read_bytes(path, FILE))
        except (msgspec.MsgspecError, RecursionError) as fault:
            raise FileError(f"it cannot be read ({fault})", place=Place(str(path)), remedy="get it anew") from None
        if renown.is_catalogue(document):
            when, listed = renown.catalogue(document, path)
            return Addition("CISA KEV", "KEV", str(path), when, listed)
    rows_ = (one for name, raw in documents(path) for one in records(name, raw))
    return Addition(path.name, "OSV", str(path), day_, rows_)

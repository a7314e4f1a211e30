"""How much attackers care about a CVE: CISA's catalogue of exploited ones (KEV), and FIRST's forecast (EPSS)."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ninefold.errors import FileError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Most bytes of an EPSS table when it is unpacked; the whole of 2026 has 12 MB.
_TABLE = 256 * 1024 * 1024
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")


@dataclass(frozen=True, slots=True)
class Exploited:
    """A CVE of the catalogue. `added` is the day on which it was listed; `ransomware`: campaigns are known to use it."""

    cve: str
    added: str
    ransomware: bool


@dataclass(frozen=True, slots=True)
class Odds:
    """EPSS: the probability of exploitation within 30 days, and which part of all CVEs has no higher one; both 0 to 1."""

    cve: str
    score: float
    percentile: float


def is_catalogue(document: Any) -> bool:
    """Whether it is known_exploited_vulnerabilities.json."""
    return (
        isinstance(document, dict)
        and "catalogVersion" in document
        and isinstance(document.get("vulnerabilities"), list)
    )


def catalogue(document: Any, path: Path) -> tuple[str, list[Exploited]]:
    """The day of the catalogue and what is listed. Raises `FileError` where it is not whole."""
    told = str(document.get("dateReleased", ""))[:10]
    listed = [
        Exploited(one["cveID"], str(one.get("dateAdded", ""))[:10], one.get("knownRansomwareCampaignUse") == "Known")
        for one in document["vulnerabilities"]
        if isinstance(one, dict) and isinstance(one.get("cveID"), str) and _CVE.fullmatch(one["cveID"])
    ]
    if not listed or len(listed) != len(document["vulnerabilities"]):
        raise FileError(
            "an entry of the catalogue has no CVE, or there is none", place=Place(str(path)), remedy="get it anew"
        )
    return _day(told, path, "`dateReleased`"), listed


def table(path: Path) -> tuple[str, Iterator[Odds]]:
    """The day of an EPSS table (.csv or .csv.gz) and its rows. Raises `FileError` where it is none."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
                raw = packed.read(_TABLE + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise FileError(f"it cannot be read ({fault})", place=Place(str(path)), remedy="get it anew") from None
    if len(raw) > _TABLE:
        raise FileError(
            f"it has more than {_TABLE >> 20} MiB", place=Place(str(path)), remedy="give the EPSS table itself"
        )
    text = raw.decode("utf-8", "replace")
    head = text.partition("\n")[0]
    found = re.search(r"score_date:(\d{4}-\d\d-\d\d)", head)
    rows = csv.reader(io.StringIO(text))
    if head.startswith("#"):
        next(rows)
    columns = next(rows, [])
    if columns[:3] != ["cve", "epss", "percentile"]:
        raise FileError(
            "this is no EPSS table: its columns are not cve, epss, percentile",
            place=Place(str(path)),
            remedy="give epss_scores-YYYY-MM-DD.csv.gz as FIRST publishes it",
        )
    return _day(found[1] if found else "", path, "`score_date` in the first line"), _odds(rows, path)


def _odds(rows: Iterator[list[str]], path: Path) -> Iterator[Odds]:
    for row in rows:
        try:
            one = Odds(row[0], float(row[1]), float(row[2]))
        except (ValueError, IndexError):
            one = Odds("", -1, -1)
        if not (_CVE.fullmatch(one.cve) and 0 <= one.score <= 1 and 0 <= one.percentile <= 1):
            raise FileError(
                "a row has no CVE with two numbers from 0 to 1",
                place=Place(str(path), rows.line_num + 1, 1),  # type: ignore[attr-defined]
                remedy="get it anew",
            )
        yield one


def _day(text: str, path: Path, where: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise FileError(
            f"it does not say of which day it is ({where})", place=Place(str(path)), remedy="get it anew"
        ) from None

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.renown import Exploited, Odds, catalogue, is_catalogue, table
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

KEV = {
    "title": "CISA Catalog of Known Exploited Vulnerabilities",
    "catalogVersion": "2026.11.16",
    "dateReleased": "2026-11-16T14:00:00.1234Z",
    "count": 2,
    "vulnerabilities": [
        {"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10", "knownRansomwareCampaignUse": "Known"},
        {"cveID": "CVE-2026-1111", "dateAdded": "2026-11-01", "knownRansomwareCampaignUse": "Unknown"},
    ],
}
EPSS = (
    "#model_version:v2025.03.14,score_date:2026-11-17T12:55:00Z\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99957\n"
)


def test_the_catalogue_is_read_with_its_day(tmp_path: Path) -> None:
    assert is_catalogue(KEV)
    assert catalogue(KEV, tmp_path) == (
        "2026-11-16",
        [
            Exploited("CVE-2021-44228", "2021-12-10", ransomware=True),
            Exploited("CVE-2026-1111", "2026-11-01", ransomware=False),
        ],
    )
    assert not is_catalogue({"id": "GHSA-1"})
    assert not is_catalogue([])


@pytest.mark.parametrize(
    "change", [{"dateReleased": ""}, {"vulnerabilities": []}, {"vulnerabilities": [{"cveID": "x"}]}]
)
def test_a_catalogue_that_is_not_whole_is_told(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(FileError):
        catalogue({**KEV, **change}, tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_the_table_is_read_with_its_day(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "epss.csv.gz"
    path.write_bytes(gzip.compress(EPSS.encode()) if packed else EPSS.encode())
    day, rows = table(path)
    assert (day, list(rows)) == ("2026-11-17", [Odds("CVE-2021-44228", 0.94358, 0.99957)])


@pytest.mark.parametrize(
    "text",
    [
        "", "cve,epss,percentile\nCVE-2021-44228,0.9,0.9\n", EPSS.replace("epss,", "score,"), EPSS + "CVE-2021-1,x,0\n",
        EPSS + "CVE-2021-1111,1.5,0\n", EPSS + "CVE-2021-1111,nan,0\n", EPSS + "hello\n", EPSS + "\n",
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "epss.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=r"epss\.csv"):
        list(table(path)[1])


def test_a_table_that_unfolds_into_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.audit.renown._TABLE", 1024)
    (tmp_path / "epss.csv.gz").write_bytes(gzip.compress(EPSS.encode() + b"\n" * 4096))
    with pytest.raises(FileError, match="more than"):
        table(tmp_path / "epss.csv.gz")


def test_a_cut_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "epss.csv.gz").write_bytes(gzip.compress(EPSS.encode())[:-9])
    with pytest.raises(FileError, match="cannot be read"):
        table(tmp_path / "epss.csv.gz")

"""Each ecosystem's own order, and OSV ranges read in it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.index import read_advisories
from ninefold.audit.version import FIRST, key, name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("ecosystem", "ordered"),
    [
        ("PyPI", ["0", "1.0.dev1", "1.0a1", "1.0", "1.0.post1", "1.9", "1.10"]),
        ("npm", ["0", "1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0", "1.9.0", "1.10.0"]),
        ("crates.io", ["0.1.0-rc.1", "0.1.0", "0.1.10"]),
        ("Go", ["0.0.0-20200101000000-aaaaaaaaaaaa", "0.0.0-20210405180319-a5a99cb37ef4", "1.9.0", "1.10.0"]),
        ("RubyGems", ["0", "1.0.0.pre1", "1.0.0", "1.0.0.1", "1.10"]),
        ("Maven", ["0", "1.0-alpha-1", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "2.9.9", "2.10.0"]),
        ("Packagist", ["1.0.0-beta1", "1.0.0", "1.10.0"]),
        ("NuGet", ["1.0.0-beta", "1.0.0", "1.0.0.1", "1.10.0"]),
    ],
)
def test_versions_stand_in_the_order_of_their_ecosystem(ecosystem: str, ordered: list[str]) -> None:
    keys = [key(ecosystem, text) for text in ordered]
    assert None not in keys
    for one, other in itertools.pairwise(keys):
        assert one is not None
        assert other is not None
        assert one < other, ordered


def test_what_is_no_version_has_no_place() -> None:
    assert key("PyPI", "not a version") is None
    assert key("Docker", "sha256:aa") is None
    assert key("npm", "") is None
    assert key("npm", "0") == FIRST


def test_names_are_compared_as_their_ecosystem_does() -> None:
    assert name("PyPI", "Flask_Login") == "flask-login"
    assert name("NuGet", "Newtonsoft.Json") == "newtonsoft.json"
    assert name("Maven", "org.X:y") == "org.X:y"


@pytest.mark.parametrize(
    ("ecosystem", "package", "events", "bad", "good"),
    [
        ("npm", "@scope/lib", [{"introduced": "1.9.0"}, {"fixed": "1.10.0"}], ["1.9.9", "1.10.0-rc.1"], ["1.8.0", "1.10.0"]),
        ("Maven", "org.apache.logging.log4j:log4j-core", [{"introduced": "2.0-beta9"}, {"fixed": "2.15.0"}],
         ["2.14.1", "2.0-rc1"], ["1.2", "2.15.0"]),
        ("Go", "github.com/gin-gonic/gin", [{"introduced": "0"}, {"fixed": "1.9.1"}], ["1.9.0", "0.1.0"], ["1.9.1"]),
        ("RubyGems", "rack", [{"introduced": "2.0.0"}, {"last_affected": "2.2.3"}], ["2.2.3"], ["2.2.3.1", "1.6.13"]),
    ],
)  # fmt: skip
def test_ranges_of_each_ecosystem(
    tmp_path: Path, ecosystem: str, package: str, events: list[dict[str, str]], bad: list[str], good: list[str]
) -> None:
    affected = {"package": {"ecosystem": ecosystem, "name": package}, "ranges": [{"type": "SEMVER", "events": events}]}
    (tmp_path / "x.json").write_text(
        json.dumps({"id": "X-1", "modified": "2026-10-01T00:00:00Z", "affected": [affected]})
    )
    known = read_advisories(tmp_path / "x.json", [package])
    assert set(known.holdings) == {ecosystem}
    (record,) = known.records
    assert [record.affects(package, one, ecosystem) for one in [*bad, *good]] == [True] * len(bad) + [False] * len(good)
    assert not record.affects(package, bad[0], "PyPI")

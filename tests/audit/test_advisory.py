from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from ninefold.audit.advisory import rating
from ninefold.audit.finding import Severity
from ninefold.audit.index import read_advisories
from ninefold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path


def record(*events: dict[str, str], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": "Some.Package"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        **more,
    }
    return {"id": "X-1", "modified": "2026-10-01T00:00:00Z", "affected": [affected]}


def affects(path: Path, told: dict[str, Any], version: str) -> bool:
    file = path / "x.json"
    file.write_text(json.dumps(told))
    (one,) = read_advisories(file, ["some-package"]).records
    return one.affects("some-package", version, "PyPI")


INTRODUCED = {"introduced": "0"}


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ((INTRODUCED,), ["0.dev0", "0", "1!9"], []),
        ((INTRODUCED, {"fixed": "1.5"}), ["0.1", "1.4.9", "1.5rc1"], ["1.5", "1.5.0", "2"]),
        (({"introduced": "1.2"}, {"last_affected": "1.4"}), ["1.2", "1.2.0", "1.4"], ["1.1", "1.4.post1", "1.5"]),
        (({"introduced": "3"}, {"fixed": "3.2"}, INTRODUCED, {"fixed": "2.1"}), ["2.0", "3.1"], ["2.1", "2.9", "3.2"]),
        ((INTRODUCED, {"limit": "2"}), ["1"], ["2", "3"]),
    ],
)
def test_ranges_are_read_as_the_osv_schema_says(
    tmp_path: Path, events: tuple[dict[str, str], ...], inside: list[str], outside: list[str]
) -> None:
    assert all(affects(tmp_path, record(*events), one) for one in inside)
    assert not any(affects(tmp_path, record(*events), one) for one in outside)


def test_versions_count_beside_ranges_and_git_ranges_do_not(tmp_path: Path) -> None:
    git = record(ranges=[{"type": "GIT", "events": [{"introduced": "0"}]}], versions=["1.0", "odd version"])
    assert affects(tmp_path, git, "1.0.0")
    assert affects(tmp_path, git, "odd version")
    assert not affects(tmp_path, git, "1.1")
    assert not affects(tmp_path, record({"introduced": "0"}), "odd version")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4, unique=True),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_a_version_is_inside_when_the_last_event_before_it_introduced(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[int, int]], at: tuple[int, int]
) -> None:
    kinds = ("introduced", "fixed")
    events = [{kinds[n % 2]: f"{a}.{b}"} for n, (a, b) in enumerate(sorted(points))]
    before = sum(Version(f"{a}.{b}") <= Version(f"{at[0]}.{at[1]}") for a, b in points)
    folder = tmp_path_factory.mktemp("osv")
    assert affects(folder, record(*events), f"{at[0]}.{at[1]}") is (before % 2 == 1)


def test_other_packages_ecosystems_and_withdrawn_records_do_not_count(tmp_path: Path) -> None:
    npm = record(INTRODUCED, package={"ecosystem": "npm", "name": "some-package"})
    (tmp_path / "a.json").write_text(json.dumps([npm, {**record(INTRODUCED), "withdrawn": "2026-01-01T00:00:00Z"}]))
    known = read_advisories(tmp_path, ["some-package"])
    assert known.total == 2
    assert [one.affects("some-package", "1", "PyPI") for one in known.records] == [False]


@pytest.mark.parametrize("kind", ["folder", "json", "yaml", "tar.gz", "zip", "list", "query"])
def test_records_come_from_every_usual_place(tmp_path: Path, kind: str) -> None:
    raw = json.dumps(record(INTRODUCED)).encode()
    path = tmp_path / f"osv.{kind}"
    if kind == "folder":
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "x.json").write_bytes(raw)
        (path / "README.md").write_text("no record")
    elif kind == "yaml":
        path.write_text(
            "id: X-1\nmodified: 2026-10-01T00:00:00Z\naffected:\n- package: {ecosystem: PyPI, name: some_package}\n"
            "  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: '0'\n"
        )
    elif kind == "tar.gz":
        with tarfile.open(path, "w:gz") as archive:
            info = tarfile.TarInfo("vulns/x.json")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("x.json", raw)
    else:
        path = tmp_path / "osv.json"
        told = record(INTRODUCED)
        path.write_text(json.dumps({"json": told, "list": [told], "query": {"vulns": [told]}}[kind]))
    known = read_advisories(path, ["some-package"])
    assert (known.total, known.holdings["PyPI"].day) == (1, "2026-10-01")
    assert known.records[0].affects("some-package", "1.0", "PyPI")


@pytest.mark.parametrize(
    ("name", "raw"), [("a.json", b"{"), ("a.json", b"{}"), ("a.tar.gz", b"no"), ("a.zip", b"no"), ("a.yaml", b"a: [")]
)
def test_what_cannot_be_read_is_told_and_never_nothing(tmp_path: Path, name: str, raw: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(raw + b" some-package" if name == "a.json" and raw == b"{" else raw)
    with pytest.raises(FileError, match=name.replace(".", r"\.")):
        read_advisories(path, ["some-package"])


@pytest.mark.parametrize(
    ("told", "severity"),
    [
        (
            {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]},
            Severity.CRITICAL,
        ),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"}]}, Severity.LOW),
        (
            {
                "severity": [
                    {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}
                ]
            },
            Severity.CRITICAL,
        ),
        ({"severity": [{"type": "CVSS_V3", "score": "nonsense"}]}, None),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM),
        ({}, None),
    ],
)
def test_severity_is_the_vector_s_or_the_database_s_word(
    tmp_path: Path, told: dict[str, Any], severity: Severity | None
) -> None:
    (tmp_path / "x.json").write_text(json.dumps({**record(INTRODUCED), **told}))
    assert read_advisories(tmp_path, ["some-package"]).records[0].severity is severity


def test_the_scale_is_cvss_s() -> None:
    assert [rating(one) for one in (0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0)] == [
        Severity.INFO,
        *[Severity.LOW] * 2,
        *[Severity.MEDIUM] * 2,
        *[Severity.HIGH] * 2,
        *[Severity.CRITICAL] * 2,
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"affected": "x"}, {"affected": [5]}, {"affected": [{"package": {"ecosystem": "PyPI"}}]}, {"affected": [{"versions": [1.1]}]},
        {"affected": [{"ranges": [{"type": "SEMVER", "events": [{"introduced": 0}]}]}]}, {"aliases": "CVE-1"}, {"severity": [5]},
        {"modified": 5}, {"id": []}, {"database_specific": []},
    ],
)  # fmt: skip
def test_a_record_of_another_form_is_told_and_not_read_as_less(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**record(INTRODUCED), **change}))
    with pytest.raises(FileError, match="not of OSV's form"):
        read_advisories(path, ["some-package"])


def test_yaml_keeps_versions_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "id: X-1\nmodified: 2026-10-01T00:00:00Z\nwithdrawn: null\naffected:\n- package: {ecosystem: PyPI, name: some-package}\n"
        "  versions: [1.10, 2.0]\n"
    )
    (one,) = read_advisories(tmp_path, ["some-package"]).records
    assert one.affects("some-package", "1.10", "PyPI")
    assert not one.affects("some-package", "1.1", "PyPI")


def test_yaml_that_unfolds_into_too_much_is_told(tmp_path: Path) -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]" for n in range(7)]
    (tmp_path / "x.yaml").write_text("id: X-1\nmodified: some-package\n" + "\n".join(rows))
    with pytest.raises(FileError, match="unfolds"):
        read_advisories(tmp_path, ["some-package"])


def test_a_record_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.audit.osv.RECORD", 100)
    (tmp_path / "x.json").write_text(json.dumps(record(INTRODUCED)))
    with pytest.raises(FileError, match="more than"):
        read_advisories(tmp_path, ["some-package"])

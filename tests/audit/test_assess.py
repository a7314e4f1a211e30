"""What was not looked up is said, and nothing that was not looked up is clean."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.assess import assess
from ninefold.audit.index import Addition, write_index
from ninefold.audit.supply import Supply
from ninefold.audit.target import Target
from ninefold.audit.vex import read_vex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1_795_000_000.0  # 2026-11-18


def record(id_: str, ecosystem: str, name: str, *events: dict[str, str], day: str = "2026-11-10", **more: Any) -> Any:
    span = {"type": "ECOSYSTEM", "events": list(events) or [{"introduced": "0"}, {"fixed": "2"}]}
    affected = {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [span]}
    return {"id": id_, "modified": f"{day}T00:00:00Z", "summary": "bad", "affected": [affected], **more}


@pytest.fixture
def known(tmp_path: Path) -> Callable[..., Path]:
    def build(*records: Any) -> Path:
        path = tmp_path / "a.db"
        write_index(path, [Addition("a", "OSV", "a", "", records)], NOW)
        return path

    return build


def bill(folder: Path, *purls: str) -> Supply:
    path = folder / "bom.json"
    listed = [{"type": "library", "name": "x", "purl": one} for one in purls]
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": listed}))
    return Supply(sbom=path)


@pytest.mark.parametrize(
    ("day", "oldest", "missed"),
    [("2026-11-04", 14, False), ("2026-11-03", 14, True), ("2026-11-03", 15, False), ("2026-11-17", 0, True), ("2026-11-18", 0, False)],
)  # fmt: skip
def test_old_advisories_do_not_know_of_everything(
    source: Callable[..., Target], known: Callable[..., Path], day: str, oldest: int, missed: bool
) -> None:
    target = source({"requirements.txt": "jinja2==3\n"}, known(record("A", "PyPI", "jinja2", day=day)))
    done = assess(replace(target, supply=Supply(oldest=oldest)))
    assert bool(done.missed) is missed
    if missed:
        assert day in done.missed
    assert f"PyPI 1 record of {day}; 1 of 1 components looked up" in done.source


def test_advisories_without_a_date_are_not_believed(source: Callable[..., Target], known: Callable[..., Path]) -> None:
    told = {**record("A", "PyPI", "jinja2"), "modified": ""}
    assert "have no date" in assess(source({"requirements.txt": "jinja2==3\n"}, known(told))).missed


def test_an_ecosystem_without_records_is_not_looked_up(tmp_path: Path, known: Callable[..., Path]) -> None:
    target = Target(
        now=NOW, advisories=known(record("A", "PyPI", "a")), supply=bill(tmp_path, "pkg:pypi/a@3", "pkg:generic/b@1")
    )
    done = assess(target)
    assert "no record of generic" in done.missed
    assert "1 of 2 components looked up" in done.source


def test_a_release_of_a_distribution_is_not_another(tmp_path: Path, known: Callable[..., Path]) -> None:
    fixed = [{"introduced": "0"}, {"fixed": "1.0-1+deb12u1"}]
    path = known(record("DSA-1", "Debian:12", "curl", *fixed), record("DSA-2", "Debian:11", "wget", *fixed))
    purls = [
        f"pkg:deb/debian/{name}@1.0-1?distro=debian-{release}" for name in ("curl", "wget") for release in (11, 12)
    ]
    done = assess(Target(now=NOW, advisories=path, supply=bill(tmp_path, *purls)))
    assert {(pin.name, pin.ecosystem) for pin in done.flawed} == {("curl", "Debian:12"), ("wget", "Debian:11")}
    assert done.missed == ""
    loose = assess(Target(now=NOW, advisories=path, supply=bill(tmp_path, "pkg:deb/debian/curl@1.0-1")))
    assert not loose.flawed
    assert "the release of the distribution is not told (curl)" in loose.missed


def test_a_range_that_cannot_be_read_is_told(source: Callable[..., Target], known: Callable[..., Path]) -> None:
    odd = record("A", "PyPI", "jinja2", {"introduced": "0"}, {"fixed": "2019-09-12"})
    done = assess(source({"requirements.txt": "jinja2==3\n"}, known(odd)))
    assert not done.flawed
    assert "ranges of A cannot be read" in done.missed


def test_versions_that_cannot_be_ordered_are_told(tmp_path: Path, known: Callable[..., Path]) -> None:
    target = Target(now=NOW, advisories=known(record("A", "npm", "a")), supply=bill(tmp_path, "pkg:npm/a@latest"))
    assert "1 versions cannot be ordered (a latest)" in assess(target).missed


def test_notices_and_packages_without_upkeep_are_no_flaws(
    source: Callable[..., Target], known: Callable[..., Path]
) -> None:
    told = [
        record(f"RUSTSEC-{kind}", "PyPI", "jinja2", {"introduced": "0"})
        for kind in ("unmaintained", "notice", "unsound")
    ]
    for one, kind in zip(told, ("unmaintained", "notice", "unsound"), strict=True):
        one["affected"][0]["database_specific"] = {"informational": kind}
    done = assess(source({"requirements.txt": "jinja2==3\n"}, known(*told)))
    assert [flaw.name for found in done.flawed.values() for flaw in found] == ["RUSTSEC-unsound"]


class TestStatements:
    def target(self, source: Callable[..., Target], known: Callable[..., Path], folder: Path, *states: str) -> Target:
        path = known(record("GHSA-1", "PyPI", "jinja2", aliases=["CVE-2026-1111"]))
        told: list[Any] = []
        for at, state in enumerate(states):
            analysis = {"state": state, "detail": "no sandbox"}
            ref = [{"ref": "pkg:pypi/jinja2@1.0"}]
            one = {"id": "CVE-2026-1111", "analysis": analysis, "affects": ref}
            vex = folder / f"vex{at}.json"
            vex.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [one]}))
            told += read_vex(vex)
        return replace(source({"requirements.txt": "jinja2==1.0\n"}, path), supply=Supply(vex=tuple(told)))

    def test_make_a_flaw_quiet_with_the_reason(
        self, source: Callable[..., Target], known: Callable[..., Path], tmp_path: Path
    ) -> None:
        done = assess(self.target(source, known, tmp_path, "not_affected"))
        assert not done.flawed
        assert done.quiet == ("CVE-2026-1111 in jinja2 1.0 does not count: no sandbox (vex0.json)",)

    @pytest.mark.parametrize(
        "states", [("not_affected", "exploitable"), ("exploitable", "not_affected"), ("exploitable",)]
    )
    def test_that_disagree_leave_it_loud(
        self, source: Callable[..., Target], known: Callable[..., Path], tmp_path: Path, states: tuple[str, ...]
    ) -> None:
        assert len(assess(self.target(source, known, tmp_path, *states)).flawed) == 1


def test_a_release_without_records_is_not_looked_up(tmp_path: Path, known: Callable[..., Path]) -> None:
    path = known(record("DSA-2", "Debian:11", "curl"), record("USN-1", "Ubuntu:22.04:LTS", "curl"))
    purls = ("pkg:deb/debian/curl@1.0?distro=debian-12", "pkg:deb/ubuntu/curl@1.0?distro=ubuntu-22.04")
    done = assess(Target(now=NOW, advisories=path, supply=bill(tmp_path, *purls)))
    assert "no record of Debian:12" in done.missed
    assert {(pin.ecosystem, flaw.name) for pin, found in done.flawed.items() for flaw in found} == {
        ("Ubuntu:22.04", "USN-1")
    }

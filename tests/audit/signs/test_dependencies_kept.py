"""Dependencies without hashes, withdrawn, given up, behind and unused: on bad and on mended trees, and where nobody tells."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.fetch import Fetcher
from ninefold.audit.finding import Passed, Severity, Skipped
from ninefold.audit.index import Addition, write_index
from ninefold.audit.registry import Registries
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit
from ninefold.audit.signs import dependencies
from ninefold.audit.supply import Supply
from ninefold.audit.vex import read_vex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

NOW = 1_795_000_000.0  # 2026-11-18
RULES = {rule.id: rule for rule in dependencies.RULES}


def look(rule: str, target: Target) -> Looked:
    return RULES[f"dependencies-{rule}"].look(target)


def file(name: str, yanked: bool | str = False) -> dict[str, Any]:
    return {"filename": name, "url": name, "hashes": {}, "yanked": yanked, "upload-time": "2026-01-02T00:00:00Z"}


def simple(*files: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"meta": {"api-version": "1.1"}, "name": "x", "files": list(files), **more}


DOCUMENTS = {
    "/simple/kept/": simple(file("kept-1.0.tar.gz"), file("kept-1.2.tar.gz"), file("kept-3.0.tar.gz")),
    "/simple/bad/": simple(file("bad-1.0.tar.gz", yanked="leaks keys"), file("bad-1.1.tar.gz")),
    "/simple/old/": simple(file("old-1.0.tar.gz"), **{"project-status": {"status": "archived", "reason": "moved"}}),
    "/left": {
        "versions": {"1.0.0": {"deprecated": "use right"}, "1.1.0": {}},
        "dist-tags": {"latest": "1.1.0"},
    },
}


@pytest.fixture
def registry(serve: Callable[..., str]) -> Callable[[Target], Target]:
    """`registry(target)`: the same with registries of PyPI's and npm's kind."""

    def api(call: Any) -> Any:
        told = DOCUMENTS.get(call.path)
        return (200, {}, json.dumps(told).encode()) if told else (404, {}, b"")

    url = serve(api)

    def beside(target: Target) -> Target:
        bases = {"PyPI": f"{url}/simple", "npm": url}
        return replace(target, supply=Supply(registries=Registries(bases, Fetcher("t", 1_000_000, 5.0), NOW)))

    return beside


class TestUnhashed:
    @pytest.mark.parametrize(
        ("text", "line", "detail"),
        [
            ("a==1\nb==2\n", 1, "no entry of requirements.txt"),
            ("a==1 --hash=sha256:aa\nb==2\n", 2, "others in the file do"),
            ("a==1 \\\n  --hash=sha256:aa\nb==2 ; python_version > '3'\n", 3, "others in the file do"),
        ],
    )
    def test_are_one_finding_a_file(self, source: Callable[..., Target], text: str, line: int, detail: str) -> None:
        looked = look("unhashed", source({"requirements.txt": text, "sub/requirements.txt": "c==1 --hash=sha256:aa\n"}))
        assert {one.cause for one in looked.seen} == {"no hashes in requirements.txt"}
        assert looked.seen[0].place.line == line
        assert detail in looked.seen[0].detail

    @pytest.mark.parametrize(
        "files",
        [
            {"requirements.txt": "a==1 --hash=sha256:aa\nb==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"},
            {"requirements.txt": "open>=1\n"},  # it has no version that a hash could be of
            {"poetry.lock": '[[package]]\nname = "a"\nversion = "1"\nfiles = [{file = "a", hash = "sha256:aa"}]\n'},
            {"go.mod": "module x\nrequire github.com/a/b v1.0.0\n"},  # go.sum has them
        ],
    )
    def test_are_not_told_of_what_has_them_or_needs_none(
        self, source: Callable[..., Target], files: dict[str, str]
    ) -> None:
        assert look("unhashed", source(files)).seen == ()


class TestYanked:
    def test_are_told_by_the_registry(
        self, source: Callable[..., Target], registry: Callable[[Target], Target]
    ) -> None:
        looked = look("yanked", registry(source({"requirements.txt": "bad==1.0\nkept==1.0.0\n"})))
        (seen,) = looked.seen
        assert seen.detail == "bad 1.0 was withdrawn: leaks keys."
        assert (looked.at, looked.left) == (2, ())

    def test_are_not_told_of_others(self, source: Callable[..., Target], registry: Callable[[Target], Target]) -> None:
        looked = look("yanked", registry(source({"requirements.txt": "bad==1.1\nkept==3.0\n"})))
        assert (looked.at, looked.seen) == (2, ())
        assert looked.note == "2 by the registry of PyPI (direct ones alone)"

    def test_are_not_known_without_a_registry(self, source: Callable[..., Target]) -> None:
        with pytest.raises(Untried, match="no registry was asked") as told:
            look("yanked", source({"requirements.txt": "bad==1.0\n"}))
        assert not told.value.missed

    @pytest.mark.parametrize("rule", ["yanked", "deprecated", "outdated"])
    def test_are_missed_where_the_registry_is_silent(self, source: Callable[..., Target], rule: str) -> None:
        silent = Registries({"PyPI": "http://127.0.0.1:1"}, Fetcher("t", 1000, 1.0), NOW)
        target = replace(source({"requirements.txt": "bad==1.0\n"}), supply=Supply(registries=silent))
        with pytest.raises(Untried) as told:
            look(rule, target)
        assert told.value.missed

    def test_leave_the_rest_unverified_where_one_is_not_known(
        self, source: Callable[..., Target], registry: Callable[[Target], Target]
    ) -> None:
        target = registry(source({"requirements.txt": "kept==3.0\nunheard==1.0\n"}))
        passed, one = audit(target, [RULES["dependencies-yanked"]]).outcomes
        assert isinstance(passed, Passed)
        assert isinstance(one, Skipped)
        assert one.asked
        assert "the registry does not have it" in one.reason


class TestDeprecated:
    def lock(self, **more: Any) -> dict[str, str]:
        packages = {"": {"dependencies": {"left": "1"}}, "node_modules/left": {"version": "1.0.0", **more}}
        return {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": packages})}

    def test_are_told_by_the_lock_file(self, source: Callable[..., Target]) -> None:
        (seen,) = look("deprecated", source(self.lock(deprecated="use right"))).seen
        assert seen.detail == "left 1.0.0 is deprecated or given up: use right."

    def test_are_told_by_composer(self, source: Callable[..., Target]) -> None:
        packages = [
            {"name": "a/b", "version": "1.0.0", "abandoned": "c/d"},
            {"name": "e/f", "version": "1.0.0", "abandoned": False},
        ]
        looked = look("deprecated", source({"composer.lock": json.dumps({"packages": packages})}))
        assert [one.detail for one in looked.seen] == ["a/b 1.0.0 is deprecated or given up: abandoned, use c/d."]
        assert looked.at == 2

    def test_are_not_told_of_a_lock_that_has_none(self, source: Callable[..., Target]) -> None:
        looked = look("deprecated", source(self.lock()))
        assert (looked.at, looked.seen) == (1, ())

    def test_are_told_by_the_registry(
        self, source: Callable[..., Target], registry: Callable[[Target], Target]
    ) -> None:
        lock = 'left@^1.0.0:\n  version "1.0.0"\n'
        looked = look("deprecated", registry(source({"requirements.txt": "old==1.0\nkept==1.0\n", "yarn.lock": lock})))
        assert [one.cause for one in looked.seen] == ["old 1.0", "left 1.0.0"]
        assert "archived: moved" in looked.seen[0].detail

    @pytest.mark.parametrize(("version", "hits"), [("0.1.0", 1), ("0.2.0", 0)])
    def test_are_told_by_advisories(
        self, source: Callable[..., Target], tmp_path: Path, version: str, hits: int
    ) -> None:
        affected = {
            "package": {"ecosystem": "crates.io", "name": "dead"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}, {"fixed": "0.2.0"}]}],
            "database_specific": {"informational": "unmaintained"},
        }
        told = {"id": "RUSTSEC-2026-1", "modified": "2026-11-10T00:00:00Z", "summary": "nobody", "affected": [affected]}
        write_index(tmp_path / "a.db", [Addition("a", "OSV", "a", "", [told])], NOW)
        package = f'[[package]]\nname = "dead"\nversion = "{version}"\nsource = "registry+x"\nchecksum = "aa"\n'
        target = source({"Cargo.lock": package}, tmp_path / "a.db")
        assert len(look("deprecated", target).seen) == hits
        assert look("deprecated", target).at == 1
        assert look("vulnerable", target).seen == ()


class TestOutdated:
    @pytest.mark.parametrize(
        ("version", "severity"), [("1.0", Severity.LOW), ("3.0", None), ("3.1", None), ("3.0rc1", Severity.INFO)]
    )
    def test_are_worse_by_a_major_version(
        self,
        source: Callable[..., Target],
        registry: Callable[[Target], Target],
        version: str,
        severity: Severity | None,
    ) -> None:
        looked = look("outdated", registry(source({"requirements.txt": f"kept=={version}\n"})))
        assert [one.severity for one in looked.seen] == ([severity] if severity else [])
        assert looked.at == 1

    def test_need_leave_to_ask(self, source: Callable[..., Target]) -> None:
        (one,) = audit(source({"requirements.txt": "kept==1.0\n"}), [RULES["dependencies-outdated"]]).outcomes
        assert isinstance(one, Skipped)
        assert "--registry" in one.reason


class TestUnused:
    def test_are_suspected(self, source: Callable[..., Target]) -> None:
        looked = look("unused", source({"requirements.txt": "blinker==1\nclick==8\n", "app.py": "import click\n"}))
        assert [(one.cause, one.place.line) for one in looked.seen] == [("blinker", 1)]

    def test_are_none_where_all_are_imported(self, source: Callable[..., Target]) -> None:
        looked = look("unused", source({"requirements.txt": "click==8\n", "app.py": "import click\n"}))
        assert (looked.at, looked.seen) == (1, ())


class TestKnownFlaws:
    def index(self, folder: Path, day: str = "2026-11-10") -> Path:
        affected = {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0"}]}],
        }
        records = [
            {"id": id_, "aliases": aliases, "modified": f"{day}T00:00:00Z", "summary": "bad", "affected": [affected]}
            for id_, aliases in (("GHSA-1", ["CVE-2026-1111"]), ("PYSEC-1", ["CVE-2026-1111"]), ("GHSA-2", []))
        ]
        write_index(folder / "a.db", [Addition("a", "OSV", "a", "", records)], NOW)
        return folder / "a.db"

    def test_of_three_records_are_two_and_name_their_way(self, source: Callable[..., Target], tmp_path: Path) -> None:
        text = "flask==2.0\n    # via -r requirements.in\njinja2==2.11\n    # via flask\n"
        (seen,) = look("vulnerable", source({"requirements.txt": text}, self.index(tmp_path))).seen
        assert "jinja2 2.11 has 2 known vulnerabilities (CVE-2026-1111, GHSA-2); 3.0 has none of them." in seen.detail
        assert "It comes through flask 2.0 → jinja2: raise flask 2.0, or override the version." in seen.detail

    def test_of_old_advisories_stand_beside_what_is_not_verified(
        self, source: Callable[..., Target], tmp_path: Path
    ) -> None:
        target = source({"requirements.txt": "jinja2==2.11\n"}, self.index(tmp_path, "2026-10-01"))
        found, skipped = audit(target, [RULES["dependencies-vulnerable"]]).outcomes
        assert isinstance(skipped, Skipped)
        assert skipped.asked
        assert "48 days old" in skipped.reason
        assert (
            audit(
                source({"requirements.txt": "jinja2==4.0\n"}, target.advisories), [RULES["dependencies-vulnerable"]]
            ).state(4)
            == "unknown"
        )
        assert found.sign == 4

    def test_that_do_not_count_are_told_with_the_pass(self, source: Callable[..., Target], tmp_path: Path) -> None:
        told = [
            {
                "id": id_,
                "analysis": {"state": "not_affected", "detail": "no templates"},
                "affects": [{"ref": "pkg:pypi/jinja2"}],
            }
            for id_ in ("CVE-2026-1111", "GHSA-2")
        ]
        vex = tmp_path / "vex.json"
        target = source({"requirements.txt": "jinja2==2.11\n"}, self.index(tmp_path))
        vex.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": told[:1]}))
        (seen,) = look("vulnerable", replace(target, supply=Supply(vex=read_vex(vex)))).seen
        assert "1 known vulnerability (GHSA-2)" in seen.detail
        assert any("CVE-2026-1111 in jinja2 2.11 does not count: no templates" in str(one) for one in seen.evidence)
        vex.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": told}))
        (one,) = audit(replace(target, supply=Supply(vex=read_vex(vex))), [RULES["dependencies-vulnerable"]]).outcomes
        assert isinstance(one, Passed)
        assert "PyPI 3 records of 2026-11-10; 1 of 1 components looked up; CVE-2026-1111" in one.note

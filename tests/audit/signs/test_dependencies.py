from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Severity
from ninefold.audit.rule import Untried
from ninefold.audit.signs import dependencies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

UV = """
[[package]]
name = "app"
version = "1"
source = {editable = "."}

[[package]]
name = "jinja2"
version = "2.11.2"
"""
RULES = {rule.id: rule for rule in dependencies.RULES}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def record(id_: str, name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    """An OSV record about one PyPI package."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *events]}] if events else []
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": ranges}
    return {
        "id": id_,
        "modified": "2026-11-10T00:00:00Z",
        "summary": "It is bad.",
        "affected": [affected],
        **more,
    }


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    folder = tmp_path / "osv"
    folder.mkdir()
    critical = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    records = [
        record("GHSA-1", "Jinja2", {"fixed": "2.11.3"}, aliases=["CVE-2020-28493"], severity=critical),
        record("GHSA-2", "jinja2", {"fixed": "3.1.4"}, database_specific={"severity": "MODERATE"}),
        record("GHSA-3", "other", {"fixed": "9"}),
        record("GHSA-4", "uvicorn", {"fixed": "0.11.7"}),
        record("GHSA-5", "jinja2", {"fixed": "9.9"}, withdrawn="2026-01-01T00:00:00Z"),
    ]
    for one in records:
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    return folder


class TestVulnerableDependencies:
    def test_are_one_finding_a_package_with_the_version_that_mends_all(
        self, source: Callable[..., Target], advisories: Path
    ) -> None:
        looked = look(
            "dependencies-vulnerable",
            source({"requirements.txt": "# web\nJinja2==2.11.2\nmsgspec==0.20\n"}, advisories),
        )
        assert looked.at == 2
        (seen,) = looked.seen
        assert (seen.place.file, seen.place.line) == ("requirements.txt", 2)
        assert "CVE-2020-28493, GHSA-2" in seen.detail
        assert "3.1.4 has none of them" in seen.detail
        assert seen.severity is Severity.CRITICAL
        assert any("PyPI 5 records of 2026-11-10" in str(one) for one in seen.evidence)

    def test_are_not_told_of_the_fixed_version(self, source: Callable[..., Target], advisories: Path) -> None:
        looked = look("dependencies-vulnerable", source({"requirements.txt": "jinja2==3.1.4\n"}, advisories))
        assert (looked.at, looked.seen) == (1, ())

    def test_are_never_green_without_advisories(self, source: Callable[..., Target]) -> None:
        with pytest.raises(Untried, match="not verified") as told:
            look("dependencies-vulnerable", source({"requirements.txt": "jinja2==3.1.4\n"}))
        assert told.value.missed

    @pytest.mark.parametrize(
        "files",
        [
            {"requirements.txt": "jinja2==3.1.4\nflask>=2\n"},
            {"requirements.txt": "jinja2==3.1.4\n", "web/package-lock.json": "{}"},
            {"uv.lock": "not [toml"},
            {"main.py": "x = 1\n"},
        ],
    )
    def test_are_never_green_where_something_could_not_be_read(
        self, source: Callable[..., Target], advisories: Path, files: dict[str, str]
    ) -> None:
        with pytest.raises(Untried):
            look("dependencies-vulnerable", source(files, advisories))

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("uv.lock", UV),
            ("poetry.lock", '[[package]]\nname = "Jinja2"\nversion = "2.11.2"\n'),
            ("pylock.toml", '[[packages]]\nname = "jinja2"\nversion = "2.11.2"\n'),
            ("Pipfile.lock", '{"default": {"jinja2": {"version": "==2.11.2"}}}'),
            ("requirements/base.txt", "jinja2==2.11.2 \\\n    --hash=sha256:aa\n"),
        ],
    )
    def test_are_found_in_every_python_lock_file(
        self, source: Callable[..., Target], advisories: Path, name: str, text: str
    ) -> None:
        assert len(look("dependencies-vulnerable", source({name: text}, advisories)).seen) == 1


class TestOpenVersions:
    @pytest.mark.parametrize("line", ["flask", "flask>=2", "flask~=2.1", "flask==2.*", "flask @ git+https://x.org/f"])
    def test_are_told(self, source: Callable[..., Target], line: str) -> None:
        looked = look("dependencies-unpinned", source({"requirements.txt": f"jinja2==3.1.4\n{line}\n"}))
        assert [one.place.line for one in looked.seen] == [2]

    def test_are_not_told_of_exact_versions_options_and_commits(self, source: Callable[..., Target]) -> None:
        text = (
            "-r base.txt\n--index-url https://pypi.example.com\n-e .\njinja2==3.1.4 ; python_version > '3'  # web\n"
            f"flask @ git+https://x.org/f@{'a' * 40}\nmsgspec===0.20\n"
        )
        looked = look("dependencies-unpinned", source({"requirements-dev.txt": text}))
        assert (looked.at, looked.seen) == (3, ())


def answering(**headers: str) -> Any:
    def answer(_: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {name.replace("_", "-"): value for name, value in headers.items()}, b"{}"

    return answer


class TestDisclosedVersions:
    def test_are_told_by_product(self, serve: Callable[..., str], live: Callable[..., Target]) -> None:
        target = live(serve(answering(Server="nginx/1.18.0 (Ubuntu)", X_Powered_By="PHP/7.4.3")))
        assert {one.cause for one in look("dependencies-disclosed", target).seen} == {
            "nginx 1.18.0",
            "PHP 7.4.3",
        }

    def test_are_worse_when_they_are_vulnerable(
        self, serve: Callable[..., str], live: Callable[..., Target], advisories: Path
    ) -> None:
        target = live(serve(answering(Server="uvicorn/0.11.5")), advisories=advisories)
        (seen,) = look("dependencies-disclosed", target).seen
        assert "GHSA-4" in seen.detail
        assert seen.severity is Severity.MEDIUM

    @pytest.mark.parametrize("server", ["nginx", "uvicorn", "", "cloudflare"])
    def test_are_not_told_of_a_bare_name(
        self, serve: Callable[..., str], live: Callable[..., Target], server: str
    ) -> None:
        looked = look("dependencies-disclosed", live(serve(answering(Server=server, Via="HTTP/1.1 gateway"))))
        assert (looked.at, looked.seen) == (1, ())

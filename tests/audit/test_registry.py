"""What registries say, in the forms that they say it in; silence is no answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import registry
from ninefold.audit.fetch import Fetcher
from ninefold.audit.registry import KEPT, Entry, Registries, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1_795_000_000.0
FETCHER = Fetcher("ninefold/test", 1_000_000, 5.0)


def file(name: str, yanked: bool | str = False, day: str = "2026-01-02") -> dict[str, Any]:
    return {"filename": name, "url": name, "hashes": {}, "yanked": yanked, "upload-time": f"{day}T00:00:00Z"}


SIMPLE = {
    "meta": {"api-version": "1.4"},
    "name": "lib",
    "versions": ["1.0", "1.1", "2.0", "3.0rc1", "4.0"],
    "files": [
        file("lib-1.0.tar.gz"), file("lib-1.0-py3-none-any.whl"), file("lib-1.1.tar.gz", "broken on Windows"),
        file("lib-1.1-py3-none-any.whl", yanked=True), file("lib-2.0.tar.gz", yanked=True), file("lib-2.0-py3-none-any.whl"),
        file("lib-3.0rc1.tar.gz"), file("lib-4.0.tar.gz", yanked=True), file("lib-1.0-py2.7.egg"), file("lib-odd.exe"),
    ],
}  # fmt: skip
PACKUMENT = {
    "name": "@scope/lib",
    "dist-tags": {"latest": "2.0.0", "next": "3.0.0-rc.1"},
    "versions": {"1.0.0": {"deprecated": "use other"}, "1.1.0": {"deprecated": False}, "2.0.0": {}, "3.0.0-rc.1": {}},
    "time": {"created": "2020-01-01T00:00:00Z", "2.0.0": "2026-02-03T00:00:00Z"},
}


def registries(url: str, folder: Path | None = None, now: float = NOW) -> Registries:
    return Registries({"PyPI": f"{url}/simple/", "npm": url}, FETCHER, now, folder)


def serving(documents: dict[str, Any], seen: list[tuple[str, str]] | None = None) -> Callable[[Any], Any]:
    def api(call: Any) -> Any:
        if seen is not None:
            seen.append((call.path, call.headers["Accept"]))
        told = documents.get(call.path)
        return (
            (404, {}, b"")
            if told is None
            else (200, {}, told if isinstance(told, bytes) else json.dumps(told).encode())
        )

    return api


def test_pypis_simple_api(serve: Callable[..., str]) -> None:
    seen: list[tuple[str, str]] = []
    found = registries(serve(serving({"/simple/lib/": SIMPLE}, seen))).entry("PyPI", "lib")
    assert isinstance(found, Entry)
    assert found.latest == "2.0"  # neither the pre-release nor what is yanked whole
    assert found.yanked == {"1.1": "broken on Windows", "4.0": ""}
    assert found.days["1.0"] == "2026-01-02"
    assert seen == [("/simple/lib/", "application/vnd.pypi.simple.v1+json")]


@pytest.mark.parametrize("status", ["archived", "deprecated", "quarantined", "active"])
def test_a_project_s_own_status(serve: Callable[..., str], status: str) -> None:
    told = {**SIMPLE, "project-status": {"status": status, "reason": "moved on"}}
    found = registries(serve(serving({"/simple/lib/": told}))).entry("PyPI", "lib")
    assert isinstance(found, Entry)
    assert (found.status, found.reason) == (status, "moved on")


def test_npms_packument(serve: Callable[..., str]) -> None:
    seen: list[tuple[str, str]] = []
    found = registries(serve(serving({"/@scope%2Flib": PACKUMENT}, seen))).entry("npm", "@scope/lib")
    assert found == Entry(latest="2.0.0", deprecated={"1.0.0": "use other"}, days={"2.0.0": "2026-02-03"})
    assert seen[0][1].startswith("application/vnd.npm.install-v1+json")


@pytest.mark.parametrize(
    "told",
    [
        b"<html>", b"[]", b"null", b'"x"', b"{}", {"files": []}, {"meta": {"api-version": "1.0"}, "files": [{}]},
        {"meta": {"api-version": "1.0"}, "files": [3]}, {"meta": 1, "files": []}, {**SIMPLE, "project-status": 5}, b"[" * 100_000,
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_none(serve: Callable[..., str], told: Any) -> None:
    found = registries(serve(serving({"/simple/lib/": told}))).entry("PyPI", "lib")
    assert isinstance(found, Unknown)
    assert "form" in found.reason


@pytest.mark.parametrize("told", [b"{}", {"versions": []}, {"versions": {"1.0.0": 5}}, {"versions": None}])
def test_a_packument_of_another_form_is_none(serve: Callable[..., str], told: Any) -> None:
    assert isinstance(registries(serve(serving({"/lib": told}))).entry("npm", "lib"), Unknown)


def test_what_it_does_not_have_is_not_known(serve: Callable[..., str]) -> None:
    url = serve(serving({}))
    made = registries(url)
    assert [made.entry("PyPI", f"lib{number}") for number in range(5)] == [Unknown("the registry does not have it")] * 5
    assert made.entry("Go", "lib") == Unknown("no registry of Go is asked")


def test_each_package_is_asked_for_once(serve: Callable[..., str]) -> None:
    seen: list[tuple[str, str]] = []
    made = registries(serve(serving({"/simple/lib/": SIMPLE}, seen)))
    assert made.entry("PyPI", "lib") is made.entry("PyPI", "lib")
    assert len(seen) == 1


def test_one_that_is_silent_is_not_asked_on_and_on() -> None:
    made = registries("http://127.0.0.1:1")
    reasons = [made.entry("PyPI", f"lib{number}") for number in range(6)]
    assert all(isinstance(one, Unknown) for one in reasons)
    assert made.asked == 3
    assert reasons[-1] == Unknown("the registry of PyPI does not answer")


def test_no_more_are_asked_for_than_the_bound(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PACKAGES", 2)
    made = registries(serve(serving({f"/simple/lib{number}/": SIMPLE for number in range(3)})))
    assert [isinstance(made.entry("PyPI", f"lib{number}"), Entry) for number in range(3)] == [True, True, False]


def test_answers_are_kept_for_a_while_and_by_registry(serve: Callable[..., str], tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    url = serve(serving({"/simple/lib/": SIMPLE}, seen))
    first = registries(url, tmp_path).entry("PyPI", "lib")
    stamp = next(tmp_path.iterdir()).stat().st_mtime
    assert registries(url, tmp_path, stamp + KEPT - 1).entry("PyPI", "lib") == first
    assert len(seen) == 1
    registries(url, tmp_path, stamp + KEPT + 1).entry("PyPI", "lib")
    assert len(seen) == 2
    assert isinstance(registries("http://127.0.0.1:1", tmp_path, stamp).entry("PyPI", "lib"), Unknown)


def test_what_is_kept_and_broken_is_asked_for_again(serve: Callable[..., str], tmp_path: Path) -> None:
    url = serve(serving({"/simple/lib/": SIMPLE}))
    first = registries(url, tmp_path).entry("PyPI", "lib")
    kept = next(tmp_path.iterdir())
    kept.write_bytes(b"{")
    assert registries(url, tmp_path, kept.stat().st_mtime).entry("PyPI", "lib") == first

"""Every manifest is read or named: nothing that was found is passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.manifests import read
from ninefold.audit.manifests.read import manifests

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["build.gradle", "sub/mix.lock", "Package.resolved"])
def test_what_is_not_understood_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    assert manifests(tmp_path).unread == (f"{name} (this kind is not read yet)",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", "["), ("package-lock.json", "{}"), ("package-lock.json", '{"lockfileVersion":3,"packages":[]}'), ("pnpm-lock.yaml", "a: [b"), ("go.mod", "x"),
        ("Cargo.lock", "x"), ("pom.xml", "<project>"), ("pom.xml", '<!DOCTYPE a [<!ENTITY b "c">]><project/>'),
        ("composer.lock", "{"), ("packages.lock.json", "[]"), ("package.json", '"x"'),
    ],
)  # fmt: skip
def test_what_is_broken_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = manifests(tmp_path)
    assert not found.read
    assert not found.pins
    assert found.unread[0].startswith(f"{name} (")


def test_a_lock_file_may_be_large_and_one_that_is_too_large_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f'[[package]]\nname = "p{number}"\nversion = "1.0.{number}"\n' for number in range(40_000))
    (tmp_path / "uv.lock").write_text(rows)
    assert len(rows) > 1024 * 1024
    assert len(manifests(tmp_path).pins) == 40_000
    monkeypatch.setattr(read, "MOST_BYTES", 1024)
    assert manifests(tmp_path).unread == ("uv.lock (no text, or larger than 0 MiB)",)


def test_ranges_that_a_lock_file_settles_are_not_open(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "package.json").write_text('{"dependencies": {"left": "^1.0.0", "right": "2.0.0"}}')
    alone = manifests(tmp_path).pins
    assert [(pin.name, pin.version) for pin in alone] == [("left", ""), ("right", "2.0.0")]
    (tmp_path / "yarn.lock").write_text('left@^1.0.0:\n  version "1.4.2"\n')
    assert [(pin.name, pin.version, pin.file) for pin in manifests(tmp_path).pins] == [("left", "1.4.2", "yarn.lock")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": 5}}}'),
        ("packages.lock.json", '{"dependencies": {"n": {"a": {"type": "Direct", "resolved": [1]}}}}'),
        ("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/": {"version": "1.0.0"}}}'),
    ],
)
def test_a_name_or_version_that_is_no_text_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = manifests(tmp_path)
    assert (found.pins, found.unread) == ((), (f"{name} (TypeError)",))

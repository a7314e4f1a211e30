from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.manifests.read import manifests

if TYPE_CHECKING:
    from pathlib import Path


def pins(folder: Path, name: str, text: str) -> list[tuple[str, str, int]]:
    (folder / name).write_text(text)
    found = manifests(folder)
    assert found.unread == ()
    assert {pin.ecosystem for pin in found.pins} <= {"npm"}
    return [(pin.name, pin.version, pin.line) for pin in found.pins]


def test_npms_lock_of_its_later_versions(tmp_path: Path) -> None:
    packages = {
        "": {"name": "shop", "version": "1.0.0"},
        "node_modules/express": {"version": "4.17.1"},
        "node_modules/express/node_modules/@scope/debug": {"version": "2.6.9", "dev": True},
        "node_modules/alias": {"name": "real", "version": "3.0.0"},
        "packages/own": {"version": "1.0.0"},
        "node_modules/own": {"resolved": "packages/own", "link": True},
    }
    text = json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2)
    found = pins(tmp_path, "package-lock.json", text)
    assert [(name, version) for name, version, _ in found] == [
        ("express", "4.17.1"),
        ("@scope/debug", "2.6.9"),
        ("real", "3.0.0"),
    ]
    assert text.splitlines()[found[0][2] - 1].strip().startswith('"node_modules/express"')


def test_npms_lock_of_its_first_version(tmp_path: Path) -> None:
    tree = {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}, "c": {"version": "file:../c"}}
    found = pins(tmp_path, "npm-shrinkwrap.json", json.dumps({"lockfileVersion": 1, "dependencies": tree}))
    assert [(name, version) for name, version, _ in found] == [("a", "1.0.0"), ("b", "2.0.0")]


@pytest.mark.parametrize(
    ("key", "name", "version"),
    [
        ("/express/4.17.1", "express", "4.17.1"),
        ("/@babel/core/7.1.0_abc@1.0.0", "@babel/core", "7.1.0"),
        ("/core/7.1.0_abc@1.0.0", "core", "7.1.0"),
        ("/express@4.17.1(debug@4.0.0)", "express", "4.17.1"),
        ("'@babel/core@7.1.0'", "@babel/core", "7.1.0"),
    ],
)
def test_pnpms_lock_of_every_version(tmp_path: Path, key: str, name: str, version: str) -> None:
    text = f"lockfileVersion: '9.0'\n\npackages:\n\n  {key}:\n    resolution: {{integrity: sha512-x}}\n"
    assert pins(tmp_path, "pnpm-lock.yaml", text) == [(name, version, 5)]


def test_yarns_first_lock(tmp_path: Path) -> None:
    text = (
        "# yarn lockfile v1\n\n\n"
        '"@babel/core@^7.0.0", "@babel/core@^7.1.0":\n  version "7.1.0"\n  resolved "x"\n  dependencies:\n    version "^9"\n\n'
        'debug@2.6.9:\n  version "2.6.9"\n'
    )
    assert pins(tmp_path, "yarn.lock", text) == [("@babel/core", "7.1.0", 4), ("debug", "2.6.9", 10)]


def test_yarns_later_lock(tmp_path: Path) -> None:
    text = (
        '__metadata:\n  version: 8\n\n"debug@npm:2.6.9":\n  version: 2.6.9\n  resolution: "debug@npm:2.6.9"\n\n'
        '"shop@workspace:.":\n  version: 0.0.0-use.local\n'
    )
    assert pins(tmp_path, "yarn.lock", text) == [("debug", "2.6.9", 4)]


def test_a_manifest_that_nothing_locks_leaves_ranges_open(tmp_path: Path) -> None:
    wanted = {"a": "^1.0.0", "b": "1.2.3", "c": "*", "d": "file:../d", "e": "latest", "f": "=1.0.0-rc.1"}
    found = pins(tmp_path, "package.json", json.dumps({"dependencies": wanted}, indent=1))
    assert [(name, version) for name, version, _ in found] == [
        ("a", ""), ("b", "1.2.3"), ("c", ""), ("e", ""), ("f", "1.0.0-rc.1"),
    ]  # fmt: skip

"""How a dependency got there, as far as its lock file tells; and the bill beside the source."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.components import chains, components
from ninefold.audit.manifests.read import manifests
from ninefold.audit.rule import Untried
from ninefold.audit.supply import Supply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.target import Target

UV = """
[[package]]
name = "app"
version = "1"
source = {virtual = "."}
dependencies = [{name = "flask"}]

[package.dev-dependencies]
dev = [{name = "pytest"}]

[[package]]
name = "flask"
version = "2.0"
dependencies = [{name = "jinja2"}]

[[package]]
name = "jinja2"
version = "2.11"
dependencies = [{name = "markupsafe", version = "1.0"}]

[[package]]
name = "markupsafe"
version = "1.0"

[[package]]
name = "pytest"
version = "8"
"""
POETRY = """
[[package]]
name = "flask"
version = "2.0"
files = [{file = "a.whl", hash = "sha256:aa"}]
[package.dependencies]
Jinja2 = ">=2"

[[package]]
name = "jinja2"
version = "2.11"
files = [{file = "a.whl", hash = "sha256:aa"}]
[package.dependencies]
markupsafe = {version = ">=1", markers = "x"}

[[package]]
name = "markupsafe"
version = "1.0"
files = []
"""
COMPILED = """
flask==2.0
    # via -r requirements.in
jinja2==2.11
    # via flask
markupsafe==1.0
    # via
    #   jinja2
    #   werkzeug
werkzeug==2.0
    # via flask
"""
ANNOTATED = """
flask==2.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via app (pyproject.toml)
jinja2==2.11 --hash=sha256:cc  # via flask
markupsafe==1.0  # via jinja2, werkzeug
"""
CARGO = """
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["flask", "markupsafe 2.0.0"]

[[package]]
name = "flask"
version = "2.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"
dependencies = ["jinja2"]

[[package]]
name = "jinja2"
version = "2.11"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["markupsafe 1.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "markupsafe"
version = "1.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "markupsafe"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""
GEMS = """GEM
  remote: https://rubygems.org/
  specs:
    flask (2.0)
      jinja2 (>= 1)
    jinja2 (2.11)
      markupsafe (~> 1)
    markupsafe (1.0)

PLATFORMS
  ruby

DEPENDENCIES
  flask (~> 2)!
"""
NPM = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "dependencies": {"flask": "^2"}, "devDependencies": {"markupsafe": "^2"}},
        "node_modules/flask": {
            "version": "2.0",
            "integrity": "sha512-x",
            "dependencies": {"jinja2": "^2"},
            "license": "MIT",
        },
        "node_modules/jinja2": {"version": "2.11", "integrity": "sha512-x", "dependencies": {"markupsafe": "^1"}},
        "node_modules/jinja2/node_modules/markupsafe": {"version": "1.0", "integrity": "sha512-x", "deprecated": "old"},
        "node_modules/markupsafe": {"version": "2.0.0"},
    },
}
PNPM9 = """
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      flask: {specifier: ^2, version: '2.0'}
    devDependencies:
      own: {specifier: 'link:../own', version: 'link:../own'}
packages:
  flask@2.0:
    resolution: {integrity: sha512-x}
  jinja2@2.11:
    resolution: {integrity: sha512-x}
    deprecated: use another
  markupsafe@1.0:
    resolution: {integrity: sha512-x}
snapshots:
  flask@2.0(peer@1.0.0):
    dependencies:
      jinja2: 2.11
  jinja2@2.11:
    dependencies:
      escape: markupsafe@1.0
  markupsafe@1.0: {}
"""
PNPM5 = """
lockfileVersion: 5.4
specifiers: {flask: ^2}
dependencies:
  flask: '2.0'
packages:
  /flask/2.0:
    resolution: {integrity: sha512-x}
    dependencies: {jinja2: 2.11_peer@1.0.0}
  /jinja2/2.11_peer@1.0.0:
    resolution: {integrity: sha512-x}
    dependencies: {markupsafe: '1.0'}
  /markupsafe/1.0:
    resolution: {integrity: sha512-x}
"""
YARN1 = """# yarn lockfile v1

flask@^2, flask@~2.0:
  version "2.0"
  resolved "x"
  dependencies:
    jinja2 "^2"
    "@gone/x" "^1"

jinja2@^2:
  version "2.11"
  dependencies:
    markupsafe ">=1 <2"

"markupsafe@>=1 <2":
  version "1.0"
"""
YARN2 = """__metadata:
  version: 8

"flask@npm:^2":
  version: 2.0
  resolution: "flask@npm:2.0"
  dependencies:
    jinja2: "npm:^2"
  checksum: x

"jinja2@npm:^2":
  version: 2.11
  dependencies:
    markupsafe: ^1
  peerDependencies:
    flask: "*"

"markupsafe@npm:^1, markupsafe@npm:^1.0":
  version: 1.0

"app@workspace:.":
  version: 0.0.0-use.local
  dependencies:
    flask: ^2
"""
NUGET = {
    "version": 1,
    "dependencies": {
        "net8.0": {
            "Flask": {"type": "Direct", "resolved": "2.0", "contentHash": "x", "dependencies": {"Jinja2": "2.11"}},
            "Jinja2": {
                "type": "Transitive",
                "resolved": "2.11",
                "contentHash": "x",
                "dependencies": {"MarkupSafe": "1.0"},
            },
            "MarkupSafe": {"type": "Transitive", "resolved": "1.0"},
        }
    },
}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv.lock", UV), ("poetry.lock", POETRY), ("requirements.txt", COMPILED), ("requirements.txt", ANNOTATED), ("Cargo.lock", CARGO),
        ("Gemfile.lock", GEMS), ("package-lock.json", json.dumps(NPM)), ("packages.lock.json", json.dumps(NUGET)),
        ("pnpm-lock.yaml", PNPM9), ("pnpm-lock.yaml", PNPM5), ("yarn.lock", YARN1), ("yarn.lock", YARN2),
    ],
)  # fmt: skip
def test_lock_files_tell_the_way(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    found = manifests(tmp_path)
    assert found.unread == ()
    by = {(pin.name, pin.version): pin for pin in found.pins}
    ways = chains(found.pins)
    assert ways.of(by["flask", "2.0"]) == ("flask",)
    assert ways.told(by["flask", "2.0"]) == "It is required directly."
    way = ways.of(by["markupsafe", "1.0"])
    assert way[0] == "flask 2.0"
    assert way[-1] == "markupsafe"
    assert way in {("flask 2.0", "jinja2 2.11", "markupsafe"), ("flask 2.0", "werkzeug 2.0", "markupsafe")}
    if ("markupsafe", "2.0.0") in by:
        assert ways.of(by["markupsafe", "2.0.0"]) == ("markupsafe",)


def test_a_file_without_a_graph_tells_no_way(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# via the wiki\nflask==2.0  # the web\njinja2==2.11\n")
    found = manifests(tmp_path)
    assert {chains(found.pins).of(pin) for pin in found.pins} == {()}
    assert {pin.direct for pin in found.pins} == {None}


def test_circles_end(tmp_path: Path) -> None:
    packages = {
        "": {"dependencies": {"a": "1"}},
        "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/b": {"version": "1.0.0", "dependencies": {"a": "1", "b": "1", "gone": "1"}},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 2, "packages": packages}))
    found = manifests(tmp_path)
    assert [chains(found.pins).of(pin) for pin in found.pins] == [("a",), ("a 1.0.0", "b")]


def test_workspaces_are_direct_where_they_ask(tmp_path: Path) -> None:
    packages = {
        "": {"workspaces": ["packages/*"]},
        "node_modules/own": {"resolved": "packages/own", "link": True},
        "packages/own": {"version": "1.0.0", "dependencies": {"a": "1", "b": "1"}},
        "packages/own/node_modules/b": {"version": "2.0.0"},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/b": {"version": "1.0.0"},
    }
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    found = manifests(tmp_path)
    assert {(pin.name, pin.version): pin.direct for pin in found.pins} == {
        ("b", "2.0.0"): True,
        ("a", "1.0.0"): True,
        ("b", "1.0.0"): False,
    }


@pytest.mark.parametrize(
    ("file", "text", "hashed"),
    [
        ("requirements.txt", ANNOTATED, [True, True, False]), ("poetry.lock", POETRY, [True, True, None]), ("uv.lock", UV, [None] * 4),
        ("package-lock.json", json.dumps(NPM), [True, True, True, False]),
        ("Cargo.lock", CARGO, [True, False, False, False]), ("packages.lock.json", json.dumps(NUGET), [True, True, False]),
        ("Pipfile.lock", json.dumps({"default": {"a": {"version": "==1", "hashes": ["x"]}, "b": {"version": "==1"}}}), [True, False]),
    ],
)  # fmt: skip
def test_lock_files_tell_what_has_a_digest(tmp_path: Path, file: str, text: str, hashed: list[bool | None]) -> None:
    (tmp_path / file).write_text(text)
    assert [pin.hashed for pin in manifests(tmp_path).pins] == hashed


class TestABillBesideTheSource:
    def test_adds_its_components(self, source: Callable[..., Target], tmp_path: Path) -> None:
        bill = tmp_path / "bom.json"
        listed: list[dict[str, Any]] = [{"name": "a", "purl": "pkg:npm/a@1.0.0"}, {"name": "odd", "version": "3"}]
        bill.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": listed}))
        target = replace(source({"requirements.txt": "flask==2.0\n"}), supply=Supply(sbom=bill))
        found = components(target)
        assert [(pin.ecosystem, pin.name) for pin in found.pins] == [("PyPI", "flask"), ("npm", "a")]
        assert found.unread == ("bom.json (1 components without a purl: odd 3)",)
        assert components(replace(target, source=None)).read == ("bom.json",)

    def test_nothing_is_no_pass(self, source: Callable[..., Target]) -> None:
        with pytest.raises(Untried, match="no manifest"):
            components(source({"app.py": "x = 1\n"}))

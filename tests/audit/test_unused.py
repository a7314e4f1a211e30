"""What no file imports, where that can be known; deptry is a real process here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ninefold.audit import unused as module
from ninefold.audit.rule import Untried
from ninefold.audit.unused import Unused, unused

if TYPE_CHECKING:
    from pathlib import Path


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_what_is_not_imported_is_told_with_its_line(tmp_path: Path) -> None:
    told = unused(tree(tmp_path, {"requirements.txt": "# web\nBlinker==1.9\nclick==8\n", "app.py": "import click\n"}))
    assert told.asked == 2
    assert told.unused == (Unused("blinker", "requirements.txt", 2),)


def test_a_project_of_its_own_folder_and_form(tmp_path: Path) -> None:
    pyproject = '[project]\nname = "x"\nversion = "1"\ndependencies = [\n  "blinker>=1",\n  "click",\n]\n'
    told = unused(
        tree(tmp_path, {"api/pyproject.toml": pyproject, "api/x/__init__.py": "import click\n", "web/a.js": ""})
    )
    assert told.unused == (Unused("blinker", "api/pyproject.toml", 5),)


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "import blinker\n"},
        {"app.py": "from blinker import signal as F\n"},
        {"app.py": "x = 1\n", "Dockerfile": "FROM python\nCMD blinker run\n"},
        {"app.py": "x = 1\n", "Procfile": "web: blinker run\n"},
        {"app.py": "import importlib\nimportlib.import_module('blinker')\n"},
        {"app.py": "x = 1\n", "setup.cfg": "[tool:x]\nplugins = blinker\n"},
    ],
)
def test_what_is_imported_or_named_elsewhere_is_not(tmp_path: Path, files: dict[str, str]) -> None:
    assert unused(tree(tmp_path, {"requirements.txt": "blinker==1.9\n", **files})).unused == ()


def test_what_another_dependency_may_load_is_not(tmp_path: Path) -> None:
    files = {"requirements.txt": "flask\nitsdangerous\n", "app.py": "import flask\n"}  # Flask itself needs it
    assert unused(tree(tmp_path, files)).unused == ()


def test_what_brings_commands_or_plugins_is_not(tmp_path: Path) -> None:
    files = {"requirements.txt": "gunicorn\nuvicorn\nhypothesis\n", "app.py": "x = 1\n"}
    assert unused(tree(tmp_path, files)).unused == ()


def test_what_is_imported_under_another_name_is_not(tmp_path: Path) -> None:
    assert unused(tree(tmp_path, {"requirements.txt": "PyYAML\n", "app.py": "import yaml\n"})).unused == ()


def test_what_nobody_here_knows_is_not_judged(tmp_path: Path) -> None:
    told = unused(tree(tmp_path, {"requirements.txt": "surely-not-installed==1\n", "app.py": "x = 1\n"}))
    assert told.unused == ()
    assert told.doubtful == ("surely-not-installed",)


def test_the_project_s_own_environment_is_known(tmp_path: Path) -> None:
    site = f".venv/lib/python3.{sys.version_info.minor}/site-packages"
    files = {
        "requirements.txt": "odd-name==1\nother-name==1\n",
        "app.py": "import quite_different\n",
        f"{site}/odd_name-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: odd-name\nVersion: 1\n",
        f"{site}/odd_name-1.dist-info/RECORD": "quite_different/__init__.py,,\n",
        f"{site}/quite_different/__init__.py": "",
        f"{site}/never_imported/__init__.py": "",
        f"{site}/other_name-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: other-name\nVersion: 1\n",
        f"{site}/other_name-1.dist-info/RECORD": "never_imported/__init__.py,,\n",
    }
    told = unused(tree(tmp_path, files))
    assert [one.name for one in told.unused] == ["other-name"]
    assert told.doubtful == ()


def test_nothing_of_the_project_is_run(tmp_path: Path) -> None:
    trap = "import pathlib\npathlib.Path('ran').write_text('x')\n"
    names = (
        "deptry.py",
        "json.py",
        "click.py",
        "sitecustomize.py",
        "packaging/__init__.py",
        "tomli.py",
        "setup.py",
        "conftest.py",
    )
    files = {"requirements.txt": "blinker\n", **dict.fromkeys(names, trap)}
    assert [one.name for one in unused(tree(tmp_path, files)).unused] == ["blinker"]
    assert not (tmp_path / "ran").exists()


def test_without_deptry_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"requirements.txt": "blinker\n", "app.py": "x = 1\n"})
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(Untried, match=r"ninefold\[unused\]") as told:
        unused(tmp_path)
    assert not told.value.missed


@pytest.mark.parametrize("text", ["[tool.deptry]\nodd = 5\n", "[tool.deptry]\nexclude = 5\n"])
def test_a_fault_of_its_is_told(tmp_path: Path, text: str) -> None:
    pyproject = f'[project]\nname = "x"\nversion = "1"\ndependencies = ["blinker"]\n{text}'
    tree(tmp_path, {"pyproject.toml": pyproject, "app.py": "x = 1\n"})
    with pytest.raises(Untried, match="deptry gave no answer"):
        unused(tmp_path)


def test_where_there_is_no_python_nothing_is_asked(tmp_path: Path) -> None:
    assert unused(tree(tmp_path, {"package.json": "{}", "a.js": "x"})).asked == 0

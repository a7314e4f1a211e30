from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ninefold.audit.source import called, files, imported, modules, unread_languages

if TYPE_CHECKING:
    from pathlib import Path


def grow(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def test_files_of_tools_vendors_and_links_are_left(tmp_path: Path) -> None:
    grow(tmp_path, "app/main.py", "app/.env", ".git/config", ".venv/a.py", "node_modules/a.js", "venv/lib/b.py")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "blob.bin").write_bytes(b"\0\1\2")
    (tmp_path / "big.txt").write_bytes(b"a" * (1024 * 1024 + 1))
    assert [one.name for one in files(tmp_path)] == ["app/.env", "app/main.py"]
    assert [one.name for one in files(tmp_path, ".py")] == ["app/main.py"]
    assert [one.name for one in files(tmp_path / "app" / "main.py")] == ["main.py"]


def test_modules_are_what_parses_and_is_no_test(tmp_path: Path) -> None:
    grow(tmp_path, "main.py", "tests/test_main.py", "conftest.py", "main_test.py", "contest.py")
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "escape.py").write_text("x = '\\d'\n")
    assert [one.file.name for one in modules(tmp_path)] == ["contest.py", "escape.py", "main.py"]


def test_names_are_followed_through_imports() -> None:
    tree = ast.parse("import hashlib as h\nfrom hashlib import md5 as m\nfrom . import x\nh.sha1()\nm()\na.b().c()\n")
    names = imported(tree)
    calls = [called(node, names) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert set(calls) == {"hashlib.sha1", "hashlib.md5", "c", "a.b"}


def test_what_does_not_parse_or_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    grow(tmp_path, "main.py")
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "long.py").write_text("x = " + " + ".join(["'a'"] * 500) + "\n")
    (tmp_path / "zero.py").write_text("x = 1 # " + "a" * 5000 + "\0")
    missed: dict[str, str] = {}
    assert [one.file.name for one in modules(tmp_path, missed)] == ["main.py"]
    assert missed == {
        "broken.py": "does not parse",
        "long.py": "nested too deeply",
        "zero.py": "does not parse",
    }


def test_a_single_file_of_another_language_is_no_fault(tmp_path: Path) -> None:
    grow(tmp_path, "main.py")
    assert unread_languages(tmp_path / "main.py") == []

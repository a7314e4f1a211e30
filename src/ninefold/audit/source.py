"""The files of an API's source, bounded, and their Python as syntax trees."""

from __future__ import annotations

import ast
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Directories that hold other people's code, or none.
_OTHERS = frozenset(
    {"node_modules", "venv", "env", "site-packages", "__pycache__", "dist", "build", "vendor", "target"}
)

_UNREAD = {
    ".kt": "Kotlin", ".rb": "Ruby", ".php": "PHP", ".cs": "C#", ".rs": "Rust", ".scala": "Scala", ".ex": "Elixir",
}  # fmt: skip

_TEST = re.compile(r"\.(?:test|spec|e2e-spec|stories)\.[cm]?[jt]sx?$")

#: Most files that are read, and most bytes of one.
FILES, SIZE = 5000, 1024 * 1024

#: Deepest nesting of a Python module that is read.
DEPTH = 200


@dataclass(frozen=True, slots=True)
class SourceFile:
    """`name` is the path as reports show it: below the root that was given, with forward slashes."""

    path: Path
    name: str
    text: str

    @property
    def is_test(self) -> bool:
        """Whether it is a test or its data: what stands there is made up on purpose."""
        parts = self.name.lower().split("/")
        last = parts[-1]
        return bool({"tests", "test", "fixtures", "testdata", "__tests__", "__mocks__", "spec"} & set(parts[:-1])) or (
            last.startswith(("test_", "conftest."))
            or last.endswith(("_test.py", "_test.go"))
            or _TEST.search(last) is not None
            or self.name.endswith(("Test.java", "Tests.java", "IT.java"))
        )


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file that parses."""

    file: SourceFile
    tree: ast.Module


def files(root: Path, *suffixes: str) -> Iterator[SourceFile]:
    """Text files below `root` (or `root` itself), in order; no links, and no folders of tools and vendors.

    With `suffixes`, only names that end in one of them.
    """
    for at, path in enumerate(paths(root, *suffixes)):
        if at == FILES:
            return
        if (file := read_text(root, path, SIZE)) is not None:
            yield file


def read_text(root: Path, path: Path, most: int) -> SourceFile | None:
    """A text file of at most `most` bytes. None: it is larger, no text, or cannot be read."""
    try:
        if path.stat().st_size > most:
            return None
        raw = path.read_bytes()
    except OSError:
        return None
    if b"\0" in raw[:4096]:
        return None
    name = path.relative_to(root).as_posix() if path != root else path.name
    return SourceFile(path, name, raw.decode("utf-8", "replace"))


def unread_languages(root: Path) -> list[str]:
    """The languages of source files that no rule reads yet, by their suffix."""
    found = {path.suffix for path in paths(root, *_UNREAD)}
    return sorted({_UNREAD[one] for one in found if one in _UNREAD})


def modules(root: Path, missed: dict[str, str] | None = None) -> Iterator[Module]:
    """Every Python file that parses and is no test. `missed` is given the others by name, and why."""
    missed = {} if missed is None else missed
    for file in files(root, ".py"):
        if file.is_test:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)  # so Python 3.11 calls an escape that is none
            try:
                tree = ast.parse(file.text)
            except (SyntaxError, ValueError):
                missed[file.name] = "does not parse"
                continue
            except (RecursionError, MemoryError):
                missed[file.name] = "nested too deeply"
                continue
        if _deep(tree):
            missed[file.name] = "nested too deeply"
            continue
        yield Module(file, tree)


def _deep(tree: ast.Module) -> bool:
    """Whether it is nested more deeply than rules follow, which call themselves from one level to the next."""
    level: list[ast.AST] = [tree]
    for _ in range(DEPTH):
        level = [inner for one in level for inner in ast.iter_child_nodes(one)]
        if not level:
            return False
    return True


def dotted(node: ast.AST) -> str:
    """`hashlib.md5` for the expression that says so; empty for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else node.attr
    return ""


def imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `{"md5": "hashlib.md5"}` after `from hashlib import md5`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def called(node: ast.Call, names: dict[str, str]) -> str:
    """The full name of what is called, through the module's imports."""
    name = dotted(node.func)
    head, dot, rest = name.partition(".")
    return names.get(head, head) + dot + rest


def paths(root: Path, *suffixes: str) -> Iterator[Path]:
    """The files below `root` (or `root` itself), in order; no links, no folders of tools and vendors."""
    if root.is_file():
        yield root
        return
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(one for one in inner if one not in _OTHERS and not one.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if (not suffixes or name.endswith(suffixes)) and path.is_file() and not path.is_symlink():
                yield path

"""Dependencies of Python programs that no file imports, as deptry tells them (https://deptry.com), which is an extra.

What deptry tells is doubted where it guesses: it knows the modules of what is installed alone (`PyYAML` is imported as
`yaml`), and no servers, drivers and plugins that others load. So a dependency is told only if its modules are known, it
brings no commands and no plugins (entry points), no other file names it, and no other dependency asks for it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from ninefold.audit.rule import Untried
from ninefold.audit.source import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Seconds that one project may take, and most projects of one source.
SECONDS, PROJECTS = 120.0, 50
_UNUSED = "DEP002"
_REQUIREMENTS = ("requirements.in", "requirements.txt")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Unused:
    """`name` as the manifest `file` (a name below the root) has it, on `line` (0: not told)."""

    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Told:
    """`asked` dependencies, what is not used in them, and the names of dependencies whose modules nobody here knows."""

    asked: int
    unused: tuple[Unused, ...]
    doubtful: tuple[str, ...]


def unused(root: Path) -> Told:
    """Raises `Untried` where deptry is not installed, or could not say."""
    asked = 0
    found: list[Unused] = []
    doubtful: set[str] = set()
    for project, manifest in _projects(root):
        if find_spec("deptry") is None:
            raise Untried("not verified: needs deptry, which `pip install 'ninefold[unused]'` installs", missed=False)
        installed, declared = _installed(project), _declared(project / manifest)
        asked += len(declared)
        for raw in _deptry(project, manifest, installed):
            name = canonicalize_name(str(raw["module"]))
            if name not in installed:
                doubtful.add(name)
            elif (
                not installed[name].entry_points
                and not _named(project, name)
                and not _optional(name, declared, installed)
            ):
                place = raw["location"]
                file = (project / str(place["file"])).relative_to(root) if root.is_dir() else Path(place["file"])
                found.append(Unused(name, file.as_posix(), int(place["line"] or _line(project / place["file"], name))))
    return Told(asked, tuple(found), tuple(sorted(doubtful)))


def _projects(root: Path) -> Iterator[tuple[Path, str]]:
    """Folders that say what a Python program needs, and the requirements file that does (or `pyproject.toml`)."""
    folders = {file.path.parent for file in files(root, "pyproject.toml", *_REQUIREMENTS)}
    for folder in sorted(folders)[:PROJECTS]:
        manifest = next((name for name in _REQUIREMENTS if (folder / name).is_file()), "")
        if _declared(folder / "pyproject.toml"):
            yield folder, "pyproject.toml"
        elif manifest and any(folder.rglob("*.py")):
            yield folder, manifest


def _declared(path: Path) -> frozenset[str]:
    """The names of the dependencies that a `pyproject.toml` or a requirements file declares."""
    try:
        text = path.read_text("utf-8")
        if path.name == "pyproject.toml":
            told = tomllib.loads(text)
            listed = [
                *told.get("project", {}).get("dependencies", ()),
                *told.get("tool", {}).get("poetry", {}).get("dependencies", ()),
            ]
        else:
            listed = text.splitlines()
        names = (canonicalize_name(found[0]) for one in listed if (found := _NAME.match(str(one))))
        return frozenset(name for name in names if name != "python")  # poetry's word for the interpreter
    except (OSError, ValueError, AttributeError):
        return frozenset()


def _installed(project: Path) -> Mapping[str, Distribution]:
    """What is installed in the project's own environment, and here."""
    sites = [
        str(site) for name in (".venv", "venv") for site in sorted((project / name).glob("lib/python3*/site-packages"))
    ]
    found: dict[str, Distribution] = {}
    for one in (*distributions(), *(distributions(path=sites) if sites else ())):
        if one.name:
            found[canonicalize_name(one.name)] = one
    return found


def _deptry(project: Path, manifest: str, installed: Mapping[str, Distribution]) -> list[Any]:
    with TemporaryDirectory(prefix="ninefold-") as folder:
        out = Path(folder, "deptry.json")
        # -P: nothing that lies in the project is run in the place of a module of that name
        command = [sys.executable, "-P", "-m", "deptry", ".", "--no-ansi", "--json-output", str(out)]
        if manifest != "pyproject.toml":
            command += ["--requirements-files", manifest]
        if known := _mapping(project, installed):
            command += ["--package-module-name-map", known]
        try:
            done = subprocess.run(  # noqa: S603  # this interpreter, and names as arguments
                command, cwd=project, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise Untried(f"not verified: deptry was not done after {SECONDS:.0f} s") from None
        try:
            told = json.loads(out.read_bytes())
            return [one for one in told if one["error"]["code"] == _UNUSED]
        except (OSError, ValueError, KeyError, TypeError):
            last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1][:200]
            raise Untried(f"not verified: deptry gave no answer ({last})") from None


def _mapping(project: Path, installed: Mapping[str, Distribution]) -> str:
    """The modules of what is installed in the project's own environment, as deptry takes them."""
    own = []
    for name, one in installed.items():
        if str(one.locate_file("")).startswith(str(project)):
            tops = {
                str(file).partition("/")[0].removesuffix(".py") for file in one.files or () if str(file).endswith(".py")
            }
            if modules := sorted(top for top in tops if top.isidentifier()):
                own.append(f"{name}={'|'.join(modules)}")
    return ",".join(own)


def _named(project: Path, name: str) -> bool:
    """Whether a file that is no list of requirements names it: a start command, a database URL, a plugin's setting."""
    spelt = "|".join("[-_.]?".join(map(re.escape, one.split("-"))) for one in {name, name.removesuffix("-binary")})
    word = re.compile(rf"(?<![\w-])(?:{spelt})(?![\w-])", re.IGNORECASE)
    lists = re.compile(
        r"requirements.*\.(?:txt|in)|.*\.lock|Pipfile|pylock.*\.toml|pyproject\.toml|.*\.md|.*\.rst|LICENSE"
    )
    return any(word.search(file.text) for file in files(project) if not lists.fullmatch(file.name.rpartition("/")[2]))


def _optional(name: str, declared: frozenset[str], installed: Mapping[str, Distribution]) -> bool:
    """Whether another dependency asks for it, be it as an extra: then that may load it."""
    for other in declared & installed.keys():
        for told in installed[other].requires or ():
            found = _NAME.match(told)
            if found and canonicalize_name(found[0]) == name:
                return True
    return False


def _line(path: Path, name: str) -> int:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return 0
    for number, line in enumerate(lines, 1):
        found = _NAME.match(line.strip().lstrip("\"'"))
        if found and canonicalize_name(found[0]) == name:
            return number
    return 0

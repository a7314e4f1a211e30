from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.manifests.read import manifests

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_are_those_of_the_file_through_continuations_and_comments(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "# a\n\nA_b==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:b\nc==2.0  # why\n-r b.txt\n./local\nd[x]>=1"
    )
    assert [(one.name, one.version, one.line) for one in manifests(tmp_path).pins] == [
        ("a-b", "1.0", 3),
        ("c", "2.0", 6),
        ("d", "", 9),
    ]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "dev-requirements.txt", "requirements-dev.txt", "requirements/dev.lock"]
)
def test_requirements_are_known_by_every_usual_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("a==1\n")
    assert manifests(tmp_path).read == (name,)


@pytest.mark.parametrize(("name", "text"), [("uv.lock", "["), ("poetry.lock", "package = 3"), ("Pipfile.lock", "[]")])
def test_what_is_broken_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert manifests(tmp_path).read == ()
    assert manifests(tmp_path).unread[0].startswith(name)


def test_one_file_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1\n")
    assert [one.file for one in manifests(tmp_path / "requirements.txt").pins] == ["requirements.txt"]

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parents[2]
OPEN = """\
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /orders:
    post:
      operationId: create
      responses:
        '201': {description: made}
"""
SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/a": {"delete": {"operationId": "drop", "responses": {"204": {"description": "gone"}}}}},
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | bytes], str]:
    """`written(name, text)`: a file in the folder that the command runs in, as pre-commit names it."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    return write


def test_each_finding_is_one_line_with_place_severity_and_fix(ninefold: Run, written: Callable[..., str]) -> None:
    code, out, err = ninefold("hook", written("openapi.yaml", OPEN), "--fail-on", "high")
    assert code == 1
    (said,) = out.splitlines()
    assert said.startswith("openapi.yaml:5:5: create: high authorization-open-operation: POST /orders ")
    assert " fix: Declare " in said
    assert "below --fail-on high, not shown" in err


def test_of_several_files_each_description_is_read(ninefold: Run, written: Callable[..., str]) -> None:
    names = [
        written("a.yaml", OPEN),
        written("b.json", json.dumps(SWAGGER)),
        written("c.json", json.dumps(SWAGGER, indent=1)),
    ]
    code, out, _ = ninefold("hook", *names, "--fail-on", "high")
    assert code == 1
    assert [one.partition(":")[0] for one in out.splitlines()] == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "- 1\n",
        "kind: Deployment\nspec: {openapi: 3.1.0}\n",
        "{{ .Values.x }}: openapi\n",
        '{"contract": "openapi.yaml"}',
        "api: openapi.yaml\nupstream: http://127.0.0.1:9\n",
        "a: 1\n---\nb: swagger\n",
        b"\xff\xfeopenapi",
        b"openapi\x00\x01",
        "# openapi: 3.1.0\n",
    ],
)
def test_what_is_no_description_is_passed_over(ninefold: Run, written: Callable[..., str], text: str | bytes) -> None:
    assert ninefold("hook", written("x.yaml", text)) == (0, "", "")


@pytest.mark.parametrize(
    "text",
    [
        "openapi: 3.1.0\ninfo: [\n",
        '{"openapi": "3.1.0", "info": ',
        "openapi: 9.9\n",
        "swagger: '2.0'\npaths: {/a: {get: &a [*a]}}\n",
    ],
)
def test_a_description_that_cannot_be_read_is_told_and_the_others_are_read_on(
    ninefold: Run, written: Callable[..., str], text: str
) -> None:
    code, out, _ = ninefold("hook", written("broken.yaml", text), written("openapi.yaml", OPEN), "--fail-on", "high")
    assert code == 65
    assert out.startswith("broken.yaml")
    assert "openapi.yaml:5:5:" in out
    assert "Traceback" not in out


def test_a_file_that_is_not_there_is_66(ninefold: Run, written: Callable[..., str]) -> None:
    code, out, _ = ninefold("hook", "gone.yaml", written("openapi.yaml", OPEN))
    assert code == 66
    assert out.startswith("gone.yaml: cannot be read")


def test_no_files_are_no_fault(ninefold: Run) -> None:
    assert ninefold("hook") == (0, "", "")


def test_what_a_baseline_accepts_is_not_shown(ninefold: Run, written: Callable[..., str]) -> None:
    name = written("openapi.yaml", OPEN)
    ninefold("audit", name, "--write-baseline", "baseline.json", "--reason", "known")
    assert ninefold("hook", name, "--baseline", "baseline.json") == (0, "", "")


def test_control_characters_of_a_description_do_not_reach_the_terminal(
    ninefold: Run, written: Callable[..., str]
) -> None:
    document: dict[str, Any] = yaml.safe_load(OPEN)
    document["paths"]["/orders"]["post"]["operationId"] = "\x1b[2Jcreate\n::error::x"
    _, out, _ = ninefold("hook", written("openapi.json", json.dumps(document)), "--fail-on", "high")
    assert "\x1b" not in out
    assert len(out.splitlines()) == 1


def test_the_hook_s_manifest_names_this_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "ninefold-audit"
    assert hook["entry"] == "ninefold hook"
    assert hook["language"] == "python"
    assert hook.get("pass_filenames", True)


def test_a_file_that_is_named_like_an_option_is_a_file(ninefold: Run, written: Callable[..., str]) -> None:
    """As pre-commit puts the command together: entry, arguments, files."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    written("openapi.yaml", OPEN)
    ninefold("audit", "openapi.yaml", "--write-baseline", "all.json", "--reason", "mine")
    names = (written("--baseline=all.json", "{}"), "openapi.yaml")
    code, out, err = ninefold(*hook["entry"].split()[1:], *hook["args"], *names)
    assert code == 1, err
    assert "openapi.yaml:5:5: create: high" in out

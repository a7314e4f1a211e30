"""The GitHub Action: its steps are run as the runner runs them, in a real bash, against the example's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
HOSTILE = [
    '"; touch pwned; #',
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "x\ntouch pwned\n",
    "--help; touch pwned",
    "*",
]


def test_every_other_action_is_pinned_to_a_commit_and_says_of_which_release() -> None:
    for path in (ROOT / "action.yml", ROOT / "docs" / "ci.md"):
        used = re.findall(r"uses: +(\S+)(.*)", path.read_text())
        others = [(name, rest) for name, rest in used if not name.startswith("OWNER/")]
        assert others
        assert all(re.search(r"@[0-9a-f]{40}$", name) and re.match(r" # v\d+\.\d+\.\d+", rest) for name, rest in others)


@dataclass(frozen=True)
class Done:
    code: int
    said: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., Done]:
    """`step(id, **inputs)`: that step of the action, in a checkout that holds the example, with these inputs."""
    work, temp = tmp_path / "work", tmp_path / "temp"
    shutil.copytree(ROOT / "examples" / "shop" / "insecure", work / "shop")
    binary = temp / "ninefold" / "bin"
    binary.mkdir(parents=True)
    shim = binary / "ninefold"
    shim.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >"{tmp_path}/arguments"\nexec "{sys.executable}" -m ninefold "$@"\n'
    )
    shim.chmod(0o755)

    def run(name: str, **inputs: str) -> Done:
        chosen = next(one for one in STEPS if name in {one.get("id"), one.get("name")})
        values = {key: spec.get("default", "") for key, spec in ACTION["inputs"].items()}
        values |= {key.replace("_", "-"): value for key, value in inputs.items()}

        def fill(text: str) -> str:
            return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: values[found[1]], text)

        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "src"),
            "RUNNER_TEMP": str(temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(work),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            **{key: fill(value) for key, value in chosen["env"].items()},
        }
        for file in ("output", "summary.md"):
            (tmp_path / file).write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", chosen["run"]],
            cwd=work, env=environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        outputs = dict(one.split("=", 1) for one in (tmp_path / "output").read_text().splitlines())
        return Done(done.returncode, done.stdout + done.stderr, outputs, (tmp_path / "summary.md").read_text())

    return run


def test_the_action_fits_the_schema_of_actions() -> None:
    jsonschema.validate(ACTION, get_builtin_schema("vendor.github-actions"))


def test_no_input_is_part_of_a_command() -> None:
    for one in STEPS:
        assert "${{" not in one.get("run", "")
        if "run" in one:
            assert re.fullmatch(r'bash "\$GITHUB_ACTION_PATH/ci/github/[a-z]+\.sh"', one["run"])


def test_every_input_is_used_and_every_use_is_an_input() -> None:
    text = json.dumps(STEPS)
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(ACTION["inputs"])


def test_other_actions_are_pinned_by_commit_and_say_of_which_release() -> None:
    used = [one["uses"] for one in STEPS if "uses" in one]
    assert used
    text = (ROOT / "action.yml").read_text()
    for one in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", one)
        assert re.search(re.escape(one) + r" # v\d+\.\d+\.\d+\n", text)


def test_it_audits_writes_its_reports_and_ends_as_the_audit_ended(step: Callable[..., Done], tmp_path: Path) -> None:
    done = step("audit", description="shop/openapi.yaml", source="shop", fail_on="high")
    assert done.code == 1
    assert done.outputs["exit-code"] == "1"
    assert json.loads(Path(done.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "<html" in Path(done.outputs["html"]).read_text()
    assert done.summary.startswith("## Ninefold audit: ")
    assert len(done.summary) < 65_536
    assert "keys-in-source" in done.summary
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[:2] == ["audit", "--fail-on=high"]
    assert arguments[-2:] == ["--", "shop/openapi.yaml"]


def test_what_is_milder_than_fail_on_passes(step: Callable[..., Done]) -> None:
    done = step("audit", description="shop/openapi.yaml", fail_on="critical", args="--rule\nkeys-alone")
    assert (done.code, done.outputs["exit-code"]) == (0, "0")


def test_output_of_the_audit_is_no_command_to_the_runner(step: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "work" / "evil.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {post: {operationId: '::error::x'}}}\n"
    )
    said = step("audit", description="evil.yaml").said
    stop = re.search(r"^::stop-commands::([0-9a-f]{32})$", said, re.MULTILINE)
    assert stop
    before, _, rest = said.partition(stop[0])
    inside, _, _ = rest.partition(f"\n::{stop[1]}::\n")
    assert before == ""
    assert "::error::x" in inside


def test_keys_go_by_file_and_the_files_are_gone_afterwards(step: Callable[..., Done], tmp_path: Path) -> None:
    secret = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
    done = step(
        "audit", description="shop/openapi.yaml", keys=f"{secret}\r\n\nheader:X-Key={secret[::-1]}", fail_on="critical"
    )
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.count("--key=@") == 2
    assert secret not in arguments + done.said + done.summary
    assert not list((tmp_path / "temp").glob("ninefold-keys.*"))


@pytest.mark.parametrize("name", ["description", "url", "source", "advisories", "fail_on", "baseline", "args", "keys"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_input_runs_nothing(step: Callable[..., Done], tmp_path: Path, name: str, value: str) -> None:
    inputs = {"args": "--rule\nkeys-alone", "description": "shop/openapi.yaml", name: value}
    done = step("audit", **inputs)
    assert not [one for one in tmp_path.rglob("*") if one.name == "pwned"]
    assert set(done.outputs) <= {"exit-code", "sarif", "html"}
    if name != "keys":
        assert done.code not in {0, 1}


def test_a_failure_before_the_audit_is_told_in_the_summary(step: Callable[..., Done]) -> None:
    done = step("audit", description="gone.yaml")
    assert done.code == 66
    assert done.outputs == {"exit-code": "66"}
    assert "exit code 66" in done.summary


@pytest.mark.parametrize(
    "version", ["1.0; touch pwned", "--index-url=http://192.0.2.1", "0.1.0 evil", "file:///tmp/x", "git+https://a"]
)
def test_a_version_that_is_none_is_not_installed(step: Callable[..., Done], tmp_path: Path, version: str) -> None:
    done = step("Install ninefold", version=version)
    assert done.code == 64
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    ("version", "asked"), [("", str(ROOT)), ("0.1.0", "ninefold==0.1.0"), ("1.0rc1", "ninefold==1.0rc1")]
)
def test_what_is_installed_is_this_ref_or_the_release(tmp_path: Path, version: str, asked: str) -> None:
    """With a python that writes down what it is asked for."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nmkdir -p "$3/bin" && cp "$0.inner" "$3/bin/python"\n')
    inner = tmp_path / "python.inner"
    inner.write_text(f'#!/bin/sh\nfor one in "$@"; do last=$one; done\nprintf %s "$last" >"{tmp_path}/asked"\n')
    for one in (python, inner):
        one.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT),
        "NINEFOLD_PYTHON": str(python), "NINEFOLD_VERSION": version,
    }  # fmt: skip
    subprocess.run(["bash", ROOT / "ci" / "github" / "install.sh"], env=environment, check=True, timeout=20)
    assert (tmp_path / "asked").read_text() == asked

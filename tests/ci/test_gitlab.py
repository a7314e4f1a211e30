"""The GitLab component: its script is run in sh as the runner runs it, against the example's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "templates" / "ninefold.yml").read_text()
SPEC: dict[str, Any]
JOBS: dict[str, Any]
SPEC, JOBS = yaml.safe_load_all(TEXT)
INPUTS: dict[str, Any] = SPEC["spec"]["inputs"]
JOB: dict[str, Any] = next(iter(JOBS.values()))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run(**inputs)`: the job's script in a checkout that holds the example, with these inputs; `NINEFOLD_KEYS` is a variable."""
    shutil.copytree(ROOT / "examples" / "shop" / "insecure", tmp_path / "shop")
    binary = tmp_path / ".ninefold" / "venv" / "bin"
    binary.mkdir(parents=True)
    shim = binary / "ninefold"
    shim.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >"{tmp_path}/arguments"\nexec "{sys.executable}" -m ninefold "$@"\n'
    )
    shim.chmod(0o755)

    def go(keys: str = "", **inputs: str) -> subprocess.CompletedProcess[str]:
        values = {name: spec["default"] for name, spec in INPUTS.items()} | {
            n.replace("_", "-"): v for n, v in inputs.items()
        }
        variables = {
            name: re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: values[found[1]], one["value"])
            for name, one in JOB["variables"].items()
        }
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "NINEFOLD_KEYS": keys, **variables}
        script = "\n".join(JOB["script"])
        return subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return go


def test_the_component_fits_the_schema_of_pipelines() -> None:
    schema = get_builtin_schema("vendor.gitlab-ci")
    for document in (SPEC, JOBS):
        jsonschema.validate(document, schema)


def test_inputs_reach_the_script_as_variables_that_nobody_expands() -> None:
    assert "$[[" not in json.dumps([JOB["script"], JOB["before_script"]])
    assert all(one["expand"] is False for one in JOB["variables"].values())
    assert set(re.findall(r"inputs\.([a-z-]+)", TEXT)) == set(INPUTS)


def test_every_input_stands_in_quotes() -> None:
    assert len(re.findall(r'"\$\[\[ inputs\.[a-z-]+ \]\]"', TEXT)) == TEXT.count("$[[") == len(INPUTS)


@pytest.mark.parametrize("value", ['"; touch pwned; #', 'a"\n  script: [touch pwned]\n  x: "', "a\nb", "a\\"])
def test_what_would_end_the_quotes_of_an_input_is_refused(value: str) -> None:
    for spec in INPUTS.values():
        assert "options" in spec or not re.search(spec["regex"].replace(r"\z", r"\Z"), value)
        assert "options" in spec or re.search(spec["regex"].replace(r"\z", r"\Z"), spec["default"])


def test_it_audits_and_leaves_its_reports_as_artifacts(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = run(description="shop/openapi.yaml", source="shop", fail_on="high")
    assert done.returncode == 1
    reports = tmp_path / JOB["artifacts"]["paths"][0]
    assert ET.parse(tmp_path / JOB["artifacts"]["reports"]["junit"]).getroot().tag == "testsuites"
    assert json.loads((reports / "ninefold.sarif").read_text())["version"] == "2.1.0"
    quality = json.loads((tmp_path / JOB["artifacts"]["reports"]["codequality"]).read_text())
    assert all(one["fingerprint"] and one["location"]["path"] for one in quality)
    assert "<html" in (reports / "ninefold.html").read_text()
    assert JOB["artifacts"]["when"] == "always"


def test_arguments_are_split_at_spaces_and_nothing_else_is_done_to_them(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = run(description="shop/openapi.yaml", args="--rule keys-alone --fail-on=critical")
    assert done.returncode == 0, done.stderr
    run(description="shop/openapi.yaml", args="* $HOME")
    assert {"*", "$HOME"} <= set((tmp_path / "arguments").read_text().splitlines())


def test_keys_go_by_file(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    secret = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU"
    done = run(keys=f"{secret}\n{secret[::-1]}", description="shop/openapi.yaml", args="--rule keys-alone")
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.count("--key=@") == 2
    assert secret not in arguments + done.stdout + done.stderr


@pytest.mark.parametrize("name", ["description", "url", "source", "advisories", "fail_on", "baseline", "args"])
@pytest.mark.parametrize(
    "value", ['"; touch pwned; #', "$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "x\ntouch pwned"]
)
def test_a_hostile_input_runs_nothing(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, name: str, value: str
) -> None:
    done = run(**{"args": "--rule keys-alone", "description": "shop/openapi.yaml", name: value})
    assert done.returncode not in {0, 1}
    assert not list(tmp_path.rglob("pwned"))

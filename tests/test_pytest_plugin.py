from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.signs.order import RULES
from ninefold.pytest_plugin import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Callable

    Outcome = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]
DESCRIPTION = """\
openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /orders:
    get:
      operationId: listOrders
      responses: {'200': {description: all}}
    post:
      operationId: create
      responses: {'201': {description: made}}
"""
FLASK = """
from flask import Flask, jsonify, request

app = Flask("orders")


@app.get("/orders")
def orders():
    return jsonify(orders=[])


@app.after_request
def cors(answer):
    if origin := request.headers.get("Origin"):
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    return answer
"""
FASTAPI = """
from fastapi import FastAPI

app = FastAPI(openapi_url=None)


@app.get("/orders")
def orders() -> dict[str, list[str]]:
    return {"orders": []}
"""


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """`outcome(test, ini, **modules)`: what a project of its own says, with the plugin loaded as its entry point would."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT / "src"), str(pytester.path))))

    def run(test: str, *, ini: str = "", options: tuple[str, ...] = (), **modules: str) -> pytest.RunResult:
        pytester.makepyfile(test_api=test, **modules)
        pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ini}")
        (pytester.path / "openapi.yaml").write_text(DESCRIPTION)
        named = () if "ninefold" in installed() else ("-p", "ninefold.pytest_plugin")
        return pytester.runpytest_subprocess(*named, *options, timeout=60)

    return run


def installed() -> set[str]:
    """The plugins that this environment's metadata names."""
    from importlib.metadata import entry_points

    return {one.name for one in entry_points(group="pytest11")}


def test_a_finding_fails_the_test_on_one_line_with_place_and_fix_and_no_traceback(outcome: Outcome) -> None:
    done = outcome("def test_api(ninefold):\n    ninefold.audit(description='openapi.yaml').check(fail_on='high')\n")
    done.assert_outcomes(failed=1)
    said = done.stdout.str()
    assert "ninefold: 1 finding of at least high\ncreate: high authorization-open-operation: POST /orders " in said
    assert " fix: Declare `security`" in said
    assert "def test_api" not in said
    assert "pytest_plugin.py" not in said


def test_what_is_milder_than_fail_on_passes(outcome: Outcome) -> None:
    test = "def test_api(ninefold):\n    ninefold.audit(description='openapi.yaml').check(fail_on='critical', complete=False)\n"
    outcome(test).assert_outcomes(passed=1)


def test_what_could_not_be_checked_is_no_pass(outcome: Outcome) -> None:
    test = "def test_api(ninefold):\n    ninefold.audit(description='openapi.yaml', rules=['cors-no-vary']).check()\n"
    done = outcome(test)
    done.assert_outcomes(failed=1)
    assert "not all could be checked\ncors-no-vary: needs the running API" in done.stdout.str()


@pytest.mark.parametrize(("module", "app"), [("flask_api", FLASK), ("fastapi_api", FASTAPI)])
def test_an_application_is_served_and_audited_live(outcome: Outcome, module: str, app: str) -> None:
    test = f"""
    from {module} import app

    def test_api(ninefold):
        audited = ninefold.audit(description='openapi.yaml', app=app, rules=['cors-foreign-origin', 'filtering-banner'])
        assert audited.audit.requests > 3
        audited.check()
    """
    done = outcome(test, **{module: app})
    if "flask" in module:
        done.assert_outcomes(failed=1)
        assert "listOrders: high cors-foreign-origin: Any origin is allowed" in done.stdout.str()
    else:
        done.assert_outcomes(passed=1)


def test_rules_about_what_stands_in_front_are_left_out_of_an_application(outcome: Outcome) -> None:
    test = """
    from fastapi_api import app

    def test_api(ninefold):
        done = ninefold.audit(description='openapi.yaml', app=app, without=['limits-guessing'], rate=1000).audit
        ids = {one.rule for one in done.outcomes}
        assert 'encryption-plain-http' not in ids and 'limits-guessing' not in ids
        assert 'limits-burst' in ids
        named = ninefold.audit(app=app, rules=['encryption-plain-http']).audit
        assert {one.rule for one in named.outcomes} == {'encryption-plain-http'}
    """
    outcome(test, fastapi_api=FASTAPI).assert_outcomes(passed=1)


def test_every_rule_that_is_left_out_exists() -> None:
    assert {rule.id for rule in RULES} >= TRANSPORT


def test_description_and_baseline_come_from_the_ini_file_and_the_root_directory(
    outcome: Outcome, pytester: pytest.Pytester
) -> None:
    (pytester.path / "openapi.yaml").write_text(DESCRIPTION)
    command = [
        sys.executable,
        "-m",
        "ninefold",
        "audit",
        "openapi.yaml",
        "--write-baseline",
        "accepted.json",
        "--reason",
        "known",
    ]
    subprocess.run(command, cwd=pytester.path, check=False, capture_output=True, timeout=60)
    test = """
    def test_api(ninefold, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        ninefold.audit().check(complete=False)
    """
    ini = "ninefold_description = openapi.yaml\nninefold_baseline = accepted.json\n"
    outcome(test, ini=ini).assert_outcomes(passed=1)
    outcome(test, ini="ninefold_description = openapi.yaml\n").assert_outcomes(failed=1)


def test_what_cannot_be_audited_fails_the_test_in_plain_words(outcome: Outcome) -> None:
    said = {
        "audit()": "there is nothing to look at",
        "audit(description='gone.yaml')": "gone.yaml: cannot be read",
        "audit(url='ftp://a')": "no http",
        "audit(url='http://127.0.0.1:9')": "gave no answer",
        "audit(url='http://169.254.169.254')": "hands out credentials",
        "audit(url='http://127.0.0.1:9', app=print)": "not both",
        "audit(app='app:app')": "str is no application",
        "audit(description='openapi.yaml', rules=['nonsense'])": "there is no rule 'nonsense'",
        "audit(description='openapi.yaml').check('terrible')": "there is no severity 'terrible'",
    }
    tests = [f"def test_{number}(ninefold):\n    ninefold.{call}\n" for number, call in enumerate(said)]
    done = outcome("\n".join(tests))
    done.assert_outcomes(failed=len(said))
    shown = done.stdout.str()
    for one in said.values():
        assert one in shown
    assert "Traceback" not in shown
    assert "ninefold.audit(" not in shown


def test_a_project_that_has_a_fixture_of_that_name_keeps_its_own(outcome: Outcome) -> None:
    test = """
    import pytest

    @pytest.fixture
    def ninefold():
        return 9

    def test_mine(ninefold):
        assert ninefold == 9
    """
    outcome(test, options=("--strict-config", "--strict-markers")).assert_outcomes(passed=1)


def test_importing_the_plugin_imports_nothing_of_ninefold_s_and_costs_less_than_30_ms() -> None:
    code = (
        "import sys, time, pytest; before = set(sys.modules); began = time.perf_counter(); import ninefold.pytest_plugin; "
        "took = time.perf_counter() - began; print(took, *sorted(set(sys.modules) - before))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    best = 1.0
    loaded: set[str] = set()
    for _ in range(3):  # what the machine does meanwhile is not the plugin's
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        took, *names = done.stdout.split()
        best, loaded = min(best, float(took)), {*loaded, *names}
        time.sleep(0.01)
    assert {one for one in loaded if one.startswith("ninefold")} == {"ninefold", "ninefold.pytest_plugin"}
    assert not loaded & {"httpcore", "pydantic", "click", "yaml", "ssl", "uvicorn"}
    assert best < 0.03

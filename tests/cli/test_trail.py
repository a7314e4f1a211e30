from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trail(gate: Any, issue: Any) -> Path:
    """The trail of a gateway that has answered three requests and ended."""
    guarded = gate()
    key = issue(guarded.path)
    guarded.get("/things/7", key)
    guarded.get("/things/\x1b[2Jx", key)
    guarded.get("/things")
    guarded.stop()
    path: Path = guarded.path.parent / "trail.jsonl"
    return path


def test_tail_tells_a_decision_a_line_and_lets_no_control_character_through(ninefold: Run, trail: Path) -> None:
    code, out, _ = ninefold("trail", "tail", trail, "-n", "3")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 3
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} admitted 200 GET /things/7  \S+  127\.0\.0\.1  \d+\.\d ms$", lines[0])
    assert "refused" in lines[1]
    assert "401 GET /things" in lines[2]
    assert lines[2].endswith("caller: no key was presented")
    assert "\x1b[2J" not in out


def test_tail_finds_by_outcome_and_caller_and_gives_json(ninefold: Run, trail: Path) -> None:
    _, out, _ = ninefold("trail", "tail", trail, "--outcome", "admitted", "--json")
    admitted = [json.loads(line) for line in out.splitlines()]
    assert [one["path"] for one in admitted] == ["/things/7"]
    _, out, _ = ninefold("trail", "tail", trail, "--caller", admitted[0]["caller"], "--json")
    of_caller = [json.loads(line) for line in out.splitlines()]
    assert [one for one in of_caller if "notice" not in one] == admitted  # its reminder may be there already
    assert ninefold("trail", "tail", trail, "-n", "0")[1] == ""


def test_verify_says_that_a_trail_holds_and_names_the_record_that_was_changed(ninefold: Run, trail: Path) -> None:
    code, out, _ = ninefold("trail", "verify", trail)
    assert code == 0
    assert re.fullmatch(r"\d+ records hold, the last is [0-9a-f]+\n", out)
    whole = trail.read_bytes()
    trail.write_bytes(whole.replace(b'"status":200', b'"status":201'))
    code, out, _ = ninefold("trail", "verify", trail)
    assert code == 74
    assert re.match(rf"{trail}:2: BROKEN at byte \d+: ", out)
    trail.write_bytes(whole[:-7])
    code, out, _ = ninefold("trail", "verify", trail)
    assert code == 0
    assert "the last batch was cut off" in out


def test_without_a_file_the_contracts_trail_is_meant(ninefold: Run, trail: Path) -> None:
    by_contract = ninefold("trail", "verify", "--contract", trail.parent / "contract.yaml")
    assert by_contract == ninefold("trail", "verify", trail)


@pytest.mark.parametrize("verb", ["tail", "verify"])
def test_a_trail_that_is_not_there_is_said(ninefold: Run, tmp_path: Path, verb: str) -> None:
    code, out, told = ninefold("trail", verb, tmp_path / "missing.jsonl")
    assert (code, out) == (74, "")
    assert "the trail cannot be read" in told

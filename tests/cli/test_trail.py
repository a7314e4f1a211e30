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


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"withheld": 6, "places": ["/*/hash", "/*/?"]}, "6 fields withheld: /*/hash, /*/?"),
        ({"withheld": 6}, "6 fields withheld"),
        ({"leaked": ["sql at $.error.detail", "and 3 more"]}, "leaks: sql at $.error.detail, and 3 more"),
        ({"withheld": 6, "places": ["/a\x1b[2J\nb", 7]}, "6 fields withheld: /a\\x1b[2J\\x0ab"),
        ({"withheld": 6, "places": "/a"}, "6 fields withheld"),
        ({"withheld_bytes": 9, "surplus": 2}, "9 bytes withheld  2 items past a ceiling"),
        ({"surplus": 2}, "2 items past a ceiling"),
    ],
)
def test_tail_tells_what_stayed_behind_and_where(ninefold: Run, tmp_path: Path, record: Any, told: str) -> None:
    trail = tmp_path / "trail.jsonl"
    whole = {"time": 0.0, "outcome": "admitted", "method": "GET", "path": "/", "status": 200, **record}
    trail.write_text(json.dumps(whole) + "\n")
    _, out, _ = ninefold("trail", "tail", trail)
    assert out.rstrip("\n").partition(" ms  ")[2] == told


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

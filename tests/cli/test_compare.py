from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import pytest

from ninefold.audit.finding import Audit, Confidence, Finding, Location, Method, Outcome, Passed, Severity
from ninefold.audit.report.json_v1 import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

CLEAR: tuple[Outcome, ...] = tuple(Passed(f"rule-{sign}", sign, Method.LIVE, 1) for sign in range(1, 10))
SHOWN = Finding(
    "rule-9",
    9,
    Severity.HIGH,
    Confidence.CONFIRMED,
    Method.LIVE,
    "Open",
    "",
    (Location(url="/"),),
    (),
    "Close it.",
    "origins:\n",
    "ab",
)


@pytest.fixture
def run(ninefold: Run) -> Run:
    """`run(...)`: `ninefold compare ...` as the shell would."""
    return lambda *arguments: ninefold("compare", *arguments)


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Path]:
    """`report(name, outcomes)`: a JSON report on disk."""

    def write(name: str, outcomes: tuple[Outcome, ...]) -> Path:
        path = tmp_path / f"{name}.json"
        path.write_text(render(Audit("http://127.0.0.1", 0.0, 1.0, 1, "0.1.0", outcomes)), "utf-8")
        return path

    return write


@pytest.fixture
def before(report: Callable[..., Path]) -> Path:
    return report("before", (*CLEAR[:8], SHOWN))


@pytest.fixture
def after(report: Callable[..., Path]) -> Path:
    return report("after", CLEAR)


class TestTheExitCode:
    def test_is_0_when_all_ran_again_and_no_sign_is_left(self, run: Run, before: Path, after: Path) -> None:
        code, out, _ = run(before, after)
        assert code == 0
        assert "by the guard" in out
        assert out.splitlines()[-1] == "1 of 9 signs before, 0 of 9 signs after"

    def test_is_1_while_a_sign_is_left(self, run: Run, before: Path) -> None:
        assert run(before, before)[0] == 1

    def test_is_1_when_a_rule_did_not_run_again(self, run: Run, before: Path, report: Callable[..., Path]) -> None:
        more = (*CLEAR, Passed("another", 1, Method.LIVE, 1))
        code, out, _ = run(report("more", more), report("fewer", CLEAR))
        assert code == 1
        assert "not run again: another: then it is not proven" in out

    def test_is_1_while_a_sign_is_unknown(self, run: Run, before: Path, report: Callable[..., Path]) -> None:
        assert run(report("a", CLEAR[1:]), report("b", CLEAR[1:]))[0] == 1

    def test_is_66_for_what_is_no_report(self, run: Run, before: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken.json"
        broken.write_text('{\n  "format": }')
        code, out, err = run(before, broken)
        assert (code, out) == (66, "")
        assert f"{broken}:2:13: this is no JSON" in err
        assert run(tmp_path / "missing.json", before)[0] == 66
        assert run(before, tmp_path)[0] == 64, "a folder is refused by the command line"

    def test_is_73_for_a_picture_that_cannot_be_written(
        self, run: Run, before: Path, after: Path, tmp_path: Path
    ) -> None:
        code, _, err = run(before, after, "--svg", tmp_path / "no" / "card.svg")
        assert code == 73
        assert "choose another place" in err


def test_the_picture_is_written(run: Run, before: Path, after: Path, tmp_path: Path) -> None:
    picture = tmp_path / "card.svg"
    assert run(before, after, "--svg", picture)[0] == 0
    assert "0 of 9 signs" in "".join(fromstring(picture.read_text("utf-8")).itertext())


def test_the_width_of_the_terminal_is_kept(
    run: Run, before: Path, after: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = run(before, after)
    assert max(map(len, out.splitlines())) <= 60
    assert "\x1b" not in out

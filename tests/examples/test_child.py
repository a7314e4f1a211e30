"""Children of the demo: they are waited for, they are missed, and they end."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from examples.shop import child as module
from examples.shop.child import Child, DemoFailure, command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Child]:
    """Starts a program as a child."""

    def start(text: str) -> Child:
        (tmp_path / "program.py").write_text(text)
        return Child("the program", ["program"], tmp_path / "log", tmp_path)

    return start


def test_is_known_to_listen_as_soon_as_it_says_so(program: Callable[[str], Child]) -> None:
    with program("print('on 4711', flush=True); input if 0 else __import__('signal').pause()") as child:
        assert child.says(r"on (\d+)") == "4711"
        child.check()


def test_that_ends_before_is_told_with_its_last_words(program: Callable[[str], Child]) -> None:
    with program("raise SystemExit('the port is taken')") as child, pytest.raises(DemoFailure) as caught:
        child.says(r"on (\d+)")
    assert "exit code 1" in str(caught.value)
    assert "the port is taken" in str(caught.value)


def test_that_ends_later_is_missed(program: Callable[[str], Child]) -> None:
    with program("print('on 1', flush=True)") as child:
        child.says(r"on (\d+)")
        child.running.wait(10)
        with pytest.raises(DemoFailure, match="ended by itself, with exit code 0"):
            child.check()


def test_that_never_listens_is_not_waited_for_without_end(
    program: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with program("__import__('signal').pause()") as child, pytest.raises(DemoFailure, match="does not listen"):
        child.says(r"on (\d+)")


def test_is_gone_after_its_context_even_if_it_does_not_want_to_go(
    program: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAREWELL", 0.1)
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on 1', flush=True)\nwhile True: signal.pause()"
    with program(deaf) as child:
        child.says(r"on (\d+)")
    assert child.running.returncode == -signal.SIGKILL


def test_is_not_left_behind_by_a_signal_that_comes_while_it_starts(
    program: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def interrupted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments, **options))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(module, "subprocess", Stand(interrupted))
    with pytest.raises(KeyboardInterrupt), program("__import__('signal').pause()"):
        pass
    assert started[0].poll() is not None


class Stand:
    """The module `subprocess`, with a `Popen` of the test's own."""

    def __init__(self, popen: Any) -> None:
        self.Popen = popen

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


class TestACommand:
    def test_is_run_to_its_end(self, tmp_path: Path) -> None:
        (tmp_path / "program.py").write_text("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
        done = command(["program"], tmp_path, 10)
        assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")

    def test_is_ended_when_it_takes_too_long(self, tmp_path: Path) -> None:
        (tmp_path / "program.py").write_text("__import__('signal').pause()")
        with pytest.raises(DemoFailure, match="`program` was not done after 0 s"):
            command(["program"], tmp_path, 0.1)

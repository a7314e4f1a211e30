"""The command line as the shell runs it, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def ninefold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """`ninefold("keys", "list", ...)`: exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ninefold", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main.main()
        said = capsys.readouterr()
        return int(done.value.code or 0), said.out, said.err

    return call

"""The command line as the shell runs it, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data, caches and settings are the test's own: no index or registry of whoever runs it."""
    for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "npm_config_registry", "NPM_CONFIG_REGISTRY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in (("HOME", "home"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / folder))


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

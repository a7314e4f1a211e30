"""Only answers that are what the case is about count."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from bench.load import Case, load
from bench.process import Cores, Server, free_port
from bench.work import prepare

from bench import nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANYWHERE = Cores(None, None, None)
pytestmark = [
    pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed (scripts/debian.sh does it)"),
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed (scripts/debian.sh does it)"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with nginx.upstream(prepare(tmp_path_factory.mktemp("load"), free_port()), ANYWHERE) as server:
        yield server


def test_a_run_is_counted(api: Server, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    asked.write_text("/small\tone\n/part/7/8/items\ttwo\n")
    run = load(api, Case("in turn", requests=asked), 1, ANYWHERE, tmp_path)
    assert run.cpu > 0
    assert run.rate > 0
    assert run.p99 > 0


def test_an_answer_that_should_not_be_is_no_figure(api: Server, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="does not count"):
        load(api, Case("not there", "/nowhere"), 1, ANYWHERE, tmp_path)
    with pytest.raises(RuntimeError, match="does not count"):
        load(api, Case("refused", "/small", refused=True), 1, ANYWHERE, tmp_path)

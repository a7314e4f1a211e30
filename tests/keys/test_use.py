"""The last use of each key: the latest that any process saw, whatever else is written meanwhile."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ninefold.errors import FileError
from ninefold.keys.keeper import Keeper
from ninefold.keys.record import State
from ninefold.keys.ring import Ring
from ninefold.keys.use import Use, Uses, beside, last_uses

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_000_000.0


def test_the_latest_use_stays_whoever_tells_of_it_last(tmp_path: Path) -> None:
    store = tmp_path / "keys.db"
    assert last_uses(store) == {}
    assert not beside(store).exists(), "looking makes no file"
    with contextlib.closing(Uses(store)) as uses:
        uses.write({"a": Use(5.0, "10.0.0.5"), "b": Use(1.0, "::1")})
        uses.write({"a": Use(3.0, "10.0.0.3"), "b": Use(2.0, "::2")})
        uses.write({})
    assert last_uses(store) == {"a": Use(5.0, "10.0.0.5"), "b": Use(2.0, "::2")}
    assert beside(store).stat().st_mode & 0o777 == 0o600


def test_somebody_is_reminded_of_a_key_once_a_day(tmp_path: Path) -> None:
    with (
        contextlib.closing(Uses(tmp_path / "keys.db")) as uses,
        contextlib.closing(Uses(tmp_path / "keys.db")) as other,
    ):
        day = 86_400.0
        assert [uses.claim("a", 100 * day + hour * 3600) for hour in (0, 1, 23)] == [True, False, False]
        assert not other.claim("a", 100 * day)
        assert other.claim("b", 100 * day)
        assert other.claim("a", 101 * day)
        assert [uses.claim("a", (101 + later) * day) for later in range(20)] == [False] + [True] * 19


def test_a_use_changes_nothing_that_a_ring_reads(tmp_path: Path) -> None:
    with contextlib.closing(Ring(tmp_path / "keys.db")) as ring, contextlib.closing(Uses(tmp_path / "keys.db")) as uses:
        uses.write({"a": Use(1.0, "::1")})
        assert ring.fresh()


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    beside(tmp_path / "keys.db").write_bytes(b"not a database at all, and long enough for one" * 30)
    with pytest.raises(FileError, match="no SQLite database"):
        Uses(tmp_path / "keys.db")


_WRITER = """
import pathlib, sys
from ninefold.keys.use import Use, Uses
store, mine, ids = pathlib.Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
uses = Uses(store)
for turn in range(150):
    uses.write({key: Use(turn + mine, f"10.0.0.{turn % 250}") for key in ids})
uses.close()
"""


def test_two_processes_write_uses_while_another_rotates(tmp_path: Path) -> None:
    store = tmp_path / "keys.db"
    keeper, ring = Keeper(store), Ring(store)
    keys = [
        keeper.issue(role="r", scopes=(), name="", env="test", lifetime=1e6, now=NOW, randomness=os.urandom)
        for _ in range(20)
    ]
    names = [key.id for key in keys]
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(store), mine, *names]) for mine in ("0.25", "0.5")]
    made = []
    waiting = list(names)
    while any(one.poll() is None for one in writers) or waiting:
        if waiting:
            made.append(keeper.rotate(waiting.pop(), lifetime=1e6, overlap=100, now=NOW, randomness=os.urandom))
        if not ring.fresh():
            ring.refresh()
    assert [one.returncode for one in writers] == [0, 0]
    assert last_uses(store) == dict.fromkeys(names, Use(149.5, "10.0.0.149"))
    assert [keeper.find(name).state(NOW) for name in names] == [State.REPLACED] * 20
    assert all(ring.present(key.digest) for key in [*keys, *made])
    ring.close()
    keeper.close()

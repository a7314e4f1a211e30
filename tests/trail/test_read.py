"""Reading a trail from its beginning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ninefold.errors import TrailError
from ninefold.trail.read import MOST_LINE, every

if TYPE_CHECKING:
    from pathlib import Path


def test_every_record_comes_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    records = [{"number": number, "filler": "x" * (number % 3000), "chain": "y"} for number in range(200)]
    path.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in records))
    assert [one["number"] for one in every(path)] == list(range(200))
    assert "chain" not in next(iter(every(path)))


def test_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    long = b'{"a": "' + b"x" * 2 * MOST_LINE + b'"}\n'
    path.write_bytes(b'{"a": 1}\n\nnothing\n[1]\n' + long + b'{"a": 2}\n' + long + b'{"a": 3}\n{"a": 4')
    assert [one["a"] for one in every(path)] == [1, 2, 3]


def test_a_trail_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrailError, match="cannot be read"):
        next(every(tmp_path / "none"))

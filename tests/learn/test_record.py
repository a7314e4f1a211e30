from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.errors import FileError, WriteError
from ninefold.learn.record import DATA, MOST_OPERATIONS, MOST_WORDS, Record, read, write
from ninefold.learn.sighting import Sighting

if TYPE_CHECKING:
    from pathlib import Path


def _seen(*paths: str) -> Record:
    record = Record()
    for path in paths:
        record.add(Sighting("GET", tuple(path.strip("/").split("/")), "", 1))
    return record


def _templates(record: Record) -> list[str]:
    return ["/" + "/".join(one.path) for one in record.sightings]


def test_ids_in_paths_are_left_out() -> None:
    record = _seen(
        "/orders/17", "/orders/18/lines/2", "/users/5f3c2a9d8e7b6a5c4d3e2f1a", "/k/123e4567-e89b-12d3-a456-426614174000/x",
        "/mail/jo@example.com", "/v2/orders/9",
    )  # fmt: skip
    assert _templates(record) == [
        "/k/{}/x", "/mail/{}", "/orders/{}", "/orders/{}/lines/{}", "/users/{}", "/v2/orders/{}",
    ]  # fmt: skip


def test_many_words_in_one_place_are_names_of_things() -> None:
    words = [f"{first}{second}pple" for first in "abcdefgh" for second in "aeiou"]
    record = _seen(*[f"/fruit/{word}/price" for word in [*words, "zebra"]], "/fruit/zebra/price", "/fish/cod/price")
    assert len(words) == MOST_WORDS
    assert _templates(record) == ["/fish/cod/price", "/fruit/{}/price"]
    assert record.requests == MOST_WORDS + 3
    assert sum(one.requests for one in record.sightings) == record.requests


@given(st.lists(st.lists(st.sampled_from(["a", "b", "1", "22", DATA]), min_size=1, max_size=3), max_size=30))
def test_no_request_is_lost_between_templates(paths: list[list[str]]) -> None:
    record = _seen(*["/".join(one) for one in paths])
    assert sum(one.requests for one in record.sightings) + record.left_out == len(paths) == record.requests


def test_a_scan_does_not_fill_the_memory() -> None:
    record = Record()
    for number in range(3 * MOST_OPERATIONS):
        record.add(Sighting(f"M{number}", ("x",), "", 1))
    assert len(record.sightings) == MOST_OPERATIONS
    assert record.left_out == 2 * MOST_OPERATIONS


def test_a_record_is_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    record = _seen("/orders/17", "/orders", "/users/a")
    file = tmp_path / "record.json"
    write(file, record.text())
    again = read(file.read_bytes(), str(file))
    assert again.text() == record.text()
    assert file.stat().st_mode & 0o077 == 0, "for its owner alone"


def test_a_record_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    write(file, b"before")
    (tmp_path / "record.json.new").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        write(file, b"after")
    assert file.read_bytes() == b"before"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"ninefold_record":1}', b"\xff", b"[" * 100_000])
def test_what_is_no_record_is_told_so(content: bytes) -> None:
    with pytest.raises(FileError, match="is no record"):
        read(content, "x.json")

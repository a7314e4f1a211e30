"""A stream in slices: however it comes and however little is read at once, what leaves is the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ITEM
from tests.guard.test_treatment import treated
from tests.streaming import coded, plain

from ninefold.guard.coding import Miscoded
from ninefold.guard.slices import SLICE, Slices

PARTS = treated({"application/x-ndjson": {"schema": ITEM}}, b"application/x-ndjson").parts
RECORDS = [json.dumps({"id": one, "name": "n" * (one % 90), "x": 1}).encode() for one in range(900)]
LEAVES = b"".join(
    json.dumps({"id": one, "name": "n" * (one % 90)}, separators=(",", ":")).encode() + b"\n" for one in range(900)
)


@given(
    st.sampled_from(["", "gzip", "br", "zstd", "deflate"]), st.sampled_from(["", "gzip", "br", "zstd", "deflate"]),
    st.integers(1, 60_000), st.booleans(),
)  # fmt: skip
def test_what_leaves_does_not_depend_on_how_it_is_read(came: str, leaves: str, size: int, little: bool) -> None:
    assert PARTS is not None
    data = b"\n".join(RECORDS)
    body = coded(data, came) if came else data
    slices = Slices(PARTS.reader(4096), came.encode(), leaves.encode())
    found, over = b"", False
    for at in range(0, len(body), size):
        slices.put(body[at : at + size])
        while slices.waits:
            part, over = slices.read(lambda: little)
            assert not over
            found += part
    slices.end()
    while not over:
        part, over = slices.read(lambda: little)
        found += part
    assert (plain(found, leaves) if leaves else found) == LEAVES
    assert slices.withheld[0] == 900


def test_a_bomb_is_read_a_slice_at_a_time() -> None:
    assert PARTS is not None
    slices = Slices(PARTS.reader(4096), b"gzip", b"")
    slices.put(coded(b"{}\n" * 10_000_000, "gzip"))
    part, over = slices.read(lambda: True)
    assert len(part) <= SLICE
    assert not over
    assert slices.waits


def test_an_end_that_comes_too_soon_is_told() -> None:
    assert PARTS is not None
    slices = Slices(PARTS.reader(4096), b"gzip", b"")
    slices.put(coded(b"{}\n", "gzip")[:-1])
    slices.end()
    with pytest.raises(Miscoded, match="cut short"):
        slices.read(lambda: False)

"""Records: cut anywhere they are the same, each leaves as soon as it is whole, and one that is not as described ends them."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ITEM
from tests.guard.test_treatment import treated

from ninefold.contract.openapi import read
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.records import Lines, Reader, Texts
from ninefold.guard.treatment import Projectors

DOCUMENT = {"openapi": "3.1.0", "info": {}, "paths": {}}
PROJECTORS = Projectors(read(DOCUMENT, "t"))
MOST = 400


def projector(schema: Any = ITEM) -> Projector:
    return PROJECTORS.of(schema)


def run(reader: Reader, *pieces: bytes) -> bytes:
    return b"".join([reader.feed(one) for one in pieces]) + reader.end()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({one % (len(data) + 1) for one in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(-9, 9)}, optional={"name": st.text(max_size=6), "secret": st.text(max_size=4)}
    ),
    max_size=5,
)
CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(RECORDS, CUTS, st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans(), st.booleans())
def test_lines_are_the_same_wherever_the_network_cuts_them(
    records: list[dict[str, Any]], cuts: list[int], ending: bytes, last: bool, escaped: bool
) -> None:
    data = ending.join(json.dumps(one, ensure_ascii=escaped).encode() for one in records) + (ending if last else b"")
    reader = Lines(projector(), MOST)
    found = [json.loads(one) for one in run(reader, *pieces(data, cuts)).split(b"\n") if one]
    assert found == [{name: value for name, value in one.items() if name != "secret"} for one in records]
    assert reader.withheld == sum("secret" in one for one in records)


@given(RECORDS, CUTS, st.sampled_from([None, 2]), st.booleans(), st.sampled_from([b"\x1e", b"\x1e\x1e"]))
def test_texts_are_the_same_wherever_the_network_cuts_them(
    records: list[dict[str, Any]], cuts: list[int], indent: int | None, escaped: bool, separator: bytes
) -> None:
    said = [json.dumps(one, ensure_ascii=escaped, indent=indent).encode() for one in records]
    data = b"".join(separator + one + b"\n" for one in said)
    found = run(Texts(projector(), MOST), *pieces(data, cuts))
    parts = found.split(b"\x1e")
    assert parts[0] == b""
    assert all(one.endswith(b"\n") for one in parts[1:])
    assert list(map(json.loads, parts[1:])) == [{k: v for k, v in one.items() if k != "secret"} for one in records]


@given(st.binary(max_size=80), CUTS, st.sampled_from([Lines, Texts]))
def test_whatever_comes_only_json_of_the_schema_leaves(data: bytes, cuts: list[int], kind: Any) -> None:
    reader = kind(projector({"type": "integer"}), 60)
    found = b""
    try:
        for one in pieces(data, cuts):
            found += reader.feed(one)
        found += reader.end()
    except Unpromised as fault:
        assert str(fault).startswith(("record ", "bytes "))
    for one in found.replace(b"\x1e", b"").split():
        value = json.loads(one)
        assert value is None or value == int(value), "an integer, however it is written, or null"


@given(
    st.lists(
        st.sampled_from([b"1", b'"', b"\x1e", b"\n", b" ", b"{", b"}", b'"id"', b":", b"[", b"]", b",", b"\\"]),
        max_size=14,
    ),
    CUTS,
)
def test_where_it_is_cut_changes_no_verdict(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    for kind in (Lines, Texts):
        found: list[bytes | None] = []
        for way in ([data], pieces(data, cuts)):
            try:
                found.append(run(kind(projector(), 60), *way))
            except Unpromised:
                found.append(None)
        assert found[0] == found[1]


def test_a_record_leaves_as_soon_as_it_is_whole() -> None:
    lines = Lines(projector(), MOST)
    assert lines.feed(b'{"id":1,"x":2}') == b""
    assert lines.feed(b"\n{") == b'{"id":1}\n'
    assert lines.feed(b"}\n") == b"{}\n"
    assert lines.feed(b"\n") == b"\n", "an empty line keeps a connection alive"
    texts = Texts(projector(), MOST)
    assert texts.feed(b'\x1e{"id":1') == b""
    assert texts.feed(b"}") == b""
    assert texts.feed(b"\n") == b'\x1e{"id":1}\n', "the next separator is not waited for"
    assert texts.feed(b"\x1e{\n") == b""
    assert texts.feed(b'"id": 2}\n') == b'\x1e{"id":2}\n'
    assert texts.feed(b"  \n\x1e") == b""
    assert texts.end() == b""
    numbers = Texts(projector({"type": "integer"}), MOST)
    assert numbers.feed(b"\x1e12") == b""
    assert numbers.feed(b"3\n\x1e4") == b"\x1e123\n"
    with pytest.raises(Unpromised, match="record 2: cut short"):
        numbers.end()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"id":1}\n{"id":"x"}\n', "record 2: expected"),
        (b'{"id":1}\n{"id":2\n', "record 2: malformed"),
        (b'{"id":1} {"id":2}\n', "record 1: malformed"),
        (b'{"id":1},\n', "record 1: malformed"),
        (b'\xef\xbb\xbf{"id":1}\n', "record 1: malformed"),
        (b'{"name":"\xff"}\n', "record 1: malformed"),
        (b'{"name":"a\nb"}\n', "record 1: malformed"),
        (b'{"name":"\x1e"}\n', "record 1: malformed"),
        (b'{"id":1}\r{"id":2}\n', "record 1: malformed"),
        (b'{"id":1}\x00\n', "record 1: malformed"),
        (b'{"id":1,"id":2}\n', "record 1: an object has a member twice"),
        (b"[1]\n", "record 1: expected object"),
        (b" " * (MOST + 1), "record 1: longer than limits.record"),
        (b'{"id":1}\n' + b'{"name":"' + b"a" * MOST, "record 2: longer than limits.record"),
    ],
)
def test_a_line_that_is_not_as_described_ends_the_stream_and_is_told_by_its_number(data: bytes, why: str) -> None:
    for cuts in ([], list(range(len(data)))):
        with pytest.raises(Unpromised, match=why):
            run(Lines(projector(), MOST), *pieces(data, cuts))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"id":1}\n', "bytes stand outside"),
        (b'\x1e{"id":1}\n{"id":2}\n', "bytes stand outside|malformed"),
        (b'\x1e{"id":1}\n\x1e{"id":"x"}\n', "record 2: expected"),
        (b'\x1e{"id":1\x1e{"id":2}\n', "record 1: malformed|record 1: cut short"),
        (b'\x1e{"name":"\x1e"}\n', "record 1: cut short|record 1: malformed"),
        (b'\x1e{"name":"' + b"a" * MOST, "record 1: longer than limits.record"),
    ],
)
def test_a_text_that_is_not_as_described_ends_the_stream(data: bytes, why: str) -> None:
    for cuts in ([], list(range(len(data)))):
        with pytest.raises(Unpromised, match=why):
            run(Texts(projector(), MOST), *pieces(data, cuts))


def test_a_record_of_just_the_bound_passes() -> None:
    record = b'{"name":"' + b"a" * (MOST - 11) + b'"}'
    assert len(record) == MOST
    assert run(Lines(projector(), MOST), record + b"\n", record) == (record + b"\n") * 2
    assert run(Texts(projector(), MOST + 1), b"\x1e" + record + b"\n") == b"\x1e" + record + b"\n"


def test_the_cost_is_linear_however_a_record_drips() -> None:
    body = b'{"name":"' + b"a" * 400_000 + b'"}\n'
    spread = b"\x1e{\n" + b"".join(b'"a%d": [],\n' % one for one in range(20_000)) + b'"id": 1}\n'
    began = time.perf_counter()
    run(Lines(projector(), 1 << 20), *(body[at : at + 4] for at in range(0, len(body), 4)))
    run(Texts(projector(), 1 << 20), *spread.splitlines(keepends=True))
    run(Lines(projector(), 1 << 20), *([b"{}\n" * 4096] * 20))
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("piece", [b" \n", b"[\n", b"1,\n", b'{"a":\n'])
def test_a_record_that_is_open_still_is_not_put_together_for_each_piece(piece: bytes) -> None:
    reader = Texts(projector(), 1 << 20)
    began = time.process_time()
    reader.feed(b"\x1e")
    for _ in range(40_000):
        assert reader.feed(piece) == b""
    assert time.process_time() - began < 1.5, "it would take ten seconds"


def test_a_schema_that_says_by_an_array_that_there_are_several_lets_out_each() -> None:
    content = {"application/x-ndjson": {"schema": {"type": "array", "items": ITEM}}}
    parts = treated(content, b"application/x-ndjson").parts
    assert parts is not None
    assert run(parts.reader(MOST), b'{"id":1,"x":2}\n[{"id":1,"x":2}]\n') == b'{"id":1}\n[{"id":1}]\n'

"""Events: the JSON in their data is projected, the rest leaves as far as it is declared, and lines end in any of three ways."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ITEM
from tests.guard.test_records import CUTS, pieces
from tests.guard.test_treatment import treated

from ninefold.contract.openapi import read
from ninefold.guard.events import FIELDS, Events, promised
from ninefold.guard.project import Unpromised
from ninefold.guard.treatment import Parts, Way

MOST = 300


def parts(schema: Any) -> Parts:
    found = treated({"text/event-stream": {"schema": schema}}, b"text/event-stream").parts
    assert found is not None
    return found


def run(schema: Any, *data: bytes, most: int = MOST) -> bytes:
    reader = parts(schema).reader(most)
    return b"".join(map(reader.feed, data)) + reader.end()


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.text(max_size=5), st.sampled_from(["", "go", "größe"])), max_size=5),
    CUTS, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.sampled_from([b"", b"\xef\xbb\xbf"]),
)  # fmt: skip
def test_events_are_the_same_wherever_the_network_cuts_them(
    said: list[tuple[int, str, str]], cuts: list[int], ending: bytes, bom: bytes
) -> None:
    data = bom
    for number, text, name in said:
        lines = json.dumps({"id": number, "name": text, "secret": 1}, indent=1).encode().split(b"\n")
        data += (b"event:" + name.encode() + ending if name else b"") + b"id: 7" + ending
        data += b"".join(b"data:" + one + ending for one in lines) + ending
    found = run(ITEM, *pieces(data, cuts))
    events = [one for one in found.split(b"\n\n") if one]
    assert len(events) == len(said)
    for event, (number, text, name) in zip(events, said, strict=True):
        fields = dict(re.findall(r"(\w+): (.*)", event.decode()))
        assert json.loads(fields.pop("data")) == {"id": number, "name": text}
        assert fields == {"id": " 7".strip(), **({"event": name} if name else {})}


@given(
    st.lists(
        st.sampled_from(
            [b"data", b":", b" ", b"1", b"{}", b"\n", b"\r", b"\r\n", b"id", b"\xff", b"\0", b"event: a", b"retry:1"]
        ),
        max_size=16,
    ),
    CUTS,
)
def test_where_it_is_cut_changes_no_verdict(said: list[bytes], cuts: list[int]) -> None:
    data = b"".join(said)
    found: list[bytes | None] = []
    for way in ([data], pieces(data, cuts)):
        try:
            found.append(run({"type": "integer"}, *way))
        except Unpromised:
            found.append(None)
    assert found[0] == found[1]
    if found[0]:
        assert found[0].replace(b"id: \n", b"").decode()


def test_an_event_leaves_as_soon_as_it_is_whole_and_a_comment_without_its_words() -> None:
    reader = parts(ITEM).reader(MOST)
    assert reader.feed(b'data: {"id":1,\n') == b""
    assert reader.feed(b'data: "x":2}\r') == b""
    assert reader.feed(b"\r") == b'data: {"id":1}\n\n', "a line feed is not waited for"
    assert reader.feed(b"\n") == b""
    assert reader.feed(b": secret words\n") == b":\n"
    assert reader.feed(b"secret: x\nid: 4\nretry: 10\nretry: x\nevent: gone\n\n") == b"id: 4\n\n"
    assert reader.feed(b"data: {}") == b""
    assert reader.end() == b"", "an event that does not end is none"
    assert (reader.withheld, reader.withheld_bytes) == (1, 7)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'data: {"id":1}\n\ndata: {"id":"x"}\n\n', "event 2: expected"),
        (b"data: [DONE]\n\n", "event 1: expected object, got array"),
        (b'data: {"id":1}\nid: \xff\n\n', "event 1: it is no UTF-8"),
        (b'data: {"name":"\xff"}\n\n', "event 1: malformed"),
        (b"data\n\n", "event 1: malformed"),
        (b"data: " + b" " * MOST, "event 1: longer than limits.record"),
        (b"data: 1\n" * MOST, "event 1: longer than limits.record"),
        (b": a\n" * MOST, "event 1: longer than limits.record"),
    ],
)
def test_an_event_that_is_not_as_described_ends_the_stream(data: bytes, why: str) -> None:
    for cuts in ([], list(range(0, len(data), 3))):
        with pytest.raises(Unpromised, match=why):
            run(ITEM, *pieces(data, cuts))


INNER = {"contentMediaType": "application/json", "contentSchema": ITEM, "type": "string"}


@pytest.mark.parametrize(
    ("schema", "data", "leaves"),
    [
        ({"properties": {"data": INNER}}, b'event: a\nid: 1\ndata: {"id":1,"x":2}\n\n', b'data: {"id":1}\n\n'),
        ({"properties": {"data": INNER, "event": {}}}, b'event: a\nid: 1\ndata: {"id":1}\n\n', b'event: a\ndata: {"id":1}\n\n'),
        ({"properties": {"data": {"type": "string"}, "id": {}}}, b"id: 1\ndata: a\ndata: b\n\n", b"id: 1\ndata: a\ndata: b\n\n"),
        ({"type": "array", "items": ITEM}, b'data: {"id":1,"x":2}\n\ndata: [{"id":1,"x":2}]\n\n', b'data: {"id":1}\n\ndata: [{"id":1}]\n\n'),
        ({"type": "array", "items": {"properties": {"data": INNER}}}, b'id: 1\ndata: {"id":1,"x":2}\n\n', b'data: {"id":1}\n\n'),
        ({"anyOf": [{"const": "[DONE]"}, ITEM]}, b'data: {"id":1,"x":2}\n\ndata: [DONE]\n\n', b'data: {"id":1}\n\ndata: [DONE]\n\n'),
        (
            {"properties": {"event": {}}, "oneOf": [{"properties": {"event": {"const": "a"}, "data": INNER}}, {"properties": {"data": {"const": "bye"}}}]},
            b'event: a\ndata: {"id":1,"x":2}\n\ndata: bye\n\n',
            b'event: a\ndata: {"id":1}\n\ndata: bye\n\n',
        ),
    ],
)  # fmt: skip
def test_a_schema_speaks_of_the_data_or_of_the_whole_event(schema: Any, data: bytes, leaves: bytes) -> None:
    assert run(schema, data) == leaves


def test_words_that_are_not_among_the_declared_ones_do_not_leave() -> None:
    assert run({"enum": ["ping", "bye"]}, b"data: ping\n\n") == b"data: ping\n\n"
    with pytest.raises(Unpromised, match="no text that is declared"):
        run({"enum": ["ping", "bye"]}, b"data: secret\n\n")


def test_events_of_which_nothing_is_said_are_text() -> None:
    empty = read({"openapi": "3.1.0", "info": {}, "paths": {}}, "t")
    assert promised({"type": "string"}, empty) is None
    assert promised(True, empty) is None
    assert promised({"description": "words"}, empty) is None
    assert treated({"text/event-stream": {}}, b"text/event-stream").way is Way.PASS
    assert Events(FIELDS, frozenset(), None, 99).feed(b"data: a\n\n") == b"data: a\n\n"


def test_of_alternatives_in_an_event_that_are_told_apart_leaves_that_one() -> None:
    one, two = (
        {"type": "object", "required": ["kind"], "properties": {"kind": {"const": kind}, name: {"type": "string"}}}
        for kind, name in (("a", "x"), ("b", "y"))
    )
    schema = {"type": "object", "properties": {"pet": {"oneOf": [one, two]}}}
    data = b'data: {"pet":{"kind":"a","x":"1","y":"2"}}\n\n'
    assert run(schema, data) == b'data: {"pet":{"kind":"a","x":"1"}}\n\n'

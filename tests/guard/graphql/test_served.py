from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.contract.openapi import read
from ninefold.guard.graphql.answer import errors
from ninefold.guard.graphql.served import Served, Several
from ninefold.guard.outline import Shape
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.treatment import Projectors, Treatments, Way


def base(undeclared: str = "drop", *, open_: bool = False, content: Any = None) -> Treatments:
    found = {"200": {"description": "-", "content": content or {"application/json": {"schema": {"type": "object"}}}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/graphql": {"post": {"operationId": "ask", "responses": found}}},
    }
    description = read(document, "openapi.yaml")
    return Projectors(description, undeclared=undeclared).treatments(description.operations[0], open_=open_)


def of(*names: str) -> Projector:
    data = Shape(members={name: Shape(scalars={"string"}) for name in names})
    return Projector(Shape(members={"data": data, "errors": errors(messages=False)}), Program())


def served(treatments: Treatments, *, streams: bool = False, opened: bool = False) -> Served:
    return Served(treatments, of("a"), streams=streams, opened=opened)


REFUSAL = Projector(Shape(members={"errors": errors(messages=False)}), Program())


def test_json_goes_through_the_projector_of_the_query_declared_or_not() -> None:
    one = served(base())
    for status, media in (
        (200, b"application/json"),
        (200, b"application/json; charset=utf-8"),
        (200, b"Application/GraphQL-Response+JSON"),
        (400, b"application/json"),
        (422, b"application/graphql-response+json"),
    ):
        treatment = one.of(status, media)
        assert treatment.way is Way.PROJECT, media
        assert treatment.projector is not None
        assert json.loads(treatment.projector(b'{"data":{"a":"x","b":"y"},"extensions":{}}')[0]) == {"data": {"a": "x"}}
        assert one.of(status, media) is treatment, "so that hosts know it again"
    assert one.of(500, b"application/json").way is Way.SCRUB


def test_what_is_no_json_does_not_leave_though_it_is_declared() -> None:
    content = {"text/html": {}, "multipart/mixed": {}, "text/event-stream": {"schema": {"type": "object"}}}
    treatments = base(content=content)
    for media in (b"text/html", b"multipart/mixed; boundary=x", b"text/event-stream", b"application/pdf"):
        assert served(treatments).of(200, media).way is Way.WITHHOLD, media
    assert served(base(open_=True), opened=True).of(200, b"text/html").way is Way.PASS, "the contract says why"
    assert served(base("report")).of(200, b"text/html").reason, "it leaves, and is told"


def test_events_leave_where_subscriptions_are_served() -> None:
    treatment = served(base(), streams=True).of(200, b"text/event-stream; charset=utf-8")
    assert treatment.way is Way.STREAM
    assert treatment.parts is not None
    reader = treatment.parts.reader(1000)
    out = reader.feed(b'event: next\nid: 1\ndata: {"data":{"a":"x","b":"y"},"extensions":{"h":1}}\n\n')
    assert out == b'event: next\nid: 1\ndata: {"data":{"a":"x"}}\n\n'
    assert reader.feed(b"event: complete\ndata:\n\n") == b"event: complete\ndata: \n\n"
    with pytest.raises(Unpromised):
        reader.feed(b"data: plain words\n\n")


def test_what_speaks_of_other_bytes_stays_behind() -> None:
    treatment = served(base(open_=True), opened=True).of(200, b"application/json")
    assert treatment.way is Way.PROJECT
    assert b"content-type" in treatment.fields
    assert treatment.fields.isdisjoint({b"content-encoding", b"content-range", b"content-digest"})


def test_each_answer_of_a_list_is_held_against_its_own_query() -> None:
    several = Several([of("a"), of("b")], REFUSAL)
    both = {"data": {"a": "1", "b": "2"}, "extensions": {"x": 1}}
    text, members, size = several(json.dumps([both, both]).encode())
    assert json.loads(text) == [{"data": {"a": "1"}}, {"data": {"b": "2"}}]
    _, mine, bytes_of = of("a")(json.dumps(both).encode())
    assert (members, size) == (2 * mine, 2 * bytes_of)
    assert several(b' [ {"data" : {"a":"\\u00e9"}} , null ]')[0] == b'[{"data":{"a":"\\u00e9"}},null]'


def test_one_refusal_may_stand_for_all_of_a_list_and_has_no_data() -> None:
    several = Several([of("a"), of("a")], REFUSAL)
    answer = {"errors": [{"message": "no such table"}], "data": {"a": "1"}, "stack": "x"}
    assert json.loads(several(json.dumps(answer).encode())[0]) == {
        "errors": [{"message": "The request could not be answered."}]
    }


@pytest.mark.parametrize(
    "body",
    [
        b'[{"data":{"a":"1"}}]',
        b'[{"data":{"a":"1"}},{"data":{"a":"1"}},{"data":{"a":"1"}}]',
        b"[]",
        b'[{"data":{"a":"1"}},{"data":{"a":"1"}}',
        b'[{"data":{"a":"1"}},{"data":{"a":"1"}}] x',
        b'[{"data":{"a":"1","a":"2"}},{"data":{"a":"1"}}]',
        b'[{"data":{"a":7}},{"data":{"a":"1"}}]',
        b'[{"data":{"a":"1"}},"text"]',
        b'[{"data":{"a":"1"}},[{"data":{"a":"1"}}]]',
        b'"text"',
        b"7",
        b"[" * 100_000,
        b'[{"data":{"a":"\xff"}},null]',
    ],
)
def test_a_list_of_answers_that_is_not_that_of_the_queries_does_not_leave(body: bytes) -> None:
    with pytest.raises(Unpromised):
        Several([of("a"), of("a")], REFUSAL)(body)

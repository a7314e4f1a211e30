from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.guard.foreign import Malformed, Unreadable
from ninefold.guard.graphql.query import IDS, QUERY, Query, Sent, in_body, in_target, put_body, put_target
from ninefold.guard.request import Request


def posted(content: Any, target: bytes = b"/graphql", media: str = "application/json") -> Request:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {b"content-type": media.encode()}
    made = Request("POST", "/graphql", fields, (), "127.0.0.1", True, len(body), 0.0, 0.0, b"1")
    made.content, made.target = body, target
    return made


def asked(query: str, body: int = 0) -> Request:
    made = Request("GET", "/graphql", {}, (), "127.0.0.1", True, body, 0.0, 0.0, b"1")
    made.target = f"/graphql?{query}".encode()
    return made


def hashed(value: Any, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": value, **more}}}


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"query": "{ a }"}, Query("{ a }", None, False, None, {})),
        (
            {"query": "{ a }", "operationName": None, "variables": None, "extensions": None},
            Query("{ a }", None, False, None, {}),
        ),
        (
            {"documentId": "x", "operationName": "A", "variables": {"n": 1}},
            Query(None, "x", False, "A", {"n": 1}),
        ),
        ({"doc_id": "x", "query": None}, Query(None, "x", False, None, {})),
        ({"id": "x"}, Query(None, "x", False, None, {})),
        ({"id": None, "query": "{ a }"}, Query("{ a }", None, False, None, {})),
        (hashed("f0"), Query(None, "f0", True, None, {})),
        ({"query": "", **hashed("f0")}, Query(None, "f0", True, None, {})),
        ({"query": "{ a }", **hashed("f0")}, Query("{ a }", "f0", True, None, {})),
    ],
)
def test_a_document_comes_as_text_or_by_its_id(body: Any, query: Query) -> None:
    assert in_body(posted(body), 1) == ([query], False)
    assert in_body(posted([body, body]), 2) == ([query, query], True)


@pytest.mark.parametrize(
    "body",
    [
        *({name: value} for name in ("documentId", "doc_id", "id") for value in (7, ["x"], {"x": 1}, True, 1.5, None)),
        *(hashed(value) for value in (7, ["x"], {"x": 1}, True, None)),
        {"extensions": {"persistedQuery": "f0"}},
        {"extensions": {"persistedQuery": ["f0"]}},
        {"extensions": {"persistedQuery": {}}},
        {"extensions": {"persistedQuery": None}},
        {"extensions": []},
        {"query": "{ a }", **hashed("f0", version=2)},
        hashed("f0", version=True),
        hashed("f0", version=1.0),
        hashed("f0", version="1"),
        {"id": "a", "documentId": "a"},
        {"doc_id": "a", **hashed("a")},
        {"query": "{ a }", "extensions": {"documentId": "x"}},
        {"query": "{ a }", "extensions": {"doc_id": "x"}},
        {"query": "{ a }", "extra": 1},
        {"query": ["{ a }"]},
        {"query": "{ a }", "variables": "{}"},
        {"query": "{ a }", "variables": []},
        {"query": "{ a }", "operationName": 1},
        b'{"id":"a","id":"b"}',
        b'{"id":"a","ID":"b"}',
        b'{"documentId":"a","document\\u0049d":"b"}',
        b'{"extensions":{"persistedQuery":{"sha256Hash":"a","sha256hash":"b"}}}',
        b'{"extensions":{"persistedQuery":{"sha256Hash":"a"},"PersistedQuery":{"sha256Hash":"b"}}}',
        b'{"query":"{ a }","extensions":{},"extensions":{"persistedQuery":{"sha256Hash":"a"}}}',
        [],
        [{"query": "{ a }"}] * 3,
        [[{"query": "{ a }"}]],
        [None],
        "text",
        b"",
    ],
)
def test_what_is_no_request_or_has_two_readings_is_refused(body: Any) -> None:
    with pytest.raises(Malformed):
        in_body(posted(body), 2)


def test_a_list_is_none_of_one_where_none_is_taken() -> None:
    with pytest.raises(Malformed):
        in_body(posted([{"query": "{ a }"}]), 1)


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-16", "application/json; charset=utf-7", "text/json", "application/graphql"]
)
def test_a_body_in_another_coding_or_of_another_type_is_refused(media: str) -> None:
    with pytest.raises((Malformed, Unreadable)):
        in_body(posted({"query": "{ a }"}, media=media), 1)


@pytest.mark.parametrize(
    "beside",
    [
        "query={b}", "Query={b}", "query[]={b}", "quer%79={b}", "documentId=x", "doc_id=x", "id=x", "operationName=B", "variables={}",
        "extensions={}", "other=1&query={b}", "query", "a=1;query={b}", "query=%ff",
    ],
)  # fmt: skip
def test_a_target_with_a_query_beside_the_body_is_refused(beside: str) -> None:
    with pytest.raises((Malformed, Unreadable)):
        in_body(posted({"query": "{ a }"}, target=f"/graphql?{beside}".encode()), 1)
    assert in_body(posted({"query": "{ a }"}, target=b"/graphql?page=1"), 1)


def test_a_query_of_http_is_read_alike() -> None:
    extensions = quote(json.dumps(hashed("f0")["extensions"]))
    assert in_target(asked("query=%7B+a+%7D&operationName=A&variables=%7B%22n%22%3A1%7D")) == Query(
        "{ a }", None, False, "A", {"n": 1}
    )
    assert in_target(asked(f"extensions={extensions}&page=1")) == Query(None, "f0", True, None, {})
    assert in_target(asked("documentId=x&variables=")) == Query(None, "x", False, None, {})
    assert in_target(asked("documentId=&query={a}")) == Query("{a}", "", False, None, {}), "an id that nothing has"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "page=1",
        "query={a}&query={b}",
        "query={a}&Query={b}",
        "query={a}&query[]={b}",
        "id=a&id=b",
        "id=a&doc_id=a",
        "ID=a",
        "query={a}&variables=[]",
        "query={a}&variables={",
        'query={a}&variables={"n":1,"n":2}',
        "query={a}&extensions=7",
        'extensions={"persistedQuery":{"sha256Hash":7}}',
    ],
)
def test_a_query_of_http_with_two_readings_or_none_is_refused(query: str) -> None:
    with pytest.raises(Malformed):
        in_target(asked(query))


def test_a_body_beside_a_query_of_http_is_refused() -> None:
    for length in (7, -1):
        with pytest.raises(Malformed):
            in_target(asked("query={a}", body=length))


def test_what_is_not_about_the_document_goes_on_to_the_byte() -> None:
    variables = b'{"big": 123456789012345678901234567890, "one":1.10, "far":1e400, "text":"\\u00e9", "deep":[[{}]]}'
    content = (
        b'{"variables":%b,"doc_id":"x","operationName":"A","extensions":{"a":1.10,"persistedQuery":{}}}' % variables
    )
    request = posted(content)
    put_body(request, [Sent("{ a }", IDS)], listed=False)
    assert (
        request.content == b'{"variables":%b,"operationName":"A","query":"{ a }","extensions":{"a":1.10}}' % variables
    )
    assert request.body == len(request.content)


def test_of_a_list_only_those_change_that_must() -> None:
    content = b'[{"query": "{ b }", "variables":{"n": 1.0}},{"id":"x","query":null},{"query":"{ c }","id":"y"}]'
    request = posted(content)
    put_body(request, [None, Sent("{ a }", IDS), Sent(None, QUERY)], listed=True)
    assert request.content == b'[{"query":"{ b }","variables":{"n": 1.0}},{"query":"{ a }"},{"id":"y"}]'


def test_extensions_that_have_nothing_left_are_left_out() -> None:
    nothing: tuple[Any, ...] = (hashed("a")["extensions"], {}, None)
    for extensions in nothing:
        request = posted({"query": "{ a }", "extensions": extensions})
        put_body(request, [Sent(None, IDS)], listed=False)
        assert json.loads(request.content or b"") == {"query": "{ a }"}


def test_a_query_of_http_is_written_anew() -> None:
    extensions = quote(json.dumps({"a": 1, **hashed("f0")["extensions"]}))
    request = asked(f"documentId=x&page=1&variables=%7B%22n%22:1.10%7D&extensions={extensions}&query={{b}}")
    put_target(request, Sent('{ a(b: "&=+%") }', IDS))
    assert request.target.startswith(
        b"/graphql?page=1&variables=%7B%22n%22:1.10%7D&extensions=%7B%22a%22%3A1%7D&query="
    )
    assert parse_qs(request.target.decode().partition("?")[2])["query"] == ['{ a(b: "&=+%") }']
    request = asked("documentId=x&query={b}")
    put_target(request, Sent(None, QUERY))
    assert request.target == b"/graphql?documentId=x"
    request = asked(f"query={{b}}&extensions={quote(json.dumps(hashed('f0')['extensions']))}")
    put_target(request, Sent(None, IDS))
    assert request.target == b"/graphql?query={b}"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_MEMBERS = st.sampled_from(["query", "operationName", "variables", "extensions", "documentId", "doc_id", "id", "x"])


@given(
    st.dictionaries(_MEMBERS, _JSON, max_size=4) | st.lists(st.dictionaries(_MEMBERS, _JSON, max_size=3), max_size=3)
)
def test_whatever_comes_is_a_query_or_refused_and_what_goes_on_is_read_back_without_ids(body: Any) -> None:
    request = posted(body)
    try:
        queries, listed = in_body(request, 3)
        put_body(request, [Sent("{ a }", IDS)] * len(queries), listed=listed)
    except Malformed:
        return
    again, _ = in_body(request, 3)
    assert [(one.text, one.id, one.name, one.variables) for one in again] == [
        ("{ a }", None, one.name, one.variables) for one in queries
    ]

from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.guard.answer import Answer
from ninefold.guard.need import Need

USER: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "maxLength": 10},
        "age": {"type": "integer", "minimum": 0},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "verified": {"$ref": "#/components/schemas/Flag"}},
        },
        "tags": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
        "free": {"type": "object"},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def api(schema: Any = USER, media: str = "application/json", **body: Any) -> dict[str, Any]:
    operation = {
        "operationId": "make",
        "requestBody": {"content": {media: {"schema": schema}}, **body},
        "responses": {"204": {"description": "-"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/users": {"post": operation}},
        "components": {"schemas": {"Flag": {"type": "boolean", "readOnly": True}}},
    }


@pytest.fixture
def sent(make_guard: Any, ask: Any) -> Any:
    """What goes on of a body, or the status and the errors that are told."""

    def send(
        content: Any, settings: Any = None, document: Any = None, media: str = "application/json", **fields: Any
    ) -> Any:
        guard = make_guard(document or api(), requests=settings or {})
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        request = ask("/users", "writer", "POST", body=len(content) or -1, content_type=media, **fields)
        decision = guard.admit(request)
        if decision is Need.BODY:
            request.content = content
            decision = guard.admit(request)
        if isinstance(decision, Answer):
            assert b"hunter2" not in decision.body
            assert "hunter2" not in decision.reason
            told = json.loads(decision.body).get("errors", [])
            return decision.status, [(one["pointer"], one["detail"]) for one in told]
        assert request.content is None or request.body == len(request.content)
        return request.content, request.dropped

    return send


def test_what_is_as_declared_goes_on_to_the_byte(sent: Any) -> None:
    text = b' {"name" : "caf\\u00e9", "age":1.0e0,\n"free":{"any":[1]}, "notes":{"x":"y"} } '
    assert sent(text) == (text, 0)


@pytest.mark.parametrize(
    ("said", "kept", "dropped"),
    [
        ({"name": "a", "is_admin": True}, {"name": "a"}, 1),
        ({"name": "a", "id": 7}, {"name": "a"}, 1),
        (
            {"name": "a", "address": {"city": "x", "verified": True, "role": "admin"}},
            {"name": "a", "address": {"city": "x"}},
            2,
        ),
        ({"name": "a", "tags": [{"text": "x", "more": 1}, {}]}, {"name": "a", "tags": [{"text": "x"}, {}]}, 1),
        ({"name": "a", "ID": 3}, {"name": "a"}, 1),
        ({"name": "a", "__proto__": 1, "constructor": 1}, {"name": "a"}, 2),
        ({"name": "a", "free": {"any": {"thing": 1}}}, {"name": "a", "free": {"any": {"thing": 1}}}, 0),
    ],
)
def test_mass_assignment_is_stopped(sent: Any, said: Any, kept: Any, dropped: int) -> None:
    content, counted = sent(said)
    assert (json.loads(content), counted) == (kept, dropped)
    status, told = sent(said, {"undeclared": "refuse"}) if dropped else (422, [])
    assert status == 422
    assert len(told) == dropped
    assert sent(said, {"undeclared": "report"})[0] == json.dumps(said).encode()


def test_a_name_that_differs_in_case_alone_is_another_and_does_not_go_in(sent: Any) -> None:
    assert sent({"name": "a", "Name": "b"}) == (b'{"name":"a"}', 1)
    assert sent({"name": "a", "Name": "b"}, {"undeclared": "report"}) == (400, []), (
        "some servers take one for the other"
    )


def test_a_name_with_an_escape_is_the_name_that_it_spells(sent: Any) -> None:
    content, dropped = sent(b'{"n\\u0061me":"a","is_\\u0061dmin":true}')
    assert (content, dropped) == (b'{"n\\u0061me":"a"}', 1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, [("#", "has no member `name`")]),
        ({"name": "hunter2 hunter2"}, [("#/name", "must have at most 10 characters")]),
        ({"name": 1}, [("#/name", "is not of the type string")]),
        ({"name": "a", "age": -1}, [("#/age", "must be at least 0")]),
        ({"name": "a", "age": "hunter2"}, [("#/age", "is not of the type integer")]),
        ({"name": "a", "address": []}, [("#/address", "is not of the type object")]),
        ({"name": "a", "tags": [{"text": 1}, {"text": 2}]}, [("#/tags/0/text", "is not of the type string"), ("#/tags/1/text", "is not of the type string")]),
        ([], [("#", "is not of the type object")]),
        ("hunter2", [("#", "is not of the type object")]),
        (None, [("#", "is not of the type object")]),
    ],
)  # fmt: skip
def test_each_flaw_is_told_with_its_place_and_without_its_value(sent: Any, said: Any, told: Any) -> None:
    assert sent(said) == (422, told)


@pytest.mark.parametrize(
    "content",
    [
        b'{"name":"a","name":"b"}', b'{"name":"a","n\\u0061me":"b"}', b"{", b'{"name":"a"}x',
        b'{"name":"a"}{"name":"b"}', b"\xef\xbb\xbf{}", b'{"name":NaN}', b"{'name':'a'}", b'{"name":"a",}', b'{"name":"\xff"}',
        b'{"name":"a\x00"}', b'{"name":1,"age":1,"age":2}', '{"name":"a"}'.encode("utf-16"), b"[" * 100_000, b"//\n{}", b'{"name":"\\ud800"}',
    ],
)  # fmt: skip
def test_json_that_has_no_one_reading_is_refused(sent: Any, content: bytes) -> None:
    assert sent(content)[0] in {400, 422}
    assert sent(content, {"invalid": "report", "undeclared": "report"})[0] in {400, content}


@pytest.mark.parametrize(
    "content", [b'{"name":"a","name":"b"}', b'{"name":1,"age":1,"age":2}', b'{"name":"a"}x', b'{"name":1}x']
)
def test_even_where_flaws_are_only_reported_two_readings_are_refused(sent: Any, content: bytes) -> None:
    assert sent(content, {"invalid": "report", "undeclared": "report"}) == (400, [])


def test_a_body_is_bounded_in_depth_members_and_items(sent: Any) -> None:
    free = {"document": api({}), "settings": {"depth": 5, "members": 10, "items": 20}}
    assert sent(b"[[[[[]]]]]", **free) == (b"[[[[[]]]]]", 0)
    assert sent(b"[[[[[[]]]]]]", **free) == (400, [])
    assert sent(b'["[[[[[[[[{{{"]', **free)[1] == 0, "brackets in texts are none"
    assert sent({str(one): one for one in range(10)}, **free)[1] == 0
    assert sent({str(one): one for one in range(11)}, **free) == (400, [])
    assert sent(list(range(20)), **free)[1] == 0
    assert sent(list(range(21)), **free) == (400, [])
    assert sent([":" * 50, "," * 50], **free)[1] == 0


def test_a_million_keys_and_a_deep_body_are_refused_before_they_are_parsed(sent: Any) -> None:
    settings = {"document": api({})}
    many = b"{" + b",".join(b'"k%d":1' % one for one in range(80_000)) + b"}"
    assert sent(many, **settings) == (400, [])
    assert sent(b'{"a":' * 20_000 + b"1" + b"}" * 20_000, **settings) == (400, [])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"media": "application/json; charset=utf-16"}, 400),
        ({"media": 'application/json; charset="utf-7"'}, 400),
        ({"media": "application/json;charset=UTF-8"}, 0),
        ({"content_encoding": "gzip"}, 415),
        ({"content_encoding": "identity"}, 0),
        ({"media": "application/x-www-form-urlencoded"}, 415),
        ({"media": "application/merge-patch+json"}, 415),
        ({"media": "APPLICATION/JSON"}, 0),
    ],
)
def test_how_a_body_is_sent(sent: Any, fields: Any, status: int) -> None:
    found = sent({"name": "a"}, **fields)
    assert found[0] == (status or json.dumps({"name": "a"}).encode())


def test_a_body_that_is_needed(sent: Any, make_guard: Any, ask: Any) -> None:
    document = api(required=True)
    guard = make_guard(document)
    answer = guard.admit(ask("/users", "writer", "POST"))
    assert (answer.status, answer.step) == (400, "body")
    assert sent(b"", document=document) == (400, [])
    assert sent(b"") == (b"", 0)


def test_under_a_range_what_is_json_is_held_against_the_schema(sent: Any) -> None:
    document = api(media="*/*")
    assert sent({"name": 1}, document=document)[0] == 422
    assert sent({"name": 1}, document=document, media="application/vnd.x+json")[0] == 422


def test_a_limit_counts_a_request_with_a_body_once(make_guard: Any, ask: Any) -> None:
    limits = {"rates": [{"per": "caller", "rate": "1/d", "burst": 2}]}
    guard = make_guard(api(), limits=limits)
    outcomes = []
    for _ in range(3):
        request = ask("/users", "writer", "POST", body=12, content_type="application/json")
        decision = guard.admit(request)
        if decision is Need.BODY:
            request.content = b'{"name":"a"}'
            decision = guard.admit(request)
        outcomes.append(decision.status if isinstance(decision, Answer) else 0)
    assert outcomes == [0, 0, 429]


def test_a_flaw_that_is_only_reported_goes_on_and_is_told(make_guard: Any, ask: Any) -> None:
    guard = make_guard(api(), requests={"invalid": "report"})
    request = ask("/users", "writer", "POST", body=10, content_type="application/json")
    request.content = b'{"age":"hunter2"}'
    assert not isinstance(guard.admit(request), Answer)
    assert set(request.told.removeprefix("would be 422: ").split("; ")) == {"/: required", "/age: type"}


def test_who_may_not_call_is_not_asked_for_a_body(make_guard: Any, ask: Any) -> None:
    guard = make_guard(
        api(), authorization={"roles": {"admin": ["all"]}, "rules": [{"operations": ["make"], "allow": ["all"]}]}
    )
    answer = guard.admit(ask("/users", "writer", "POST", body=10, content_type="application/json"))
    assert (answer.status, answer.step) == (403, "permission")

"""Sign 7, on APIs that show it and on ones that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.signs import filtering

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in filtering.RULES}
PERSON = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def told(schema: Any, path: str = "/a") -> dict[str, Any]:
    media = {} if schema is None else {"schema": schema}
    parameters = [{"name": "q", "in": "query", "schema": {"type": "string"}}]
    return {
        "paths": {
            path: {
                "get": {
                    "parameters": parameters,
                    "responses": {"200": {"description": "-", "content": {"application/json": media}}},
                }
            }
        },
        "components": {"schemas": {"Person": PERSON}},
    }


@pytest.mark.parametrize(
    ("schema", "cause"),
    [
        (None, "no schema"),
        ({}, "no schema"),
        ({"title": "Response"}, "no schema"),
        ({"type": "object", "additionalProperties": True}, "open object"),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"additionalProperties": True}}}},
            "open object",
        ),
        (PERSON, ""),
        ({"$ref": "#/components/schemas/Person"}, ""),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ""),
    ],
)
def test_an_answer_that_may_hold_anything_is_shown(static: Callable[..., Target], schema: Any, cause: str) -> None:
    assert [one.cause for one in look("filtering-open-schema", static(told(schema))).seen] == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("name", "shown"),
    [("password", True), ("passwordHash", True), ("card_number", True), ("apiKey", True), ("ssn", True), ("name", False),
     ("passenger", False), ("saltiness", False), ("tokenizer", False), ("secretary", False)],
)  # fmt: skip
def test_members_that_no_reader_needs_are_shown(static: Callable[..., Target], name: str, shown: bool) -> None:
    schema = {"type": "array", "items": {"type": "object", "properties": {name: {"type": "string"}}}}
    assert bool(look("filtering-sensitive-declared", static(told(schema))).seen) is shown
    schema["items"]["properties"][name]["writeOnly"] = True  # type: ignore[index]
    assert look("filtering-sensitive-declared", static(told(schema))).seen == ()


def _answering(body: Any, trace: str = "") -> Callable[..., Any]:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path != "/a":
            return 404, {"Content-Type": "application/json"}, b'{"detail":"not found"}'
        if trace and any("'" in value for values in request.query.values() for value in values):
            return 500, {"Content-Type": "text/plain"}, trace.encode()
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    return api


@pytest.mark.parametrize(
    ("schema", "body", "named"),
    [
        (PERSON, {"id": 1, "name": "a", "password_hash": "x"}, "password_hash"),
        ({"type": "array", "items": PERSON}, [{"id": 1, "margin": 2}], "[].margin"),
        ({"type": "object", "properties": {"data": PERSON}}, {"data": {"id": 1, "note": "n"}}, "data.note"),
        ({"allOf": [PERSON, {"type": "object", "properties": {"x": {}}}]}, {"id": 1, "x": {"y": 1}}, ""),
        (PERSON, {"id": 1}, ""),
        ({"type": "object", "additionalProperties": True}, {"anything": 1}, ""),
        ({"type": "object"}, {"anything": 1}, ""),
        ({"oneOf": [PERSON, {"type": "object", "properties": {"error": {"type": "string"}}}]}, {"error": "none"}, ""),
    ],
)
def test_members_that_come_and_were_not_declared_are_shown(
    serve: Any, live: Any, schema: Any, body: Any, named: str
) -> None:
    seen = look("filtering-undeclared-members", live(serve(_answering(body)), told(schema))).seen
    assert [one.cause for one in seen] == ([named] if named else [])
    if named:
        assert [getattr(one, "role", "") for one in seen[0].evidence] == ["baseline", "attack", "control", "repeat"]


@pytest.mark.parametrize(
    "trace",
    [
        'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in get',
        "java.lang.NullPointerException\n\tat com.example.Api.get(Api.java:42)",
        'sqlite3.OperationalError: near "\'": syntax error',
        "You have an error in your SQL syntax; check the manual",
        "TypeError: x\n    at get (/srv/app/index.js:10:5)",
        "goroutine 1 [running]:\nmain.main()",
    ],
)
def test_errors_that_tell_of_the_inside_are_shown(serve: Any, live: Any, trace: str) -> None:
    assert len(look("filtering-verbose-errors", live(serve(_answering({}, trace)), told(PERSON))).seen) == 1


def test_an_error_that_says_no_more_than_it_must_is_none(serve: Any, live: Any) -> None:
    looked = look(
        "filtering-verbose-errors", live(serve(_answering({}, '{"title":"Bad Request","status":400}')), told(PERSON))
    )
    assert looked.at > 0
    assert looked.seen == ()


def test_a_debug_path_is_shown_and_a_page_for_every_path_is_not(serve: Any, live: Any) -> None:
    def forgotten(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/.env":
            return 200, {"Content-Type": "text/plain"}, b"DATABASE_URL=postgres://u:p@db/shop\nDEBUG=1\n"
        return 404, {"Content-Type": "text/plain"}, b"there is nothing here"

    seen = look("filtering-debug-paths", live(serve(forgotten), told(PERSON))).seen
    assert [one.place.url for one in seen] == ["/.env"]
    page = b"<html><body>the same page for every path of this app</body></html>"
    assert (
        look(
            "filtering-debug-paths",
            live(serve(lambda request: (200, {"Content-Type": "text/html"}, page)), told(PERSON)),
        ).seen
        == ()
    )

"""Sign 7, on APIs that show it and on ones that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.rule import Untried
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
        ({"type": "object"}, "open object"),
        ({"type": "object", "properties": {"meta": {"type": "object"}}}, "open object"),
        ({"allOf": [{"$ref": "#/components/schemas/Person"}, {"type": "object"}]}, "open object"),
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
        ({"type": "array", "items": PERSON}, [{"id": 1, "margin": 2}], "margin"),
        ({"type": "object", "properties": {"data": PERSON}}, {"data": {"id": 1, "note": "n"}}, "note"),
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


def test_an_error_that_may_hold_anything_is_no_answer_that_may(static: Callable[..., Target]) -> None:
    document = told(PERSON)
    responses = document["paths"]["/a"]["get"]["responses"]
    responses["default"] = responses["404"] = {"description": "-", "content": {"application/problem+json": {}}}
    looked = look("filtering-open-schema", static(document))
    assert (looked.at, looked.seen) == (1, ())
    del responses["200"]
    assert len(look("filtering-open-schema", static(document)).seen) == 1


def _made(method: str, name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"}}}
    response = {"description": "-", "content": {"application/json": {"schema": schema}}}
    return {"paths": {"/a": {method: {"responses": {"200": response}}}}}


def test_a_token_is_shown_by_what_makes_it_and_a_password_by_nothing(static: Callable[..., Target]) -> None:
    shown = {(method, name): bool(look("filtering-sensitive-declared", static(_made(method, name))).seen)
             for method in ("get", "post") for name in ("access_token", "password_hash")}  # fmt: skip
    assert [one for one, is_shown in shown.items() if not is_shown] == [("post", "access_token")]


def test_one_model_in_a_list_and_alone_is_one_cause(serve: Any, live: Any) -> None:
    document = told({"type": "array", "items": PERSON})
    document["paths"]["/one"] = told(PERSON, "/one")["paths"]["/one"]

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        row = {"id": 1, "margin": 2}
        body = {"/a": [row], "/one": row}.get(request.path)
        return (200 if body else 404), {"Content-Type": "application/json"}, json.dumps(body).encode()

    assert [one.cause for one in look("filtering-undeclared-members", live(serve(api), document)).seen] == [
        "margin"
    ] * 2


@pytest.mark.parametrize("media", ["application/json", "application/*", "*/*", "application/json; charset=utf-8"])
def test_answers_are_held_against_the_media_type_that_covers_them(serve: Any, live: Any, media: str) -> None:
    document = told(PERSON)
    content = document["paths"]["/a"]["get"]["responses"]["200"]["content"]
    content[media] = content.pop("application/json")
    assert look("filtering-undeclared-members", live(serve(_answering({"id": 1, "x": 1})), document)).seen


def test_an_api_of_links_returns_no_more_than_it_declares(serve: Any, live: Any) -> None:
    body = {"id": 1, "_links": {"self": {"href": "/a"}}, "@type": "Person"}
    looked = look("filtering-undeclared-members", live(serve(_answering(body)), told(PERSON)))
    assert (looked.at, looked.seen) == (1, ())


TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in get'


def test_an_api_that_fails_when_asked_as_described_is_shown(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        return (500, {}, TRACE.encode()) if request.path == "/a" else (404, {}, b"no")

    seen = look("filtering-verbose-errors", live(serve(api), told(PERSON))).seen
    assert [(one.cause, one.confidence) for one in seen] == [("a Python traceback", None)]
    assert [one.role for one in seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]


def test_an_error_under_200_that_tells_of_the_inside_is_shown(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        odd = any("'" in value for values in request.query.values() for value in values)
        body = {"error": TRACE} if odd else {"id": 1, "name": "a"}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    assert len(look("filtering-verbose-errors", live(serve(api), told(PERSON))).seen) == 1


def test_an_api_about_errors_is_not_shown(serve: Any, live: Any) -> None:
    pages = {"text": TRACE}
    looked = look(
        "filtering-verbose-errors", live(serve(lambda _: (200, {}, json.dumps(pages).encode())), told(PERSON))
    )
    assert looked.seen == ()


@pytest.mark.parametrize(
    ("status", "body", "sure"),
    [
        (200, {"id": 1, "name": "a", "faults": [{"trace": TRACE}]}, Confidence.SUSPECTED),
        (400, {"error": "no such column: 'x"}, Confidence.SUSPECTED),
        (400, {"error": 'near "x": syntax error'}, Confidence.SUSPECTED),
        (500, {"error": 'sqlite3.OperationalError: near "x": syntax error'}, None),
    ],
)
def test_what_is_served_and_what_callers_name_themselves_is_no_sure_sign(
    serve: Any, live: Any, status: int, body: dict[str, Any], sure: Confidence | None
) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        odd = any("'" in value for values in request.query.values() for value in values)
        told = json.dumps(body if odd else {"id": 1}).encode()
        return status if odd else 200, {"Content-Type": "application/json"}, told

    seen = look("filtering-verbose-errors", live(serve(api), told(PERSON))).seen
    assert {one.confidence for one in seen} == {sure}


def test_without_a_description_the_base_path_is_tried(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.headers.get("Authorization", "").startswith("Bearer e30"):
            return 500, {}, TRACE.encode()
        return (200, {}, b"hello") if request.path == "/" else (404, {}, b"no")

    assert len(look("filtering-verbose-errors", live(serve(api))).seen) == 1


def test_a_server_that_hangs_up_on_odd_input_is_asked_again(serve: Any, live: Any) -> None:
    dropped: set[str] = set()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        values = [value for values in request.query.values() for value in values]
        if values and values[0] not in dropped:
            dropped.add(values[0])
            raise ConnectionResetError
        return (500, {}, TRACE.encode()) if values else (200, {}, b'{"id": 1}')

    assert len(look("filtering-verbose-errors", live(serve(api), told(PERSON))).seen) == 1
    assert dropped


def test_a_server_that_never_answers_odd_input_is_not_judged(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.query or request.path not in {"/", *document["paths"]}:
            raise ConnectionResetError
        return 200, {}, b'{"id": 1}'

    document = told(PERSON)
    for path in ("/b", "/c", "/d"):
        document["paths"] |= told(PERSON, path)["paths"]
    with pytest.raises(Untried, match="no answer"):
        look("filtering-verbose-errors", live(serve(api), document))


def test_odd_input_is_bounded(serve: Any, live: Any) -> None:
    document = told(PERSON)
    for number in range(59):
        document["paths"] |= told(PERSON, f"/b{number}")["paths"]
    target = live(serve(lambda _: (200, {}, b'{"id": 1}')), document)
    assert look("filtering-verbose-errors", target).at <= filtering.ODD
    assert target.probe.sent <= 60 + filtering.ODD


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("Server", "nginx/1.18.0", True),
        ("X-Powered-By", "Express 4.17.1", True),
        ("Server", "nginx", False),
        ("Via", "1.1 proxy", False),
        ("X-Version", "1.4.0", False),
    ],
)
def test_a_banner_with_a_version_is_shown(serve: Any, live: Any, field: str, value: str, shown: bool) -> None:
    seen = look("filtering-banner", live(serve(lambda _: (200, {field: value}, b"{}")), told(PERSON))).seen
    assert [one.cause for one in seen] == ([field] if shown else [])


def test_a_path_that_a_described_one_covers_is_no_debug_path(serve: Any, live: Any) -> None:
    known = {"console": "a game", "debug": "a book about bugs"}

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        thing = known.get(request.path[1:])
        return (200, {}, thing.encode()) if thing else (404, {}, b"there is no such thing")

    assert look("filtering-debug-paths", live(serve(api), told(PERSON, "/{slug}"))).seen == ()
    assert len(look("filtering-debug-paths", live(serve(api), told(PERSON, "/things/{slug}"))).seen) == 2


@pytest.mark.parametrize("body", [b"metrics are elsewhere", b"hello"])
def test_a_page_by_the_name_of_a_debug_path_is_none(serve: Any, live: Any, body: bytes) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, body) if request.path in {"/metrics", "/.env", "/config.json"} else (404, {}, b"not here")

    assert look("filtering-debug-paths", live(serve(api), told(PERSON))).seen == ()


@pytest.mark.parametrize(
    ("path", "body", "shown"),
    [
        ("/config.json", b'{"apiBase": "/", "theme": "dark"}', False),
        ("/config.json", b'{"apiBase": "/", "jwtSecret": "kJ83hfKq92mcnZp1"}', True),
        ("/console", b"<title>Sign in</title><form><input name=code></form>", False),
        ("/console", b"<h1>Interactive Console</h1><input name=command>", True),
    ],
)
def test_what_everybody_may_see_at_a_debug_path_is_none(
    serve: Any, live: Any, path: str, body: bytes, *, shown: bool
) -> None:
    url = serve(lambda request: (200, {}, body) if request.path == path else (404, {}, b"there is nothing here"))
    assert [one.place.url for one in look("filtering-debug-paths", live(url, told(PERSON))).seen] == [path] * shown


def _publishing(*paths: str, served: bool) -> Callable[..., Any]:
    document = {"openapi": "3.1.0", "paths": {path: {"get": {}, "parameters": []} for path in paths}}

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/openapi.json":
            return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()
        if request.path == "/a" or (served and request.path in paths):
            return 200, {"Content-Type": "application/json"}, b'{"id": 1}'
        return 404, {"Content-Type": "application/json"}, b'{"detail": "not found"}'

    return api


def test_operations_that_only_the_api_knows_of_are_shown(serve: Any, live: Any) -> None:
    for served, confidence in ((True, None), (False, Confidence.SUSPECTED)):
        url = serve(_publishing("/a", "/internal/users", served=served))
        (seen,) = look("filtering-undocumented-operations", live(url, told(PERSON))).seen
        assert "GET /internal/users" in seen.detail
        assert seen.confidence is confidence


def test_a_published_description_of_the_same_operations_is_none(serve: Any, live: Any) -> None:
    url = serve(_publishing("/a", "/items/{itemId}", "/openapi.json", served=True))
    document = {"paths": {**told(PERSON)["paths"], **told(PERSON, "/items/{id}")["paths"]}}
    looked = look("filtering-undocumented-operations", live(url, document))
    assert looked.at > 0
    assert looked.seen == ()


def test_a_path_that_breaks_off_in_an_escape_is_odd_input(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        odd = request.path.endswith("%E0%A4%A")
        return (400, {}, TRACE.encode()) if odd else (200, {}, b'{"id": 1, "name": "a"}')

    assert len(look("filtering-verbose-errors", live(serve(api), told(PERSON))).seen) == 1

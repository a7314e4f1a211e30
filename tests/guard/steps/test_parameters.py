from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.openapi import read
from ninefold.contract.requests import Requests
from ninefold.guard.answer import Answer
from ninefold.guard.entrance import Entrance
from ninefold.guard.foreign import Unreadable
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.request import Request
from ninefold.guard.steps.parameters import MOST_REMEMBERED, _Query

INTEGER, NUMBER, BOOLEAN, TEXT = ({"type": one} for one in ("integer", "number", "boolean", "string"))
NUMBERS = {"type": "array", "items": {"type": "integer", "maximum": 9}}
POINT = {"type": "object", "properties": {"x": INTEGER, "y": INTEGER}, "required": ["x"]}


def api(*parameters: dict[str, Any], path: str = "/things") -> dict[str, Any]:
    operation = {
        "operationId": "list",
        "parameters": [{"in": "query", "schema": TEXT, **one} for one in parameters],
        "responses": {"204": {"description": "-"}},
    }
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {path: {"get": operation}}}


@pytest.fixture
def sent(make_guard: Any, ask: Any) -> Any:
    """What becomes of a request: the target that goes on, or the status and the errors that are told."""

    def send(document: dict[str, Any], target: str, settings: Any = None, **fields: str) -> Any:
        guard = make_guard(document, requests=settings or {})
        request = ask(target, **fields)
        decision = guard.admit(request)
        if isinstance(decision, Answer):
            told = json.loads(decision.body).get("errors", [])
            return decision.status, [(one["in"], one["parameter"], one["detail"]) for one in told]
        return request.target.decode()

    return send


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ({"schema": INTEGER}, ["7", "-7", "0", "9" * 30], ["", "07", "+7", "7.0", "1e3", " 7", "seven", "%D9%A7"]),
        ({"schema": NUMBER}, ["7", "7.50", "-0.5", "1e3"], ["", ".5", "5.", "NaN", "Infinity", "0x10", "1_000"]),
        ({"schema": BOOLEAN}, ["true", "false"], ["True", "1", "yes", ""]),
        ({"schema": {**INTEGER, "minimum": 1, "maximum": 100}}, ["1", "100"], ["0", "101", "-1"]),
        ({"schema": {"enum": [1, 2]}}, ["1"], ["3", "one"]),
        ({"schema": {"enum": ["new", "old"]}}, ["new"], ["NEW", "new%20"]),
        ({"schema": {"type": "string", "format": "uuid"}}, ["123e4567-e89b-12d3-a456-426614174000"], ["1"]),
        ({"schema": {"type": ["integer", "null"]}}, ["1", "null"], ["x"]),
        ({"schema": {"type": "string", "maxLength": 3}}, ["abc", "%C3%A9%C3%A9%C3%A9", "a+b"], ["abcd"]),
        ({"schema": NUMBERS, "explode": False}, ["1", "1,2,3"], ["1,x", "1,10", "1;2"]),
        ({"schema": NUMBERS, "style": "pipeDelimited", "explode": False}, ["1|2", "1%7C2"], ["1,2"]),
        ({"schema": NUMBERS, "style": "spaceDelimited", "explode": False}, ["1%202", "1+2"], ["1,2"]),
        ({"schema": POINT, "explode": False}, ["x,1,y,2", "y,2,x,1"], ["x", "y,1", "x,a", "x,1,x,2"]),
        ({"content": {"application/json": {"schema": POINT}}}, ["%7B%22x%22:1%7D"], ["%7B%22y%22:1%7D", "%7B", "1"]),
    ],
)
def test_a_parameter_is_what_its_schema_says(sent: Any, parameter: Any, good: list[str], bad: list[str]) -> None:
    document = api({"name": "q", **parameter})
    if "content" in parameter:
        del document["paths"]["/things"]["get"]["parameters"][0]["schema"]
    for text in good:
        assert sent(document, f"/things?q={text}") == f"/things?q={text}"
    for text in bad:
        status, told = sent(document, f"/things?q={text}")
        assert status == 400
        assert [one[:2] for one in told] == [("query", "q")] or text == "1;2"


def test_arrays_that_are_repeated_and_what_is_single_is_not(sent: Any) -> None:
    document = api({"name": "ids", "schema": NUMBERS}, {"name": "one", "schema": INTEGER})
    assert sent(document, "/things?ids=1&ids=2") == "/things?ids=1&ids=2"
    assert sent(document, "/things?ids=1&ids=x") == (400, [("query", "ids", "is not of the type integer")])
    assert sent(document, "/things?one=1&one=1") == (400, [("query", "one", "came more than once")])
    assert sent(document, "/things?one=1&%6fne=2") == (400, [("query", "one", "came more than once")])


def test_objects_by_members_and_by_brackets(sent: Any) -> None:
    spread, deep = api({"name": "p", "schema": POINT}), api({"name": "p", "schema": POINT, "style": "deepObject"})
    assert sent(spread, "/things?x=1&y=2&z=3") == "/things?x=1&y=2"
    assert sent(spread, "/things?y=a&x=1")[0] == 400
    assert sent(deep, "/things?p[x]=1&p%5By%5D=2&x=9") == "/things?p[x]=1&p%5By%5D=2"
    assert sent(deep, "/things?p[x][y]=1")[0] == 400
    assert sent(deep, "/things?p[x]=1&p[x]=2")[0] == 400
    assert sent(deep, "/things?p[y]=1")[0] == 400


def test_what_is_not_declared_does_not_go_on_and_the_rest_does_to_the_byte(sent: Any) -> None:
    document = api({"name": "a"}, {"name": "b"})
    assert sent(document, "/things?a=%41&debug=1&b=x+y&is_admin=true") == "/things?a=%41&b=x+y"
    assert sent(document, "/things?debug=1") == "/things"
    assert sent(api(), "/things?_=%zz;&&") == "/things"
    refused = sent(document, "/things?a=1&debug=1", {"undeclared": "refuse"})
    assert refused == (400, [("query", "debug", "is not declared")])
    assert sent(document, "/things?a=1&debug=1", {"undeclared": "report"}) == "/things?a=1&debug=1"
    assert sent(document, "/things?a=1&debug=1", {"open": {"list": "it reads what it likes"}}) == "/things?a=1&debug=1"


@pytest.mark.parametrize("query", ["a=1;b=2", "a=%zz", "a=%ff", "a=\u00e9"])
def test_a_query_that_servers_read_in_two_ways_is_refused(sent: Any, query: str) -> None:
    assert sent(api({"name": "a"}), f"/things?{query}")[0] == 400


def test_what_has_to_be_there_is_asked_for(sent: Any) -> None:
    document = api(
        {"name": "q", "required": True}, {"name": "X-Trace", "in": "header", "required": True, "schema": INTEGER}
    )
    assert sent(document, "/things") == (400, [("query", "q", "is missing"), ("header", "X-Trace", "is missing")])
    assert sent(document, "/things?q=", x_trace="7") == "/things?q="
    assert sent(document, "/things?q=", x_trace="x") == (400, [("header", "X-Trace", "is not of the type integer")])


def test_fields_and_cookies(sent: Any) -> None:
    document = api(
        {"name": "X-Ids", "in": "header", "schema": NUMBERS}, {"name": "theme", "in": "cookie", "schema": {"enum": ["dark"]}},
        {"name": "Authorization", "in": "header", "required": True}, {"name": "X-API-Key", "in": "header", "schema": INTEGER},
    )  # fmt: skip
    assert sent(document, "/things", x_ids="1, 2,3", cookie="session=x; theme=dark") == "/things"
    assert sent(document, "/things", x_ids="1, x")[0] == 400
    assert sent(document, "/things", cookie="theme=light") == (
        400, [("cookie", "theme", "is none of the values that are declared")],
    )  # fmt: skip
    assert sent(document, "/things", cookie="theme=dark; theme=dark")[0] == 400


def test_parameters_of_the_path(sent: Any) -> None:
    document = api({"name": "id", "in": "path", "required": True, "schema": INTEGER}, path="/things/{id}")
    assert sent(document, "/things/7") == "/things/7"
    for path in ("/things/x", "/things/7.0", "/things/%37%78"):
        assert sent(document, path)[0] == 400
    assert sent(document, "/things/%37") == "/things/%37"


@pytest.mark.parametrize(
    ("style", "explode", "good", "bad"),
    [
        ("simple", False, "/things/1,2", "/things/.1"),
        ("label", False, "/things/.1,2", "/things/1,2"),
        ("label", True, "/things/.1.2", "/things/1.2"),
        ("matrix", False, "/things/%3Bid=1,2", "/things/1"),
    ],
)
def test_styles_of_the_path(sent: Any, style: str, explode: bool, good: str, bad: str) -> None:
    parameter = {"name": "id", "in": "path", "required": True, "schema": NUMBERS, "style": style, "explode": explode}
    assert sent(api(parameter, path="/things/{id}"), good) == good
    assert sent(api(parameter, path="/things/{id}"), bad)[0] == 400


def test_collections_of_swagger_are_read_as_they_are_written(sent: Any) -> None:
    def document(kind: str) -> dict[str, Any]:
        parameter = {
            "name": "ids",
            "in": "query",
            "type": "array",
            "items": {"type": "integer"},
            "collectionFormat": kind,
        }
        operation = {"operationId": "list", "parameters": [parameter], "responses": {"204": {"description": "-"}}}
        return {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {"/things": {"get": operation}}}

    for kind, query in (("csv", "ids=1,2"), ("multi", "ids=1&ids=2"), ("ssv", "ids=1%202"), ("pipes", "ids=1|2")):
        assert sent(document(kind), f"/things?{query}") == f"/things?{query}"
    assert sent(document("csv"), "/things?ids=1&ids=2")[0] == 400


def test_a_flaw_that_is_only_reported_goes_on_and_is_told(make_guard: Any, ask: Any) -> None:
    guard = make_guard(api({"name": "q", "schema": INTEGER}), requests={"invalid": "report"})
    request = ask("/things?q=hunter2")
    assert not isinstance(guard.admit(request), Answer)
    assert request.told == "would be 400: query q: type"


def test_no_value_is_told_to_anybody(make_guard: Any, ask: Any) -> None:
    guard = make_guard(api({"name": "q", "schema": {"type": "string", "pattern": "^a"}}))
    answer = guard.admit(ask("/things?q=hunter2"))
    assert isinstance(answer, Answer)
    assert b"hunter2" not in answer.body
    assert "hunter2" not in answer.reason


def test_a_stranger_learns_nothing_of_parameters(make_guard: Any, ask: Any) -> None:
    guard = make_guard(api({"name": "q", "required": True, "schema": INTEGER}))
    answer = guard.admit(ask("/things?q=x", ""))
    assert isinstance(answer, Answer)
    assert answer.status == 401
    assert b"errors" not in answer.body


def test_good_targets_are_remembered_and_not_for_ever(make_guard: Any, ask: Any) -> None:
    guard = make_guard(
        api({"name": "q", "schema": INTEGER}), limits={"rates": [{"per": "ip", "rate": "10000/s", "burst": 100000}]}
    )
    for number in [*range(MOST_REMEMBERED + 5), 3, 3]:
        request = ask(f"/things?q={number}&x=1")
        assert not isinstance(guard.admit(request), Answer)
        assert (request.target, request.dropped) == (b"/things?q=%d" % number, 1)
    assert isinstance(guard.admit(ask("/things?q=x&x=1")), Answer)


def test_operations_that_ask_nothing_share_one_check(make_guard: Any) -> None:
    free = {"name": "id", "in": "path", "required": True, "schema": TEXT}
    document = api(free, path="/things/{id}")
    operation = document["paths"]["/things/{id}"]["get"]
    document["paths"]["/others"] = {"get": {**operation, "operationId": "other", "parameters": []}}
    one, other = (make_guard(document)._router.find(path).plan("GET") for path in ("/things/1", "/others"))
    assert [check.__qualname__ for check in one.checks] == [check.__qualname__ for check in other.checks]
    guard = make_guard(document)
    one, other = (guard._router.find(path).plan("GET") for path in ("/things/1", "/others"))
    assert one.checks is other.checks


def test_what_is_open_for_one_operation_is_not_for_its_neighbour(make_guard: Any, ask: Any) -> None:
    document = api()
    operation = document["paths"]["/things"]["get"]
    document["paths"]["/others"] = {"get": {**operation, "operationId": "other"}}
    for opened, closed, name in (("/things", "/others", "list"), ("/others", "/things", "other")):
        guard = make_guard(document, requests={"open": {name: "it reads what it likes"}})
        for path, kept in ((opened, b"?a=1"), (closed, b"")):
            request = ask(f"{path}?a=1")
            assert not isinstance(guard.admit(request), Answer)
            assert request.target == path.encode() + kept


@given(st.lists(st.tuples(st.sampled_from("abxy"), st.text("1a&=%+", max_size=3)), max_size=5))
def test_what_goes_on_is_part_of_what_came(pairs: list[tuple[str, str]]) -> None:
    description = read(api({"name": "a", "schema": {"type": "array", "items": TEXT}}, {"name": "b"}), "d")
    query = _Query(list(description.operations[0].parameters), Entrance(description, Requests()))
    raw = "&".join(f"{name}={text}" for name, text in pairs).encode()
    request = Request("GET", "/t", {}, (), "", True, 0, 0.0, 0.0, b"", target=b"/t?" + raw)
    try:
        list(query.flaws(request))
    except Unreadable:
        return
    kept = request.target.partition(b"?")[2].split(b"&") if b"?" in request.target else []
    came = [one for one in raw.split(b"&") if one]
    assert [one for one in came if one[:1] in {b"a", b"b"} and one[1:2] in {b"", b"="}] == [one for one in kept if one]


def test_what_stays_behind_is_counted_once_when_a_body_is_waited_for(make_guard: Any, ask: Any) -> None:
    document = api({"name": "q"})
    operation = document["paths"]["/things"].pop("get")
    content = {"application/json": {"schema": {"type": "object", "properties": {"age": INTEGER}}}}
    document["paths"]["/things"]["post"] = {**operation, "requestBody": {"content": content}}
    for undeclared in ("drop", "report"):
        guard = make_guard(document, requests={"undeclared": undeclared})
        for _ in range(
            3
        ):  # the second time its target is remembered, the third time also that without what was dropped
            request = ask("/things?q=1&x=2&y=3", "writer", "POST", body=9, content_type="application/json")
            assert guard.admit(request) is Need.BODY
            request.content = b'{"age":1}'
            assert isinstance(guard.admit(request), Plan)
            assert request.dropped == 2

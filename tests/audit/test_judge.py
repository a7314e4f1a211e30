from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.judge import Judge, alike, kinship, says_no, serves


def answer(body: Any, status: int = 200) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(Ask("GET", "/"), status, (), raw)


SERVED = answer({"orders": [{"id": 1, "total": 3}], "next": None})


@pytest.mark.parametrize(
    "refused",
    [
        answer({"orders": [], "next": None}, 401),
        answer({"error": "unauthorized"}),
        answer({"code": 401, "message": "who are you?"}),
        answer("<html>sign in</html>"),
    ],
)
def test_a_refusal_is_told_from_what_is_served_by_status_or_body(refused: Answer) -> None:
    judge = Judge(SERVED, refused)
    assert judge.tells
    assert judge.accepts(answer({"orders": [{"id": 9, "total": 1}, {"id": 8, "total": 2}], "next": "/2"}))
    assert judge.accepts(answer({"orders": [], "next": None})) or refused.status == 401
    assert not judge.accepts(refused)
    assert not judge.accepts(answer({"error": "other"}, 403))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"success": True, "data": {"id": 1}}, {"success": False, "data": None}),
        ({"code": 0, "data": {"id": 1}, "msg": "ok"}, {"code": 401, "data": None, "msg": "no"}),
        ({"status": "ok", "result": {"a": 1}}, {"status": "error", "message": "no"}),
    ],
)
def test_an_envelope_tells_by_what_it_says(one: Any, other: Any) -> None:
    assert not alike(answer(one), answer(other))


def test_a_judge_that_cannot_tell_accepts_nothing() -> None:
    judge = Judge(SERVED, SERVED)
    assert not judge.tells
    assert not judge.accepts(SERVED)


@pytest.mark.parametrize(
    ("one", "other"), [([{"id": 1}], []), ([], [{"id": 2}]), ({"id": 1, "a": "x"}, {"id": 2, "a": "y"})]
)
def test_other_content_of_one_kind_is_alike(one: Any, other: Any) -> None:
    assert alike(answer(one), answer(other))


@pytest.mark.parametrize(("one", "other"), [([], {}), ("text", {"a": 1}), ({"a": 1}, {"b": 1}), ("one two", "three")])
def test_other_kinds_are_not(one: Any, other: Any) -> None:
    assert kinship(answer(one), answer(other)) < 0.5


@pytest.mark.parametrize("body", [{"error": "no"}, {"errors": [{"m": 1}]}, {"success": False}, {"ok": False, "x": 1}])
def test_a_200_with_an_error_inside_serves_nothing(body: Any) -> None:
    assert not serves(answer(body), None, None)


META = {"request_id": "r-1", "message": "-", "path": "/balance", "time": 3, "host": "a"}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"meta": {"code": 200, **META}, "data": {"amount": 1}}, {"meta": {"code": 401, **META}, "data": None}),
        ({"meta": {"code": 200}, "data": {"a": 1}}, {"meta": {"code": 403}, "data": {"reason": "no"}}),
        ({"status": {"code": 0}, "data": [1]}, {"status": {"code": 40101, "message": "no"}, "data": None}),
        ({"result": {"success": True}, "data": {"a": 1}}, {"result": {"success": False}, "data": None}),
        ({"header": {"status": "ok"}, "data": [1]}, {"header": {"status": "error"}, "data": []}),
        ({"statusCode": 200, "data": {"a": 1}}, {"statusCode": 401, "message": "no", "data": None}),
    ],
)
def test_a_code_one_level_down_says_no(good: Any, bad: Any) -> None:
    assert serves(answer(good), None, None)
    assert not says_no(answer(good))
    assert says_no(answer(bad))
    assert not alike(answer(good), answer(bad))


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://a.example", "status": {"code": 503}},
        {"id": 7, "result": {"success": False}},
        {"code": 404, "currency": "KES"},
        {"result": {"code": 404, "name": "KES"}},
        {"id": 1, "status": "failed"},
        {"code": 0, "data": None, "message": "deleted"},
        {"code": 20000, "data": None},
        {"meta": {"code": 200, "success": True}, "data": None},
    ],
)
def test_what_has_a_code_of_its_own_or_an_empty_success_does_not(body: Any) -> None:
    assert serves(answer(body), None, None)


@pytest.mark.parametrize("body", [{"error": None, "id": 1}, {"data": [1], "errors": []}, [], "hello", {"errors": 0}])
def test_a_200_without_one_does(body: Any) -> None:
    assert serves(answer(body), None, None)


def test_a_body_that_nests_deeply_is_compared_all_the_same() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": [deep]}
    assert kinship(answer(deep), answer({"a": [deep]})) > 0.5

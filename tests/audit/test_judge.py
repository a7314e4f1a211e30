from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.judge import Judge, alike, kinship, serves


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


@pytest.mark.parametrize("body", [{"error": None, "id": 1}, {"data": [1], "errors": []}, [], "hello", {"errors": 0}])
def test_a_200_without_one_does(body: Any) -> None:
    assert serves(answer(body), None, None)


def test_a_body_that_nests_deeply_is_compared_all_the_same() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": [deep]}
    assert kinship(answer(deep), answer({"a": [deep]})) > 0.5

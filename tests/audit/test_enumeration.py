"""Log-ins that tell who has an account, and ones that do not."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence, Exchange
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs import filtering

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULE = next(rule for rule in filtering.RULES if rule.id == "filtering-user-enumeration")
JSON = {"Content-Type": "application/json"}
USERS = {"anna": "right", "anna@example.com": "right", "70123": "right", "C-10042-7": "right"}
TEXT = {"type": "string"}


def document(takes: str = "username", path: str = "/login", *, secret: bool = True) -> dict[str, Any]:
    schema = {"type": "object", "properties": {takes: TEXT, **({"password": TEXT} if secret else {})}}
    body = {"content": {"application/json": {"schema": schema}}}
    return {"paths": {path: {"post": {"requestBody": body, "responses": {}}}, "/me": {"get": {"responses": {}}}}}


class Door:
    """`say(known)` is what a refusal is: status and body. Counts how often each name was tried."""

    def __init__(self, say: Callable[[bool, str], tuple[int, Any]], me: Any = None) -> None:
        self.say, self.me, self.tried = say, me, []  # type: ignore[var-annotated]

    def __call__(self, request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/me":
            return (200, JSON, json.dumps(self.me).encode()) if self.me else (404, JSON, b"{}")
        given = json.loads(request.content)
        name = next(value for key, value in given.items() if key != "password")
        self.tried.append(name)
        status, body = self.say(name in USERS, name)
        return status, JSON, json.dumps(body).encode()


def look(serve: Callable[..., str], live: Callable[..., Target], door: Any, *keys: Any, **more: Any) -> Looked:
    described = more.pop("document", document())
    target = live(serve(door), described, *keys, active=True, **more)
    target.probe.active = True
    return RULE.look(target)


TELLING: list[Callable[[bool, str], tuple[int, Any]]] = [
    lambda known, _: (401, {"error": "wrong password"}) if known else (404, {"error": "no such user"}),
    lambda known, _: (200, {"ok": False, "error": "wrong password" if known else "nobody of that name"}),
    lambda known, name: (401, {"detail": f"password of {name} is wrong" if known else f"{name} is unknown"}),
    lambda known, _: (200, {"code": 2, "msg": "bad password" if known else "bad user"}),
]
SILENT: list[Callable[[bool, str], tuple[int, Any]]] = [
    lambda _, __: (401, {"error": "wrong name or password"}),
    lambda _, name: (401, {"error": f"no {name} with this password", "at": "2026-11-25T10:00:00Z"}),
    lambda _, name: (422, {"error": "x", "request_id": f"{id(name):032x}"}),
]


@pytest.mark.parametrize("say", TELLING)
@pytest.mark.parametrize("user", ["anna", "anna@example.com", "70123"])
def test_a_refusal_that_differs_for_who_is_there_is_shown(serve: Any, live: Any, say: Any, user: str) -> None:
    door = Door(say)
    (seen,) = look(serve, live, door, user=user).seen
    assert [one.role for one in seen.evidence if isinstance(one, Exchange)] == [
        "baseline",
        "attack",
        "control",
        "repeat",
    ]
    assert door.tried.count(user) == 2
    assert len(door.tried) == 4


@pytest.mark.parametrize("say", SILENT)
def test_a_refusal_that_says_the_same_is_not(serve: Any, live: Any, say: Any) -> None:
    assert look(serve, live, Door(say), user="anna").seen == ()


def test_two_answers_for_names_of_nobody_are_no_measure(serve: Any, live: Any) -> None:
    texts = iter(["a", "b", "c", "d"])
    with pytest.raises(Untried, match="two ways"):
        look(serve, live, Door(lambda *_: (401, {"error": next(texts)})), user="anna")


@pytest.mark.parametrize("status", [400, 422])
def test_a_number_that_is_none_by_its_check_digit_is_no_sure_sign(serve: Any, live: Any, status: int) -> None:
    def say(known: bool, name: str) -> tuple[int, Any]:
        assert re.fullmatch(r"C-\d{5}-\d", name)
        return (401, {"error": "wrong password"}) if known else (status, {"error": "this is no customer number"})

    (seen,) = look(serve, live, Door(say), user="C-10042-7").seen
    assert seen.confidence is Confidence.SUSPECTED


def test_a_log_in_that_throttles_is_not_judged(serve: Any, live: Any) -> None:
    tries = iter([401, 401, 429, 429])
    with pytest.raises(Untried, match="throttles"):
        look(serve, live, Door(lambda *_: (next(tries), {})), user="anna")


def test_the_name_comes_from_what_the_api_tells_its_caller(serve: Any, live: Any) -> None:
    door = Door(TELLING[0], {"user": {"name": "Anna B", "email": "anna@example.com"}})
    assert look(serve, live, door, "a-key", document=document("email")).seen
    assert door.tried.count("anna@example.com") == 2


def test_the_name_comes_from_the_claims_of_a_token(serve: Any, live: Any) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"preferred_username": "anna"}).encode()).decode().rstrip("=")
    door = Door(TELLING[0])
    assert look(serve, live, door, Key("header", "Authorization", f"Bearer e30.{claims}.c2ln")).seen


@pytest.mark.parametrize("me", [None, {"name": "Anna B"}, {"id": 3}, {"email": "anna@example.com"}])
def test_a_name_that_may_not_be_the_one_is_not_used(serve: Any, live: Any, me: Any) -> None:
    door = Door(TELLING[0], me)
    with pytest.raises(Untried, match="--user") as caught:
        look(serve, live, door, "a-key")
    assert (door.tried, caught.value.missed) == ([], False)


def test_a_reset_is_asked_only_for_a_name_that_was_given(serve: Any, live: Any) -> None:
    reset = document("email", "/password/forgot", secret=False)
    door = Door(lambda known, _: (202, {}) if known else (404, {}), {"email": "anna@example.com"})
    with pytest.raises(Untried):
        look(serve, live, door, "a-key", document=reset)
    assert door.tried == []
    (seen,) = look(serve, live, door, "a-key", document=reset, user="anna@example.com").seen
    assert "reset" in seen.detail


def test_an_api_without_a_log_in_is_skipped(serve: Any, live: Any) -> None:
    with pytest.raises(Untried, match="no log-in"):
        look(serve, live, Door(TELLING[0]), document={"paths": {}}, user="anna")
    assert RULE.active


@pytest.mark.usefixtures("again")
def test_a_line_for_a_shell_shows_the_difference_once_more(serve: Any, live: Any) -> None:
    assert look(serve, live, Door(TELLING[0]), user="anna").seen

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.promotion import promoted
from ninefold.audit.rule import Untried
from ninefold.audit.run import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target


def _body(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(names), "properties": {one: {"type": "string"} for one in names}}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}


OPEN: dict[str, Any] = {"security": []}
DOCUMENT: dict[str, Any] = {
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/signup": {"post": {"operationId": "join", **OPEN, **_body("username", "password")}},
        "/login": {"post": {"operationId": "enter", **OPEN, **_body("username", "password")}},
        "/users/me": {
            "get": {"operationId": "me", "responses": {}},
            "patch": {"operationId": "change", **_body()},
            "delete": {"operationId": "leave", "responses": {}},
        },
    },
}


class People:
    """`flaws`: `join` and `change` take every member. `wrapped`: 200 whatever happens, and an envelope."""

    def __init__(self, *flaws: str, wrapped: bool = False) -> None:
        self.flaws, self.wrapped = flaws, wrapped
        self.people: dict[str, dict[str, Any]] = {"root": {"username": "root", "password": "x", "role": "admin"}}

    def __call__(self, handler: Any) -> tuple[int, dict[str, str], bytes]:
        status, said = self.answer(handler)
        if self.wrapped:
            said = {"ok": status < 400, **({"data": said} if status < 400 else {"error": "no"})}
            status = 200
        return status, {}, json.dumps(said).encode()

    def answer(self, handler: Any) -> tuple[int, Any]:
        given = json.loads(handler.content or b"{}")
        if handler.path == "/signup":
            kept = {"username": given["username"], "password": given["password"]}
            self.people[given["username"]] = {
                "role": "user",
                "is_admin": False,
                **(given if "join" in self.flaws else kept),
            }
            return 201, {}
        if handler.path == "/login":
            who = self.people.get(given["username"])
            return (
                (200, {"token": f"token-{given['username']}"})
                if who and who["password"] == given["password"]
                else (401, {})
            )
        me = self.people.get(handler.headers.get("Authorization", "").removeprefix("Bearer token-"))
        if me is None or handler.path != "/users/me":
            return 401, {}
        if handler.method == "DELETE":
            del self.people[me["username"]]
            return 200, {}
        if handler.method == "PATCH" and "change" in self.flaws:
            me.update(given)
        return 200, {name: value for name, value in me.items() if name != "password"}


@pytest.fixture
def tried(live: Callable[..., Target], serve: Callable[..., str]) -> Callable[..., Looked]:
    def run(api: People, document: dict[str, Any] = DOCUMENT) -> Looked:
        target = live(serve(api), document, active=True)
        try:
            return promoted(target)
        finally:
            assert clean(target) == ()
            assert list(api.people) == ["root"]
            assert api.people["root"]["role"] == "admin"

    return run


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("flaw", ["join", "change"])
def test_an_account_that_makes_itself_an_administrator_is_told(tried: Any, flaw: str, wrapped: bool) -> None:
    looked = tried(People(flaw, wrapped=wrapped))
    assert {one.detail.split("`")[1] for one in looked.seen} == {"role", "is_admin"}
    assert {one.place.operation for one in looked.seen} == {flaw}
    assert [piece.role for piece in looked.seen[0].evidence][:4] == ["baseline", "attack", "control", "repeat"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_api_that_keeps_the_role_to_itself_is_clear(tried: Any, wrapped: bool) -> None:
    looked = tried(People(wrapped=wrapped))
    assert (looked.at, looked.seen) == (2, ())


def test_an_account_that_could_not_be_removed_is_not_made(live: Any, serve: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["paths"]["/users/me"]["delete"]
    api = People("join")
    with pytest.raises(Untried, match="removed again"):
        promoted(live(serve(api), document, active=True))
    assert list(api.people) == ["root"]


def test_a_role_that_everybody_may_choose_is_declared(tried: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/signup"]["post"] |= _body("username", "password", "role")
    assert {one.detail.split("`")[1] for one in tried(People("join"), document).seen} == {"is_admin"}


def test_a_sign_up_that_takes_any_member_by_the_description_is_no_sure_sign(tried: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    content = document["paths"]["/signup"]["post"]["requestBody"]["content"]
    content["application/json"]["schema"]["additionalProperties"] = True
    assert {one.confidence for one in tried(People("join"), document).seen} == {Confidence.SUSPECTED}

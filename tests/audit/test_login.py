"""Log-ins are found by what they take, in OpenAPI and in GraphQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from tests.audit.servers import Library

from ninefold.audit.login import logins, resets
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

TEXT = {"type": "string"}


def post(path: str, media: str = "application/json", **members: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": members, "required": list(members)}
    return {"paths": {path: {"post": {"requestBody": {"content": {media: {"schema": schema}}}, "responses": {}}}}}


@pytest.mark.parametrize(
    ("document", "takes"),
    [
        (post("/login", username=TEXT, password=TEXT), "username"),
        (post("/v1/session", name=TEXT, password=TEXT), "name"),
        (post("/auth/token", media="application/x-www-form-urlencoded", username=TEXT, password=TEXT), "username"),
        (post("/sign-in", email=TEXT, pin=TEXT, device=TEXT), "email"),
        (post("/signup", email=TEXT, password=TEXT), None),
        (post("/login/change", email=TEXT, password=TEXT), None),
        (post("/orders", name=TEXT, secret=TEXT), None),
        (post("/token/refresh", name=TEXT, secret=TEXT), None),
        (post("/login", password=TEXT), None),
        ({"paths": {"/login": {"get": {"responses": {}}, "post": {"responses": {}}}}}, None),
    ],
)
def test_a_log_in_takes_a_name_and_a_secret(live: Callable[..., Target], document: Any, takes: str | None) -> None:
    found = logins(live("http://127.0.0.1:9", document))
    assert [one.takes for one in found] == ([takes] if takes else [])
    for one in found:
        raw = one.ask("anna", "a word").body.decode()
        given = {name: value[0] for name, value in parse_qs(raw).items()} if "=" in raw else json.loads(raw)
        assert {"anna", "a word"} <= set(given.values())


def test_a_reset_takes_a_name_alone(live: Callable[..., Target]) -> None:
    document = {
        "paths": {**post("/password/forgot", email=TEXT)["paths"], **post("/password/reset", token=TEXT)["paths"]}
    }
    assert [one.takes for one in resets(live("http://127.0.0.1:9", document))] == ["email"]


def test_no_log_in_is_tried_without_leave(live: Callable[..., Target]) -> None:
    target = live("http://127.0.0.1:9", post("/login", username=TEXT, password=TEXT))
    with pytest.raises(Untried, match="--active"):
        target.probe.send(logins(target)[0].ask("a", "b"))


def test_a_mutation_that_logs_in_is_one_and_needs_leave(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    sdl = "type Query { a: Int } type Mutation { login(name: String!, pin: String!): String rename(name: String!, pin: String!): Int }"
    library = Library(sdl=sdl)
    target = live(serve(library))
    (found,) = logins(target)
    ask = found.ask('o"brien\u00e9', "1\\2")
    with pytest.raises(Untried, match="--active"):
        target.probe.send(ask)
    assert not any(one.startswith("mutation") for one in library.ran)
    assert json.loads(ask.body)["query"] == r'mutation{login(name:"o\"brien\u00e9",pin:"1\\2")}'

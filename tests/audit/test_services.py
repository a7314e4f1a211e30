from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Severity
from ninefold.audit.rule import Untried
from ninefold.audit.services import differing
from ninefold.audit.target import Target
from ninefold.contract.description import Kind
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from ninefold.contract.description import Description

NOW = 1_795_000_000.0
KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
BEARER = {"type": "http", "scheme": "bearer"}
OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://l.example/token", "scopes": {}}}}


def _api(source: str, path: str = "/things", **schemes: Any) -> Description:
    security: list[Any] = [{name: []} for name in schemes]
    operation = {"security": security, "responses": {}}
    document = {"openapi": "3.0.3", "paths": {path: {"get": operation}}, "components": {"securitySchemes": schemes}}
    return read(document, source)


def _seen(*apis: Description) -> list[tuple[str, list[str]]]:
    causes: dict[str, list[str]] = {}
    for one in differing(Target(now=NOW, fleet=apis)).seen:
        causes.setdefault(one.cause, []).append(str(one.place))
    return list(causes.items())


@pytest.mark.parametrize(
    ("apis", "cause"),
    [
        ((_api("a", key=KEY), _api("b", key={**KEY, "name": "X-Token"})), "field an API key in the header"),
        ((_api("a", key=KEY), _api("b", token=BEARER)), "schemes"),
        ((_api("a", basic={"type": "http", "scheme": "basic"}), _api("b", token=OAUTH)), "schemes"),
        ((_api("a", bearerAuth=BEARER), _api("b", jwt=BEARER)), "name a bearer token"),
        ((_api("a", token=BEARER), _api("b", oauth=OAUTH)), "name a bearer token"),
        ((_api("a", key=KEY), _api("b", key={**KEY, "in": "query"})), "schemes"),
    ],
)
def test_a_difference_is_one_cause_with_a_place_in_each_file(apis: tuple[Description, ...], cause: str) -> None:
    ((found, places),) = _seen(*apis)
    assert found == cause
    assert [place[0] for place in places] == ["a", "b"]


@pytest.mark.parametrize(
    "apis",
    [
        (_api("a", key=KEY), _api("b", key=KEY)),
        (_api("a", key=KEY), _api("b", key={**KEY, "name": "x-api-key"})),
        (_api("a", token=BEARER), _api("b", token=OAUTH)),
        (_api("a", key=KEY, token=BEARER), _api("b", token=BEARER)),
        (
            _api("a", token=BEARER),
            _api("b", "/oauth/token", basic={"type": "http", "scheme": "basic"}),
            _api("c", token=BEARER),
        ),
        (_api("a", key=KEY), _api("b"), _api("c", key=KEY)),
    ],
)
def test_what_is_alike_is_no_finding(apis: tuple[Description, ...]) -> None:
    assert _seen(*apis) == []


def test_a_name_alone_is_a_small_matter() -> None:
    looked = differing(Target(now=NOW, fleet=(_api("a", one=BEARER), _api("b", two=BEARER))))
    assert {one.severity for one in looked.seen} == {Severity.LOW}


def test_examples_promise_nothing_and_are_not_compared() -> None:
    recorded = replace(_api("b", token=BEARER), kind=Kind.HAR)
    with pytest.raises(Untried, match="fewer than two"):
        differing(Target(now=NOW, fleet=(_api("a", key=KEY), recorded)))


def test_a_scheme_that_is_asked_for_and_not_defined_is_another_rules_matter() -> None:
    undefined = read({"openapi": "3.0.3", "security": [{"gone": []}], "paths": {"/a": {"get": {}}}}, "b")
    with pytest.raises(Untried, match="fewer than two"):
        differing(Target(now=NOW, fleet=(_api("a", key=KEY), undefined)))

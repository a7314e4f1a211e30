from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.key import Key
from ninefold.audit.probe import Limits, parse_origin
from ninefold.audit.rehearsal import BEHAVIOURS, Kind, Rehearsal, grants, guards, serves, throttles
from ninefold.audit.rule import Untried
from ninefold.audit.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description

ORDER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "example": "o-7"}}}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"responses": {"200": {"description": "one", "content": {"application/json": {"schema": ORDER}}}}},
        },
        "/orders/new": {"get": {"responses": {"200": {"description": "form"}}}},
    }
}
KEY = Key("header", "X-API-Key", "k7Qw2ZrT9xLm4VbN")


@pytest.fixture
def rehearsal(describe: Callable[[dict[str, Any]], Description]) -> Callable[..., Rehearsal]:
    target = Target(now=0.0, description=describe(DOCUMENT), keys=(KEY,))
    origin = parse_origin("https://127.0.0.1:9/v1")
    return lambda behave=serves, limits=None: Rehearsal(target, origin, limits=limits or Limits(), behave=behave)


def test_requests_are_counted_as_the_description_writes_them(rehearsal: Callable[..., Rehearsal]) -> None:
    probe = rehearsal()
    probe.rule = "a-rule"
    for path in ("/v1/orders/1", "/v1/orders/2", "/v1/orders/new", "/v1/orders/1/2", "/v1/ninefold-0123456789abcdef-1"):
        probe.send(Ask("GET", path))
    probe.plain(Ask("GET", "/v1/orders/1"))
    assert {(kind.path, many) for kind, many in probe.counts.items()} == {
        ("/v1/orders/{id}", 2),
        ("/v1/orders/new", 1),
        ("/v1/orders/1/2", 1),
        ("/v1/ninefold-*-1", 1),
        ("/v1/orders/{id} (plain HTTP)", 1),
    }
    assert {(kind.rule, kind.method) for kind in probe.counts} == {("a-rule", "GET")}


def test_answers_are_of_the_declared_schema(rehearsal: Callable[..., Rehearsal]) -> None:
    assert json.loads(rehearsal().send(Ask("GET", "/v1/orders/1")).body) == {"id": "o-7"}


def test_an_api_is_played_as_serving_guarding_granting_and_throttling(rehearsal: Callable[..., Rehearsal]) -> None:
    ask = Ask("GET", "/v1/orders/1")
    assert rehearsal(guards).send(ask).status == 401
    assert rehearsal(guards).send(KEY.on(ask)).status == 200
    assert rehearsal(guards).send(KEY.wrong().on(ask)).status == 401
    assert (
        rehearsal(grants).send(ask.header("Origin", "https://a.example")).header("access-control-allow-origin")
        == "https://a.example"
    )
    probe = rehearsal(throttles)
    assert [probe.send(ask, patient=False).status for _ in range(25)].index(429) == 20
    assert all(rehearsal(behave).send(KEY.on(Ask("GET", "/v1/nothing"))).status == 404 for behave in BEHAVIOURS)


def test_handshakes_are_counted_and_not_made(rehearsal: Callable[..., Rehearsal]) -> None:
    probe = rehearsal()
    assert probe.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3).agreed
    assert probe.distrusted() == ""
    assert probe.counts[Kind("", "TLS", "handshake")] == 2


def test_limits_hold_and_methods_that_change_things_need_leave(rehearsal: Callable[..., Rehearsal]) -> None:
    with pytest.raises(Untried, match="--active"):
        rehearsal().send(Ask("DELETE", "/v1/orders/1"))
    probe = rehearsal(limits=Limits(budget=1))
    probe.send(Ask("GET", "/"))
    with pytest.raises(Untried, match="budget"):
        probe.send(Ask("GET", "/"))


def test_there_is_no_way_to_connect(rehearsal: Callable[..., Rehearsal]) -> None:
    with pytest.raises(Untried, match="does not connect"):
        rehearsal().dial.through(lambda address: pytest.fail(f"connected to {address}"))

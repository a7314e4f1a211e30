"""The whole chain, without I/O: who is admitted, who is refused by which step, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.guard.answer import Answer
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan

OK = {
    "200": {
        "description": "ok",
        "content": {"application/json": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    }
}
API: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/things": {
            "get": {"operationId": "list", "responses": OK},
            "post": {
                "operationId": "make",
                "responses": OK,
                "requestBody": {"content": {"application/json": {"schema": {}}, "image/*": {}}},
            },
        },
        "/things/{id}": {"get": {"operationId": "one", "responses": OK}},
        "/things/special": {"get": {"operationId": "special", "responses": OK}},
        "/free": {"get": {"operationId": "free", "responses": OK}},
        "/closed": {"get": {"operationId": "closed", "responses": OK}},
    },
}
RULES = {
    "roles": {"reader": ["things:read"], "writer": ["reader", "things:write"]},
    "rules": [
        {"operations": ["list", "one"], "allow": ["things:read"]},
        {"operations": ["make"], "allow": ["things:write"]},
        {"operations": ["special"], "allow": ["writer"]},
        {"operations": ["free"], "public": "everybody may see it"},
    ],
}


def _verdict(guard: Any, request: Any) -> tuple[int, str] | str | Need:
    decision = guard.admit(request)
    if isinstance(decision, Need):
        return decision
    return (decision.status, decision.step) if isinstance(decision, Answer) else decision.operation


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"path": "/things"}, "list"),
        ({"path": "/things", "method": "HEAD"}, "list"),
        ({"path": "/things/7"}, "one"),
        ({"path": "/things/special", "key": "writer"}, "special"),
        ({"path": "/free", "key": ""}, "free"),
        ({"path": "/things", "key": ""}, (401, "caller")),
        ({"path": "/things", "key": "wrong"}, (401, "caller")),
        ({"path": "/things", "time": 3e9}, (401, "caller")),
        ({"path": "/things", "address": "192.0.2.1"}, (401, "caller")),
        ({"path": "/things", "address": "::1"}, (401, "caller")),
        ({"path": "/things", "repeated": (b"x-api-key",)}, (401, "caller")),
        ({"path": "/things/special"}, (403, "permission")),
        ({"path": "/things/special", "key": "narrow"}, (403, "permission")),
        ({"path": "/things/SPECIAL", "key": "good"}, (400, "route")),
        ({"path": "/things/special;x=1", "key": "good"}, (400, "route")),
        ({"path": "/things/%73pecial", "key": "good"}, (403, "permission")),
        ({"path": "/things/special.", "key": "good"}, (400, "route")),
        ({"path": "/closed", "key": "writer"}, (403, "permission")),
        ({"path": "/things", "method": "DELETE"}, (405, "route")),
        ({"path": "/nothing", "key": ""}, (404, "route")),
        ({"path": "/things", "method": "POST", "key": "writer", "body": 5, "content_type": "application/json; charset=utf-8"}, Need.BODY),
        ({"path": "/things", "method": "POST", "key": "writer", "body": -1, "content_type": "image/png"}, "make"),
        ({"path": "/things", "method": "POST", "key": "writer", "body": 5, "content_type": "text/xml"}, (415, "content")),
        ({"path": "/things", "method": "POST", "key": "writer", "body": 5}, (415, "content")),
        ({"path": "/things", "method": "POST", "key": "writer", "body": 2_000_000, "content_type": "application/json"}, (413, "content")),
        ({"path": "/things", "body": 5, "content_type": "application/json"}, (415, "content")),
        ({"path": "/things", "origin": "https://evil.example"}, (403, "origin")),
        ({"path": "/things", "origin": "null"}, (403, "origin")),
        ({"path": "/things", "origin": "https://app.example.com.evil.example"}, (403, "origin")),
        ({"path": "/things", "origin": "http://app.example.com"}, (403, "origin")),
        ({"path": "/things", "origin": "https://app.example.com"}, "list"),
        ({"path": "/things", "origin": "https://api.example.com"}, "list"),
    ],
)  # fmt: skip
def test_each_request_is_decided_by_the_first_step_that_minds(
    make_guard: Any, ask: Any, asked: Any, expected: Any
) -> None:
    guard = make_guard(API, authorization=RULES, origins={"allow": ["https://app.example.com"]})
    assert _verdict(guard, ask(**asked)) == expected


def test_a_refusal_for_every_fault_of_a_key_looks_the_same(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API, authorization=RULES)
    answers = [guard.admit(ask("/things", key)) for key in ("", "wrong")] + [
        guard.admit(ask("/things", time=3e9)),
        guard.admit(ask("/things", address="192.0.2.1")),
    ]
    assert len({(one.status, one.fields, one.body) for one in answers}) == 1
    assert len({one.reason for one in answers}) == 4


def test_without_authorization_any_valid_key_may_call_and_nobody_else(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API)
    assert _verdict(guard, ask("/closed")) == "closed"
    assert _verdict(guard, ask("/closed", "")) == (401, "caller")


def test_a_key_alone_is_taken_from_everywhere_only_by_the_contracts_own_words(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API, keys={"alone": "the callers are all over the world"})
    assert _verdict(guard, ask("/things", address="192.0.2.1")) == "list"
    guard = make_guard(API, keys={"with": {"ip": ["192.0.2.0/24", "2001:db8::/32"]}})
    assert _verdict(guard, ask("/things", address="192.0.2.1")) == "list"
    assert _verdict(guard, ask("/things", address="2001:db8::9")) == "list"
    assert _verdict(guard, ask("/things")) == (401, "caller")


def test_a_stale_ring_is_a_need_and_asking_again_counts_the_arrival_once(make_guard: Any, ask: Any, ring: Any) -> None:
    guard = make_guard(API, limits=[{"per": "ip", "rate": "1/min", "burst": 1}])
    request = ask("/things")
    ring.stale = 1
    assert guard.admit(request) is Need.KEYS
    assert guard.admit(request) is Need.KEYS
    ring.stale = 0
    assert isinstance(guard.admit(request), Plan)


def test_a_fault_inside_a_check_keeps_the_gate_shut(make_guard: Any, ask: Any, ring: Any) -> None:
    guard = make_guard(API)
    ring.present = None
    answer = guard.admit(ask("/things"))
    assert (answer.status, answer.step) == (503, "guard")
    assert b"NoneType" not in answer.body


def test_limits_hold_per_address_caller_and_operation_and_recover(make_guard: Any, ask: Any) -> None:
    limits = [
        {"per": "caller", "rate": "60/min", "burst": 2},
        {"per": ["caller", "operation"], "rate": "6/min", "burst": 1},
    ]
    guard = make_guard(API, authorization=RULES, limits=limits)
    assert _verdict(guard, ask("/things")) == "list"
    refused = guard.admit(ask("/things"))
    assert (refused.status, refused.step) == (429, "quota")
    assert dict(refused.fields)[b"retry-after"] == b"10"
    assert _verdict(guard, ask("/things/1", "writer")) == "one"
    assert _verdict(guard, ask("/things", now=110.1)) == "list"


def test_a_guess_is_limited_by_address_whatever_key_it_tries(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API, limits=[{"per": "ip", "rate": "5/min", "burst": 5}])
    verdicts = [_verdict(guard, ask("/things", f"guess{n}")) for n in range(8)]
    assert verdicts == [(401, "caller")] * 5 + [(429, "arrival")] * 3
    assert _verdict(guard, ask("/nothing")) == (429, "arrival")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"access_control_request_method": "GET"}, 204),
        ({"access_control_request_method": "POST", "access_control_request_headers": "content-type, x-api-key"}, 204),
        ({"access_control_request_method": "DELETE"}, 403),
        ({"access_control_request_method": "GET", "access_control_request_headers": "x-evil"}, 403),
    ],
)
def test_a_preflight_is_answered_without_a_key_and_without_the_upstream(
    make_guard: Any, ask: Any, fields: dict[str, str], status: int
) -> None:
    guard = make_guard(API, authorization=RULES, origins={"allow": ["https://app.example.com"]})
    request = ask("/things", "", "OPTIONS", origin="https://app.example.com", **fields)
    answer = guard.admit(request)
    assert answer.status == status
    assert b"access-control-allow-origin: https://app.example.com\r\n" in guard.block(request)
    foreign = guard.admit(ask("/things", "", "OPTIONS", origin="https://evil.example", **fields))
    assert foreign.status == 403


def test_ten_thousand_operations_are_routed_as_ten_are(make_guard: Any, ask: Any) -> None:
    paths = {f"/r{n}/{{id}}/x": {"get": {"operationId": f"o{n}", "responses": OK}} for n in range(2000)}
    guard = make_guard({**API, "paths": paths})
    assert _verdict(guard, ask("/r1999/5/x")) == "o1999"
    assert _verdict(guard, ask("/r2000/5/x")) == (404, "route")


def test_operations_that_let_out_the_same_share_one_projector_and_others_do_not(make_guard: Any) -> None:
    def answer(**members: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in members.items()}}
        return {"200": {"description": "-", "content": {"application/json": {"schema": schema}}}}

    paths = {
        "/a": {"get": {"operationId": "a", "responses": answer(x="string")}},
        "/b": {"get": {"operationId": "b", "responses": answer(x="string")}},
        "/c": {"get": {"operationId": "c", "responses": answer(x="integer")}},
        "/d": {"get": {"operationId": "d", "responses": answer(x="string", y="string")}},
    }
    guard = make_guard({**API, "paths": paths})
    made = [guard._router.find(path).plan("GET").treatments.of(200, b"application/json").projector for path in paths]
    assert made[0] is made[1]
    assert len({id(one) for one in made}) == 3

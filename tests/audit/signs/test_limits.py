"""Sign 6, on APIs that show it and on ones that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.rule import Untried
from ninefold.audit.signs import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

RULES = {rule.id: rule for rule in limits.RULES}
ONE = {"paths": {"/a": {"get": {"responses": {"200": {"description": "-"}}}}}}


def look(rule: str, target: Target) -> Looked:
    return RULES[rule].look(target)


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "paths": {
            "/a": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}
        }
    }


@pytest.mark.parametrize(
    ("responses", "shown"),
    [
        ({"200": {"description": "-"}}, True),
        ({"200": {"description": "-"}, "429": {"description": "-"}}, False),
        ({"200": {"description": "-"}, "4XX": {"description": "-"}}, False),
        ({"200": {"description": "-", "headers": {"RateLimit-Remaining": {"schema": {}}}}}, False),
    ],
)
def test_an_operation_that_tells_of_no_limit_is_shown(
    static: Callable[..., Target], responses: Any, shown: bool
) -> None:
    assert bool(look("limits-undeclared", static({"paths": {"/a": {"get": {"responses": responses}}}})).seen) is shown


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "string"}, True),
        ({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}}, True),
        ({"type": "array", "items": {"type": "integer"}}, True),
        ({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]}, True),
        ({"type": "string", "maxLength": 5}, False),
        ({"type": "string", "format": "uuid"}, False),
        ({"type": "string", "enum": ["a"]}, False),
        ({"type": "array", "maxItems": 3, "items": {"type": "integer"}}, False),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, False),
    ],
)
def test_text_and_lists_of_any_length_are_shown(static: Callable[..., Target], schema: Any, shown: bool) -> None:
    assert bool(look("limits-unbounded-input", static(_body(schema))).seen) is shown


def _limited(most: int, *, tell: bool = False, by_header: bool = False) -> Callable[..., Any]:
    taken: dict[str, int] = {}

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path != "/a":
            return 404, {}, b"no"
        who = request.headers.get("X-Forwarded-For", "you") if by_header else "you"
        taken[who] = taken.get(who, 0) + 1
        left = most - taken[who]
        fields = {"Content-Type": "application/json", **({"RateLimit": f'"all";r={max(left, 0)};t=60'} if tell else {})}
        return (200, fields, b"{}") if left >= 0 else (429, {**fields, "Retry-After": "1"}, b"{}")

    return api


def test_a_burst_that_nobody_stops_is_shown_with_its_proof(serve: Any, live: Any) -> None:
    looked = look("limits-burst", live(serve(_limited(10**9)), ONE))
    assert [one.cause for one in looked.seen] == ["burst"]
    assert [getattr(one, "role", "") for one in looked.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]


@pytest.mark.parametrize("api", [_limited(60), _limited(10_000, tell=True)])
def test_a_limit_that_holds_or_counts_down_is_none(serve: Any, live: Any, api: Any) -> None:
    assert look("limits-burst", live(serve(api), ONE)).seen == ()


def test_a_limit_that_is_announced_and_not_reached_is_not_judged(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        del request
        return 200, {"RateLimit": '"all";r=99999;t=1'}, b"{}"

    with pytest.raises(Untried, match="does not reach"):
        look("limits-burst", live(serve(api), ONE))


def test_a_limit_that_counts_claimed_addresses_is_shown(serve: Any, live: Any) -> None:
    looked = look("limits-spoofed-address", live(serve(_limited(10_000, tell=True, by_header=True)), ONE))
    assert [one.cause for one in looked.seen] == ["forwarded"]
    assert look("limits-spoofed-address", live(serve(_limited(10_000, tell=True)), ONE)).seen == ()
    with pytest.raises(Untried):
        look("limits-spoofed-address", live(serve(_limited(10_000)), ONE))

"""Sign 6, on APIs that show it and on ones that do not."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.finding import Confidence
from ninefold.audit.guessing import GUESSES
from ninefold.audit.key import Key
from ninefold.audit.rule import Untried
from ninefold.audit.signs import limits
from ninefold.contract.load import load_contract

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
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "integer", "maximum": 10}}}, False),
        ({"type": "object", "properties": {"id": {"type": "integer"}, "productId": {"type": "integer"}}}, False),
    ],
)
def test_text_and_lists_of_any_length_are_shown(static: Callable[..., Target], schema: Any, shown: bool) -> None:
    assert bool(look("limits-unbounded-input", static(_body(schema))).seen) is shown


@pytest.mark.parametrize("word", ["x-kong-plugin-rate-limiting", "x-throttling-tier", "x-ratelimit"])
def test_a_limit_that_an_extension_tells_of_counts(static: Callable[..., Target], word: str) -> None:
    get = {"responses": {"200": {"description": "-"}}}
    for told in ({"/a": {"get": {**get, word: {}}}}, {"/a": {"get": get, word: {}}}):
        assert look("limits-undeclared", static({"paths": told})).seen == ()
    assert look("limits-undeclared", static({"paths": {"/a": {"get": get}}, word: {}})).seen == ()


def _limited(
    most: int, *, tell: bool = False, by_header: str = "", hollow: bool = False, retry: str = "Retry-After"
) -> Callable[..., Any]:
    """An API that serves `most` requests of a caller, or says that it does; `by_header`: it believes that field."""
    taken: dict[str, int] = {}

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        if request.path != "/a":
            return 404, {}, b"no"
        who = request.headers.get(by_header, "you") if by_header else "you"
        taken[who] = taken.get(who, 0) + 1
        left = most - taken[who]
        fields = {"Content-Type": "application/json"}
        if tell:
            fields["RateLimit"] = f'"all";r={max(left, 0)}'
        if left >= 0 or hollow:
            return 200, fields, b"{}"
        return 429, {**fields, **({retry: "1"} if retry else {})}, b"{}"

    return api


def test_a_burst_that_nobody_stops_is_shown_with_its_proof(serve: Any, live: Any) -> None:
    looked = look("limits-burst", live(serve(_limited(10**9)), ONE))
    assert [one.cause for one in looked.seen] == ["burst"]
    assert re.match(
        r"\d+ requests in \d+\.\d s, and 30 more after them, were all served by /a\. No", looked.seen[0].detail
    )
    assert [one.role for one in looked.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]


def test_a_limit_above_the_burst_that_nobody_tells_of_is_not_ruled_out(serve: Any, live: Any) -> None:
    (seen,) = look("limits-burst", live(serve(_limited(1000)), ONE)).seen
    assert (seen.confidence or RULES["limits-burst"].confidence) is Confidence.SUSPECTED


@pytest.mark.parametrize(
    ("rate", "burst", "sure"),
    [("60/min", 100, Confidence.CONFIRMED), ("60/min", 1000, None), ("100000/min", 10, None)],
)
def test_what_is_more_than_the_contract_allows_is_proven(
    serve: Any, live: Any, tmp_path: Any, rate: str, burst: int, sure: Confidence | None
) -> None:
    told = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, **ONE}
    (tmp_path / "openapi.json").write_text(json.dumps(told))
    limits = f"limits:\n  rates:\n    - {{per: ip, rate: {rate}, burst: {burst}}}\n"
    (tmp_path / "contract.yaml").write_text(f"api: {{description: openapi.json}}\n{limits}")
    target = live(serve(_limited(10**9)), ONE, contract=load_contract(tmp_path / "contract.yaml"))
    (seen,) = look("limits-burst", target).seen
    assert (seen.confidence, "The contract allows 10" in seen.detail) == (sure, sure is not None)


@pytest.mark.parametrize("api", [_limited(60), _limited(10_000, tell=True), _limited(60, tell=True)])
def test_a_limit_that_holds_or_counts_down_is_none(serve: Any, live: Any, api: Any) -> None:
    assert look("limits-burst", live(serve(api), ONE)).seen == ()


def test_a_limit_that_is_spent_and_serves_on_is_shown(serve: Any, live: Any) -> None:
    looked = look("limits-burst", live(serve(_limited(50, tell=True, hollow=True)), ONE))
    assert [(one.cause, one.confidence) for one in looked.seen] == [("hollow", Confidence.CONFIRMED)]


def test_a_limit_that_is_announced_and_not_reached_is_not_judged(serve: Any, live: Any) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        del request
        return 200, {"RateLimit": '"all";r=99999;t=1'}, b"{}"

    with pytest.raises(Untried, match="does not reach"):
        look("limits-burst", live(serve(api), ONE))


def test_an_api_that_breaks_under_the_burst_is_not_judged(serve: Any, live: Any) -> None:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        del request
        count += 1
        return (200, {}, b"{}") if count < 40 else (500, {}, b"out of connections")

    with pytest.raises(Untried, match="not into 429"):
        look("limits-burst", live(serve(api), ONE))


def test_the_rules_that_need_a_burst_share_one(serve: Any, live: Any) -> None:
    target = live(serve(_limited(30)), ONE)
    for rule in ("limits-burst", "limits-no-retry-after"):
        look(rule, target)
    assert target.probe.sent < 40


@pytest.mark.parametrize("field", ["X-Forwarded-For", "X-Real-IP", "True-Client-IP"])
def test_a_limit_that_claimed_addresses_lift_is_shown_with_the_field(serve: Any, live: Any, field: str) -> None:
    looked = look("limits-spoofed-address", live(serve(_limited(40, by_header=field)), ONE))
    assert [one.cause for one in looked.seen] == ["forwarded"]
    assert f"({field})" in looked.seen[0].detail
    evidence = looked.seen[0].evidence
    assert [one.role for one in evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]
    assert [one.response.split()[1] for one in evidence] == ["429", "200", "429", "200"]  # type: ignore[union-attr]
    assert f"{field}: 198.51.100." in evidence[1].again.rpartition("; echo; ")[2]  # type: ignore[union-attr]
    assert "198.51.100." not in evidence[1].again.rpartition("; echo; ")[0]  # type: ignore[union-attr]


def test_a_limit_that_counts_claimed_addresses_is_shown(serve: Any, live: Any) -> None:
    told = _limited(10_000, tell=True, by_header="X-Forwarded-For")
    assert [one.cause for one in look("limits-spoofed-address", live(serve(told), ONE)).seen] == ["forwarded"]


@pytest.mark.parametrize("api", [_limited(40), _limited(10_000, tell=True)])
def test_a_limit_that_counts_who_really_calls_is_none(serve: Any, live: Any, api: Any) -> None:
    looked = look("limits-spoofed-address", live(serve(api), ONE))
    assert (looked.at, looked.seen) == (1, ())


def test_a_window_that_begins_anew_is_no_spoofed_address(serve: Any, live: Any) -> None:
    count = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        count += "X-Forwarded-For" not in request.headers or count % 5 == 4
        left = 500 - count if count < 130 or count % 2 else 5000 - count
        return 200, {"RateLimit": f'"all";r={left}'}, b"{}"

    assert look("limits-spoofed-address", live(serve(api), ONE)).seen == ()


def test_without_a_limit_there_is_none_to_get_round(serve: Any, live: Any) -> None:
    target = live(serve(_limited(10**9)), ONE)
    for rule in ("limits-spoofed-address", "limits-no-retry-after"):
        with pytest.raises(Untried) as untried:
            look(rule, target)
        assert not untried.value.missed


@pytest.mark.parametrize(
    ("field", "shown"),
    [("", True), ("X-Other", True), ("Retry-After", False), ("X-RateLimit-Reset", False), ("RateLimit-Reset", False)],
)
def test_a_429_must_say_when_to_come_back(serve: Any, live: Any, field: str, shown: bool) -> None:
    assert bool(look("limits-no-retry-after", live(serve(_limited(20, retry=field)), ONE)).seen) is shown


LOCKED = {
    "paths": {
        "/a": {"get": {"responses": {"200": {"description": "-"}}}},
        "/mine": {"get": {"security": [{"key": []}], "responses": {"200": {"description": "-"}}}},
    },
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Shop-Key"}}},
}


def _locked(most: int = 10**9) -> Callable[..., Any]:
    failed = 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal failed
        if request.path == "/a":
            return 200, {}, b'{"open": true}'
        if request.path != "/mine":
            return 404, {}, b"no"
        if request.headers.get("X-Shop-Key") == "right-key-of-luna":
            return 200, {}, b'{"mine": 1}'
        failed += 1
        return (401, {}, b"who?") if failed <= most else (429, {"Retry-After": "1"}, b"slower")

    return api


@pytest.mark.parametrize("keys", [(), (Key("header", "X-Shop-Key", "right-key-of-luna"),)])
def test_wrong_credentials_without_end_are_shown_and_kept_out_of_the_report(serve: Any, live: Any, keys: Any) -> None:
    looked = look("limits-guessing", live(serve(_locked()), LOCKED, *keys))
    assert [one.cause for one in looked.seen] == ["guessing"]
    asked = [one.request for one in looked.seen[0].evidence]  # type: ignore[union-attr]
    assert [one.role for one in looked.seen[0].evidence] == ["baseline", "attack", "control", "repeat"]  # type: ignore[union-attr]
    assert all("X-Shop-Key: [cut]" in one for one in (asked if keys else [asked[0], asked[1], asked[3]]))


def test_wrong_credentials_that_are_slowed_down_are_none(serve: Any, live: Any) -> None:
    looked = look("limits-guessing", live(serve(_locked(25)), LOCKED))
    assert (looked.at, looked.seen) == (1, ())


@pytest.mark.parametrize(("step", "shown"), [(0.02, False), (0.0, True)])
def test_a_delay_that_grows_with_each_guess_is_a_limit(serve: Any, live: Any, step: float, shown: bool) -> None:
    plain, failed = _locked(), 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal failed
        failed += request.path == "/mine"
        time.sleep(min(0.35, step * failed) if request.path == "/mine" else 0)
        answer: tuple[int, dict[str, str], bytes] = plain(request)
        return answer

    assert bool(look("limits-guessing", live(serve(api), LOCKED)).seen) is shown


def test_a_delay_that_has_grown_to_its_most_before_is_a_limit(serve: Any, live: Any) -> None:
    plain = _locked()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        answer: tuple[int, dict[str, str], bytes] = plain(request)
        time.sleep(0.35 if answer[0] == 401 and request.headers.get("X-Shop-Key") else 0)
        return answer

    key = Key("header", "X-Shop-Key", "right-key-of-luna")
    assert look("limits-guessing", live(serve(api), LOCKED, key)).seen == ()


def test_one_late_answer_is_no_limit(serve: Any, live: Any) -> None:
    plain, failed = _locked(), 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal failed
        failed += request.path == "/mine"
        time.sleep(0.4 if request.path == "/mine" and failed == GUESSES else 0)
        answer: tuple[int, dict[str, str], bytes] = plain(request)
        return answer

    assert look("limits-guessing", live(serve(api), LOCKED)).seen


@pytest.mark.parametrize(("most", "shown"), [(20, False), (10**9, True)])
def test_a_lock_that_nobody_is_told_of_is_a_limit(serve: Any, live: Any, most: int, shown: bool) -> None:
    plain, failed = _locked(), 0

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal failed
        status, headers, body = plain(request)
        failed += status == 401
        return (401, {}, b"who?") if request.path == "/mine" and failed > most else (status, headers, body)

    key = Key("header", "X-Shop-Key", "right-key-of-luna")
    assert bool(look("limits-guessing", live(serve(api), LOCKED, key)).seen) is shown


def test_an_api_without_credentials_has_none_to_guess(serve: Any, live: Any) -> None:
    with pytest.raises(Untried, match="needs a credential"):
        look("limits-guessing", live(serve(_limited(10**9)), ONE))


def _listing(schema: Any, *names: str, path: str = "/items") -> dict[str, Any]:
    parameters = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in names]
    content = {"application/json": {"schema": schema}}
    get = {"parameters": parameters, "responses": {"200": {"description": "-", "content": content}}}
    return {"paths": {path: {"get": get}}}


LIST = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}


@pytest.mark.parametrize(
    "told",
    [
        _listing(LIST),
        _listing({"type": "object", "properties": {"items": LIST}}),
        _listing({"type": ["array", "null"], "items": {"allOf": [{"type": "object"}]}}, "colour"),
    ],
)
def test_a_list_that_comes_all_at_once_is_shown(static: Callable[..., Target], told: Any) -> None:
    assert [one.cause for one in look("limits-unpaged-list", static(told)).seen] == ["no pages"]


@pytest.mark.parametrize(
    "told",
    [
        _listing(LIST, "limit", "offset"),
        _listing(LIST, "pageToken"),
        _listing(LIST, "$top", "$skip"),
        _listing(LIST, "starting_after"),
        _listing({**LIST, "maxItems": 50}),
        _listing({"type": "object", "properties": {"items": LIST, "nextCursor": {"type": "string"}}}),
        _listing({"type": "array", "items": {"type": "string"}}),
        _listing({"type": "object", "properties": {"id": {"type": "integer"}, "tags": LIST}}),
    ],
)
def test_a_list_with_pages_or_an_end_is_none(static: Callable[..., Target], told: Any) -> None:
    assert look("limits-unpaged-list", static(told)).seen == ()


def test_a_list_with_an_end_was_looked_at(static: Callable[..., Target]) -> None:
    assert look("limits-unpaged-list", static(_listing({**LIST, "maxItems": 50}))).at == 1
    assert look("limits-unpaged-list", static(_listing({"type": "object"}))).at == 0

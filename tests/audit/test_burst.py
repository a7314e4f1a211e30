from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.burst import BURST, WATCHED, burst, counts_down, is_throttled, left
from ninefold.audit.probe import Limits
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

ONE = {"paths": {"/a": {"get": {"responses": {"200": {"description": "-"}}}}}}


def answer(status: int = 200, fields: dict[str, str] | None = None) -> Answer:
    headers = tuple((name.lower(), value) for name, value in (fields or {}).items())
    return Answer(Ask("GET", "/a"), status, headers, b"")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"RateLimit": '"default";r=50;t=30'}, 50),
        ({"RateLimit": "r=7"}, 7),
        ({"RateLimit": "limit=10, remaining=5", "RateLimit-Remaining": "5"}, 5),
        ({"X-RateLimit-Remaining": "12"}, 12),
        ({"X-RateLimit-Remaining": "many"}, None),
        ({}, None),
    ],
)
def test_what_is_left_is_read_in_the_forms_that_there_are(fields: dict[str, str], said: int | None) -> None:
    assert left(answer(200, fields)) == said


def test_throttled_is_429_or_503_that_says_when() -> None:
    assert is_throttled(answer(429))
    assert is_throttled(answer(503, {"Retry-After": "1"}))
    assert not is_throttled(answer(503))


@given(st.integers(WATCHED, 10_000), st.integers(1, 3))
def test_what_becomes_less_counts_down(start: int, step: int) -> None:
    assert counts_down([answer(200, {"RateLimit": f"r={max(0, start * 3 - step * at)}"}) for at in range(WATCHED)])


@given(st.integers(0, 10_000))
def test_what_stays_or_grows_does_not(start: int) -> None:
    assert not counts_down([answer(200, {"RateLimit": f"r={start}"}) for _ in range(WATCHED)])
    assert not counts_down([answer(200, {"RateLimit": f"r={start + at}"}) for at in range(WATCHED)])
    assert not counts_down([answer() for _ in range(WATCHED)])


def test_a_burst_ends_at_the_first_refusal_and_is_made_once(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    count = 0

    def api(_: Any) -> tuple[int, dict[str, str], bytes]:
        nonlocal count
        count += 1
        return (200, {}, b"{}") if count < 12 else (429, {}, b"")

    target = live(serve(api), ONE)
    made = burst(target)
    assert made.throttled is made.answers[-1]
    assert burst(target) is made
    assert target.probe.sent == count == 12


def test_a_burst_is_bounded(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    target = live(serve(lambda _: (200, {}, b"{}")), ONE)
    made = burst(target)
    assert BURST <= len(made.answers) <= target.probe.limits.budget // 2
    assert (made.throttled, made.counted, made.hollow) == (None, False, False)


def test_an_honest_limit_is_not_missed_because_the_api_takes_its_time(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    tokens, last = 120.0, time.monotonic()

    def api(_: object) -> tuple[int, dict[str, str], bytes]:
        nonlocal tokens, last
        time.sleep(0.03)  # what the API itself takes, while its limit gives back ten a second
        now = time.monotonic()
        tokens, last = min(120.0, tokens + 10 * (now - last)), now
        if tokens < 1:
            return 429, {}, b""
        tokens -= 1
        return 200, {}, b"{}"

    assert burst(live(serve(api), ONE)).throttled


def test_a_burst_that_is_too_slow_to_tell_is_not_held_against_the_api(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    def api(_: object) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.03)
        return 200, {}, b"{}"

    with pytest.raises(Untried, match="too slowly"):
        burst(live(serve(api), ONE, limits=Limits(budget=160, rate=1000.0)))


def test_a_burst_that_the_budget_does_not_allow_is_not_begun(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    target = live(serve(lambda _: (200, {}, b"{}")), ONE, limits=Limits(budget=60, rate=1000.0))
    with pytest.raises(Untried, match="--budget"):
        burst(target)
    assert target.probe.sent == 1


def test_a_limit_that_refills_as_fast_as_it_is_spent_is_not_hollow(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    made = burst(live(serve(lambda _: (200, {"RateLimit": "r=0"}, b"{}")), ONE))
    assert not made.hollow

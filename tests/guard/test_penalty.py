"""What guessing costs: each wait ends, none is shorter than the one before, and nobody waits for what another did."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.limits import Penalty
from ninefold.guard.penalty import Penalties


def _penalty(**fields: Any) -> Penalty:
    return Penalty.model_validate({"after": "5 denials", "start": "1s", "factor": 2, "most": "1h", **fields})


def test_the_first_failures_are_free_and_each_further_one_doubles_the_wait() -> None:
    penalties, now, waits = Penalties(_penalty()), 0.0, []
    for _ in range(20):
        waits.append(penalties.fail("a", "", now))
        now += waits[-1]
    assert waits[:5] == [0.0] * 5
    assert waits[5:17] == [2.0**n for n in range(12)]
    assert waits[18:] == [3600.0, 3600.0], "and never longer than `most`"


def test_a_failure_is_forgiven_in_each_such_time() -> None:
    penalties = Penalties(_penalty(after=2, most="10s"))
    assert [penalties.fail("a", "", 0.0) for _ in range(2)] == [0.0, 0.0]
    assert penalties.fail("a", "", 21.0) == 0.0
    assert penalties.fail("a", "", 21.0) == 0.0
    assert penalties.fail("a", "", 21.0) == 1.0
    assert penalties.fail("a", "", 1e6) == 0.0


def test_a_name_that_many_fail_for_has_no_free_tries_and_others_wait_for_nothing() -> None:
    penalties = Penalties(_penalty())
    assert [penalties.fail(f"10.0.0.{n}", "key abc", 0.0) for n in range(5)] == [0.0] * 5
    assert penalties.fail("10.0.1.1", "key abc", 0.0) == 1.0
    assert penalties.fail("10.0.1.2", "key abc", 0.0) == 2.0
    assert penalties.fail("10.0.1.3", "key other", 0.0) == 0.0
    assert penalties.wait("10.0.0.1", 0.0) == 0.0
    assert penalties.wait("192.0.2.1", 0.0) == 0.0, "who never failed never waits"


_STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]), st.floats(0, 5000)), max_size=60)
_ANY = st.builds(
    lambda after, start, factor, more: _penalty(after=after, start=f"{start}s", factor=factor, most=f"{start + more}s"),
    st.integers(1, 10), st.integers(1, 100), st.floats(1, 10), st.integers(0, 5000),
)  # fmt: skip


@given(_ANY, _STEPS)
def test_a_wait_is_never_negative_never_past_the_most_and_always_ends(penalty: Penalty, steps: Any) -> None:
    penalties, now = Penalties(penalty), 0.0
    for address, name, passed in steps:
        now += passed
        before = penalties.wait(address, now)
        wait = penalties.fail(address, name, now)
        assert wait >= before >= 0.0, "another failure makes no wait shorter"
        assert wait <= penalty.most
        assert penalties.wait(address, now) == wait
        assert penalties.wait(address, now + wait / 2) <= wait
    for address in "abc":
        assert penalties.wait(address, now + penalty.most) == 0.0


@given(st.floats(0, 1e6), st.integers(1, 50))
def test_more_failures_never_cost_less(now: float, count: int) -> None:
    few, many = Penalties(_penalty()), Penalties(_penalty())
    for _ in range(count):
        few.fail("a", "", now)
        many.fail("a", "", now)
    many.fail("a", "", now)
    assert many.wait("a", now) >= few.wait("a", now)
    assert many.fail("a", "", now + 5000) >= few.fail("a", "", now + 5000)


def test_asking_while_it_waits_makes_no_wait_longer() -> None:
    penalties = Penalties(_penalty(after=1))
    penalties.fail("a", "", 0.0)
    assert penalties.fail("a", "", 0.0) == 1.0
    assert [penalties.wait("a", 0.5) for _ in range(1000)] == [0.5] * 1000
    assert penalties.wait("a", 1.0) == 0.0


def test_a_flood_of_addresses_is_bounded_and_frees_none_that_waits() -> None:
    penalties = Penalties(_penalty(), capacity=1000)
    for _ in range(8):
        penalties.fail("attacker", "", 0.0)
    waits = penalties.wait("attacker", 0.0)
    assert waits == 4.0
    for number in range(10_000):
        penalties.fail(f"flood {number}", f"key {number}", 0.0)
    assert penalties.held() <= 3000
    assert penalties.wait("attacker", 0.0) == waits


def test_a_failure_costs_the_same_however_many_addresses_there_are() -> None:
    costs = []
    for count in (1_000, 60_000, 300_000):
        penalties = Penalties(_penalty())
        for number in range(count):
            penalties.fail(f"a{number}", "", 0.0)
        rounds = []
        for turn in range(5):
            began = time.perf_counter()
            for number in range(2_000):
                penalties.fail(f"b{turn}-{number}", "", 0.0)
            rounds.append(time.perf_counter() - began)
        costs.append(min(rounds))
    assert max(costs) < 4 * min(costs), costs


@pytest.mark.parametrize(
    "fields", [{"most": "500ms"}, {"start": "2h"}, {"factor": 0.5}, {"after": "some denials"}, {"after": 0}]
)
def test_a_penalty_that_shrinks_or_does_not_end_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        _penalty(**fields)

"""The generic cell rate algorithm: never more than the burst and the rate, and memory that is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.quantity import Rate
from ninefold.guard.gcra import Limiter


@given(
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=200),
    count=st.integers(1, 50),
    burst=st.integers(1, 30),
)
def test_in_any_stretch_of_time_no_more_is_admitted_than_burst_and_rate_allow(
    gaps: list[float], count: int, burst: int
) -> None:
    limiter = Limiter("t", Rate(count, 10.0), burst)
    now, admitted = 1000.0, []
    for gap in gaps:
        now += gap
        allowance = limiter.take("k", now)
        if not allowance.retry:
            admitted.append(now)
        else:
            assert limiter.take("k", now + allowance.retry * 0.99).retry > 0
    for start, first in enumerate(admitted):
        for stop in range(start, len(admitted)):
            assert stop - start + 1 <= burst + (admitted[stop] - first) * count / 10.0 + 1.001


@given(burst=st.integers(1, 100))
def test_what_is_left_counts_down_to_none_and_comes_back(burst: int) -> None:
    limiter = Limiter("t", Rate(60, 60.0), burst)
    assert [limiter.take("k", 5.0).remaining for _ in range(burst)] == list(range(burst - 1, -1, -1))
    refused = limiter.take("k", 5.0)
    assert refused.retry > 0.99
    assert not limiter.take("k", 5.0 + refused.retry + 1e-6).retry


def test_keys_do_not_touch_each_other_until_memory_is_full_and_then_newcomers_share() -> None:
    limiter = Limiter("t", Rate(1, 60.0), 1, capacity=100)
    assert not any(limiter.take(f"k{n}", 0.0).retry for n in range(100))
    assert not limiter.take("new1", 0.0).retry
    assert limiter.take("new2", 0.0).retry, "a newcomer past the capacity got a cell of his own"
    assert limiter.take("k5", 0.0).retry


def test_what_has_drained_is_forgotten_and_nothing_else() -> None:
    limiter = Limiter("t", Rate(1, 1.0), 3)
    for second in range(1000):
        for n in range(10):
            limiter.take(f"{second}-{n}", float(second))
    assert limiter.held() < 200
    slow = Limiter("t", Rate(1, 1.0), 3)
    now = 0.0
    for _ in range(3):
        slow.take("k", now)
    for step in range(100):
        now = step * 0.5
        slow.take("other", now)
        allowed = 3 + now
        del allowed
    assert slow.look("k", now) == now

"""Who reads much goes on when his turn comes, and gives it away where he has nothing to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ninefold.gateway.turnstile import AT_ONCE, Turnstile


class Loop:
    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def turn(self) -> None:
        calls, self.soon = self.soon, []
        for call in calls:
            call()


class Transport:
    def __init__(self, *, closing: bool = False) -> None:
        self.reads = True
        self.closing = closing

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.closing
        self.reads = True

    def is_closing(self) -> bool:
        return self.closing


def test_a_few_go_on_in_each_turn_in_the_order_in_which_they_came() -> None:
    loop: Any = Loop()
    turnstile = Turnstile(loop)
    all_: list[Any] = [Transport() for _ in range(2 * AT_ONCE + 1)]
    for one in all_:
        turnstile.wait(one)
    assert len(loop.soon) == 1
    for passed in (AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1):
        loop.turn()
        assert [one.reads for one in all_] == [True] * passed + [False] * (len(all_) - passed)
    assert not loop.soon
    turnstile.wait(all_[0])
    loop.turn()
    assert all_[0].reads


def test_one_that_closes_meanwhile_is_left_alone() -> None:
    loop: Any = Loop()
    turnstile = Turnstile(loop)
    gone: Any = Transport(closing=True)
    turnstile.wait(gone)
    loop.turn()
    assert not gone.reads
    assert not loop.soon

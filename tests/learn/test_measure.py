from __future__ import annotations

from ninefold.learn.log import Line
from ninefold.learn.measure import Measured, measure


def _at(time: float, caller: str = "k1", status: int = 200) -> Line:
    return Line(time, "GET", "/a", status, "203.0.113.9", caller)


def test_the_most_within_a_minute_and_a_second_that_slide() -> None:
    found = measure([_at(1000 + number * 0.5) for number in range(240)])
    assert found == Measured(120, 2, 120, 2)


def test_callers_are_counted_apart_and_an_address_together() -> None:
    found = measure([_at(1000 + number, f"k{number % 2}") for number in range(60)])
    assert (found.caller_minute, found.address_minute) == (30, 60)


def test_what_was_refused_does_not_count_nor_what_has_no_time() -> None:
    assert measure([_at(1000, status=403), _at(0.0)]) == Measured()
    assert Measured().rates() == []


def test_limits_have_room_for_twice_of_what_came_rounded_up() -> None:
    assert Measured(617, 13, 1234, 99).rates() == [("ip", 2500, 200), ("caller", 1300, 26)]


def test_lines_need_no_order() -> None:
    lines = [_at(1000 + number) for number in (30, 0, 59, 10)]
    assert measure(lines).caller_minute == 4

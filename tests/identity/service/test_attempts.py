"""How often a password may be tried."""

from __future__ import annotations

from ninefold.identity.service.attempts import (
    FORGOTTEN,
    FREE_NAME,
    FREE_PAIR,
    FREE_PLACE,
    MOST_REMEMBERED,
    MOST_WAIT,
    Attempts,
)


def failing(found: Attempts, name: str, place: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        found.failed(name, place, now)


def test_who_guesses_waits_twice_as_long_each_time_and_never_longer_than_the_most() -> None:
    found = Attempts()
    failing(found, "ann", "a", FREE_PAIR - 1)
    assert found.wait("ann", "a", 0.0) == 0.0
    waits = []
    for _ in range(15):
        found.failed("ann", "a", 0.0)
        waits.append(found.wait("ann", "a", 0.0))
    assert waits == [min(2.0**one, MOST_WAIT) for one in range(15)]
    assert found.wait("ann", "a", MOST_WAIT) == 0.0


def test_a_guesser_locks_nobody_out_who_comes_from_elsewhere() -> None:
    found = Attempts()
    failing(found, "ann", "attacker", FREE_NAME - 1)
    assert found.wait("ann", "attacker", 0.0) > 0
    assert found.wait("ann", "home", 0.0) == 0.0


def test_many_guessers_slow_down_a_name_but_not_where_it_has_logged_in_from() -> None:
    found = Attempts()
    found.succeeded("ann", "home")
    for one in range(FREE_NAME + 5):
        found.failed("ann", f"place {one}", 0.0)
    assert found.wait("ann", "another place", 0.0) > 0
    assert found.wait("ann", "home", 0.0) == 0.0
    assert found.wait("bob", "another place", 0.0) == 0.0


def test_a_place_that_fails_at_many_names_waits_at_each() -> None:
    found = Attempts()
    for one in range(FREE_PLACE):
        found.failed(f"name {one}", "attacker", 0.0)
    assert found.wait("name of nobody", "attacker", 0.0) > 0
    assert found.wait("name 1", "home", 0.0) == 0.0


def test_a_success_takes_back_what_was_counted_for_it_and_no_more() -> None:
    found = Attempts()
    for one in range(FREE_PLACE - 1):
        found.failed(f"name {one}", "attacker", 0.0)
    for _ in range(10):  # with an account of his own in between
        found.failed("own", "attacker", 0.0)
        found.succeeded("own", "attacker")
    assert found.wait("own", "attacker", 0.0) == 0.0
    found.failed("name", "attacker", 0.0)
    assert found.wait("name", "attacker", 0.0) > 0


def test_failures_are_forgotten_after_a_day_without_another() -> None:
    found = Attempts()
    failing(found, "ann", "a", 30)
    assert found.wait("ann", "a", FORGOTTEN) == 0.0
    found.failed("ann", "a", FORGOTTEN)
    assert found.wait("ann", "a", FORGOTTEN) == 0.0


def test_memory_is_bounded() -> None:
    found = Attempts()
    for one in range(MOST_REMEMBERED + 500):
        found.failed(f"name {one}", f"place {one}", 0.0)
        found.succeeded(f"known {one}", f"place {one}")
    for tally in (found._pairs, found._names, found._places):
        assert len(tally._failures) <= MOST_REMEMBERED
    assert len(found._known) <= MOST_REMEMBERED

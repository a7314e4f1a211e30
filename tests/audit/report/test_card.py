from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.finding import Errored, Method, Passed, Severity, Skipped
from ninefold.audit.report.card import coverage, ordered, ran, tiles, verdict, when
from ninefold.audit.signs.order import SIGNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit


def test_there_is_a_tile_for_each_sign_in_their_order(sample: Audit) -> None:
    made = tiles(sample)
    assert [(tile.number, tile.title) for tile in made] == [(sign.number, sign.title) for sign in SIGNS]
    assert "".join(tile.state[0] for tile in made) == "ssucuuscc"


def test_counts_are_of_findings_and_of_rules(sample: Audit) -> None:
    made = tiles(sample)
    assert [len(tile.findings) for tile in made] == [2, 1, 0, 0, 0, 0, 1, 0, 0]
    assert [len(tile.notices) for tile in made] == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert [len(tile.excused) for tile in made] == [0, 0, 0, 1, 0, 0, 0, 0, 0]
    ended = [(tile.passed, tile.skipped, tile.errored) for tile in made]
    assert ended[2:6] == [(0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 0, 1)]
    assert ended[7:] == [(1, 0, 0), (1, 0, 0)]


def test_the_worst_comes_first(sample: Audit) -> None:
    assert [one.severity for one in ordered(sample)] == [
        Severity.CRITICAL,
        Severity.HIGH,
        Severity.HIGH,
        Severity.MEDIUM,
        Severity.INFO,
    ]


def test_the_verdict_never_hides_what_is_unknown(sample: Audit, clean: Audit, nothing: Audit) -> None:
    assert verdict(sample) == "3 of 9 signs, 3 unknown"
    assert verdict(clean) == "0 of 9 signs"
    assert verdict(nothing) == "0 of 9 signs, 9 unknown"


def test_a_sign_with_a_failed_rule_is_unknown_however_much_else_passed(audit_of: Callable[..., Audit]) -> None:
    audit = audit_of(
        (Passed("a", 9, Method.LIVE, 1), Errored("b", 9, Method.LIVE, "-"), Skipped("c", 9, Method.LIVE, "-"))
    )
    assert tiles(audit)[8].state == "unknown"
    assert coverage(audit) == (1, 3)
    assert ran(audit) == {"a"}


def test_time_is_told_in_utc(sample: Audit) -> None:
    assert when(sample) == "23 November 2026, 13:31 UTC"


def test_a_notice_shows_no_sign(audit_of: Callable[..., Audit], sample: Audit) -> None:
    (notice,) = sample.notices
    (tile, *_) = tiles(audit_of((notice, Passed("a", 1, Method.LIVE, 1))))
    assert (tile.state, tile.findings, tile.notices) == ("clear", (), (notice,))
    assert verdict(audit_of((notice,))) == "0 of 9 signs, 8 unknown"

"""What counts as right, wrong and not known, and the shares of them."""

from typing import Any

import pytest
from lab.score import Green, Verdict, greens, judge, judge_all, tally
from lab.truth import Label, Truth

SHOWN, CLEAR = Truth(Label.SHOWN, "it is there"), Truth(Label.CLEAR, "it is not")
NOTHING = Truth(Label.NOT_APPLICABLE, "there is nothing of the kind")
PASSED = {"kind": "passed", "rule": "r"}
SKIPPED = {"kind": "skipped", "rule": "r", "reason": "no key"}
ERRORED = {"kind": "errored", "rule": "r", "reason": "it fell"}


def finding(confidence: str = "confirmed", file: str = "app.py") -> dict[str, Any]:
    place = {"operation": "", "pointer": "", "file": file, "line": 1, "url": ""}
    return {"kind": "finding", "rule": "r", "confidence": confidence, "detail": "bad", "places": [place]}


@pytest.mark.parametrize(
    ("truth", "outcomes", "verdict"),
    [
        (SHOWN, [finding()], Verdict.TRUE_POSITIVE),
        (SHOWN, [PASSED], Verdict.FALSE_NEGATIVE),
        (SHOWN, [SKIPPED], Verdict.UNCHECKED),
        (SHOWN, [], Verdict.UNCHECKED),
        (CLEAR, [finding()], Verdict.FALSE_POSITIVE),
        (CLEAR, [PASSED], Verdict.TRUE_NEGATIVE),
        (CLEAR, [SKIPPED], Verdict.UNCHECKED),
        (CLEAR, [PASSED, SKIPPED], Verdict.UNCHECKED),
        (NOTHING, [finding("suspected")], Verdict.FALSE_POSITIVE),
        (NOTHING, [PASSED], Verdict.TRUE_NEGATIVE),
        (NOTHING, [SKIPPED], Verdict.SKIPPED),
        (NOTHING, [ERRORED], Verdict.UNCHECKED),
    ],
)
def test_verdicts(truth: Truth, outcomes: list[dict[str, Any]], verdict: Verdict) -> None:
    assert judge("a", "r", truth, outcomes).verdict is verdict


def test_the_best_confidence_counts() -> None:
    assert judge("a", "r", SHOWN, [finding("suspected"), finding()]).confidence == "confirmed"
    assert judge("a", "r", SHOWN, [finding("suspected")]).confidence == "suspected"


def test_a_finding_elsewhere_is_wrong_twice() -> None:
    row = judge("a", "r", Truth(Label.SHOWN, "there", ("mail.py",)), [finding()])
    assert row.verdict is Verdict.MISPLACED
    one = tally([row])
    assert (one.alarms["confirmed"], one.missed, one.shown) == (1, 1, 1)


def test_places_beside_and_missed() -> None:
    row = judge("a", "r", Truth(Label.SHOWN, "there", ("app.py", "mail.py")), [finding(), finding(file="other.py")])
    assert row.verdict is Verdict.TRUE_POSITIVE
    assert row.beside == ("other.py (bad)",)
    assert row.missed == ("mail.py",)


def test_every_label_has_a_row_even_without_an_outcome() -> None:
    rows = judge_all("a", {"r": CLEAR, "s": SHOWN}, [PASSED])
    assert [(row.rule, row.verdict) for row in rows] == [("r", Verdict.TRUE_NEGATIVE), ("s", Verdict.UNCHECKED)]
    assert rows[1].says == "the report does not mention it"


def test_a_sign_called_clear() -> None:
    outcomes = [
        {**PASSED, "rule": "a", "sign": 1},
        {**SKIPPED, "rule": "b", "sign": 1},
        {**PASSED, "rule": "c", "sign": 2},
        {**SKIPPED, "rule": "d", "sign": 3},
    ]
    states = [{"sign": 1, "state": "clear"}, {"sign": 2, "state": "clear"}, {"sign": 3, "state": "unknown"}]
    truths = {"a": CLEAR, "b": SHOWN, "c": CLEAR, "d": SHOWN}
    rows = judge_all("x", truths, outcomes)
    found = greens("x", {"signs": states, "outcomes": outcomes}, rows)
    assert found == (Green("x", 1, ("b",), ("b",)), Green("x", 2, (), ()))


def test_ports_are_not_told() -> None:
    failed = {**SKIPPED, "reason": "https://127.0.0.1:38909 gave no answer"}
    assert judge("a", "r", CLEAR, [failed]).says == "skipped: https://127.0.0.1 gave no answer"


def test_shares() -> None:
    rows = [
        judge("a", "r", SHOWN, [finding()]),
        judge("b", "r", SHOWN, [finding("suspected")]),
        judge("c", "r", SHOWN, [PASSED]),
        judge("d", "r", SHOWN, [SKIPPED]),
        judge("e", "r", CLEAR, [finding("suspected")]),
        judge("f", "r", CLEAR, [PASSED]),
    ]
    one = tally(rows)
    assert one.precision("confirmed") == 1.0
    assert one.precision("suspected") == 0.5
    assert one.recall() == 0.5  # what was not checked is not found
    assert one.recall("confirmed") == 0.25
    assert (one.missed, one.unchecked, one.unchecked_shown, one.quiet) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("reason", "unasked"),
    [
        ("changes things, and that needs --active", True),
        ("needs leave to ask the package registries (--registry)", True),
        ("needs a key of that caller that has expired (--expired-key)", True),
        ("the log has no record of what was sent", False),
        ("the budget of 600 requests is spent (--budget)", False),
    ],
)
def test_what_an_option_would_have_asked_is_told_apart(reason: str, *, unasked: bool) -> None:
    row = judge("d", "r", SHOWN, [{**SKIPPED, "reason": reason}])
    assert row.unasked is unasked
    one = tally([judge("a", "r", SHOWN, [finding()]), row])
    assert (one.recall(), one.recall_asked()) == (0.5, 1.0 if unasked else 0.5)
    assert not judge("a", "r", SHOWN, [{**finding(), "detail": reason}]).unasked


def test_no_share_of_nothing() -> None:
    assert tally([]).precision("confirmed") is None
    assert tally([]).recall() is None

"""The page says what was found, and what could not be."""

from lab.audit import Audited
from lab.report import page, percent, table
from lab.score import Row, Verdict
from lab.truth import Label, Truth

SHOWN, CLEAR = Truth(Label.SHOWN, "it is there"), Truth(Label.CLEAR, "it is not")


def test_the_page() -> None:
    rows = (
        Row("x/bad", "r", SHOWN, Verdict.TRUE_POSITIVE, "confirmed", "bad"),
        Row("x/bad", "s", CLEAR, Verdict.FALSE_POSITIVE, "suspected", "a | b"),
        Row("x/bad", "t", SHOWN, Verdict.UNCHECKED, says="skipped: no key"),
    )
    made = page(
        [Audited("x/bad", rows, 12, 3.21, 1, True, False, 2)], "rst", {"y/good": "no npm"}, {"x/bad": ["a sin"]}
    )
    assert "| x/bad | 2 | 1 | 1 | 0 | 1 | 12 | 3.2 | 1 | untouched |" in made
    assert "- y/good: no npm" in made
    assert "- x/bad `s` (suspected): clear, it is not. It says: a | b" in made
    assert "- x/bad `t`: shown, it is there. It says: skipped: no key" in made
    assert "- a sin" in made
    assert made.endswith("- a sin\n")


def test_a_changed_database_is_loud() -> None:
    made = page([Audited("x/bad", (), 0, 0.0, 0, False, False, 0)], "", {}, {})
    assert "CHANGED" in made


def test_cells() -> None:
    assert percent(None) == "-"
    assert percent(0.5) == "50%"
    assert table(["a"], [["x|y"]]) == "| a |\n|---|\n| x\\|y |"

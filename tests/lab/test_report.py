"""The page says what was found, and what could not be."""

from lab.audit import Audited
from lab.report import page, percent, table
from lab.score import Green, Row, Verdict
from lab.truth import Label, Truth

SHOWN, CLEAR = Truth(Label.SHOWN, "it is there"), Truth(Label.CLEAR, "it is not")


def test_the_page() -> None:
    rows = (
        Row("x/bad", "r", SHOWN, Verdict.TRUE_POSITIVE, "confirmed", "bad"),
        Row("x/bad", "s", CLEAR, Verdict.FALSE_POSITIVE, "suspected", "a | b"),
        Row("x/bad", "t", SHOWN, Verdict.UNCHECKED, says="skipped: no key"),
    )
    made = page(
        [
            Audited(
                "x/bad",
                rows,
                12,
                3.21,
                1,
                True,
                False,
                (Green("x/bad", 4, ("t",), ("t",)), Green("x/bad", 5, (), ("u",))),
            )
        ],
        "rst",
        {"y/good": "no npm"},
        {"x/bad": ["a sin"]},
    )
    assert "| x/bad | 2 | 1 | 1 | 0 | 1 | 12 | 3.2 | 1 | untouched |" in made
    assert "- y/good: no npm" in made
    assert "- x/bad `s` (suspected): clear, it is not. It says: a | b" in made
    assert "- x/bad `t`: shown, it is there. It says: skipped: no key" in made
    assert "2 in all; 1 although the sign is there, 1 more with rules that apply and did not run." in made
    assert "- x/bad, sign 4: t" in made
    assert "- x/bad, sign 5: u" in made
    assert "- a sin" in made
    assert made.endswith("- a sin\n")


def test_an_audit_with_active_is_told_where_it_differs() -> None:
    same = Row("x/bad --active", "r", SHOWN, Verdict.FALSE_NEGATIVE)
    other = Row("x/bad --active", "s", CLEAR, Verdict.FALSE_POSITIVE, "confirmed", "bad")
    before = (Row("x/bad", "r", SHOWN, Verdict.FALSE_NEGATIVE), Row("x/bad", "s", CLEAR, Verdict.TRUE_NEGATIVE))
    audits = [
        Audited("x/bad", before, 1, 1.0, 1, None, False, ()),
        Audited("x/bad --active", (same, other), 1, 1.0, 1, None, True, ()),
    ]
    made = page(audits, "rs", {}, {})
    assert "x/bad --active `s` (confirmed)" in made
    assert "x/bad --active `r`" not in made


def test_both_recalls_stand_side_by_side() -> None:
    found = Row("x/bad", "r", SHOWN, Verdict.TRUE_POSITIVE, "confirmed", "bad")
    needs = Row("x/bad", "s", SHOWN, Verdict.UNCHECKED, says="skipped: needs leave (--registry)")
    made = page([Audited("x/bad", (found, needs), 1, 1.0, 1, None, False, ())], "rs", {}, {})
    assert "| recall | recall asked | recall c |" in made
    assert "| 50.0% | 100.0% | 50.0% |" in made


def test_a_changed_database_is_loud() -> None:
    made = page([Audited("x/bad", (), 0, 0.0, 0, False, False, ())], "", {}, {})
    assert "CHANGED" in made


def test_cells() -> None:
    assert percent(None) == "-"
    assert percent(0.5) == "50%"
    assert table(["a"], [["x|y"]]) == "| a |\n|---|\n| x\\|y |"

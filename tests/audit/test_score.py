from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.finding import (
    Audit,
    Confidence,
    Errored,
    Finding,
    Location,
    Method,
    Outcome,
    Passed,
    Severity,
    Skipped,
)
from ninefold.audit.score import ANSWERS, CAPS, NONE, Score, Standing, score
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from ninefold.audit.rule import Rule

IDS = [rule.id for rule in RULES]
SIGN_OF = {rule.id: rule.sign for rule in RULES}


def found(
    rule: str = "limits-burst",
    severity: Severity = Severity.HIGH,
    confidence: Confidence = Confidence.CONFIRMED,
    method: Method = Method.LIVE,
    *,
    places: int = 1,
    fingerprint: str = "f",
    baselined: bool = False,
) -> Finding:
    where = tuple(Location(url=f"/{at}") for at in range(places))
    return Finding(
        rule, SIGN_OF[rule], severity, confidence, method, "t", "d", where, (), "r", "", fingerprint, baselined
    )


def audit_of(*outcomes: Outcome) -> Audit:
    return Audit("api", 0.0, 1.0, 0, "1", outcomes)


def everything(*findings: Finding) -> Audit:
    """An audit in which every rule ran, and these were found."""
    shown = {one.rule for one in findings}
    passed = [Passed(rule.id, rule.sign, rule.method, 1) for rule in RULES if rule.id not in shown]
    return audit_of(*findings, *passed)


def sign(told: Score, number: int) -> int:
    points = told.signs[number - 1].score
    assert points is not None
    return points


findings = st.builds(
    found,
    rule=st.sampled_from(IDS),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    method=st.sampled_from(Method),
    places=st.integers(0, 50),
    fingerprint=st.sampled_from("abcdef"),
    baselined=st.booleans(),
)
rests = st.one_of(
    st.builds(lambda rule: Passed(rule, SIGN_OF[rule], Method.LIVE, 1), st.sampled_from(IDS)),
    st.builds(
        lambda rule, asked, applies: Skipped(rule, SIGN_OF[rule], Method.LIVE, "why", asked, applies),
        st.sampled_from(IDS),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(lambda rule: Errored(rule, SIGN_OF[rule], Method.LIVE, "why"), st.sampled_from(IDS)),
)
outcomes = st.lists(findings | rests, max_size=25)


def _bound(points: int | None) -> int:
    """What is not known may be anything: 100 at best."""
    return 100 if points is None else points


class TestWhateverWasFound:
    @given(outcomes, findings)
    def test_one_finding_more_never_raises_a_score(self, known: list[Outcome], more: Finding) -> None:
        before, after = score(audit_of(*known)), score(audit_of(*known, more))
        for one, other in zip((before.whole, *before.signs), (after.whole, *after.signs), strict=True):
            assert _bound(other.score) <= _bound(one.score)

    @given(st.lists(findings, min_size=1, max_size=25), st.data())
    def test_one_finding_less_never_lowers_a_score(self, known: list[Finding], data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(known) - 1))
        before, after = score(audit_of(*known)), score(audit_of(*known[:at], *known[at + 1 :]))
        for one, other in zip((before.whole, *before.signs), (after.whole, *after.signs), strict=True):
            assert _bound(other.score) >= _bound(one.score)

    @given(outcomes, st.randoms(use_true_random=False))
    def test_their_order_does_not_matter(self, known: list[Outcome], chance: object) -> None:
        mixed = list(known)
        chance.shuffle(mixed)  # type: ignore[attr-defined]
        assert score(audit_of(*mixed)) == score(audit_of(*known))

    @given(outcomes)
    def test_numbers_stay_within_their_bounds(self, known: list[Outcome]) -> None:
        told = score(audit_of(*known))
        for one in (told.whole, *told.signs):
            assert one.score is None or 0 <= one.score <= 100
            assert 0 <= one.coverage <= 100
            assert 0 <= one.checked <= one.applies
        assert told.whole.score is not None
        assert all(told.whole.score <= _bound(one.score) for one in told.signs)

    @given(outcomes)
    def test_what_a_baseline_excuses_takes_nothing(self, known: list[Outcome]) -> None:
        excused = [replace(one, baselined=True) if isinstance(one, Finding) else one for one in known]
        assert score(audit_of(*excused)).charges == ()
        assert score(audit_of(*excused)).whole.score == 100

    @given(outcomes)
    def test_a_sign_that_is_unknown_has_no_letter(self, known: list[Outcome]) -> None:
        audit = audit_of(*known)
        for one in score(audit).signs:
            assert (one.score is None) == (audit.state(one.sign) == "unknown")
            assert (one.letter == NONE) == (one.standing is Standing.WITHHELD)
            assert one.score is not None or one.letter == NONE

    @given(st.lists(findings, max_size=40))
    def test_suspicion_alone_is_no_f(self, known: list[Finding]) -> None:
        guessed = [replace(one, confidence=Confidence.SUSPECTED) for one in known]
        told = score(everything(*guessed))
        assert "F" not in {one.letter for one in (told.whole, *told.signs)}

    @given(outcomes)
    def test_every_point_that_a_sign_misses_is_charged_or_capped(self, known: list[Outcome]) -> None:
        told = score(audit_of(*known))
        for one in told.signs:
            mine = [charge for charge in told.charges if charge.sign == one.sign]
            if one.score is not None and one.score < one.cap:
                assert 100 - one.score <= sum(charge.points for charge in mine) + 1
            assert one.cap == min((charge.cap for charge in mine), default=100)


class TestTheModel:
    def test_nothing_found_by_every_rule_is_a_hundred(self) -> None:
        told = score(everything())
        assert (told.whole.score, told.whole.letter, told.whole.coverage, told.standing) == (
            100,
            "A",
            100,
            Standing.FINAL,
        )
        assert told.told == "A, 100 of 100, 100 % checked"

    def test_one_confirmed_critical_is_an_f_whatever_else_is_well(self) -> None:
        told = score(everything(found("authorization-missing", Severity.CRITICAL)))
        assert (told.whole.letter, told.signs[1].letter) == ("F", "F")
        assert [one.letter for one in told.signs].count("A") == 8

    def test_one_suspected_critical_is_none(self) -> None:
        told = score(everything(found("keys-guessable", Severity.CRITICAL, Confidence.SUSPECTED)))
        assert told.whole.letter == "D"

    def test_a_charge_says_what_it_is_made_of(self) -> None:
        (charge,) = score(everything(found(places=4))).charges
        assert charge.points == 37.5
        assert charge.why == "high 25 x confirmed 1 x live 1 x 4 places 1.50"

    def test_a_request_weighs_more_than_an_answer(self) -> None:
        request = found("limits-guessing", Severity.LOW)
        answer = found("limits-no-retry-after", Severity.LOW)
        assert sign(score(everything(request)), 6) < sign(score(everything(answer)), 6)

    @pytest.mark.parametrize(
        ("heavy", "light"),
        [
            (found(), found(confidence=Confidence.SUSPECTED)),
            (found(), found(method=Method.STATIC)),
            (found(places=5), found()),
            (found(severity=Severity.CRITICAL), found()),
        ],
    )
    def test_each_factor_counts(self, heavy: Finding, light: Finding) -> None:
        assert score(everything(heavy)).charges[0].points > score(everything(light)).charges[0].points

    def test_the_second_cause_of_one_rule_counts_half(self) -> None:
        twice = score(everything(found(fingerprint="a"), found(fingerprint="b")))
        assert [one.points for one in twice.charges] == [25, 12.5]
        assert "/ 2, as cause 2 of its rule" in twice.charges[1].why

    def test_one_cause_counts_once(self) -> None:
        assert score(everything(found(), found())).whole == score(everything(found())).whole

    def test_a_cap_of_a_milder_twin_is_not_lost(self) -> None:
        wide = found("limits-undeclared", Severity.MEDIUM, places=50)
        harsh = found("limits-undeclared", Severity.HIGH, method=Method.STATIC)
        assert score(everything(wide, harsh)).whole.cap == CAPS[Severity.HIGH, Confidence.CONFIRMED]

    def test_every_rule_about_answers_is_there(self) -> None:
        assert set(IDS) >= ANSWERS


class TestCoverage:
    def test_a_sign_of_which_little_was_checked_has_no_letter(self) -> None:
        first, *others = [rule for rule in RULES if rule.sign == 9]
        missed = [Skipped(rule.id, 9, rule.method, "needs the running API") for rule in others]
        told = score(audit_of(Passed(first.id, 9, first.method, 1), *missed)).signs[8]
        assert (told.letter, told.score, told.coverage, told.told) == (NONE, 100, 100 // (1 + len(others)), "≤ 100")

    def test_is_the_share_of_what_applies(self) -> None:
        passed = [Passed(rule.id, rule.sign, rule.method, 1) for rule in RULES[1:]]
        first = RULES[0]
        aside = Skipped(first.id, first.sign, first.method, "none of its kind", applies=False)
        left = Skipped(first.id, first.sign, first.method, "needs the running API")
        assert score(audit_of(aside, *passed)).whole.coverage == 100
        assert score(audit_of(left, *passed)).whole.coverage == 100 * (len(RULES) - 1) // len(RULES)

    def test_what_was_not_chosen_was_not_checked(self) -> None:
        rule: Rule = RULES[0]
        told = score(audit_of(Passed(rule.id, rule.sign, rule.method, 1)))
        assert told.whole.applies == len(RULES)
        assert told.standing is Standing.WITHHELD
        assert told.whole.letter == NONE
        assert told.told == "no letter: only 1 % was checked (at best 100 of 100)"

    def test_an_unknown_sign_makes_the_whole_provisional(self) -> None:
        passed = [Passed(rule.id, rule.sign, rule.method, 1) for rule in RULES if rule.id != "cors-no-vary"]
        told = score(audit_of(*passed, Errored("cors-no-vary", 9, Method.LIVE, "why")))
        assert (told.standing, told.signs[8].letter, told.whole.letter) == (Standing.PROVISIONAL, NONE, "A")
        assert told.told.startswith("A (provisional, at best), 100 of 100")

    def test_an_f_needs_no_more_of_it(self) -> None:
        told = score(audit_of(found(severity=Severity.CRITICAL)))
        assert (told.standing, told.whole.letter) == (Standing.FINAL, "F")

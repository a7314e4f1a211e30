from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.baseline import Excuse
from ninefold.audit.finding import Confidence, Errored, Finding, Location, Method, Passed, Severity, Skipped
from ninefold.audit.rule import Looked, Needs, Observation, Rule, Untried
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target
from ninefold.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_000_000.0
TARGET = Target(now=NOW)


def rule(look: Callable[[Target], Looked], id_: str = "a-rule", **more: Any) -> Rule:
    made = Rule(
        id=id_,
        sign=1,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="It is so",
        owasp="API1:2023",
        cwe="CWE-1",
        asvs="V1.1.1",
        why="Because.",
        remedy="Mend it.",
        contract="",
        needs=(),
        look=look,
    )
    return replace(made, **more)


def seen(*observations: Observation) -> Callable[[Target], Looked]:
    return lambda _: Looked(5, observations)


def at(operation: str, cause: str = "", **more: Any) -> Observation:
    return Observation(Location(operation=operation, line=3), f"{operation} is wrong.", cause=cause, **more)


def raising(fault: Exception) -> Callable[[Target], Looked]:
    def look(_: Target) -> Looked:
        raise fault

    return look


class TestEveryRuleEnds:
    def test_passed_with_how_much_it_looked_at(self) -> None:
        assert audit(TARGET, [rule(lambda _: Looked(5))]).outcomes == (Passed("a-rule", 1, Method.STATIC, 5),)

    def test_skipped_where_there_was_nothing_to_look_at(self) -> None:
        (outcome,) = audit(TARGET, [rule(lambda _: Looked(0))]).outcomes
        assert isinstance(outcome, Skipped)
        assert not outcome.asked

    def test_skipped_without_what_it_needs(self) -> None:
        (outcome,) = audit(TARGET, [rule(seen(), needs=(Needs.SOURCE, Needs.URL))]).outcomes
        assert isinstance(outcome, Skipped)
        assert "--source DIR" in outcome.reason
        assert "--url URL" in outcome.reason
        assert not outcome.asked

    def test_skipped_and_missed_when_a_person_named_it(self) -> None:
        (outcome,) = audit(TARGET, [rule(seen(), needs=(Needs.URL,))], asked=frozenset({"a-rule"})).outcomes
        assert isinstance(outcome, Skipped)
        assert outcome.asked

    @pytest.mark.parametrize("missed", [True, False])
    def test_skipped_when_it_could_not_be_tried(self, *, missed: bool) -> None:
        (outcome,) = audit(TARGET, [rule(raising(Untried("no answer", missed=missed)))]).outcomes
        assert outcome == Skipped("a-rule", 1, Method.STATIC, "no answer", asked=missed, applies=missed)

    def test_skipped_without_leave_to_change_things(self) -> None:
        (outcome,) = audit(TARGET, [rule(seen(at("a")), active=True)]).outcomes
        assert isinstance(outcome, Skipped)
        assert "--active" in outcome.reason

    @pytest.mark.parametrize("fault", [ZeroDivisionError("secret-word"), RecursionError(), FileError("it is broken")])
    def test_errored_by_its_own_crash_and_no_other_s(self, fault: Exception) -> None:
        done = audit(TARGET, [rule(raising(fault), "bad"), rule(seen(at("a")), "good")])
        crashed, found = done.outcomes
        assert isinstance(crashed, Errored)
        assert isinstance(found, Finding)
        assert "secret-word" not in crashed.reason

    def test_in_the_order_of_the_rules_however_they_ran(self) -> None:
        ran: list[str] = []
        rules = [rule(lambda _: Looked(1), "burst", exhausting=True), rule(lambda _: Looked(1), "calm")]
        done = audit(TARGET, rules, told=lambda one: ran.append(one.id))
        assert ran == ["calm", "burst"]
        assert [one.rule for one in done.outcomes] == ["burst", "calm"]


class TestFindings:
    def test_of_one_cause_are_one_with_its_places(self) -> None:
        done = audit(TARGET, [rule(seen(at("a", "c"), at("b", "c"), at("x", "d"), at("y"), at("z")))])
        assert [[place.operation for place in one.places] for one in done.findings] == [["a", "b"], ["x"], ["y"], ["z"]]
        assert "(2 places)" in done.findings[0].detail

    def test_take_the_worst_severity_and_the_surest_evidence(self) -> None:
        weak = at("a", "c", confidence=Confidence.SUSPECTED, severity=Severity.CRITICAL, evidence=("weak",))
        (one,) = audit(TARGET, [rule(seen(weak, at("b", "c", evidence=("sure",))))]).findings
        assert (one.severity, one.confidence) == (Severity.CRITICAL, Confidence.CONFIRMED)
        assert one.evidence == ("sure", "weak")
        assert one.places[0].operation == "b"

    def test_have_fingerprints_that_differ_and_stay(self) -> None:
        first = audit(TARGET, [rule(seen(at("a"), at("b"), at("b"), at("c", "cause")))])
        again = audit(replace(TARGET, now=NOW + 1), [rule(seen(at("a"), at("b"), at("b"), at("c", "cause")))])
        prints = [one.fingerprint for one in first.findings]
        assert len(set(prints)) == 4
        assert prints == [one.fingerprint for one in again.findings]

    def test_keep_their_fingerprint_when_lines_move(self) -> None:
        moved = [Observation(Location(file="a.py", line=line), "d") for line in (3, 300)]
        prints = {audit(TARGET, [rule(seen(one))]).findings[0].fingerprint for one in moved}
        assert len(prints) == 1


class TestABaseline:
    def excuse(self, finding: Finding, *places: str, until: date = date(2027, 1, 1)) -> dict[str, Excuse]:
        one = Excuse(finding.fingerprint, finding.rule, frozenset(places), "accepted", until)
        return {one.fingerprint: one}

    def test_excuses_what_it_names(self) -> None:
        rules = [rule(seen(at("a", "c"), at("b", "c")))]
        (found,) = audit(TARGET, rules).findings
        assert audit(TARGET, rules, excuses=self.excuse(found, "a", "b")).findings == ()

    def test_excuses_no_new_place_and_not_for_ever(self) -> None:
        rules = [rule(seen(at("a", "c"), at("b", "c")))]
        (found,) = audit(TARGET, rules).findings
        assert audit(TARGET, rules, excuses=self.excuse(found, "a")).findings
        assert audit(TARGET, rules, excuses=self.excuse(found, "a", "b", until=date(2026, 11, 1))).findings


@pytest.mark.parametrize("banned", [True, False])
def test_what_an_api_refuses_that_has_shut_the_audit_out_is_no_pass(serve: Any, live: Any, *, banned: bool) -> None:
    asked: list[str] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path)
        return 403 if request.path == "/attack" or (banned and "/attack" in asked) else 200, {}, b"{}"

    def look(target: Target) -> Looked:
        target.probe.send(Ask("GET", "/attack"))
        return Looked(1)

    target = live(serve(api), {"paths": {"/things": {"get": {"responses": {}}}}}, "a-key")
    assert target.survey.answered()
    (outcome,) = audit(target, [rule(look, method=Method.LIVE)]).outcomes
    assert isinstance(outcome, Skipped if banned else Passed)
    assert not isinstance(outcome, Skipped) or ("shut the audit out" in outcome.reason and outcome.asked)


def test_what_requests_bring_is_in_the_audit_when_its_rule_ran(static: Any) -> None:
    rule = next(one for one in RULES if one.id == "encryption-unneeded-data")
    schema = {"type": "object", "properties": {"ssn": {"type": "string"}}}
    post = {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}
    target = static({"paths": {"/things": {"post": post}}})
    assert [one.name for one in audit(target, [rule]).collected] == ["ssn"]
    assert audit(static({"paths": {"/things": {"post": post}}}), []).collected == ()

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import Errored, Finding, Location, Method, Outcome, Skipped
from ninefold.audit.report.compare import closed_by, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.finding import Audit

    AuditOf = Callable[[tuple[Outcome, ...]], Audit]


@pytest.fixture
def finding(sample: Audit) -> Finding:
    """A live one that contract lines close."""
    return next(one for one in sample.findings if one.rule == "keys-in-query")


class TestWhatClosed:
    def test_a_live_finding_with_contract_lines_is_the_guard(self, finding: Finding) -> None:
        assert closed_by((finding,)) == "by the guard"

    def test_one_of_the_description_with_contract_lines_too(self, finding: Finding) -> None:
        described = replace(finding, method=Method.STATIC, places=(Location("listOrders", "/paths/x"),))
        assert closed_by((described,)) == "by the guard"

    def test_a_finding_in_a_file_is_the_source_whatever_the_contract_says(self, finding: Finding) -> None:
        filed = replace(finding, method=Method.STATIC, places=(Location(file="app.py", line=1),))
        assert filed.contract
        assert closed_by((filed,)) == "by a change in the source"

    def test_a_finding_without_contract_lines_is_the_source(self, finding: Finding) -> None:
        assert closed_by((replace(finding, contract=""),)) == "by a change in the source"

    def test_the_log_that_a_live_finding_names_is_no_source(self, finding: Finding) -> None:
        assert closed_by((replace(finding, places=(Location(file="/var/log/shop.log"),)),)) == "by the guard"

    def test_both_may_be_needed(self, finding: Finding) -> None:
        assert closed_by((finding, replace(finding, contract=""))) == "by the guard and by a change in the source"


class TestAComparison:
    def test_is_proven_when_every_rule_ran_again_and_every_sign_is_clear(
        self, sample: Audit, mended: tuple[Outcome, ...], audit_of: AuditOf
    ) -> None:
        found = compare(sample, audit_of(mended))
        assert found.proven
        assert found.verdict == "3 of 9 signs, 3 unknown before, 0 of 9 signs after"
        assert [(one.before.number, one.how) for one in found.changes if one.how] == [
            (1, "by the guard and by a change in the source"),
            (2, "by the guard"),
            (7, "by the guard"),
        ]

    @pytest.mark.parametrize(
        "instead",
        [(), (Skipped("keys-in-query", 1, Method.LIVE, "-"),), (Errored("keys-in-query", 1, Method.LIVE, "-"),)],
    )
    def test_is_not_proven_when_a_rule_did_not_run_again(
        self, sample: Audit, mended: tuple[Outcome, ...], audit_of: AuditOf, instead: tuple[Outcome, ...]
    ) -> None:
        found = compare(sample, audit_of((*(one for one in mended if one.rule != "keys-in-query"), *instead)))
        assert not found.proven
        assert found.not_again == ("keys-in-query",)
        assert found.changes[0].how.startswith("not proven")
        assert not found.changes[0].good

    def test_is_not_proven_while_a_sign_is_shown(
        self, sample: Audit, mended: tuple[Outcome, ...], audit_of: AuditOf, finding: Finding
    ) -> None:
        found = compare(sample, audit_of((*(one for one in mended if one.rule != finding.rule), finding)))
        assert not found.proven
        assert found.not_again == ()
        assert found.changes[0].how == "not closed"

    def test_is_not_proven_while_a_sign_is_unknown_before_and_after(self, clean: Audit, audit_of: AuditOf) -> None:
        partial = audit_of(tuple(one for one in clean.outcomes if one.sign != 5))
        assert not compare(partial, partial).proven
        assert compare(clean, clean).proven

    def test_tells_a_sign_that_came_up(self, clean: Audit, audit_of: AuditOf, finding: Finding) -> None:
        found = compare(clean, audit_of((*clean.outcomes, finding)))
        assert found.changes[0].how == "shown now"
        assert not found.proven

    def test_does_not_take_an_excuse_for_a_closed_sign(
        self, sample: Audit, mended: tuple[Outcome, ...], audit_of: AuditOf, finding: Finding
    ) -> None:
        excused = replace(finding, baselined=True)
        found = compare(sample, audit_of((*(one for one in mended if one.rule != finding.rule), excused)))
        assert found.changes[0].how == "excused by the baseline, not closed"
        assert not found.changes[0].good

    def test_a_rule_that_failed_before_is_not_asked_to_run_again(
        self, sample: Audit, mended: tuple[Outcome, ...], audit_of: AuditOf
    ) -> None:
        found = compare(sample, audit_of(tuple(one for one in mended if one.rule != "limits-burst")))
        assert found.not_again == ()
        assert found.changes[5].after.state == "unknown"
        assert not found.proven

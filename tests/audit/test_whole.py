"""Runs after the tests of the signs and of what they look with, whose findings `again.py` has shown once more."""

from __future__ import annotations

import shutil

import pytest
from tests.audit.again import BESIDE, SHOWN

from ninefold.audit.finding import Method
from ninefold.audit.rule import Needs
from ninefold.audit.signs.order import RULES, SIGNS


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed (scripts/debian.sh does it)")
def test_every_rule_that_asks_the_api_has_findings_that_a_line_shows_again(
    request: pytest.FixtureRequest,
) -> None:
    ran = {item.path.stem for item in request.session.items}
    if missing := ({f"test_{sign.name}" for sign in SIGNS} | BESIDE) - ran:
        pytest.skip(f"not all signs were tested: {', '.join(sorted(missing))}")
    asking = {rule.id for rule in RULES if rule.method is Method.LIVE and Needs.URL in rule.needs}
    assert asking <= SHOWN

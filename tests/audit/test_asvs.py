from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.asvs import section
from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from ninefold.audit.rule import Rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_names_a_requirement_that_there_is(rule: Rule) -> None:
    assert section(rule.asvs)


def test_a_requirement_has_the_name_of_its_section() -> None:
    assert section("V3.4.2") == "Browser Security Mechanism Headers"
    assert section("V10.4.16") == "OAuth Authorization Server"


@pytest.mark.parametrize("none", ["V3.4.9", "V3.4.0", "V3.4.02", "V18.1.1", "V3.4", "3.4.2", ""])
def test_what_is_no_requirement_has_none(none: str) -> None:
    with pytest.raises(KeyError):
        section(none)

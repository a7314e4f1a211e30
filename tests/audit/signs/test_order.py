from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from ninefold.audit.signs.order import RULES, SIGNS
from ninefold.contract.model import Contract

if TYPE_CHECKING:
    from ninefold.audit.rule import Rule


def name(rule: Rule) -> str:
    return rule.id


def test_there_are_nine_signs_in_order_each_with_rules_of_both_kinds() -> None:
    assert [sign.number for sign in SIGNS] == list(range(1, 10))
    for sign in SIGNS:
        assert {rule.method.value for rule in sign.rules} == {"static", "live"}, sign.name
        assert all(rule.sign == sign.number and rule.id.startswith(f"{sign.name}-") for rule in sign.rules)


def test_no_id_and_no_title_is_given_twice() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.title for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_rule_says_what_it_is_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)+", rule.id)
    assert re.fullmatch(r"API(?:[1-9]|10):2023", rule.owasp)
    assert re.fullmatch(r"CWE-\d+", rule.cwe)
    assert re.fullmatch(r"V\d+\.\d+\.\d+", rule.asvs)
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.remedy.endswith(".")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.contract], ids=name)
def test_the_contract_lines_that_close_it_are_of_a_contract(rule: Rule) -> None:
    lines = yaml.safe_load(rule.contract)
    api = {"description": "openapi.yaml", **lines.pop("api", {})}
    Contract.model_validate({"api": api, "upstream": "http://127.0.0.1:9000", **lines})

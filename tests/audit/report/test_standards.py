from __future__ import annotations

import pytest

from ninefold.audit.report.standards import cwe, owasp
from ninefold.audit.signs.order import RULES


def test_every_rule_names_a_risk_and_a_weakness_that_have_a_page() -> None:
    for rule in RULES:
        assert owasp(rule.owasp).url, rule.id
        assert cwe(rule.cwe).url, rule.id


def test_the_pages() -> None:
    assert owasp("API2:2023") == (
        "API2:2023 Broken Authentication",
        "https://owasp.org/API-Security/editions/2023/en/0xa2-broken-authentication/",
    )
    assert cwe("CWE-942").url == "https://cwe.mitre.org/data/definitions/942.html"


@pytest.mark.parametrize("name", ["", "API2:2019", "javascript:alert(1)", "CWE-1/../x"])
def test_what_is_not_known_has_no_page(name: str) -> None:
    assert owasp(name) == (name, "")
    assert cwe(name) == (name, "")

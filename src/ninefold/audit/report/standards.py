"""Where the standards that rules name can be read."""

from __future__ import annotations

import re
from typing import NamedTuple

_OWASP = "https://owasp.org/API-Security/editions/2023/en/"
#: The OWASP API Security Top 10 of 2023: the page of each risk, and its name.
_RISKS = {
    "API1:2023": ("0xa1-broken-object-level-authorization", "Broken Object Level Authorization"),
    "API2:2023": ("0xa2-broken-authentication", "Broken Authentication"),
    "API3:2023": ("0xa3-broken-object-property-level-authorization", "Broken Object Property Level Authorization"),
    "API4:2023": ("0xa4-unrestricted-resource-consumption", "Unrestricted Resource Consumption"),
    "API5:2023": ("0xa5-broken-function-level-authorization", "Broken Function Level Authorization"),
    "API6:2023": ("0xa6-unrestricted-access-to-sensitive-business-flows", "Unrestricted Access to Business Flows"),
    "API7:2023": ("0xa7-server-side-request-forgery", "Server Side Request Forgery"),
    "API8:2023": ("0xa8-security-misconfiguration", "Security Misconfiguration"),
    "API9:2023": ("0xa9-improper-inventory-management", "Improper Inventory Management"),
    "API10:2023": ("0xaa-unsafe-consumption-of-apis", "Unsafe Consumption of APIs"),
}


class Reference(NamedTuple):
    """`url` is empty where there is no page of its own."""

    label: str
    url: str


def owasp(risk: str) -> Reference:
    """The page of `API8:2023`; of a risk that is not known, its bare name."""
    page, name = _RISKS.get(risk, ("", ""))
    return Reference(f"{risk} {name}", f"{_OWASP}{page}/") if page else Reference(risk, "")


def cwe(weakness: str) -> Reference:
    """The page of `CWE-942`."""
    found = re.fullmatch(r"CWE-(\d{1,5})", weakness)
    return Reference(weakness, f"https://cwe.mitre.org/data/definitions/{found[1]}.html" if found else "")

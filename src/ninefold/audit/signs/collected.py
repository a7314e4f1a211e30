"""Sign 3, improper encryption: sensitive data that need not be there, and then wants no protection."""

from __future__ import annotations

from ninefold.audit.finding import Confidence, Method, Severity
from ninefold.audit.inventory import unneeded
from ninefold.audit.rule import Needs, Rule

RULES = (
    Rule(
        id="encryption-unneeded-data",
        sign=3,
        method=Method.STATIC,
        severity=Severity.INFO,
        confidence=Confidence.SUSPECTED,
        title="Sensitive data is collected, and nothing shows what for",
        owasp="API3:2023",
        cwe="CWE-359",
        asvs="V14.1.1",
        why="What is kept has to be protected for as long as it is kept. What was never asked for cannot be lost.",
        remedy="Stop asking for what nothing needs; of the rest, let the description say what it is needed for.",
        contract="",
        needs=(Needs.DESCRIPTION,),
        look=unneeded,
    ),
)

"""Sign 1, overreliance on API keys: keys that are accepted when they should be worth nothing any more, or not alone."""

from __future__ import annotations

from ninefold.audit.finding import Confidence, Method, Severity
from ninefold.audit.rule import Needs, Rule
from ninefold.audit.stale import expired, revoked, without_second_proof
from ninefold.audit.vantage import undeclared_address

RULES = (
    Rule(
        id="keys-expired-accepted",
        sign=1,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A key is accepted after it has expired",
        owasp="API2:2023",
        cwe="CWE-613",
        asvs="V7.4.1",
        why="An expiry that is only written down keeps nobody out: what leaked years ago still works.",
        remedy="Compare the key's expiry with the clock in every request, and refuse with 401.",
        contract="keys:\n  max_age: 90d\n",
        needs=(Needs.URL, Needs.KEY, Needs.EXPIRED),
        look=expired,
    ),
    Rule(
        id="keys-revoked-accepted",
        sign=1,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="A key is accepted after it was revoked",
        owasp="API2:2023",
        cwe="CWE-613",
        asvs="V7.4.1",
        why="A key is revoked because somebody else has it.",
        remedy="Look keys up in one store in every request, or let caches of them live for seconds only.",
        contract="keys:\n  store: ninefold-keys.db\n",
        needs=(Needs.URL, Needs.KEY, Needs.REVOKED),
        look=revoked,
    ),
    Rule(
        id="keys-alone-accepted",
        sign=1,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A credential is accepted without its second proof",
        owasp="API2:2023",
        cwe="CWE-308",
        asvs="V6.3.3",
        why="The description requires two schemes together, so everybody counts on the second one, and one is enough.",
        remedy="Require every scheme of the alternative in the same place, and refuse when one is missing.",
        contract="keys:\n  header: X-API-Key\n  with: {ip: [local]}\n",
        needs=(Needs.DESCRIPTION, Needs.URL, Needs.KEY),
        look=without_second_proof,
    ),
    Rule(
        id="keys-undeclared-address",
        sign=1,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="A key is accepted from an undeclared address",
        owasp="API2:2023",
        cwe="CWE-308",
        asvs="V6.3.3",
        why="The addresses are what makes a copied key worthless elsewhere. Where they are only written down, it is not.",
        remedy="Compare the caller's address with the declared ranges in every request, where nobody else can claim it, and "
        "refuse what is outside of them.",
        contract="keys:\n  header: X-API-Key\n  with: {ip: [local]}\n",
        needs=(Needs.URL, Needs.KEY),
        look=undeclared_address,
    ),
)

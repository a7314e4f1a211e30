"""Sign 2, no smart authorization: tokens that are believed although nobody issued them, or not for this (RFC 8725)."""

from __future__ import annotations

from ninefold.audit.finding import Confidence, Method, Severity
from ninefold.audit.forgery import claims, confused_key, guessed_secret, unverified
from ninefold.audit.rule import Needs, Rule

RULES = (
    Rule(
        id="authorization-token-unverified",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="Tokens are believed without a valid signature",
        owasp="API2:2023",
        cwe="CWE-347",
        asvs="V9.1.1",
        why="Whoever writes a token is whoever he says: every account and every role is open.",
        remedy="Verify the signature of every token before any claim is read, with a list of algorithms that is fixed in the "
        "API (RFC 8725 section 3.1); `none` is not among them.",
        contract="",
        needs=(Needs.URL, Needs.KEY),
        look=unverified,
    ),
    Rule(
        id="authorization-token-secret",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="Tokens are signed with a secret that can be guessed",
        owasp="API2:2023",
        cwe="CWE-1391",
        asvs="V11.5.1",
        why="One token is enough to try secrets on without asking the API; with the secret anybody issues tokens.",
        remedy="Sign with a secret of 256 bits from the system's random source that stands in no code, or with an asymmetric "
        "key (RFC 8725 section 3.5), and replace the one that is in use.",
        contract="",
        needs=(Needs.URL, Needs.KEY),
        look=guessed_secret,
    ),
    Rule(
        id="authorization-token-key",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="A token chooses the key that verifies it",
        owasp="API2:2023",
        cwe="CWE-347",
        asvs="V9.1.3",
        why="What stands in a token's header was written by whoever sent it. If it decides on the key or the algorithm, then a "
        "forged token verifies.",
        remedy="Bind each key to one algorithm in the API's configuration, take `kid` only as a name in that list, and pass "
        "over `jwk`, `jku` and `x5u` (RFC 8725 sections 3.1 and 3.10).",
        contract="",
        needs=(Needs.URL, Needs.KEY),
        look=confused_key,
    ),
    Rule(
        id="authorization-token-claims",
        sign=2,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="Tokens hold after their time, or for another API",
        owasp="API2:2023",
        cwe="CWE-613",
        asvs="V9.2.1",
        why="A token that was leaked, or that another service got, is as good as a fresh one.",
        remedy="Issue tokens with `exp`, `iss` and `aud`, for minutes rather than days, and check all three (RFC 9068, 4).",
        contract="",
        needs=(Needs.URL, Needs.KEY),
        look=claims,
    ),
)

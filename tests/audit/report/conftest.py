"""A fixed audit that has everything in it, the rules that it names, and the golden files of what the formats make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.finding import (
    Audit,
    Confidence,
    Errored,
    Exchange,
    Finding,
    Location,
    Method,
    Outcome,
    Passed,
    Severity,
    Skipped,
)
from ninefold.audit.rule import Looked, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

GOLDEN = Path(__file__).parent / "golden"
STARTED = 1_795_440_675.0  # 2026-11-23 13:31:15 UTC
HOSTILE = (
    '</pre><script>document.title="owned"</script><img src=x onerror=alert(1)>\x1b[2J\u202egpj.exe{{ 7*7 }}&amp;\x00'
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files of the reports anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: the text is what the file holds. `pytest tests/audit/report --golden` writes it."""

    def hold(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--golden", default=False):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"{name} differs; if it should, run: pytest tests/audit/report --golden"

    return hold


def _look(target: Target) -> Looked:
    raise AssertionError(target)


def _rule(id_: str, sign: int, method: Method, severity: Severity, title: str, contract: str = "") -> Rule:
    return Rule(
        id=id_,
        sign=sign,
        method=method,
        severity=severity,
        confidence=Confidence.CONFIRMED,
        title=title,
        owasp="API2:2023",
        cwe="CWE-598",
        asvs="V14.2.1",
        why="A key in a URL is written to every log on its way.",
        remedy="Read the key from the header field only: `ninefold guard` does.",
        contract=contract,
        needs=(),
        look=_look,
    )


_HEADER = "keys:\n  header: X-API-Key\n"
RULES = (
    _rule("keys-in-query", 1, Method.LIVE, Severity.HIGH, "A key is accepted in the query", _HEADER),
    _rule("keys-in-source", 1, Method.STATIC, Severity.CRITICAL, "An API key stands in the source"),
    _rule(
        "authorization-open-operation", 2, Method.STATIC, Severity.HIGH, "Operations are open to everybody", "api:\n"
    ),
    _rule("encryption-old-tls", 3, Method.LIVE, Severity.HIGH, "TLS older than 1.2 is spoken"),
    _rule("dependencies-vulnerable", 4, Method.STATIC, Severity.HIGH, "A dependency has known vulnerabilities"),
    _rule("limits-burst", 6, Method.LIVE, Severity.HIGH, "A burst of requests is not throttled", "limits:\n"),
    _rule(
        "filtering-verbose-errors", 7, Method.LIVE, Severity.MEDIUM, "Errors tell how the API is built", "responses:\n"
    ),
    _rule("monitoring-no-request-id", 8, Method.LIVE, Severity.LOW, "Answers have no request id", "trail:\n"),
    _rule("cors-no-vary", 9, Method.LIVE, Severity.LOW, "Answers may be cached for another origin", "origins:\n"),
)


def _exchange(role: str, target: str, status: str, body: str = "") -> Exchange:
    return Exchange(
        role,
        f"GET {target} HTTP/1.1\nHost: 127.0.0.1:8000\nX-API-Key: [cut]",
        f"HTTP/1.1 {status}\ncontent-type: application/json\n\n{body}",
    )


def _found(
    rule: str,
    severity: Severity,
    places: tuple[Location, ...],
    detail: str,
    *,
    evidence: tuple[Exchange | str, ...] = (),
    confidence: Confidence = Confidence.CONFIRMED,
    baselined: bool = False,
) -> Finding:
    of = next((one for one in RULES if one.id == rule), RULES[1])
    return Finding(
        rule=rule,
        sign=of.sign,
        severity=severity,
        confidence=confidence,
        method=of.method,
        title=of.title,
        detail=detail,
        places=places,
        evidence=evidence,
        remedy=of.remedy,
        contract=of.contract,
        fingerprint=f"{hash_of(rule, detail):016x}",
        baselined=baselined,
    )


def hash_of(*words: str) -> int:
    """The same in every run, unlike `hash`."""
    number = 0
    for char in "".join(words):
        number = (number * 31 + ord(char)) % 2**64
    return number


PROOF = (
    _exchange("baseline", "/orders", "200 OK", '[{"id": 1}]'),
    _exchange("attack", "/orders?api_key=[cut]", "200 OK", '[{"id": 1}]'),
    _exchange("control", "/orders?api_key=[cut]", "401 Unauthorized", '{"detail": "bad key"}'),
    _exchange("repeat", "/orders?api_key=[cut]", "200 OK", '[{"id": 1}]'),
)
ORDERS = Location("listOrders", "/paths/~1orders/get", url="/orders")
MANY = tuple(Location(f"operation{at}", f"/paths/~1{at}/get", url=f"/{at}") for at in range(1, 9))

OUTCOMES: tuple[Outcome, ...] = (
    _found("keys-in-query", Severity.HIGH, (ORDERS,), "GET /orders accepts the key as `?api_key=`.", evidence=PROOF),
    _found(
        "keys-in-source",
        Severity.CRITICAL,
        (Location(file="app/settings.py", line=12), Location(file="app/a b.py", line=3)),
        "A literal is given to `API_KEY`. (2 places)",
        evidence=("API_KEY = [cut]",),
    ),
    _found("authorization-open-operation", Severity.HIGH, MANY, "GET /1 is open. (8 places)"),
    Skipped("encryption-old-tls", 3, Method.LIVE, "needs the running API (--url URL)", asked=True),
    _found(
        "dependencies-vulnerable",
        Severity.HIGH,
        (Location(file="requirements.txt", line=4),),
        "pyyaml 5.3.1",
        baselined=True,
    ),
    Errored("limits-burst", 6, Method.LIVE, f"the connection was closed {HOSTILE}"),
    _found(
        "filtering-verbose-errors",
        Severity.MEDIUM,
        (ORDERS, Location(url=f"http://127.0.0.1:8000/{HOSTILE}")),
        f"An odd number of `backticks` in ` {HOSTILE}",
        evidence=(Exchange("attack", f"GET /{HOSTILE} HTTP/1.1", HOSTILE), HOSTILE),
        confidence=Confidence.SUSPECTED,
    ),
    Passed("monitoring-no-request-id", 8, Method.LIVE, 7),
    _found(
        "rule-of-another-version", Severity.INFO, (Location(url="http://127.0.0.1:8000"),), "Nobody knows this rule."
    ),
    Passed("cors-no-vary", 9, Method.LIVE, 1),
)


def _audit(outcomes: tuple[Outcome, ...]) -> Audit:
    return Audit(
        target="http://127.0.0.1:8000 shop/openapi.yaml shop",
        started=STARTED,
        took=5.0267,
        requests=1253,
        ninefold="0.1.0",
        outcomes=outcomes,
        url="http://127.0.0.1:8000",
        description="shop/openapi.yaml",
        source="shop",
    )


@pytest.fixture
def rules() -> tuple[Rule, ...]:
    """The rules that the sample names, all but one."""
    return RULES


@pytest.fixture
def hostile() -> str:
    """What an API under test may answer to whoever reads its report."""
    return HOSTILE


@pytest.fixture
def sample() -> Audit:
    """Signs of each state, findings of each severity, and evidence that attacks the report."""
    return _audit(OUTCOMES)


@pytest.fixture
def clean() -> Audit:
    """All nine signs looked at, and none shown."""
    return _audit(tuple(Passed(f"rule-{sign}", sign, Method.LIVE, sign) for sign in range(1, 10)))


@pytest.fixture
def mended() -> tuple[Outcome, ...]:
    """The sample's rules, all of them run and passed; and one for the sign that had none."""
    rules = {one.rule: Passed(one.rule, one.sign, one.method, 1) for one in OUTCOMES}
    return (*rules.values(), Passed("standard-mixed-schemes", 5, Method.STATIC, 1))


@pytest.fixture
def after(mended: tuple[Outcome, ...]) -> Audit:
    """The audit of them."""
    return _audit(mended)


@pytest.fixture
def nothing() -> Audit:
    """Nothing was found because nothing could be tried."""
    return _audit(
        (
            Skipped("limits-burst", 6, Method.LIVE, "needs the running API (--url URL)"),
            Errored("cors-no-vary", 9, Method.LIVE, "the connection was closed"),
        )
    )


@pytest.fixture
def audit_of() -> Callable[[tuple[Outcome, ...]], Audit]:
    """`audit_of(outcomes)`: an audit that ended so."""
    return _audit

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.clauses import CLAUSES, clauses, drift
from ninefold.audit.finding import Confidence, Exchange, Finding, Location, Method, Outcome, Passed, Severity, Verdict
from ninefold.audit.rule import Untried
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target
from ninefold.contract.load import load_contract
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BY_ID = {rule.id: rule for rule in RULES}
CONTRACT = """\
api: {description: openapi.json}
authorization:
  roles: {clerk: [orders:read]}
  rules:
    - {operations: [listOrders], allow: [orders:read]}
    - {operations: [health], public: a load balancer asks}
"""


def document(**more: Any) -> dict[str, Any]:
    get = {"200": {"description": "-"}, "429": {"description": "-"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
        "paths": {
            "/orders": {"get": {"operationId": "listOrders", "security": [{"key": []}], "responses": get}},
            "/health": {"get": {"operationId": "health", "security": [], "responses": get}},
        },
        **more,
    }


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Target]:
    """`kept(description, contract)`: a target with both; the contract's own description is `document()`."""

    def build(described: dict[str, Any] | None = None, contract: str = CONTRACT) -> Target:
        (tmp_path / "openapi.json").write_text(json.dumps(document()))
        path = tmp_path / "contract.yaml"
        path.write_text(contract)
        return Target(
            now=0.0, description=read(described or document(), "other.json"), contract=load_contract(path), url=""
        )

    return build


def found(rule: str, confidence: Confidence = Confidence.CONFIRMED) -> Finding:
    of = BY_ID[rule]
    evidence = (Exchange("attack", "GET / HTTP/1.1", "HTTP/1.1 200", "curl http://a/"),)
    return Finding(
        rule, of.sign, of.severity, confidence, of.method, of.title, "d", (Location(url="/"),), evidence, "r", "", "f"
    )


def passed(rule: str) -> Passed:
    return Passed(rule, BY_ID[rule].sign, BY_ID[rule].method, 1)


def held(target: Target, *outcomes: Outcome) -> dict[str, Verdict]:
    ended = {one.rule: (one,) for one in outcomes}
    return {clause.name: clause.verdict for clause, _ in clauses(replace(target, ended=ended))}


def test_there_are_these_clauses() -> None:
    assert [name for name, _, _ in CLAUSES] == [
        "authentication", "authorization", "transport", "rate limit", "response members", "request id", "origins",
    ]  # fmt: skip


def test_every_rule_that_speaks_for_a_side_is_there(kept: Callable[..., Target]) -> None:
    named = {rule for _, side in clauses(kept()) for rule in side.rules}
    assert named <= BY_ID.keys()


def test_what_only_one_side_tells_is_not_checked(kept: Callable[..., Target]) -> None:
    told = held(kept())
    assert told["origins"] is told["request id"] is told["transport"] is Verdict.UNCHECKED


@pytest.mark.parametrize(
    ("clause", "rule"),
    [
        ("authentication", "authorization-missing"),
        ("transport", "encryption-plain-http"),
        ("rate limit", "limits-burst"),
        ("response members", "filtering-undeclared-members"),
        ("request id", "monitoring-no-request-id"),
        ("origins", "cors-foreign-origin"),
    ],
)
def test_the_api_agrees_or_drifts_as_its_rule_saw(kept: Callable[..., Target], clause: str, rule: str) -> None:
    assert held(kept(), passed(rule))[clause] is Verdict.AGREE
    assert held(kept(), found(rule))[clause] is Verdict.DRIFT


def test_what_the_contract_leaves_open_breaks_nothing(kept: Callable[..., Target]) -> None:
    """An operation that it opens to everybody, and one whose responses pass unread."""
    public = replace(found("authorization-missing"), places=(Location(operation="health"),))
    assert held(kept(), public)["authentication"] is Verdict.AGREE, "described as declared, and nothing more is known"
    unread = CONTRACT + "responses: {open: {listOrders: a report of any shape}}\n"
    open_ = replace(found("filtering-undeclared-members"), places=(Location(operation="listOrders"),))
    assert held(kept(None, unread), open_)["response members"] is Verdict.UNCHECKED
    assert held(kept(), open_)["response members"] is Verdict.DRIFT


def test_a_burst_below_what_is_declared_breaks_nothing(kept: Callable[..., Target]) -> None:
    high = CONTRACT + "limits: [{per: ip, rate: 10000/min, burst: 5000}]\n"
    assert held(kept(None, high), found("limits-burst"))["rate limit"] is Verdict.UNCHECKED
    assert held(kept(), found("limits-burst"))["rate limit"] is Verdict.DRIFT


def test_whose_an_object_is_no_scope_says(kept: Callable[..., Target]) -> None:
    target = replace(kept(), ended={"authorization-object-level": (found("authorization-object-level"),)})
    (clause,) = (one for one, _ in clauses(target) if one.name == "authorization")
    assert (clause.observed, clause.verdict) == ("a caller reads the objects of another", Verdict.UNCHECKED)


class TestTheDescription:
    def test_that_asks_for_what_the_contract_asks_for_agrees(self, kept: Callable[..., Target]) -> None:
        assert held(kept())["authentication"] is Verdict.AGREE

    def test_that_opens_an_operation_drifts_and_names_it(self, kept: Callable[..., Target]) -> None:
        other = document()
        other["paths"]["/orders"]["get"]["security"] = []
        target = kept(other)
        assert held(target)["authentication"] is Verdict.DRIFT
        (seen,) = drift(target).seen
        assert "otherwise than declared for listOrders" in seen.detail
        assert (seen.severity, str(seen.place)) == (Severity.LOW, "contract.yaml#keys")

    def test_that_asks_for_another_credential_drifts(self, kept: Callable[..., Target]) -> None:
        schemes = {"key": {"type": "apiKey", "in": "header", "name": "X-Other"}}
        assert held(kept(document(components={"securitySchemes": schemes})))["authentication"] is Verdict.DRIFT

    def test_with_the_scopes_of_the_contract_agrees(self, kept: Callable[..., Target]) -> None:
        other = document()
        other["paths"]["/orders"]["get"]["x-ninefold-allow"] = ["orders:read"]
        assert held(kept(other))["authorization"] is Verdict.AGREE
        other["paths"]["/health"]["get"]["x-ninefold-allow"] = ["orders:read"]
        assert held(kept(other))["authorization"] is Verdict.DRIFT

    def test_of_servers_elsewhere_says_nothing_of_this_one(self, kept: Callable[..., Target]) -> None:
        target = replace(kept(document(servers=[{"url": "https://api.example.com"}])), url="http://127.0.0.1:1")
        (clause,) = (one for one, _ in clauses(target) if one.name == "transport")
        assert clause.described == ""

    def test_that_was_made_from_the_contract_says_nothing(self, kept: Callable[..., Target]) -> None:
        told = clauses(replace(kept(), derived=True))
        assert {clause.described for clause, _ in told} == {""}


class TestDrift:
    def test_is_told_once_a_clause_with_the_evidence_of_its_rule(self, kept: Callable[..., Target]) -> None:
        finding = found("limits-burst")
        looked = drift(replace(kept(), ended={"limits-burst": (finding,)}))
        (seen,) = looked.seen
        assert (seen.cause, seen.severity, seen.evidence) == ("rate limit", Severity.MEDIUM, finding.evidence)
        assert "the contract declares: 600/min per ip" in seen.detail
        assert seen.confidence is Confidence.CONFIRMED

    def test_is_no_surer_than_what_it_rests_on(self, kept: Callable[..., Target]) -> None:
        looked = drift(replace(kept(), ended={"limits-burst": (found("limits-burst", Confidence.SUSPECTED),)}))
        assert looked.seen[0].confidence is Confidence.SUSPECTED

    def test_is_not_told_of_what_the_contract_leaves_open(self, kept: Callable[..., Target]) -> None:
        plain = CONTRACT + "encryption: {plain: TLS ends in front of it}\n"
        looked = drift(replace(kept(None, plain), ended={"encryption-plain-http": (found("encryption-plain-http"),)}))
        assert looked.seen == ()

    def test_is_untried_where_nothing_can_be_held_against_anything(self, kept: Callable[..., Target]) -> None:
        with pytest.raises(Untried, match="neither"):
            drift(replace(kept(), derived=True))

    def test_runs_after_the_rules_it_rests_on_and_stands_in_the_audit(self, kept: Callable[..., Target]) -> None:
        other = document()
        del other["paths"]["/orders"]["get"]["responses"]["429"]
        rules = [BY_ID["standard-drift"], BY_ID["limits-undeclared"]]
        done = audit(kept(other), rules)
        assert [one.rule for one in done.findings] == ["standard-drift", "limits-undeclared"]
        assert "no limit for 2 of 2 operations" in done.findings[0].detail
        assert {one.name: one.verdict for one in done.clauses}["rate limit"] is Verdict.DRIFT


def test_without_a_contract_description_and_api_are_held_against_each_other() -> None:
    target = Target(now=0.0, description=read(document(), "a.json"), url="http://127.0.0.1:1")
    assert held(target, found("authorization-missing"))["authentication"] is Verdict.DRIFT
    assert held(target, passed("limits-undeclared"), passed("limits-burst"))["rate limit"] is Verdict.AGREE


def test_of_one_input_alone_there_is_no_table() -> None:
    assert clauses(Target(now=0.0, description=read(document(), "a.json"))) == ()
    assert clauses(Target(now=0.0, url="http://127.0.0.1:1")) == ()


def test_the_rule_reads_what_is_given_and_sends_nothing() -> None:
    assert BY_ID["standard-drift"].method is Method.STATIC


class TestOnARunningApi:
    """Two that do not keep the contract, each in its own way, and two that do."""

    RULES = tuple(BY_ID[one] for one in ("authorization-missing", "monitoring-no-request-id", "standard-drift"))

    @pytest.fixture
    def drifting(self, kept: Callable[..., Target], serve: Any, live: Any) -> Callable[..., dict[str, Finding]]:
        def ask(api: Callable[[Any], Any]) -> dict[str, Finding]:
            target = live(serve(api), document(), "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU", contract=kept().contract)
            done = audit(target, self.RULES)
            assert {one.name for one in done.clauses if one.observed} >= {"authentication", "request id"}
            found = [one for one in done.findings if one.rule == "standard-drift"]
            return {one.places[0].url.partition("#")[2]: one for one in found}

        return ask

    @staticmethod
    def _answer(request: Any, *, asks: bool, named: str, refusal: int = 401) -> tuple[int, dict[str, str], bytes]:
        fields = {"Content-Type": "application/json", **({named: uuid.uuid4().hex} if named else {})}
        if request.path not in {"/orders", "/health"}:
            return 404, fields, b'{"error": "no such thing"}'
        if asks and request.path == "/orders" and request.headers.get("X-API-Key", "")[:2] != "k7":
            return refusal, fields, b'{"error": "a key is needed"}'
        return 200, fields, b'{"orders": [{"id": 1}]}' if request.path == "/orders" else b'{"up": true}'

    def test_that_asks_nobody_for_a_key(self, drifting: Callable[..., dict[str, Finding]]) -> None:
        told = drifting(lambda request: self._answer(request, asks=False, named="X-Request-Id"))
        assert told.keys() == {"keys"}
        assert told["keys"].severity is Severity.MEDIUM
        assert [one.role for one in told["keys"].evidence if isinstance(one, Exchange)][:2] == ["baseline", "attack"]

    def test_whose_answers_have_no_id(self, drifting: Callable[..., dict[str, Finding]]) -> None:
        assert drifting(lambda request: self._answer(request, asks=True, named="")).keys() == {"trail"}

    @pytest.mark.parametrize(("named", "refusal"), [("X-Request-Id", 401), ("X-Trace-Id", 403)])
    def test_that_keeps_what_is_declared(
        self, drifting: Callable[..., dict[str, Finding]], named: str, refusal: int
    ) -> None:
        assert drifting(lambda request: self._answer(request, asks=True, named=named, refusal=refusal)) == {}

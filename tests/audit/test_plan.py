from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit import plan
from ninefold.audit.finding import Method
from ninefold.audit.key import Key
from ninefold.audit.probe import MARK, Limits, parse_origin
from ninefold.audit.run import audit
from ninefold.audit.signs.order import RULES
from ninefold.audit.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.contract.description import Description

NOW = 1_795_000_000.0
LIVE = tuple(rule for rule in RULES if rule.method is Method.LIVE)
ORIGIN = parse_origin("http://127.0.0.1:9")
LIST = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {
            "type": "array",
            "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
        }
    },
}
DOCUMENT: dict[str, Any] = {
    "security": [{"key": []}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    "paths": {
        "/orders": {
            "get": {"responses": {"200": {"description": "all", "content": {"application/json": {"schema": LIST}}}}},
            "post": {"responses": {"201": {"description": "made"}}},
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"responses": {"200": {"description": "one"}}},
        },
    },
}
KEYS = (Key("header", "X-API-Key", "k7Qw2ZrT9xLm4VbN"), Key("header", "X-API-Key", "p3Ws8YtR2nKd6HcM"))


@pytest.fixture
def target(describe: Callable[[dict[str, Any]], Description]) -> Target:
    return Target(now=NOW, description=describe(DOCUMENT), keys=KEYS)


def sent_by(parts: tuple[plan.Part, ...], rule: str) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (step.method, step.path): (step.least, step.most) for part in parts if part.rule == rule for step in part.steps
    }


def test_every_live_rule_is_told_with_what_it_sends_or_why_it_sends_nothing(target: Target) -> None:
    parts = plan.rehearse(target, ORIGIN, RULES, Limits())
    assert {part.rule for part in parts} == {"", "survey", *(rule.id for rule in LIVE)}
    assert all(part.steps or part.reason for part in parts)
    assert not any(part.reason.startswith("the rule failed") for part in parts)


def test_what_is_certain_and_what_depends_on_answers_are_told_apart(target: Target) -> None:
    parts = plan.rehearse(target, ORIGIN, RULES, Limits())
    assert sent_by(parts, "survey") == {("GET", "/orders"): (1, 1), ("GET", "/orders/{id}"): (1, 1)}
    assert sent_by(parts, "cors-foreign-origin")["OPTIONS", "/orders"] == (0, 1)
    assert sent_by(parts, "limits-burst")["GET", "/orders"][1] >= 120
    shown = plan.render(parts, Limits())
    assert "  OPTIONS /orders  x 0 to 1, by what is answered\n" in shown
    assert "nothing: needs the API's own log" in shown


def test_no_request_of_an_audit_is_of_a_kind_that_the_rehearsal_did_not_tell(
    target: Target, serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    seen: Counter[tuple[str, str]] = Counter()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        path = re.sub(r"(ninefold-)[0-9a-f]{8,}", r"\1*", request.path)
        seen[request.method, re.sub(r"^/orders/[^/]+$", "/orders/{id}", path)] += 1
        key = request.headers.get("X-API-Key", "")
        if key not in {one.value for one in KEYS}:
            return 401, {"Content-Type": "application/json"}, b'{"error": "who?"}'
        if request.path == "/orders":
            number = 1 if key == KEYS[0].value else 2
            return 200, {"Content-Type": "application/json"}, b'{"items": [{"id": "o-%d"}]}' % number
        return (
            (200 if request.path.startswith("/orders/") else 404),
            {"Content-Type": "application/json"},
            b'{"id": "o-1"}',
        )

    real = live(serve(api), DOCUMENT, *KEYS)
    parts = plan.rehearse(target, real.probe.origin, RULES, Limits())
    audit(real, LIVE)
    told = {(step.method, step.path) for part in parts for step in part.steps}
    assert {
        kind for kind in seen if "ninefold-" not in kind[1]
    } <= told  # the rest are controls: paths that do not exist
    assert sum(seen.values()) > 100


def test_the_budget_holds_in_the_rehearsal_too(target: Target) -> None:
    parts = plan.rehearse(target, ORIGIN, RULES, Limits(budget=7))
    assert sum(step.least for part in parts for step in part.steps) <= 7
    assert any("budget of 7" in part.reason for part in parts)


@pytest.mark.parametrize("url", ["https://127.0.0.1:9", "http://[::1]:9/v1", "https://no-such-host.invalid/base"])
def test_nothing_is_connected_to_whatever_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, target: Target, tmp_path: Path, url: str
) -> None:
    def never(*told: Any, **_: Any) -> None:
        raise AssertionError(told)

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(f"socket.{name}", never)
    log = tmp_path / "api.log"
    log.write_text("")
    whole = Target(now=NOW, description=target.description, keys=KEYS, log=log, active=True)
    for one in (whole, Target(now=NOW)):
        parts = plan.rehearse(one, parse_origin(url), RULES, Limits())
        assert not any(part.reason.startswith("the rule failed") for part in parts), parts
    assert log.read_text() == ""


def test_the_announcement_tells_whom_how_much_how_and_as_whom(live: Callable[..., Target]) -> None:
    probe = live("http://a.example:8000/v1", limits=Limits(50, 2.5, 30.0)).probe
    said = plan.announce(probe, ("192.0.2.1", "192.0.2.2"))
    assert said.splitlines() == [
        "audit of http://a.example:8000 (192.0.2.1, 192.0.2.2); nothing else is connected to",
        "  at most 50 requests and TLS handshakes, 2.5 a second, 30 seconds",
        "  GET, HEAD, OPTIONS, SEARCH, TRACE only",
        f"  each request says User-Agent: ninefold-audit/test and {MARK}: {probe.run}",
    ]
    probe.active = True
    assert "--active" in plan.announce(probe)

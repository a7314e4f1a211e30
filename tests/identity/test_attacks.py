"""Every attack is refused by both hosts, for its own reason and with the same words; whatever is good is admitted by both."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.identity.attacks import BEARER, DPOP, GOOD, GOOD_PROOFS, Make, World

if TYPE_CHECKING:
    from collections.abc import Callable


def _fields(made: str | list[str]) -> list[str]:
    return [f"Authorization: Bearer {made}"] if isinstance(made, str) else made


def _reasons(hosts: Any, count: int) -> list[str]:
    """What the gateway's trail says of its last refusals, and the middleware's too."""
    said = []
    for name in ("trail.jsonl", "inside.jsonl"):
        until = time.monotonic() + 5
        while True:
            lines = hosts.path.with_name(name).read_bytes().split(b"\n")[:-1]
            events = [one for one in map(json.loads, lines) if "method" in one]
            if len(events) >= count or time.monotonic() > until:
                break
            time.sleep(0.02)
        said.append([one.get("reason", "") for one in events])
    assert said[0] == said[1]
    return said[0]


@pytest.mark.parametrize(
    ("identity", "attacks", "challenge"),
    [
        ({"max_age": "1h"}, BEARER, 'Bearer realm="things"'),
        ({"bound": "dpop"}, DPOP, 'DPoP realm="things"'),
    ],
    ids=["bearer", "dpop"],
)
def test_every_attack_is_refused_for_its_own_reason(
    hosts: Callable[..., Any],
    issuer: Any,
    identity: dict[str, Any],
    attacks: list[tuple[str, str, Make]],
    challenge: str,
) -> None:
    found, world = hosts(identity), World(issuer)
    assert len({clause for clause, _, _ in attacks}) == len(attacks)
    told, bodies = {}, set()
    for clause, _, make in attacks:
        status, fields, body = found.both(*_fields(make(world)))
        told[clause] = status, fields.get("www-authenticate", "")
        bodies.add(body)
    answers = dict(zip(told, _reasons(found, len(attacks)), strict=True))
    assert {clause: answers[clause] for clause, reason, _ in attacks if reason not in answers[clause]} == {}
    algorithms = ', algs="ES256 EdDSA Ed25519 PS256"' if "dpop" in identity.values() else ""
    asks = {
        clause: (
            401,
            challenge + ("" if "no token was presented" in reason else ', error="invalid_token"') + algorithms,
        )
        for clause, reason, _ in attacks
    }
    assert told == asks
    assert len(bodies) == 1, "a body tells what was wrong"
    assert found.asked["asgi"] == []


@pytest.mark.parametrize(
    ("identity", "good"), [({"max_age": "1h"}, GOOD), ({"bound": "dpop"}, GOOD_PROOFS)], ids=["bearer", "dpop"]
)
def test_what_is_good_is_admitted(
    hosts: Callable[..., Any], issuer: Any, identity: dict[str, Any], good: list[tuple[str, Make]]
) -> None:
    found, world = hosts(identity), World(issuer)
    assert {what: found.both(*_fields(make(world)))[0] for what, make in good} == {what: 200 for what, _ in good}


def test_there_are_enough_of_them() -> None:
    assert len(BEARER) + len(DPOP) >= 60

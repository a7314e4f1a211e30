"""Client certificates as a proof, without I/O: what the host tells of one, and what the guard makes of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from msgspec import structs

from ninefold.contract.model import Contract
from ninefold.contract.openapi import read
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.request import Certificate

OK = {"200": {"description": "ok", "content": {"text/plain": {}}}}
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/things": {"get": {"operationId": "list", "responses": OK}},
        "/free": {"get": {"operationId": "free", "responses": OK}},
    },
}
RULES = {
    "roles": {"reader": ["things:read"], "writer": ["reader", "things:write"]},
    "rules": [{"operations": ["list"], "allow": ["things:read"]}, {"operations": ["free"], "public": "all may see it"}],
}
CALLERS = [
    {"caller": "billing", "subject": "CN=billing", "role": "reader"},
    {"caller": "shop", "dns": "shop.example", "role": "writer"},
]
GOOD = Certificate(b"1", "CN=billing", (), 0.0, 2e9)


@pytest.fixture
def guard(ring: Any) -> Callable[..., Guard]:
    def make(**sections: Any) -> Guard:
        contract = Contract.model_validate({"api": "openapi.yaml", "authorization": RULES, **sections})
        return Guard(contract, read(API, "openapi.yaml"), ring, local=[ip_network("127.0.0.0/8")])

    return make


def decide(guard: Guard, request: Any, certificate: Certificate | None) -> tuple[int, str]:
    request.certificate = certificate
    found = guard.admit(request)
    return (found.status, found.reason) if isinstance(found, Answer) else (200, request.caller)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (GOOD, (200, "billing")),
        (structs.replace(GOOD, subject="CN=x", names=("dns:shop.example",)), (200, "shop")),
        (None, (401, "no client certificate was presented")),
        (Certificate(fault="it has expired"), (401, "it has expired")),
        (structs.replace(GOOD, fault="it is broken"), (401, "it is broken")),
        (structs.replace(GOOD, subject="CN=Billing"), (401, "the client certificate names no caller of the contract")),
        (structs.replace(GOOD, subject="", names=("dns:CN=billing", "email:shop.example", "uri:shop.example")),
         (401, "the client certificate names no caller of the contract")),
        (structs.replace(GOOD, names=("dns:shop.example",)), (401, "the client certificate names more than one caller of the contract")),
    ],
)  # fmt: skip
def test_what_a_certificate_proves(guard: Any, ask: Any, shown: Certificate | None, told: tuple[int, str]) -> None:
    assert decide(guard(certificates=CALLERS), ask(path="/things", key=""), shown) == told


def test_a_key_is_no_proof_where_there_is_no_section_for_it(guard: Any, ask: Any) -> None:
    assert decide(guard(certificates=CALLERS), ask(path="/things"), None)[0] == 401


def test_a_refused_key_leaves_nothing_behind_for_the_certificate(guard: Any, ask: Any) -> None:
    one = guard(certificates=CALLERS, keys={"with": {"ip": ["local"]}})
    request = ask(path="/things", key="wrong")
    assert decide(one, request, GOOD) == (200, "billing")
    assert request.scopes == {"reader", "things:read"}
    assert decide(one, ask(path="/things", key="wrong"), None) == (401, "the key is unknown or revoked")
    assert decide(one, ask(path="/things", key=""), Certificate(fault="it has expired"))[1] == "it has expired"


def test_keys_are_brought_before_the_certificate_is_looked_at(guard: Any, ask: Any, ring: Any) -> None:
    one = guard(certificates=CALLERS, keys={"with": {"ip": ["local"]}})
    ring.stale = 1
    request = ask(path="/things")
    request.certificate = GOOD
    assert one.admit(request) is Need.KEYS
    ring.stale = 0
    assert not isinstance(one.admit(request), Answer)
    assert request.caller == "key1"


def test_every_refusal_has_every_challenge(guard: Any, ask: Any) -> None:
    one = guard(certificates=CALLERS, keys={"with": {"ip": ["local"]}})
    told = set()
    for key, shown in (
        ("", None),
        ("wrong", None),
        ("", Certificate(fault="it has expired")),
        ("wrong", structs.replace(GOOD, thumbprint=b"2", subject="x")),
    ):
        request = ask(path="/things", key=key)
        request.certificate = shown
        answer = one.admit(request)
        told.add((answer.fields, answer.body))
    ((fields, _),) = told
    assert [value for name, value in fields if name == b"www-authenticate"] == [
        b'ApiKey realm="api", header="X-API-Key"', b'MutualTLS realm="api"',
    ]  # fmt: skip


def test_required_holds_for_every_operation(guard: Any, ask: Any) -> None:
    clients = {"tls": {"clients": {"authority": "ca.pem", "required": True}}}
    one = guard(encryption=clients)
    assert decide(one, ask(path="/free", key=""), None)[0] == 401
    assert decide(one, ask(path="/free", key=""), GOOD)[0] == 200
    assert decide(one, ask(path="/things"), None)[0] == 401
    assert decide(one, ask(path="/things"), structs.replace(GOOD, subject="CN=anybody")) == (200, "key1")


def test_what_is_remembered_of_certificates_is_bounded(guard: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.guard.proofs.certificate.MOST_REMEMBERED", 3)
    one = guard(certificates=CALLERS)
    for number in range(10):
        assert decide(one, ask(path="/things", key=""), structs.replace(GOOD, thumbprint=b"%d" % number))[0] == 200

"""The service and the gateway together: what one issues, the other takes."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from tests.identity.issuing import decoded
from tests.identity.service.conftest import free_port, web

from ninefold.identity.service.grants import API_KEY, EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.identity.service.conftest import Service


@pytest.fixture
def port() -> int:
    return free_port()


def proof(key: Any, method: str, url: str, token: str = "", **changed: Any) -> str:
    """A DPoP proof (RFC 9449 section 4.2)."""
    told: dict[str, Any] = {"jti": secrets.token_hex(8), "htm": method, "htu": url, "iat": int(time.time())}
    if token:
        told["ath"] = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(told | changed), key, registry=registry)


def test_a_token_for_a_key_opens_the_gateway_until_it_is_revoked(
    service: Callable[..., Service], gate: Any, issue: Any, port: int, upstream: Any
) -> None:
    found = service(port=port, upstream=upstream.url)
    gateway = gate(found.path)
    form = {"grant_type": EXCHANGE, "subject_token": issue(found.path, "reader"), "subject_token_type": API_KEY}
    token = found.token(**form).json()["access_token"]
    upstream.json(b"[]")
    status, _, _ = gateway.get("/things", "", f"Authorization: Bearer {token}")
    assert status == 200
    told = json.loads(decoded(token.split(".")[1]))
    assert found.run("tokens", "revoke", "--jti", told["jti"]).exit_code == 0
    assert gateway.get("/things", "", f"Authorization: Bearer {token}")[0] == 401


def test_rfc9449_a_token_is_bound_to_the_key_whose_proof_came_along(
    service: Callable[..., Service], issue: Any
) -> None:
    found = service({"bound": "dpop", "unbound": None})
    form = {"grant_type": EXCHANGE, "subject_token": issue(found.path, "reader"), "subject_token_type": API_KEY}
    assert found.token(**form).json()["error"] == "invalid_request"
    key = ECKey.generate_key("P-256")
    sent = proof(key, "POST", "http://127.0.0.1:9443/token")
    answer = found.token(**form, headers={"DPoP": sent})
    assert answer.json()["token_type"] == "DPoP"
    told = json.loads(decoded(answer.json()["access_token"].split(".")[1]))
    assert told["cnf"] == {"jkt": key.thumbprint()}
    for bad in (
        sent,
        proof(key, "GET", "http://127.0.0.1:9443/token"),
        proof(key, "POST", "http://127.0.0.1:9443/authorize"),
        proof(key, "POST", "https://evil.example/token"),
        proof(key, "POST", "http://127.0.0.1:9443/token", iat=int(time.time()) - 1000),
        proof(key, "POST", "http://127.0.0.1:9443/token", jti=""),
        "nonsense",
    ):
        refused = found.token(**form, headers={"DPoP": bad})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


def test_rfc9449_7_a_bound_token_opens_the_gateway_with_its_key_alone(
    service: Callable[..., Service], gate: Any, issue: Any, port: int, upstream: Any
) -> None:
    found = service({"bound": "dpop", "unbound": None}, port=port, upstream=upstream.url)
    gateway = gate(found.path)
    key, another = (ECKey.generate_key("P-256") for _ in range(2))
    form = {"grant_type": EXCHANGE, "subject_token": issue(found.path, "reader"), "subject_token_type": API_KEY}
    token = found.token(**form, headers={"DPoP": proof(key, "POST", f"{found.url}/token")}).json()["access_token"]
    url = "https://things.example.com/things"

    def status(scheme: str, *fields: str) -> int:
        upstream.json(b"[]")
        answered: int = gateway.get("/things", "", f"Authorization: {scheme} {token}", *fields)[0]
        return answered

    assert status("DPoP", f"DPoP: {proof(key, 'GET', url, token)}") == 200
    assert status("DPoP") == 401
    assert status("Bearer") == 401
    assert status("DPoP", f"DPoP: {proof(another, 'GET', url, token)}") == 401


def test_signing_keys_turn_are_announced_first_and_stay_as_long_as_their_tokens(tmp_path: Any) -> None:
    from ninefold.identity.service.registry import Registry
    from ninefold.identity.service.signing import Signing

    registry = Registry(tmp_path / "identity.db")
    turning = Signing(registry, turn=1000.0, announce=100.0, lifetime=60.0)

    def used(now: float) -> str:
        header: str = jws.extract_compact(turning.sign({}, now).encode()).headers()["kid"]
        return header

    def published(now: float) -> list[str]:
        return [one["kid"] for one in turning.published(now)["keys"]]

    first = used(0.0)
    assert published(999.0) == [first]
    both = published(1000.0)
    assert both[0] == first
    assert len(both) == 2
    assert used(1099.0) == first
    assert used(1100.0) == both[1]
    assert published(1500.0) == both
    third = published(2000.0)
    assert third[0] == both[1]  # the first is gone: its last token ended long ago
    assert len(third) == 2
    assert used(9000.0) == third[1]  # after a long sleep the newest that everybody knows
    registry.close()


def test_two_processes_make_one_key_when_it_is_time(tmp_path: Any) -> None:
    from ninefold.identity.service.registry import Registry
    from ninefold.identity.service.signing import Signing

    registries = [Registry(tmp_path / "identity.db") for _ in range(2)]
    both = [Signing(one, turn=1000.0, announce=100.0, lifetime=60.0) for one in registries]
    assert both[0].published(0.0) == both[1].published(0.0)
    assert both[0].published(1000.0) == both[1].published(1000.5)
    for one in registries:
        one.close()


def test_while_the_trail_cannot_be_written_no_token_is_issued(service: Callable[..., Service], issue: Any) -> None:
    import resource

    found = service()
    key = issue(found.path, "reader")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    form = {"grant_type": EXCHANGE, "subject_token": key, "subject_token_type": API_KEY}
    assert found.token(**form).status_code == 200
    trail = found.path.parent / "ninefold-tokens.jsonl"
    resource.setrlimit(resource.RLIMIT_FSIZE, (trail.stat().st_size, hard))
    try:
        end = time.monotonic() + 10
        while (status := found.token(**form).status_code) != 503 and time.monotonic() < end:
            time.sleep(0.02)
        assert status == 503
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    end = time.monotonic() + 10
    while (status := web.post(f"{found.url}/token", data=form).status_code) != 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert status == 200

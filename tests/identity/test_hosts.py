"""Tokens through both hosts of the guard: how proofs go together, what the API is told, and what happens while it waits."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.identity.issuing import AUDIENCE, Issuer, b64, ec, proof

from ninefold.cli.main import cli
from ninefold.contract.describe import describe
from ninefold.contract.load import load_contract
from ninefold.gateway.tls import development_certificate
from ninefold.identity.fault import Unavailable
from ninefold.identity.issuer import Issuer as Asked
from ninefold.keys.keeper import Keeper

KEYS = {"header": "X-API-Key", "with": {"ip": ["local"]}}
BEARER = 'Bearer realm="things"'
API_KEY = 'ApiKey realm="things", header="X-API-Key"'


def _raw(port: int, *fields: str, path: str = "/things") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: things.example.com", "Connection: close", *fields]
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        raw = b""
        while block := connection.recv(65536):
            raw += block
    return raw


def _challenges(hosts: Any, *fields: str) -> list[str]:
    """The challenges of a refusal, which are the same from both hosts."""
    found = []
    for host in ("gateway", "asgi"):
        lines = _raw(hosts.ports[host], *fields).partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert " 401 " in lines[0]
        found.append([line.partition(": ")[2] for line in lines if line.lower().startswith("www-authenticate:")])
    assert found[0] == found[1]
    return found[0]


# -- combinations


def test_with_keys_and_an_issuer_either_of_the_two_admits(hosts: Any, issuer: Any, issue: Any) -> None:
    found = hosts(keys=KEYS)
    key, token = f"X-API-Key: {issue(found.path)}", f"Authorization: Bearer {issuer.token()}"
    assert found.both(key)[0] == found.both(token)[0] == found.both(key, token)[0] == 200
    assert found.both(key, "Authorization: Bearer x.y.z")[0] == 200
    assert found.both("X-API-Key: nf_test_x_y", token)[0] == 200
    assert _challenges(found) == [API_KEY, BEARER]
    assert _challenges(found, "X-API-Key: nf_test_x_y") == [API_KEY, BEARER]
    told = [API_KEY, f'{BEARER}, error="invalid_token"']
    assert _challenges(found, "Authorization: Bearer x.y.z") == told


def test_without_keys_in_the_contract_no_key_admits(hosts: Any, issuer: Any, issue: Any) -> None:
    found = hosts()
    assert found.bearer(issuer.token())[0] == 200
    assert found.both(f"X-API-Key: {issue(found.path)}")[0] == 401
    assert _challenges(found) == [BEARER]


def test_a_key_with_a_token_admits_who_has_both_to_what_both_hold(hosts: Any, issuer: Any, issue: Any) -> None:
    found = hosts(keys={"with": {"token": True}})
    writer, reader = (f"X-API-Key: {issue(found.path, role)}" for role in ("writer", "reader"))
    token = f"Authorization: Bearer {issuer.token()}"
    assert found.both(writer)[0] == found.both(token)[0] == 401
    assert found.both(writer, token)[0] == 200
    assert found.asked["asgi"][-1]["x-ninefold-subject"] == "alice"
    time.sleep(0.2)
    for name in ("trail.jsonl", "inside.jsonl"):
        last = json.loads(found.path.with_name(name).read_bytes().splitlines()[-1])
        assert (len(last["caller"]), last["subject"], last["outcome"]) == (12, "alice", "admitted")
    assert len(found.asked["asgi"][-1]["x-ninefold-caller"]) == 12
    assert _challenges(found, writer) == _challenges(found, token) == [API_KEY, BEARER]
    body = ("Content-Type: application/json", "Content-Length: 0")
    assert found.both(writer, token, *body, method="POST")[0] != 403
    assert found.both(reader, token, *body, method="POST")[0] == 403
    narrow = f"Authorization: Bearer {issuer.token(scope='things:read')}"
    assert found.both(writer, narrow)[0] == 200
    status, fields, _ = found.both(writer, narrow, *body, method="POST")
    assert (status, fields["www-authenticate"]) == (403, f'{BEARER}, error="insufficient_scope"')


def test_a_rule_says_how_its_own_operations_are_proven_for(hosts: Any, issuer: Any, issue: Any) -> None:
    roles = {"reader": ["things:read"], "writer": ["reader", "things:write"]}
    rules = [
        {"operations": ["listThings"], "allow": ["things:read"], "proofs": [["key", "token"]]},
        {"operations": ["getThing"], "allow": ["things:read"], "proofs": [["token", "address"], ["key", "address"]]},
        {"operations": ["getText"], "allow": ["things:read"]},
    ]
    found = hosts(keys=KEYS, authorization={"roles": roles, "rules": rules})
    key, token = f"X-API-Key: {issue(found.path)}", f"Authorization: Bearer {issuer.token()}"
    assert [found.both(*one)[0] for one in ((key,), (token,), (key, token))] == [401, 401, 200]
    assert [found.ask("asgi", *one, path="/things/1")[0] for one in ((key,), (token,), ())] == [502, 502, 401]
    assert [found.ask("asgi", *one, path="/text")[0] for one in ((key,), (token,), ())] == [502, 502, 401]


def test_a_role_is_never_got_by_a_scope_that_is_called_so(hosts: Any, issuer: Any) -> None:
    rules = [{"operations": ["*"], "allow": ["writer"]}]
    found = hosts(authorization={"roles": {"writer": ["things:write"]}, "rules": rules})
    assert found.bearer(issuer.token(scope="writer"))[0] == 403
    assert found.bearer(issuer.token(scope="x", roles=["writer"]))[0] == 200


# -- what the API is told


def test_the_api_is_told_who_calls_and_gets_no_token(hosts: Any, issuer: Any, upstream: Any) -> None:
    found = hosts()
    forged = ("X-Ninefold-Caller: root", "X-Ninefold-Subject: root", "x-ninefold-tenant: root", "DPoP: x")
    token = f"Authorization: Bearer {issuer.token(sub='Zoë %', tenant='acme')}"
    assert found.both(token, *forged)[0] == 200
    assert found.both(f"Authorization: Bearer {issuer.token()}", *forged)[0] == 200
    first = {
        name: found.asked["asgi"][0].get(name)
        for name in ("x-ninefold-caller", "x-ninefold-subject", "x-ninefold-tenant")
    }
    assert first == {
        "x-ninefold-caller": "sub:Zo%C3%AB%20%25", "x-ninefold-subject": "Zo%C3%AB%20%25", "x-ninefold-tenant": "acme",
    }  # fmt: skip
    assert found.asked["asgi"][1]["x-ninefold-subject"] == "alice"
    for sent in (str(found.asked["asgi"]), b"".join(upstream.received).decode()):
        assert "root" not in sent
        assert "uthorization" not in sent
        assert "dpop" not in sent.lower()
    assert b"x-ninefold-subject: Zo%C3%AB%20%25\r\nx-ninefold-tenant: acme\r\n" in upstream.received[0]
    assert b"x-ninefold-caller: sub:alice\r\nx-ninefold-subject: alice\r\nx-request-id" in upstream.received[1]


def test_the_api_gets_the_token_where_the_contract_says_why(hosts: Any, issuer: Any, upstream: Any) -> None:
    found = hosts({"forward": "it calls another API for the caller"})
    token = issuer.token()
    assert found.bearer(token)[0] == 200
    assert found.asked["asgi"][0]["authorization"] == f"Bearer {token}"
    assert f"authorization: Bearer {token}".encode() in upstream.received[0]


def test_a_public_operation_asks_for_no_token_and_passes_none_on(hosts: Any, issuer: Any, upstream: Any) -> None:
    found = hosts()
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    assert found.ask("gateway", "Authorization: Bearer x.y.z", path="/open")[0] == 200
    assert b"uthorization" not in upstream.received[0]
    assert issuer.asked in ([], ["/.well-known/openid-configuration", "/jwks"] * 2) or "/introspect" not in issuer.asked


def test_one_connection_tells_the_api_of_each_of_its_callers(
    hosts: Any, issuer: Any, issue: Any, upstream: Any
) -> None:
    found = hosts(keys=KEYS)
    key = issue(found.path)
    alice, bob = issuer.token(), issuer.token(sub="bob")
    sent = [f"Authorization: Bearer {alice}", f"X-API-Key: {key}", f"Authorization: Bearer {bob}"]
    sent = [*sent, sent[2], sent[0], f"{sent[1]}\r\n{sent[0]}"]
    with socket.create_connection(("127.0.0.1", found.ports["gateway"]), 10) as connection:
        for one in sent:
            connection.sendall(f"GET /things HTTP/1.1\r\nHost: a\r\n{one}\r\n\r\n".encode())
            assert b" 200 " in connection.recv(65536)
    told = [
        [line.decode() for line in raw.split(b"\r\n") if line.startswith((b"x-ninefold-caller", b"x-ninefold-subject"))]
        for raw in upstream.received
    ]
    by = {"alice": ["x-ninefold-caller: sub:alice", "x-ninefold-subject: alice"]}
    by["bob"] = [one.replace("alice", "bob") for one in by["alice"]]
    by["key"] = [f"x-ninefold-caller: {key.split('_')[2]}"]
    assert told == [by["alice"], by["key"], by["bob"], by["bob"], by["alice"], by["key"]]


def test_a_page_on_an_allowed_origin_may_send_a_token(hosts: Any, issuer: Any) -> None:
    found = hosts()
    asked = ("Origin: https://app.example.com", "Access-Control-Request-Method: GET")
    for header in ("authorization", "dpop", "Authorization, DPoP"):
        status, fields, _ = found.both(*asked, f"Access-Control-Request-Headers: {header}", method="OPTIONS")
        assert status == 204
        assert "Authorization, DPoP" in fields["access-control-allow-headers"]
    _, fields, _ = found.both(asked[0], f"Authorization: Bearer {issuer.token()}")
    assert "WWW-Authenticate, DPoP-Nonce" in fields["access-control-expose-headers"]


def test_the_description_says_how_callers_prove_themselves(contract: Any) -> None:
    identity = {"issuer": "https://id.example.com", "audience": AUDIENCE, "bound": "dpop"}
    rules = [
        {"operations": ["listThings"], "allow": ["things:read"]},
        {"operations": ["getThing"], "allow": ["things:read"], "proofs": [["token", "key"]]},
        {"operations": ["getOpen"], "public": "it is what the window shows"},
    ]
    path = contract(identity=identity, keys=KEYS, authorization={"roles": {"r": ["things:read"]}, "rules": rules})
    document = describe(load_contract(path))
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "DPoP"
    assert document["security"] == [{"apiKey": []}, {"token": []}]
    assert document["paths"]["/things"]["get"]["security"] == [{"apiKey": []}, {"token": []}]
    assert document["paths"]["/things/{id}"]["get"]["security"] == [{"apiKey": [], "token": []}]
    assert document["paths"]["/open"]["get"]["security"] == []


# -- revocation, rotation, outages


def _ninefold(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("how", ["--jti", "--subject"])
def test_a_revoked_token_is_refused_by_every_process_at_once(hosts: Any, issuer: Any, how: str) -> None:
    found = hosts()
    token, other = issuer.token(jti="one"), issuer.token(sub="bob")
    assert found.bearer(token)[0] == found.bearer(other)[0] == 200
    said = _ninefold("tokens", "revoke", "--contract", str(found.path), how, "one" if how == "--jti" else "alice")
    began = time.monotonic()
    assert found.bearer(token)[0] == 401
    assert time.monotonic() - began < 1
    assert ("one is revoked" if how == "--jti" else "alice has no token any more") in said
    assert found.bearer(other)[0] == 200
    assert found.bearer(issuer.token(jti="one", sub="bob"))[0] == (401 if how == "--jti" else 200)
    listed = _ninefold("tokens", "revoked", "--contract", str(found.path), "--json")
    assert [json.loads(line)["kind"] for line in listed.splitlines()] == [how.removeprefix("--")]


def test_cached_tokens_of_a_key_that_was_taken_away_stop_after_the_next_reading(hosts: Any, issuer: Any) -> None:
    found = hosts({"jwks": {"refresh": "1s", "floor": "100ms"}})
    old = issuer.token()
    assert found.bearer(old)[0] == 200
    issuer.rotate("second")
    assert found.bearer(issuer.token({"kid": "second"}))[0] == 200
    assert found.bearer(old)[0] == 401


def test_through_an_outage_of_the_issuer_its_keys_are_kept_for_as_long_as_stated(hosts: Any, issuer: Any) -> None:
    found = hosts({"jwks": {"refresh": "1s", "floor": "50ms", "keep": "1s"}, "timeout": "1s"})
    known = issuer.token()
    assert found.bearer(known)[0] == 200
    issuer.status = 500
    time.sleep(1.3)
    assert found.bearer(known)[0] == 200
    assert found.bearer(issuer.token())[0] == 200, "its key is known"
    assert found.bearer(issuer.token({"kid": "other"}))[0] == 401
    time.sleep(1.2)
    assert found.bearer(known)[0] == 503
    assert found.bearer(issuer.token())[0] == 503
    issuer.status = 200
    time.sleep(0.4)
    assert found.bearer(known)[0] == 200


def test_while_revocations_cannot_be_read_known_tokens_are_accepted_as_long_as_stated(hosts: Any, issuer: Any) -> None:
    found = hosts({"stale": "2s"})
    store = found.path.with_name("ninefold-tokens.db")
    known = issuer.token()
    assert found.bearer(known)[0] == 200
    time.sleep(0.5)
    began = time.monotonic()
    for end in ("", "-shm", "-wal"):
        Path(f"{store}{end}").rename(f"{store}{end}.gone")
    time.sleep(0.6)
    assert found.bearer(known)[0] == 200
    assert found.bearer(issuer.token())[0] == 503, "nobody knows whether it was revoked"
    time.sleep(max(0.0, 2.6 - (time.monotonic() - began)))
    assert found.bearer(known)[0] == 503
    for end in ("", "-shm", "-wal"):
        Path(f"{store}{end}.gone").rename(f"{store}{end}")
    time.sleep(0.6)
    assert found.bearer(known)[0] == found.bearer(issuer.token())[0] == 200


def test_while_revocations_cannot_be_read_nobody_is_admitted_by_default(hosts: Any, issuer: Any) -> None:
    found = hosts()
    known = issuer.token()
    assert found.bearer(known)[0] == 200
    found.path.with_name("ninefold-tokens.db").rename(found.path.with_name("gone"))
    time.sleep(0.6)
    assert found.bearer(known)[0] == 503


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"issuer": "https://other.example.com"}},
        {"metadata": {"jwks_uri": "http://192.0.2.1/jwks"}},
        {"metadata": {"jwks_uri": "file:///etc/passwd"}},
        {"metadata": {"jwks_uri": 5}},
        {"status": 302, "headers": {"Location": "/jwks"}},
        {"status": 404},
        {"headers": {"Content-Encoding": "gzip"}},
        {"answer": b"[" * 1000},
        {"answer": b'{"keys": []}'},
        {"answer": b"{" + b" " * 300_000},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": b64(b"s" * 32)}]},
        {"delay": 3.0},
        {"delay": 0.35},
    ],
    ids=str,
)
def test_what_an_issuer_should_not_say_lets_nobody_in(hosts: Any, issuer: Any, change: dict[str, Any]) -> None:
    token = issuer.token()
    for name, value in change.items():
        setattr(issuer, name, value)
    found = hosts({"timeout": "500ms"})
    began = time.monotonic()
    assert found.bearer(token)[0] == 503
    assert time.monotonic() - began < 4


def test_an_issuer_is_asked_over_tls_that_its_authority_vouches_for(hosts: Any, tmp_path: Path) -> None:
    certificate, key = development_certificate(tmp_path / "issuer", datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    issuer = Issuer(context)
    try:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            asyncio.run(Asked(issuer.url, 5.0).metadata())
        vouched = hosts({"issuer": issuer.url, "authority": str(certificate)})
        assert vouched.bearer(issuer.token())[0] == 200
    finally:
        issuer.stop()


def test_an_opaque_token_is_what_introspection_says(hosts: Any, issuer: Any, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("secret/word")
    found = hosts({"introspection": {"client": "gate", "secret": "secret"}})
    whole = {"active": True, "aud": AUDIENCE, "sub": "alice", "scope": "things:read", "exp": int(time.time()) + 60}
    odd: list[tuple[dict[str, Any], int]] = [
        ({}, 200), ({"active": "true"}, 401), ({"active": False}, 401), ({"aud": "x"}, 401), ({"aud": None}, 401),
        ({"exp": 1}, 401), ({"iss": "https://other.example.com"}, 401), ({"nbf": int(time.time()) + 99}, 401),
        ({"cnf": {"jkt": "x"}}, 401), ({"sub": None, "client_id": "app"}, 200), ({"sub": None}, 401), ({"scope": "x"}, 403),
    ]  # fmt: skip
    for number, (change, _) in enumerate(odd):
        issuer.tokens[f"opaque{number}"] = {name: one for name, one in {**whole, **change}.items() if one is not None}
    assert [found.bearer(f"opaque{number}")[0] for number in range(len(odd))] == [status for _, status in odd]
    assert found.bearer(issuer.token())[0] == 200, "a JWT is verified here"
    assert found.bearer("a b")[0] == found.bearer("x" * 9000)[0] == 401
    issuer.asked.clear()
    assert [found.ask("gateway", "Authorization: Bearer made-up")[0] for _ in range(5)] == [401] * 5
    assert issuer.asked == ["/introspect"], "what the issuer knows nothing of is not asked about again and again"
    asked = issuer.asked.count("/introspect")
    assert found.bearer("opaque0")[0] == 200
    assert issuer.asked.count("/introspect") == asked, "the answer is believed for a while"


def test_where_all_tokens_are_introspected_a_jwt_is_what_both_say(hosts: Any, issuer: Any, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("secret/word")
    found = hosts({"introspection": {"client": "gate", "secret": "secret", "tokens": "all"}})
    token, forged = issuer.token(), issuer.token(key=ec())
    answer = {"active": True, "aud": AUDIENCE, "sub": "alice"}
    issuer.tokens = {token: answer, forged: answer}
    assert found.bearer(token)[0] == 200
    assert found.bearer(forged)[0] == 401
    assert found.bearer(issuer.token())[0] == 401


# -- while a token is brought


def test_many_who_come_with_one_token_have_it_verified_once(hosts: Any, issuer: Any, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("secret/word")
    found = hosts({"introspection": {"client": "gate", "secret": "secret"}})
    issuer.tokens["opaque"] = {"active": True, "aud": AUDIENCE, "sub": "alice", "scope": "things:read"}
    issuer.delay = 0.3
    told: list[int] = []
    callers = [
        threading.Thread(target=lambda: told.append(found.ask("gateway", "Authorization: Bearer opaque")[0]))
        for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert told == [200] * 20
    assert issuer.asked.count("/introspect") == 1


def test_a_body_and_what_follows_wait_with_the_token(hosts: Any, issuer: Any, upstream: Any) -> None:
    issuer.delay = 0.3
    found = hosts()
    token = issuer.token()
    made = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n" + b'{"id":1}'
    upstream.answers = [made]
    head = f"Host: a\r\nAuthorization: Bearer {token}\r\n"
    with socket.create_connection(("127.0.0.1", found.ports["gateway"]), 10) as connection:
        connection.sendall(
            f"POST /things HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n".encode()
        )
        time.sleep(0.1)
        connection.sendall(b'{"id": 1}' + f"GET /things HTTP/1.1\r\n{head}\r\n".encode())
        time.sleep(0.1)
        connection.sendall(f"GET /nothing HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        raw = b""
        while block := connection.recv(65536):
            raw += block
    assert [part[:3] for part in raw.split(b"HTTP/1.1 ")[1:]] == [b"201", b"200", b"404"]
    assert upstream.received[0].endswith(b'\r\n\r\n{"id": 1}')


def test_a_caller_who_leaves_while_his_token_is_brought_is_recorded_and_asks_the_api_nothing(
    hosts: Any, issuer: Any, upstream: Any
) -> None:
    issuer.delay = 0.4
    found = hosts()
    with socket.create_connection(("127.0.0.1", found.ports["gateway"]), 10) as connection:
        connection.sendall(
            f"GET /things HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {issuer.token()}\r\n\r\n".encode()
        )
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    time.sleep(1.2)
    assert upstream.received == []
    issuer.delay = 0.0
    assert found.ask("gateway", f"Authorization: Bearer {issuer.token()}")[0] == 200
    time.sleep(0.2)
    events = [json.loads(line) for line in found.path.with_name("trail.jsonl").read_bytes().splitlines()]
    assert [one["outcome"] for one in events if "method" in one] == ["failed", "admitted"]


def test_a_deadline_holds_while_a_token_is_brought(hosts: Any, issuer: Any) -> None:
    limits = {
        "rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}], "timeouts": {"total": "500ms"},
    }  # fmt: skip
    issuer.delay = 2.0
    found = hosts({"timeout": "5s"}, limits=limits)
    began = time.monotonic()
    status, _, _ = found.ask("gateway", f"Authorization: Bearer {issuer.token()}")
    assert status == 504
    assert time.monotonic() - began < 1.5


# -- proof of possession


def test_a_proof_is_asked_for_a_nonce_only_by_whoever_has_the_key(hosts: Any, issuer: Any) -> None:
    found = hosts({"bound": "dpop", "dpop": {"nonce": True}})
    mine = ec()
    token = issuer.token(cnf={"jkt": mine.thumbprint()})
    status, fields, _ = found.both(f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token)}")
    assert (status, 'error="use_dpop_nonce"' in fields["www-authenticate"]) == (401, True)
    nonce = fields["dpop-nonce"]
    assert found.both(f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token, nonce=nonce)}")[0] == 200
    for made in (proof(mine, token, nonce="x"), proof(mine, token, nonce=nonce[:-1] + "A")):
        assert found.both(f"Authorization: DPoP {token}", f"DPoP: {made}")[1]["dpop-nonce"] == nonce
    for made in (proof(ec(), token), proof(mine, token, ath="x"), proof(mine, token, nonce=5)):
        status, fields, _ = found.both(f"Authorization: DPoP {token}", f"DPoP: {made}")
        assert (status, "dpop-nonce" in fields) == (401, False)
        assert 'error="invalid_token"' in fields["www-authenticate"]


def test_one_proof_is_used_once_even_where_two_combinations_look_at_it(hosts: Any, issuer: Any, issue: Any) -> None:
    rules = [
        {"operations": ["listThings"], "allow": ["things:read"], "proofs": [["key", "token"], ["token", "address"]]},
    ]
    roles = {"reader": ["things:read"], "writer": ["reader", "things:write"]}
    found = hosts({"bound": "dpop"}, keys=KEYS, authorization={"roles": roles, "rules": rules})
    mine = ec()
    token = issuer.token(cnf={"jkt": mine.thumbprint()})
    for host in ("gateway", "asgi"):
        sent = (f"Authorization: DPoP {token}", f"DPoP: {proof(mine, token)}")
        assert found.ask(host, *sent)[0] == 200
        assert found.ask(host, *sent)[0] == 401
        assert found.ask(host, sent[0], f"DPoP: {proof(mine, token)}", "X-API-Key: nf_test_x_y")[0] == 200
        assert found.ask(host, sent[0], f"DPoP: {proof(mine, token)}", f"X-API-Key: {issue(found.path)}")[0] == 200


def test_more_proofs_than_can_be_remembered_are_not_taken(hosts: Any, issuer: Any) -> None:
    found = hosts({"bound": "dpop", "dpop": {"proofs": 1000}})
    mine = ec()
    token = issuer.token(cnf={"jkt": mine.thumbprint()})
    told = set()
    with socket.create_connection(("127.0.0.1", found.ports["gateway"]), 10) as connection:
        for _ in range(1001):
            made = proof(mine, token)
            connection.sendall(
                f"GET /things HTTP/1.1\r\nHost: a\r\nAuthorization: DPoP {token}\r\nDPoP: {made}\r\n\r\n".encode()
            )
            answer = connection.recv(65536)
            told.add(answer[9:12])
    assert told == {b"200", b"503"}
    assert answer[9:12] == b"503"


BODY_RULES = [
    {"operations": ["createThing"], "allow": ["things:write"], "when": "body.name == 'a'"},
    {"operations": ["*"], "allow": ["things:read"]},
]


@pytest.mark.parametrize("host", ["gateway", "asgi"])
@pytest.mark.parametrize("what", ["key", "token"])
def test_what_is_revoked_while_a_body_comes_admits_nothing(
    hosts: Any, issuer: Any, issue: Any, upstream: Any, host: str, what: str
) -> None:
    found = hosts(keys=KEYS, authorization={"roles": {"writer": ["things:read", "things:write"]}, "rules": BODY_RULES})
    key = issue(found.path)
    field = f"X-API-Key: {key}" if what == "key" else f"Authorization: Bearer {issuer.token(jti='one')}"
    assert found.ask(host, field)[0] == 200
    upstream.received.clear()
    found.asked["asgi"].clear()
    with socket.create_connection(("127.0.0.1", found.ports[host]), 10) as connection:
        head = f"POST /things HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{field}\r\nContent-Type: application/json\r\n"
        connection.sendall(f'{head}Content-Length: 12\r\n\r\n{{"name"'.encode())
        time.sleep(0.3)
        which = ["keys", "revoke", key.split("_")[2]] if what == "key" else ["tokens", "revoke", "--jti", "one"]
        _ninefold(*which, "--contract", str(found.path))
        connection.sendall(b':"a"}')
        raw = b""
        while block := connection.recv(65536):
            raw += block
    assert raw.startswith(b"HTTP/1.1 401 ")
    assert (upstream.received, found.asked["asgi"]) == ([], [])


def test_the_api_is_told_the_tenant_that_conditions_and_limits_go_by(
    hosts: Any, issuer: Any, upstream: Any, tmp_path: Path
) -> None:
    found = hosts(keys={**KEYS, "with": {"token": True}})
    store = load_contract(found.path)
    keeper = Keeper(store.resolve(store.contract.keys.store))
    made = keeper.issue(
        role="writer", scopes=(), name="", env="test", lifetime=3600.0, now=time.time(), randomness=os.urandom, tenant="acme",
    )  # fmt: skip
    keeper.close()
    key = f"X-API-Key: {made.text}"
    assert found.bearer(issuer.token(tenant="other"))[0] == 401
    for host in ("gateway", "asgi"):
        assert found.ask(host, key, f"Authorization: Bearer {issuer.token(tenant='other')}")[0] == 401
        for claims in ({}, {"tenant": "acme"}):
            assert found.ask(host, key, f"Authorization: Bearer {issuer.token(**claims)}")[0] == 200
    assert [one["x-ninefold-tenant"] for one in found.asked["asgi"]] == ["acme"] * 2
    assert [b"\r\nx-ninefold-tenant: acme\r\n" in one for one in upstream.received] == [True] * 2


def test_a_tenant_that_the_issuer_changes_is_told_on_the_same_connection(
    hosts: Any, issuer: Any, upstream: Any, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret/word")
    asks = {"client": "gate", "secret": "secret", "cache": "1s"}
    found = hosts({"introspection": asks})
    one = {
        "active": True,
        "sub": "alice",
        "scope": "things:read",
        "exp": int(time.time()) + 99,
        "aud": AUDIENCE,
        "iss": issuer.url,
    }
    told = []
    with socket.create_connection(("127.0.0.1", found.ports["gateway"]), 10) as connection:
        for tenant in ("first", "second"):
            issuer.tokens["opaque"] = {**one, "tenant": tenant}
            connection.sendall(b"GET /things HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer opaque\r\n\r\n")
            assert b" 200 " in connection.recv(65536)
            told.append(upstream.received[-1])
            time.sleep(1.3)
    assert [tenant in one for tenant, one in zip((b"first", b"second"), told, strict=True)] == [True, True]

"""Tokens and how proofs go together, in the guard alone: what it asks of who knows tokens, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import yaml
from tests.guard.conftest import Known

from ninefold.contract.load import load_contract
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.request import Request

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = {"issuer": "https://id.example.com", "audience": "https://a.example.com"}


@dataclass
class Keyring:
    """Some keys."""

    held = False
    keys: ClassVar[dict[bytes, Known]] = {
        b"right": Known("k1", "reader", (), 100.0), b"brought": Known("k2", "reader", (), 100.0, guessable=True),
        b"acme": Known("k3", "reader", (), 100.0, tenant="acme"),
    }  # fmt: skip

    def fresh(self) -> bool:
        return True

    def digest(self, text: bytes) -> bytes:
        return text

    def named(self, text: bytes) -> str:
        return text.decode()

    def present(self, digest: bytes) -> Any:
        return self.keys.get(digest)


@dataclass
class Tokens:
    """Knows tokens by their whole field; says `stale` until it is refreshed."""

    known: dict[bytes, Any] = field(default_factory=dict)
    stale: bool = False
    doubt: Any = None

    def fresh(self) -> bool:
        return not self.stale

    def digest(self, text: bytes) -> bytes:
        return text

    def present(self, digest: bytes, at: float, now: float) -> Any:
        del at, now
        return self.known.get(digest)

    def doubts(self, *_: Any) -> Any:
        return self.doubt


def _token(**changes: Any) -> Any:
    whole = {
        "subject": "alice",
        "tenant": "",
        "roles": (),
        "scopes": ("read",),
        "jkt": b"",
        "x5t": b"",
        "claims": None,
    }
    return SimpleNamespace(**{**whole, **changes})


def _doubt(reason: str = "it is bad", **changes: Any) -> Any:
    return SimpleNamespace(**{"reason": reason, "unavailable": False, "nonce": "", "guess": True, **changes})


@pytest.fixture
def made(tmp_path: Path) -> Any:
    def make(
        tokens: Any, rule: dict[str, Any] | None = None, body: dict[str, Any] | None = None, **sections: Any
    ) -> Guard:
        one: dict[str, Any] = {"operationId": "a", "responses": {"200": {"description": "-"}}}
        asked = {"post": {**one, "requestBody": {"content": body}}} if body is not None else {"get": one}
        document = {
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "paths": {"/a": asked},
        }  # fmt: skip
        (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(document))
        whole = {
            "api": "openapi.yaml", "upstream": "http://127.0.0.1:9",
            "authorization": {
                "roles": {"reader": ["read"]}, "rules": [{"operations": ["a"], "allow": ["read"], **(rule or {})}],
            },
            "identity": {**IDENTITY, "unbound": "the tests have nothing else to prove"},
            **sections,
        }  # fmt: skip
        (tmp_path / "contract.yaml").write_text(
            yaml.safe_dump({name: one for name, one in whole.items() if one is not None})
        )
        loaded = load_contract(tmp_path / "contract.yaml")
        return Guard(loaded.contract, loaded.description, Keyring(), local=[], tokens=tokens)

    return make


def _request(token: str = "", key: str = "", body: int = 0, **more: Any) -> Request:
    fields = {b"host": b"a"}
    if token:
        fields[b"authorization"] = token.encode()
    if key:
        fields[b"x-api-key"] = key.encode()
    return Request("GET", "/a", fields, (), "192.0.2.1", True, body, 50.0, 50.0, b"1", **more)


def test_a_token_that_is_not_known_is_asked_for_and_looked_at_again(made: Any) -> None:
    tokens = Tokens()
    guard, request = made(tokens), _request("Bearer x")
    assert guard.admit(request) is Need.TOKEN
    assert request.token_digest == b"Bearer x"
    tokens.known[b"Bearer x"] = _token()
    assert isinstance(guard.admit(request), Plan)
    assert (request.subject, request.caller, request.scopes) == ("alice", "sub:alice", frozenset({"read"}))


def test_what_changed_is_read_before_a_token_is_looked_at(made: Any) -> None:
    tokens = Tokens({b"Bearer x": _token()}, stale=True)
    guard, request = made(tokens), _request("Bearer x")
    assert guard.admit(request) is Need.KEYS
    tokens.stale = False
    assert isinstance(guard.admit(request), Plan)


@pytest.mark.parametrize(
    ("doubt", "status", "failed"),
    [
        (_doubt(), 401, "?"),
        (_doubt(guess=False), 401, ""),
        (_doubt(unavailable=True), 503, ""),
    ],
)
def test_a_doubt_is_a_refusal_with_its_reason_for_the_trail_alone(
    made: Any, doubt: Any, status: int, failed: str
) -> None:
    request = _request("Bearer x", doubt=doubt)
    answer = made(Tokens()).admit(request)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.reason, request.failed) == (status, "it is bad", failed)
    assert b"bad" not in answer.body
    assert b"bad" not in str(answer.fields).encode()


def test_a_token_that_is_bound_to_a_certificate_needs_just_that_one(made: Any) -> None:
    guard = made(
        Tokens({b"Bearer x": _token(x5t=b"t" * 32)}),
        identity={**IDENTITY, "bound": "certificate"},
        encryption={"tls": {"clients": {"authority": "ca.pem"}}},
    )
    shown = [None, SimpleNamespace(thumbprint=b"u" * 32), SimpleNamespace(thumbprint=b"t" * 32)]
    requests = [_request("Bearer x", certificate=one) for one in shown]
    told = [guard.admit(one) for one in requests]
    assert [getattr(one, "status", 200) for one in told] == [401, 401, 200]
    assert requests[1].failed == "subject alice"
    assert (b"www-authenticate", b'Bearer realm="api", error="invalid_token"') in told[0].fields


def test_a_token_that_is_bound_to_a_key_needs_its_proof(made: Any) -> None:
    tokens = Tokens({b"DPoP x": _token(jkt=b"h" * 32)})
    guard = made(tokens, identity={**IDENTITY, "bound": "dpop"})
    without, repeated = _request("DPoP x"), _request("DPoP x")
    repeated.fields[b"dpop"], repeated.repeated = b"p, q", (b"dpop",)
    assert [guard.admit(one).status for one in (without, repeated)] == [401, 401]
    proven = _request("DPoP x")
    proven.fields[b"dpop"] = b"p"
    for doubt, failed in ((_doubt(), "subject alice"), (_doubt(nonce="n"), ""), (_doubt(unavailable=True), "")):
        tokens.doubt, proven.failed = doubt, ""
        answer = guard.admit(proven)
        assert (answer.status, proven.failed) == (503 if doubt.unavailable else 401, failed)
        assert ((b"dpop-nonce", b"n") in answer.fields) == bool(doubt.nonce)
    tokens.doubt = None
    assert isinstance(guard.admit(proven), Plan)
    assert proven.jkt == b"h" * 32


def test_what_a_refused_combination_found_is_not_what_the_next_one_holds(made: Any) -> None:
    rule = {"proofs": [["key", "token"], ["key", "address"]]}
    guard = made(
        Tokens({b"Bearer x": _token(roles=("reader",), tenant="acme")}), rule, keys={"with": {"ip": ["192.0.2.0/24"]}}
    )
    request = _request("Bearer y", "right", doubt=_doubt())
    assert isinstance(guard.admit(request), Plan)
    assert (request.caller, request.subject, request.tenant) == ("k1", "", "")
    request = _request("Bearer x", "right")
    assert isinstance(guard.admit(request), Plan)
    assert (request.caller, request.subject, request.tenant) == ("k1", "alice", "acme")


def test_the_refusal_is_that_of_what_was_presented(made: Any) -> None:
    guard = made(Tokens(), keys={"with": {"ip": ["192.0.2.0/24"]}})
    told = {
        name: guard.admit(request).reason
        for name, request in {
            "nothing": _request(), "a key": _request("", "wrong"), "a token": _request("Bearer x", doubt=_doubt()),
            "both": _request("Bearer x", "wrong", doubt=_doubt()),
        }.items()
    }  # fmt: skip
    assert told == {
        "nothing": "no key was presented", "a key": "the key is unknown or revoked", "a token": "it is bad",
        "both": "the key is unknown or revoked",
    }  # fmt: skip


def test_a_fault_of_who_knows_tokens_shuts_the_gate(made: Any) -> None:
    class Broken(Tokens):
        def present(self, digest: bytes, at: float, now: float) -> Any:
            raise RuntimeError("broken")

    assert made(Broken()).admit(_request("Bearer x")).status == 503


def test_a_contract_without_an_issuer_compiles_to_what_it_was(made: Any) -> None:
    """The check of a key with its address, or of the key alone, and nothing around it."""
    both = made(None, identity=None, keys={"with": {"ip": ["192.0.2.0/24"]}})
    request = _request("", "right")
    plan = both.admit(request)
    assert isinstance(plan, Plan)
    assert [check.__qualname__.split(".")[0] for check in plan.checks].count("_each") == 1
    alone = made(None, identity=None, keys={"alone": "the tests have nothing else to prove"}).admit(
        _request("", "right")
    )
    assert isinstance(alone, Plan)
    assert "compile_key.<locals>.check" in [check.__qualname__ for check in alone.checks]


TOGETHER = {"keys": {"with": {"token": True}}, "limits": {"penalty": {"after": "1 denials", "start": "1m"}}}


@pytest.mark.parametrize(
    ("key", "doubt", "status", "waits"),
    [
        ("right", _doubt(unavailable=True), 503, False),
        ("right", _doubt("it has expired", guess=False), 401, False),
        ("brought", _doubt("it has expired", guess=False), 401, True),
        ("wrong", _doubt("it has expired", guess=False), 401, True),
        ("right", _doubt(), 401, True),
        ("right", None, 401, True),
    ],
)
def test_a_right_key_fails_with_a_token_unless_that_is_nobodys_guess(
    made: Any, key: str, doubt: Any, status: int, waits: bool
) -> None:
    guard = made(Tokens(), **TOGETHER)

    def ask() -> int:
        token = "Bearer x" if doubt is not None else ""
        found: int = guard.admit(_request(token, key, doubt=doubt)).status
        return found

    assert [ask(), ask()] == [status] * 2
    assert ask() == (429 if waits else status)


def test_who_is_asked_for_a_nonce_has_not_failed(made: Any) -> None:
    tokens = Tokens({b"DPoP x": _token(holder=b"h" * 32)}, doubt=_doubt("no nonce", nonce="n"))
    guard = made(tokens, identity={**IDENTITY, "bound": "dpop"}, **TOGETHER)
    for _ in range(8):
        request = _request("DPoP x", "right")
        request.fields[b"dpop"] = b"p"
        answer = guard.admit(request)
        assert (answer.status, (b"dpop-nonce", b"n") in answer.fields) == (401, True)
    tokens.doubt = None
    request = _request("DPoP x", "right")
    request.fields[b"dpop"] = b"p"
    assert isinstance(guard.admit(request), Plan)


@pytest.mark.parametrize(("key", "token", "status"), [
    ("acme", "acme", 200), ("acme", "", 200), ("right", "acme", 200), ("acme", "other", 401),
])  # fmt: skip
def test_a_key_and_a_token_together_are_of_one_tenant(made: Any, key: str, token: str, status: int) -> None:
    guard = made(Tokens({b"Bearer x": _token(tenant=token)}), keys={"with": {"token": True}})
    found = guard.admit(_request("Bearer x", key))
    assert getattr(found, "status", 200) == status


def test_who_calls_is_asked_again_with_the_body(made: Any) -> None:
    media = {"application/json": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    tokens = Tokens({b"Bearer x": _token()})
    guard = made(tokens, {"when": "body.n == 1"}, body=media)
    request = _request("Bearer x", body=7)
    request.method, request.fields[b"content-type"] = "POST", b"application/json"
    assert guard.admit(request) is Need.BODY
    tokens.known, tokens.stale, request.content = {}, True, b'{"n":1}'
    assert guard.admit(request) is Need.KEYS
    tokens.stale = False
    assert guard.admit(request) is Need.TOKEN
    tokens.known = {b"Bearer x": _token(scopes=())}
    assert guard.admit(request).status == 403
    tokens.known = {b"Bearer x": _token()}
    assert isinstance(guard.admit(request), Plan)

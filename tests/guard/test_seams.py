"""Everything that proves a caller, together, request after request: keys in fields and queries, tokens, certificates, devices,
addresses, penalties, bodies and conditions. Held against an oracle that knows docs/callers.md alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.conftest import Known
from tests.guard.test_combinations import Keyring, Tokens

from ninefold.contract.load import load_contract
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.request import Certificate, Request

JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
BODY = {
    "type": "object",
    "required": ["owner"],
    "properties": {"owner": {"type": "string"}, "id": {"type": "integer", "readOnly": True}},
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a": {"get": {"operationId": "look", "responses": {"200": {"description": "-"}}}},
        "/b": {
            "post": {
                "operationId": "make",
                "requestBody": {"content": {"application/json": {"schema": BODY}}},
                "responses": {"200": {"description": "-"}},
            }
        },
    },
}
SEEN = Certificate(b"t" * 32, "CN=one", ("dns:one.example",), 0.0, 1e9)
SECONDS = ("ip", "token", "certificate", "device")


@dataclass(frozen=True)
class Asked:
    """One request of a caller: what he shows, and from where; `wait` seconds after the one before."""

    place: str
    key: str
    token: str
    certificate: str
    device: bool
    inside: bool
    makes: bool
    owner: str
    undeclared: bool
    wait: float


ASKED = st.builds(
    Asked,
    st.sampled_from(["field", "query", "both", "none"]),
    st.sampled_from(["good,read", "good,write", "good,read,write", "bad", "good,read,write"]),
    st.sampled_from(["", "bad", "good,read,write", "good,read"]),
    st.sampled_from(["", "shown", "expired", "revoked"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["ada", "bob"]),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 3600.0]),
)


class Owned(Keyring):
    def present(self, digest: bytes) -> Any:
        known = super().present(digest)
        return None if known is None else Known(known.id, known.role, known.scopes, known.expires, owner="ada")


@settings(max_examples=250)
@given(st.sets(st.sampled_from(SECONDS)), st.booleans(), st.lists(ASKED, min_size=1, max_size=8))
def test_whoever_proves_all_that_is_asked_gets_what_he_may_and_nobody_else_gets_anything(
    tmp_path_factory: Any, seconds: set[str], in_query: bool, asked: list[Asked]
) -> None:
    guard = _guard(tmp_path_factory, seconds, in_query=in_query)
    now = 1000.0
    for one in asked:
        now += one.wait
        request, content = _request(one, now)
        decision: Any = guard.admit(request)
        for _ in range(4):
            if decision is Need.TOKEN:
                guard._tokens.brought.add(request.token_digest)  # type: ignore[union-attr]
                request.doubt = SimpleNamespace(reason="bad token", unavailable=False, nonce="", guess=True)
            elif decision is Need.BODY:
                request.content, request.doubt = content, None
            else:
                break
            decision = guard.admit(request)
        proven, scopes = _oracle(one, seconds, in_query=in_query)
        may = proven and ("write" in scopes and one.owner == "ada" if one.makes else "read" in scopes)
        assert isinstance(decision, Plan) == may, (one, decision)
        if may:
            assert (request.caller, request.scopes) == ("k1", frozenset(scopes))
            assert b"api_key" not in request.target
            if one.makes:
                assert json.loads(request.content or b"") == {"owner": "ada"}
            continue
        assert isinstance(decision, Answer)
        assert decision.status in ({403} if proven else {401, 429}), (one, decision)
        assert all(word not in decision.body for word in (b"good", b"bad", b"ada", b"owner"))


def _oracle(one: Asked, seconds: set[str], *, in_query: bool) -> tuple[bool, set[str]]:
    """Whether a caller proves who he is, and what he holds then: what the key and all that is asked beside it allow together."""
    shown = {"field": one.place in {"field", "both"}, "query": in_query and one.place in {"query", "both"}}
    proven = one.key.startswith("good") and sum(shown.values()) == 1  # a key that comes twice is none
    scopes = set(one.key.split(",")[1:])
    if "ip" in seconds or not seconds:
        proven &= one.inside
    if "token" in seconds:
        proven &= one.token.startswith("good")
        scopes &= set(one.token.split(",")[1:])
    if "certificate" in seconds:
        proven &= one.certificate == "shown"
    if "device" in seconds:
        proven &= one.device
    return proven, scopes


def _request(one: Asked, now: float) -> tuple[Request, bytes]:
    body = json.dumps({"owner": one.owner, **({"id": 7, "is_admin": True} if one.undeclared else {})}).encode()
    fields = {b"host": b"a", **({b"content-type": b"application/json"} if one.makes else {})}
    if one.place in {"field", "both"}:
        fields[b"x-api-key"] = one.key.encode()
    if one.token:
        fields[b"authorization"] = one.token.encode()
    query = f"?api_key={one.key.replace(',', '%2C')}&x=1" if one.place in {"query", "both"} else ""
    path = "/b" if one.makes else "/a"
    certificate = {
        "": None,
        "shown": SEEN,
        "expired": Certificate(fault="it has expired"),
        "revoked": Certificate(fault="it was revoked"),
    }
    request = Request(
        "POST" if one.makes else "GET", path, fields, (), "192.0.2.1" if one.inside else "198.51.100.1", True,
        len(body) if one.makes else 0, now, now, b"1", target=(path + query).encode(),
        certificate=certificate[one.certificate], device=JA4 if one.device else "t13d000000_000000000000_000000000000",
    )  # fmt: skip
    return request, body


def _guard(factory: Any, seconds: set[str], *, in_query: bool) -> Guard:
    folder = factory.getbasetemp() / "seams"
    folder.mkdir(exist_ok=True)
    (folder / "openapi.yaml").write_text(yaml.safe_dump(DESCRIPTION))
    (folder / "ca.pem").write_text("")
    proofs: dict[str, Any] = {
        "ip": {"ip": ["192.0.2.0/24"]}, "token": {"token": True}, "certificate": {"certificate": True}, "device": {"device": [JA4]},
    }  # fmt: skip
    beside: dict[str, Any] = {}
    for name in sorted(seconds):
        beside |= proofs[name]
    keys = {
        **({"with": beside} if beside else {}),
        **({"query": {"name": "api_key", "why": "a calendar program"}} if in_query else {}),
    }
    whole: dict[str, Any] = {
        "api": "openapi.yaml", "upstream": "http://127.0.0.1:9", "keys": keys,
        "authorization": {
            "roles": {"all": ["read", "write"]},
            "rules": [
                {"operations": ["look"], "allow": ["read"]},
                {"operations": ["make"], "allow": ["write"], "when": "body.owner == caller.owner"},
            ],
        },
        "limits": {"rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}], "penalty": {"after": "2 denials", "start": "10s"}},
    }  # fmt: skip
    if "token" in seconds:
        whole["identity"] = {
            "issuer": "https://id.example.com",
            "audience": "a",
            "unbound": "the tests have nothing else to prove",
        }
    if "certificate" in seconds:
        whole["encryption"] = {"tls": {"clients": {"authority": "ca.pem"}}}
    (folder / "contract.yaml").write_text(yaml.safe_dump(whole))
    loaded = load_contract(folder / "contract.yaml")
    tokens = Tokens() if "token" in seconds else None
    return Guard(loaded.contract, loaded.description, Owned(), local=[ip_network("192.0.2.0/24")], tokens=tokens)

"""How proofs go together, against an oracle that knows only ADR 8: any combination, all that is in it."""

from __future__ import annotations

from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.guard.conftest import Known

from ninefold.contract.load import load_contract
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.plan import Plan
from ninefold.guard.request import Request

PROOFS = ("key", "token", "address")
CHALLENGES = {"key": b"ApiKey", "token": b"Bearer"}
WORDS = ("read", "write", "admin")


class Keyring:
    held = False

    def fresh(self) -> bool:
        return True

    def digest(self, text: bytes) -> bytes:
        return text

    def named(self, text: bytes) -> str:
        return text.decode()

    def present(self, digest: bytes) -> Any:
        scopes = tuple(digest.decode().split(",")[1:])
        return Known("k1", "all", scopes, 1e9) if digest.startswith(b"good") else None


class Tokens:
    """Has to be brought each token once."""

    def __init__(self) -> None:
        self.brought: set[bytes] = set()

    def fresh(self) -> bool:
        return True

    def digest(self, text: bytes) -> bytes:
        return text

    def present(self, digest: bytes, at: float, now: float) -> Any:
        del at, now
        if digest not in self.brought or b"good" not in digest:
            return None
        scopes = tuple(digest.decode().split(",")[1:])
        return SimpleNamespace(subject="alice", tenant="", roles=(), scopes=scopes, jkt=b"", x5t=b"", claims=None)

    def doubts(self, *_: Any) -> None:
        return None


credentials = st.one_of(
    st.just(""),
    st.just("bad"),
    st.lists(st.sampled_from(WORDS), min_size=1, unique=True).map(lambda one: ",".join(["good", *one])),
)
combinations = st.lists(
    st.lists(st.sampled_from(PROOFS), min_size=1, max_size=3, unique=True).filter(
        lambda one: set(one) & {"key", "token"}
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300)
@given(combinations, credentials, credentials, st.booleans(), st.sampled_from(WORDS))
def test_any_combination_admits_whose_proofs_all_hold_and_else_the_one_that_was_presented_refuses(
    tmp_path_factory: Any, asked: list[list[str]], key: str, token: str, inside: bool, needed: str
) -> None:
    guard = _guard(tmp_path_factory, asked, needed)
    fields = {b"host": b"a"}
    if key:
        fields[b"x-api-key"] = key.encode()
    if token:
        fields[b"authorization"] = token.encode()
    request = Request("GET", "/a", fields, (), "192.0.2.1" if inside else "198.51.100.1", True, 0, 50.0, 50.0, b"1")
    decision = guard.admit(request)
    if decision is Need.TOKEN:
        guard._tokens.brought.add(request.token_digest)  # type: ignore[union-attr]
        request.doubt = SimpleNamespace(reason="bad token", unavailable=False, nonce="", guess=True)
        decision = guard.admit(request)

    holds = {"key": key.startswith("good"), "token": token.startswith("good"), "address": inside}
    held = {"key": set(key.split(",")[1:]), "token": set(token.split(",")[1:])}
    proven = next((one for one in asked if all(holds[name] for name in one)), None)
    if proven is not None:
        scopes = set(WORDS).intersection(*(held[name] for name in proven if name in held))
        assert isinstance(decision, Plan) == (needed in scopes)
        assert request.scopes == scopes
        assert request.caller == ("k1" if "key" in proven else "sub:alice")
        assert request.subject == ("alice" if "token" in proven else "")
        return
    assert isinstance(decision, Answer)
    assert decision.status == 401
    told = [value.split(b" ")[0] for name, value in decision.fields if name == b"www-authenticate"]
    assert told == [CHALLENGES[name] for name in CHALLENGES if any(name in one for one in asked)]
    presented = {"key": bool(key), "token": bool(token)}
    refuser = next((one for one in asked if any(presented.get(name) for name in one)), asked[0])
    failing = next(name for name in PROOFS if name in refuser and not holds[name])
    words = {
        "key": ("no key", "unknown or revoked"),
        "token": ("no token", "bad token"),
        "address": ("outside", "outside"),
    }
    assert words[failing][presented.get(failing, False)] in decision.reason


def _guard(factory: Any, asked: list[list[str]], needed: str) -> Guard:
    folder = factory.getbasetemp() / "caller"
    folder.mkdir(exist_ok=True)
    document = {
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "-"}}}}},
    }  # fmt: skip
    (folder / "openapi.yaml").write_text(yaml.safe_dump(document))
    alone = any(set(one) == {"key"} for one in asked)
    whole = {
        "api": "openapi.yaml", "upstream": "http://127.0.0.1:9",
        "authorization": {
            "roles": {"all": list(WORDS)}, "rules": [{"operations": ["a"], "allow": [needed], "proofs": asked}],
        },
        "keys": {"alone": "the tests have nothing else to prove"} if alone else {"with": {"ip": ["192.0.2.0/24"]}},
        "identity": {"issuer": "https://id.example.com", "audience": "a", "unbound": "the tests have nothing else to prove"},
    }  # fmt: skip
    (folder / "contract.yaml").write_text(yaml.safe_dump(whole))
    loaded = load_contract(folder / "contract.yaml")
    return Guard(loaded.contract, loaded.description, Keyring(), local=[ip_network("192.0.2.0/24")], tokens=Tokens())

"""Whatever is sent, both hosts decide alike, say the same of it, and admit only who has proven himself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.issuing import Issuer, ec, proof

if TYPE_CHECKING:
    from collections.abc import Callable

MINE = ec()
JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.lists(st.text(max_size=3), max_size=2)
)
CLAIMS = ("iss", "aud", "exp", "nbf", "iat", "jti", "sub", "scope", "roles", "tenant", "cnf", "client_id")
HEADERS = ("typ", "alg", "kid", "crit", "jwk", "cty", "b64")
PROOFS = ("htm", "htu", "iat", "jti", "ath", "nonce")


@st.composite
def credentials(draw: st.DrawFn) -> dict[str, Any]:
    """What is changed about a token and its proof, and which key comes along; mostly little."""
    few = draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
    return {
        "claims": draw(st.dictionaries(st.sampled_from(CLAIMS), st.one_of(JSON, st.just(...)), max_size=few)),
        "header": draw(st.dictionaries(st.sampled_from(HEADERS), st.one_of(JSON, st.just(...)), max_size=few // 2)),
        "proof": draw(st.dictionaries(st.sampled_from(PROOFS), st.one_of(JSON, st.just(...)), max_size=few // 2)),
        "key": draw(st.sampled_from(["", "good", "reader", "bad"])),
        "scheme": draw(st.sampled_from(["DPoP", "DPoP", "DPoP", "dpop", "Bearer", "Basic", ""])),
        "cut": draw(st.sampled_from([None, None, None, None, 5, 40, -3])),
        "proven": draw(st.sampled_from([True, True, True, False])),
        "path": draw(st.sampled_from(["/things", "/things/1", "/text", "/nothing"])),
    }


def _fields(issuer: Issuer, keys: dict[str, str], drawn: dict[str, Any]) -> list[str]:
    found = []
    if drawn["scheme"]:
        claims = {"cnf": {"jkt": MINE.thumbprint()}, **drawn["claims"]}
        token = issuer.token(drawn["header"], **claims) if drawn["header"].get("alg", "ES256") == "ES256" else "a.b.c"
        token = token[: drawn["cut"]]
        found.append(f"Authorization: {drawn['scheme']} {token}")
        if drawn["proven"]:
            about = {"url": f"https://things.example.com{drawn['path']}", **drawn["proof"]}
            whole = {"htu": about.pop("url"), "htm": "GET", **about}
            made = proof(MINE, token, method=whole.pop("htm"), url=whole.pop("htu"), **whole)
            found.append(f"DPoP: {made}")
    if drawn["key"]:
        found.append(f"X-API-Key: {keys[drawn['key']]}")
    return found


@pytest.mark.fuzz
def test_both_hosts_decide_alike_whatever_is_sent(hosts: Callable[..., Any], issuer: Issuer, issue: Any) -> None:
    roles = {"reader": ["things:read"], "writer": ["reader", "things:write"]}
    rules = [
        {"operations": ["listThings"], "allow": ["things:read"], "proofs": [["key", "token"], ["token", "address"]]},
        {"operations": ["getThing"], "allow": ["things:write"], "proofs": [["key", "token"]]},
        {"operations": ["getText"], "allow": ["things:read"], "proofs": [["key", "address"]]},
    ]
    found = hosts({"bound": "dpop"}, keys={"with": {"ip": ["local"]}}, authorization={"roles": roles, "rules": rules})
    keys = {"good": issue(found.path), "reader": issue(found.path, "reader"), "bad": "nf_test_x_y"}
    asked = [0]

    @settings(suppress_health_check=list(HealthCheck), deadline=None)
    @given(credentials())
    def ask(drawn: dict[str, Any]) -> None:
        sent = _fields(issuer, keys, drawn)
        answers = [found.ask(host, *sent, path=drawn["path"]) for host in ("gateway", "asgi")]
        asked[0] += 1
        status = answers[0][0]
        if drawn["path"] == "/things":  # what the two APIs behind say of the others is not alike
            assert status == answers[1][0]
            assert answers[0][2] == answers[1][2]
        assert answers[0][1].get("www-authenticate") == answers[1][1].get("www-authenticate")
        assert (status in {401, 403, 404}) == (answers[1][0] in {401, 403, 404})
        assert (status == 404) == (drawn["path"] == "/nothing")
        plain = not (drawn["claims"] or drawn["header"] or drawn["proof"]) and drawn["cut"] is None
        token = plain and drawn["proven"] and drawn["scheme"].lower() == "dpop"
        by_key = drawn["key"] in {"good", "reader"}
        if drawn["path"] == "/things" and (plain or not drawn["scheme"]):
            assert (status == 200) == token
        if drawn["path"] == "/text":
            assert (status != 401) == by_key
        if drawn["path"] == "/things/1" and status not in {401, 403}:
            assert drawn["key"] == "good"

    ask()
    time.sleep(0.3)
    told = []
    for name in ("trail.jsonl", "inside.jsonl"):
        events = [json.loads(line) for line in found.path.with_name(name).read_bytes().splitlines()]
        told.append(
            [
                {part: one.get(part) for part in ("path", "caller", "subject", "step", "reason")}
                for one in events
                if "method" in one and one["outcome"] == "refused"
            ]
        )
    assert told[0] == told[1]
    assert len(told[0]) > asked[0] / 4

"""An API key as a proof: what it is bound to, where it may stand, and what a wrong one costs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.guard.conftest import Known, Ring
from tests.guard.test_guard import API, _verdict

from ninefold.contract.model import Contract
from ninefold.guard.answer import Answer
from ninefold.guard.need import Need
from ninefold.guard.plan import Permission, Plan, Setting
from ninefold.guard.request import Request
from ninefold.guard.steps.query import compile_query
from ninefold.keys.record import Bound
from ninefold.keys.token import mint

ALONE = {"alone": "the tests have nothing else to prove"}
APP = "https://app.example.com"
DEVICE = "t13d1516h2_8daaf6152771_b186095e22b6"


@dataclass
class Shown:
    thumbprint: bytes = bytes(32)


@pytest.mark.parametrize(
    ("bound", "good", "bad"),
    [
        (Bound(addresses=("10.0.0.0/8", "2001:db8::/32")), {"address": "10.9.9.9"}, {"address": "11.0.0.1"}),
        (Bound(addresses=("10.0.0.0/8", "2001:db8::/32")), {"address": "2001:db8::7"}, {"address": "no address"}),
        (Bound(origins=(APP,)), {"origin": APP}, {}),
        (Bound(origins=(APP,)), {"origin": APP}, {"origin": "https://api.example.com"}),
        (Bound(devices=(DEVICE,)), {"device": DEVICE}, {}),
        (Bound(devices=(DEVICE,)), {"device": DEVICE}, {"device": DEVICE[:-1] + "7"}),
        (Bound(certificates=("00" * 32,)), {"certificate": Shown()}, {}),
        (Bound(certificates=("00" * 32,)), {"certificate": Shown()}, {"certificate": Shown(b"\1" + bytes(31))}),
    ],
)  # fmt: skip
def test_a_bound_key_is_worth_nothing_elsewhere(
    make_guard: Any, ask: Any, ring: Any, bound: Bound, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    ring.keys[b"bound"] = Known("key9", bound=bound)
    guard = make_guard(API, keys=ALONE, origins={"allow": [APP]})
    plain = guard.admit(ask("/things", "wrong"))
    for wanted, fields in ((200, good), (401, bad)):
        extra = {name: fields.pop(name) for name in ("device", "certificate") if name in fields}
        request = ask("/things", "bound", **fields)
        for name, value in extra.items():
            setattr(request, name, value)
        decision = guard.admit(request)
        if wanted == 200:
            assert isinstance(decision, Plan)
        else:
            assert isinstance(decision, Answer)
            assert (decision.status, decision.fields, decision.body) == (401, plain.fields, plain.body)
            assert "bound to" in decision.reason


def test_a_malformed_key_is_refused_without_a_look_up(make_guard: Any, ask: Any, ring: Any) -> None:
    looked: list[bytes] = []
    ring.digest = lambda text: b"" if text == b"malformed" else b"digest of " + text
    ring.present = looked.append
    guard = make_guard(API)
    assert guard.admit(ask("/things", "malformed")).reason == "the key is malformed"
    assert looked == []
    guard.admit(ask("/things", "unknown"))
    assert looked == [b"digest of unknown"]


def test_a_key_in_the_query_is_refused_the_same_whether_it_exists_or_not(make_guard: Any, ask: Any, ring: Any) -> None:
    guard = make_guard(
        API, authorization={"roles": {}, "rules": [{"operations": ["free"], "public": "everybody may see it"}]}
    )
    known, stranger = (mint("live", os.urandom) for _ in range(2))
    ring.keys[known.text.encode()] = Known(known.id)
    answers = [
        guard.admit(ask(f"{path}?a=1&{name}={text}", key))
        for path in ("/things", "/free", "/nowhere")
        for name in ("api_key", "x")
        for key in ("good", "")
        for text in (known.text, stranger.text, known.text.replace("_", "%5F"), known.text.replace("n", "%6e"))
    ]
    assert len({(one.status, one.step, one.fields, one.body) for one in answers}) == 1
    assert answers[0].status == 400
    assert answers[0].reason == f"leaked: the key {known.id} was sent in the query"
    assert not any(known.text in one.reason for one in answers)


@pytest.mark.parametrize(
    "query", ["?key=nf_live_x", "?q=nf_", "?", "?a=%zz%", "?snf_live_=1&b", "?a=" + "nf_live_" * 100]
)
def test_what_only_resembles_a_key_is_no_leak(make_guard: Any, ask: Any, query: str) -> None:
    assert _verdict(make_guard(API), ask(f"/things{query}")) == "list"


def test_a_checksum_that_does_not_hold_is_no_key_in_a_query(make_guard: Any, ask: Any) -> None:
    text = mint("live", os.urandom).text
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert _verdict(make_guard(API), ask(f"/things?a={other}")) == "list"


ALLOWED = {"query": {"name": "api_key", "why": "a calendar program that sends no fields"}}


@pytest.mark.parametrize(
    ("query", "key", "expected", "target"),
    [
        ("?api_key=good", "", "list", b"/things"),
        ("?a=1&api_key=good&b=%20", "", "list", b"/things?a=1&b=%20"),
        ("?api%5Fkey=g%6fod", "", "list", b"/things"),
        ("?api_key=wrong&a=1", "", (401, "caller"), b"/things?a=1"),
        ("?api_key=", "", (401, "caller"), b"/things"),
        ("?api_key=good&api_key=good", "", (401, "caller"), b"/things"),
        ("?api_key=good", "good", (401, "caller"), b"/things"),
        ("?a=good", "", (401, "caller"), b"/things?a=good"),
        ("?a=1", "good", "list", b"/things?a=1"),
    ],
)
def test_a_key_in_the_query_by_the_contract_is_read_and_goes_no_further(
    make_guard: Any, ask: Any, query: str, key: str, expected: Any, target: bytes
) -> None:
    guard = make_guard(API, keys=ALLOWED, requests={"open": {"list": "the rest of the query is not looked at"}})
    request = ask(f"/things{query}", key)
    assert _verdict(guard, request) == expected
    assert request.target == target


_PART = st.text("abk=%&?+;._~2fF-", max_size=12)


@given(before=st.lists(_PART, max_size=3), after=st.lists(_PART, max_size=3), name=st.sampled_from(["k", "%6b", "%6B"]))
def test_taking_a_key_out_of_a_query_leaves_the_rest_as_it_was(before: list[str], after: list[str], name: str) -> None:
    others = [one for part in (before, after) for text in part for one in text.split("&")]
    if any(unquote(one.partition("=")[0]) == "k" for one in others):
        return
    asked = Request("GET", "/things", {}, (), "", True, 0, 0.0, 0.0, b"")
    asked.target = f"/things?{'&'.join([*before, f'{name}=the%2Dkey', *after])}".encode()
    contract = Contract.model_validate({"api": "a", "keys": {"query": {"name": "k", "why": "a calendar program"}}})
    setting = Setting(contract, None, Permission(), (), Ring(), (), {}, ())
    assert compile_query(setting)(asked) is None
    assert asked.fields == {b"x-api-key": b"the-key"}
    assert asked.target == ("/things" + ("?" + "&".join([*before, *after]) if before or after else "")).encode()


def test_a_key_in_the_query_leaves_the_fields_of_other_requests_alone(make_guard: Any, ask: Any, ring: Any) -> None:
    guard = make_guard(API, keys=ALLOWED)
    shared = ask("/things", "").fields
    first, second = ask("/things?api_key=good", ""), ask("/things", "")
    first.fields = second.fields = shared
    ring.stale = 1
    assert guard.admit(first) is Need.KEYS
    ring.stale = 0
    assert _verdict(guard, first) == "list"
    second.key_digest = first.key_digest  # as a host does that remembers it by the fields
    assert _verdict(guard, second) == (401, "caller")
    third = ask("/things?api_key=writer", "")
    third.fields, third.key_digest = shared, first.key_digest
    assert _verdict(guard, third) == "list"
    assert third.caller == "key2"


def test_while_the_keys_cannot_be_read_known_ones_go_on_and_others_are_not_called_wrong(
    make_guard: Any, ask: Any, ring: Any
) -> None:
    guard = make_guard(API)
    ring.held = True
    assert _verdict(guard, ask("/things")) == "list"
    assert _verdict(guard, ask("/things", "new")) == (503, "caller")
    assert _verdict(guard, ask("/things", time=3e9)) == (401, "caller")


def _limited(**fields: Any) -> dict[str, Any]:
    return {"limits": [{"per": "ip", "rate": "100000/s", "burst": 100000}, fields]}


def test_a_tenant_has_one_limit_for_all_its_keys_and_who_has_none_has_his_own(
    make_guard: Any, ask: Any, ring: Any
) -> None:
    ring.keys |= {
        f"t{n}".encode(): Known(f"t{n}", tenant="acme" if n < 2 else "other" if n < 3 else "") for n in range(5)
    }
    guard = make_guard(API, **_limited(per="tenant", rate="1/h", burst=1))
    assert _verdict(guard, ask("/things", "t0")) == "list"
    assert _verdict(guard, ask("/things", "t1")) == (429, "quota")
    for other in ("t2", "t3", "t4"):
        assert _verdict(guard, ask("/things", other)) == "list"
        assert _verdict(guard, ask("/things", other)) == (429, "quota")


@pytest.mark.parametrize("per", ["ip", "caller", ["tenant", "operation"]])
def test_a_rate_for_a_tier_holds_for_nobody_else(make_guard: Any, ask: Any, ring: Any, per: Any) -> None:
    ring.keys[b"free"] = Known("free", tier="free")
    ring.keys[b"gold"] = Known("gold", tier="gold")
    guard = make_guard(API, **_limited(per=per, rate="1/h", burst=1, tiers=["free"]))
    assert [_verdict(guard, ask("/things", "gold")) for _ in range(3)] == ["list"] * 3
    assert [_verdict(guard, ask("/things", "good")) for _ in range(3)] == ["list"] * 3
    assert [_verdict(guard, ask("/things", "free")) for _ in range(2)] == ["list", (429, "quota")]

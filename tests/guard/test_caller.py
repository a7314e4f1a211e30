"""Failed proofs cost time: of the address that failed, and of nobody who proves himself with a key made here."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.guard.conftest import Known
from tests.guard.test_guard import API, _verdict

from ninefold.guard.need import Need
from ninefold.keys.record import Bound
from ninefold.keys.token import _checksum, mint

LIMITS = {
    "rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}],
    "penalty": {"after": "5 denials", "start": "1s", "factor": 2, "most": "1h"},
}
KEYS = {"alone": "the tests have nothing else to prove"}


@pytest.fixture
def guard(make_guard: Any) -> Any:
    return make_guard(API, limits=LIMITS, keys=KEYS)


def _guess(guard: Any, ask: Any, count: int, *, now: float = 100.0, **fields: Any) -> list[Any]:
    return [_verdict(guard, ask("/things", f"guess{n}", now=now, **fields)) for n in range(count)]


def test_guesses_past_the_free_ones_wait_longer_each_time(guard: Any, ask: Any) -> None:
    assert _guess(guard, ask, 8) == [(401, "caller")] * 6 + [(429, "caller")] * 2
    refused = guard.admit(ask("/things", "guess", now=100.5))
    assert dict(refused.fields)[b"retry-after"] == b"1"
    assert _guess(guard, ask, 2, now=101.1) == [(401, "caller"), (429, "caller")]
    assert _guess(guard, ask, 1, now=102.9) == [(429, "caller")]
    assert _guess(guard, ask, 1, now=103.2) == [(401, "caller")]
    assert guard.admit(ask("/things", "guess", now=103.3)).reason.endswith("waits 4 s more")


def test_the_trail_is_told_which_key_and_that_a_wait_begins(guard: Any, ask: Any) -> None:
    wrong = mint("live", os.urandom)
    reasons = [guard.admit(ask("/things", wrong.text)).reason for _ in range(6)]
    assert reasons[0] == f"the key is unknown or revoked (key {wrong.id})"
    assert reasons[5] == f"the key is unknown or revoked (key {wrong.id}); its address waits 1 s"


def test_a_right_key_made_here_is_let_in_from_an_address_that_waits(guard: Any, ask: Any) -> None:
    _guess(guard, ask, 10)
    assert _verdict(guard, ask("/things", "good")) == "list"
    assert _verdict(guard, ask("/things", "guess")) == (429, "caller")


def test_whether_an_imported_key_is_right_is_not_told_while_its_address_waits(guard: Any, ask: Any, ring: Any) -> None:
    ring.keys[b"weak"] = Known("weak", guessable=True)
    assert _verdict(guard, ask("/things", "weak")) == "list"
    _guess(guard, ask, 6)
    right, wrong = guard.admit(ask("/things", "weak")), guard.admit(ask("/things", "guess"))
    assert (right.status, right.fields, right.body) == (wrong.status, wrong.fields, wrong.body)
    assert right.status == 429
    assert _verdict(guard, ask("/things", "weak", address="192.0.2.9")) == "list"
    assert _verdict(guard, ask("/things", "weak", now=101.5)) == "list"


def test_nobody_is_locked_out_by_what_others_guess_at_his_key(guard: Any, ask: Any, ring: Any) -> None:
    mine = mint("live", os.urandom)
    ring.keys[mine.text.encode()] = Known(mine.id, guessable=True)
    body = mine.text[:-7].encode() + (b"A" if mine.text[-7] != "A" else b"B")  # my id and a checksum that holds
    forged = (body + _checksum(body)).decode()
    for number in range(500):
        guard.admit(ask("/things", forged, address=f"10.0.{number // 250}.{number % 250}"))
    assert guard.admit(ask("/things", forged, address="192.0.2.9")).reason.endswith(
        f"(key {mine.id}); its address waits 3600 s"
    )
    assert _verdict(guard, ask("/things", mine.text, address="192.0.2.1")) == "list"


def test_a_key_id_that_many_addresses_guess_at_has_no_free_tries_left(guard: Any, ask: Any) -> None:
    wrong = mint("live", os.urandom).text
    for number in range(6):
        assert _verdict(guard, ask("/things", wrong, address=f"10.0.0.{number}")) == (401, "caller")
    assert _verdict(guard, ask("/things", wrong, address="10.0.0.99")) == (401, "caller")
    assert _verdict(guard, ask("/things", wrong, address="10.0.0.99")) == (429, "caller")


@pytest.mark.parametrize(
    "asked",
    [
        {"key": ""},
        {"path": "/nothing", "key": "guess"},
        {"path": "/things", "key": "good"},
    ],
)
def test_what_is_no_failed_proof_is_not_counted(guard: Any, ask: Any, asked: dict[str, Any]) -> None:
    for _ in range(20):
        guard.admit(ask(**{"path": "/things", **asked}))
    assert _verdict(guard, ask("/things", "guess")) == (401, "caller")
    assert guard._penalties.waiting == {}


@pytest.mark.parametrize("asked", [
    {"key": "good", "time": 3e9}, {"key": "bound"}, {"key": "bound", "time": 3e9}, {"key": "unknown"}, {"key": "weak", "time": 3e9},
])  # fmt: skip
def test_no_number_of_tries_tells_a_right_key_that_is_not_enough_from_a_wrong_one(
    guard: Any, ask: Any, ring: Any, asked: dict[str, Any]
) -> None:
    ring.keys[b"bound"] = Known("key9", bound=Bound(addresses=("10.0.0.0/8",)))
    ring.keys[b"weak"] = Known("weak", guessable=True)
    answers = [guard.admit(ask("/things", **asked)) for _ in range(9)]
    assert [one.status for one in answers] == [401] * 6 + [429] * 3
    assert len({(one.fields, one.body) for one in answers}) == 2


def test_nor_does_an_address_outside_what_the_contract_asks(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API, limits=LIMITS)
    for address, key in (("192.0.2.1", "good"), ("192.0.2.2", "wrong")):
        statuses = [guard.admit(ask("/things", key, address=address)).status for _ in range(9)]
        assert statuses == [401] * 6 + [429] * 3


def test_a_key_that_is_used_from_where_it_is_not_bound_to_counts(guard: Any, ask: Any, ring: Any) -> None:
    ring.keys[b"bound"] = Known("key9", bound=Bound(addresses=("10.0.0.0/8",)))
    statuses = [guard.admit(ask("/things", "bound")).status for _ in range(8)]
    assert statuses == [401] * 6 + [429] * 2
    assert _verdict(guard, ask("/things", "bound", address="10.1.1.1")) == "list"


def test_one_subscriber_of_ipv6_is_one_address(guard: Any, ask: Any) -> None:
    verdicts = [_verdict(guard, ask("/things", "guess", address=f"2001:db8::{n:x}")) for n in range(1, 9)]
    assert verdicts == [(401, "caller")] * 6 + [(429, "caller")] * 2


def test_keys_that_must_be_read_first_are_counted_once(guard: Any, ask: Any, ring: Any) -> None:
    ring.stale = 1
    request = ask("/things", "guess")
    assert guard.admit(request) is Need.KEYS
    assert guard.admit(request) is Need.KEYS
    ring.stale = 0
    guard.admit(request)
    assert _guess(guard, ask, 6)[-2:] == [(401, "caller"), (429, "caller")]


def test_public_operations_stay_open_to_an_address_that_waits(make_guard: Any, ask: Any) -> None:
    rules = {"roles": {"reader": ["r"]}, "rules": [
        {"operations": ["free"], "public": "everybody may see it"}, {"operations": ["list"], "allow": ["r"]},
    ]}  # fmt: skip
    guard = make_guard(API, limits=LIMITS, keys=KEYS, authorization=rules)
    _guess(guard, ask, 10)
    assert _verdict(guard, ask("/free", "")) == "free"

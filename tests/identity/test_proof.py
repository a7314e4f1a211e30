"""Proofs of possession, nonces and the memory of proofs, without a server."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.issuing import URL, ec, proof

from ninefold.identity.fault import BadToken
from ninefold.identity.proof import MOST_KEYS, NONCE_SECONDS, Nonces, Proof, Prover, Replays

KEY = ec()
TOKEN = "header.payload.signature"
PROVER = Prover((URL, "http://127.0.0.1:8080"), ("ES256",), 60.0, 30.0)
MADE = proof(KEY, TOKEN).encode()
#: When it was made: the tests of a whole room may run for longer than a proof holds.
THEN = time.time()


def test_a_proof_tells_its_key() -> None:
    found = PROVER.verify(MADE, TOKEN.encode(), "GET", "/things", THEN)
    assert len(found.jkt) == 32
    assert PROVER.verify(MADE, TOKEN.encode(), "GET", "/things", THEN) == found


@given(st.integers(0, len(MADE) - 1), st.integers(1, 255))
def test_no_proof_with_one_byte_changed_is_one(at: int, change: int) -> None:
    changed = bytearray(MADE)
    changed[at] ^= change
    with pytest.raises(BadToken):
        PROVER.verify(bytes(changed), TOKEN.encode(), "GET", "/things", THEN)


@pytest.mark.parametrize(
    ("htu", "path", "same"),
    [
        (f"{URL}/things", "/things", True),
        (f"{URL}", "/", True),
        (f"{URL}/", "/", True),
        (f"{URL}/a%2fb", "/a%2Fb", True),
        (f"{URL}/a%2fb", "/a/b", False),
        (f"{URL}/%7Ea", "/~a", True),
        (f"{URL}/a//b", "/a/b", False),
        (f"{URL}/a/../b", "/b", False),
        (f"{URL}/things/", "/things", False),
        ("http://127.0.0.1:8080/things", "/things", True),
        ("http://127.0.0.1:8081/things", "/things", False),
        ("https://127.0.0.1:8080/things", "/things", False),
        ("HTTPS://things.example.com/things", "/things", True),
        ("//things.example.com/things", "/things", False),
        ("/things", "/things", False),
        ("", "/", False),
        ("https://things.example.com:99999/things", "/things", False),
        ("https://[things.example.com/things", "/things", False),
        ("https://things.example.com./things", "/things", False),
        ("https://th\u0131ngs.example.com/things", "/things", False),
        (f"{URL}\\@evil.example/things", "/things", False),
    ],
)
def test_a_url_is_the_requests_own_after_normalising_both(htu: str, path: str, same: bool) -> None:
    made = proof(KEY, TOKEN, url=htu).encode()
    if same:
        assert PROVER.verify(made, TOKEN.encode(), "GET", path, time.time())
    else:
        with pytest.raises(BadToken, match="another URL"):
            PROVER.verify(made, TOKEN.encode(), "GET", path, time.time())


def test_keys_of_only_so_many_callers_are_remembered() -> None:
    prover = Prover((URL,), ("ES256",), 60.0, 30.0)
    one = prover._key(MADE.split(b".")[0])
    prover._keys = {b"%d" % number: one for number in range(MOST_KEYS)}
    prover.verify(MADE, TOKEN.encode(), "GET", "/things", THEN)
    assert len(prover._keys) <= MOST_KEYS


@given(st.integers(0, 2**34))
def test_a_nonce_is_fresh_for_its_time_and_once_more(at: int) -> None:
    nonces, others = Nonces(b"s" * 32), Nonces(b"t" * 32)
    nonce = nonces.newest(at)
    assert nonces.fresh(nonce, at)
    assert nonces.fresh(nonce, at + NONCE_SECONDS)
    assert not nonces.fresh(nonce, at + 2 * NONCE_SECONDS)
    assert not nonces.fresh(nonce, at - NONCE_SECONDS)
    assert not others.fresh(nonce, at)
    assert Nonces(b"s" * 32).fresh(nonce, at)


@given(st.text(max_size=40))
def test_nothing_else_is_a_nonce(text: str) -> None:
    assert not Nonces(b"s" * 32).fresh(text, 1e9)


def _proof(number: int) -> Proof:
    return Proof(b"k" * 32, str(number), "")


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 5)), max_size=40))
def test_no_proof_is_taken_twice_within_its_window(steps: list[tuple[float, int]]) -> None:
    replays, now, last = Replays(60.0, 1000), 0.0, dict[int, float]()
    for pause, number in steps:
        now += pause
        taken = replays.take(_proof(number), now)
        if number not in last:
            assert taken
        elif now - last[number] < 60:
            assert not taken
        if taken:
            last[number] = now


def test_proofs_of_another_key_with_the_same_id_are_others() -> None:
    replays = Replays(60.0, 1000)
    assert replays.take(Proof(b"a" * 32, "1", ""), 0.0)
    assert replays.take(Proof(b"b" * 32, "1", ""), 0.0)


def test_the_memory_of_proofs_is_bounded_and_empties() -> None:
    replays = Replays(60.0, 100)
    for number in range(100):
        assert not replays.full(1.0)
        replays.take(_proof(number), 1.0)
    assert replays.full(1.0)
    assert replays.full(70.0)
    assert not replays.full(200.0)
    assert replays.take(_proof(1), 200.0)

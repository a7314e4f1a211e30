"""Passwords at their real cost."""

from __future__ import annotations

import statistics
import time

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from ninefold.errors import KeyringError
from ninefold.identity.service import passwords
from ninefold.identity.service.passwords import LEAST, MOST, encode, matches

PASSWORD = "a long enough password"


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))


@pytest.mark.usefixtures("dear")
def test_rfc9106_4_a_password_is_kept_by_argon2id_and_an_unknown_name_costs_as_much() -> None:
    encoded = encode(PASSWORD)
    found = extract_parameters(encoded)
    assert (found.type, found.memory_cost, found.time_cost) == (Type.ID, 65_536, 3)
    assert matches(encoded, PASSWORD)
    assert not matches(None, PASSWORD)
    assert not matches(None, "nobody's")

    def cost(of: str | None) -> float:
        begun = time.process_time()
        matches(of, "a wrong password")
        return time.process_time() - begun

    known, unknown = (statistics.median(cost(of) for _ in range(3)) for of in (encoded, None))
    assert 0.5 < known / unknown < 2


def test_the_module_itself_asks_that_cost() -> None:
    import subprocess
    import sys

    asked = (
        "from ninefold.identity.service.passwords import _HASHER as h; print(h.type.name, h.memory_cost, h.time_cost)"
    )
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["ID", "65536", "3"]


@pytest.mark.parametrize("length", [0, 1, LEAST - 1, MOST + 1, 10_000])
def test_sp800_63b_a_password_that_is_too_short_or_too_long_is_not_kept(length: int) -> None:
    with pytest.raises(KeyringError, match="characters"):
        encode("x" * length)


def test_a_password_that_is_no_text_is_not_kept() -> None:
    with pytest.raises(KeyringError, match="UTF-8"):
        encode("\udcff" * 20)


def test_a_longer_text_is_not_matched_by_its_beginning() -> None:
    assert not matches(encode("x" * MOST), "x" * (MOST + 1))


def test_rfc8265_4_a_password_is_one_however_a_keyboard_composes_it() -> None:
    assert matches(encode("pässwörter sind lang"), "pässwörter sind lang")


@pytest.mark.parametrize(
    "encoded", ["", "nonsense", "$argon2id$v=19$m=65536,t=3,p=4$x", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"]
)
def test_what_is_no_hash_is_matched_by_nothing(encoded: str) -> None:
    assert not matches(encoded, "")
    assert not matches(encoded, PASSWORD)

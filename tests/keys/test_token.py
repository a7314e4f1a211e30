"""The text of a key: its shape, its checksum, and that it hides itself."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.errors import KeyringError
from ninefold.keys.token import digest, mint, well_formed


def test_a_minted_key_is_well_formed_hides_itself_and_is_known_by_its_digest() -> None:
    minted = mint("live", os.urandom)
    assert well_formed(minted.text.encode())
    assert minted.text.startswith(f"nf_live_{minted.id}_")
    assert minted.text not in repr(minted)
    assert digest(minted.text.encode()) == minted.digest
    assert mint("live", os.urandom).text != minted.text


@given(place=st.integers(0, 60), char=st.sampled_from("09azAZ_-é "))
def test_one_changed_character_is_found_without_a_look_up(place: int, char: str) -> None:
    text = mint("live", lambda n: bytes(range(n)) * 4).text
    place %= len(text)
    changed = text[:place] + char + text[place + 1 :]
    assert well_formed(changed.encode()) == (changed == text)


@given(st.binary(max_size=80))
def test_no_bytes_are_a_key_by_chance(text: bytes) -> None:
    assert not well_formed(text)


@pytest.mark.parametrize("env", ["", "LIVE", "a_b", "toolongenv", "é"])
def test_an_environment_that_is_none_is_refused(env: str) -> None:
    with pytest.raises(KeyringError, match="no environment"):
        mint(env, os.urandom)

"""What a name says of what it holds."""

from __future__ import annotations

import pytest

from ninefold.leak.held import held
from ninefold.leak.rule import Kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cardNumber", Kind.CARD),
        ("billing_ibans", Kind.ID),
        ("user-agent", Kind.VERSION),
        ("accessToken", Kind.SECRET),
        ("filePath", Kind.PATH),
        ("APIKey", Kind.SECRET),
    ],
)
def test_names_tell_what_is_held_by_their_last_words(name: str, kind: Kind) -> None:
    assert kind in held(name)


@pytest.mark.parametrize("name", ["message", "description", "note", "detail", "comment", "error", "tokenizer", "body"])
def test_other_names_tell_nothing(name: str) -> None:
    assert held(name) == frozenset()

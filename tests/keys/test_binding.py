from __future__ import annotations

import pytest

from ninefold.errors import KeyringError
from ninefold.keys.binding import binding
from ninefold.keys.record import Bound

DEVICE = "t13d1516h2_8daaf6152771_b186095e22b6"


def test_what_a_person_writes_is_kept_in_one_form() -> None:
    made = binding(["10.0.0.0/8", "::1"], ["https://App.example.com"], [DEVICE], ["AB:" * 31 + "CD"])
    assert made == Bound(("10.0.0.0/8", "::1/128"), ("https://app.example.com",), (DEVICE,), ("ab" * 31 + "cd",))
    assert binding((), (), (), ()) == Bound()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((["local"], [], [], []), "another machine's"),
        ((["10.0.0.1/8"], [], [], []), "no address range"),
        ((["0.0.0.0/0"], [], [], []), "everybody"),
        (([], ["*"], [], []), "origins are exact"),
        (([], ["null"], [], []), "everybody's"),
        (([], ["app.example.com"], [], []), "no origin"),
        (([], [], ["t13d"], []), "no JA4 fingerprint"),
        (([], [], [DEVICE + "\n"], []), "no JA4 fingerprint"),
        (([], [], [], ["abcd"]), "no SHA-256 thumbprint"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(given: tuple[list[str], ...], words: str) -> None:
    with pytest.raises(KeyringError, match=words):
        binding(*given)

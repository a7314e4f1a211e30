"""Keys, digests and values that a name calls secret, in a free text."""

from __future__ import annotations

import pytest

from ninefold.leak.find import find, masked
from ninefold.leak.secret import RULES

BCRYPT = "$2b$12$" + "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"


def left(text: str) -> str:
    return masked(text, find(text, RULES))


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"hash {BCRYPT} stored", BCRYPT),
        ("postgres://app:h7Gt2qPz@db.internal/shop", "h7Gt2qPz"),
        ("password=Tr0ub4dor&3 failed", "Tr0ub4dor&3"),
        ("Das Passwort: Sommer1634$", "Sommer1634$"),
        ("client_secret: 8f14e45fceea167a5a36dedd4bea2543", "8f14e45fceea167a5a36dedd4bea2543"),
        ("Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l", "YWxhZGRpbjpvcGVuc2VzYW1l"),
        ("curl -u admin:s3cr3tPw0 https://x", "admin:s3cr3tPw0"),
        ("sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"),
    ],
)
def test_a_secret_has_a_mask_in_its_place(text: str, gone: str) -> None:
    assert gone not in left(text)


@pytest.mark.parametrize(
    "text",
    ["password: required", "The password is wrong.", "token: <your token>", "api_key=${API_KEY}", "Basic training for beginners", "Bearer of good news, everyone and all",
     "https://user@example.com/", "secret: ********", "the session is over", "postgres://user:password@localhost/db", "Passwort: vergessen"],
)  # fmt: skip
def test_words_about_secrets_are_none(text: str) -> None:
    assert left(text) == text

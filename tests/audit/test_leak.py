from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.leak import leaks
from ninefold.leak.secret import entropy, secretive


def test_a_key_that_chance_wrote_is_told_from_words() -> None:
    chance = random.Random(9)
    for _ in range(500):
        assert secretive(chance.randbytes(16).hex())
        assert secretive("k1" + "".join(chance.choices(string.ascii_letters + string.digits, k=32)))


def test_three_letters_alike_make_no_key_a_placeholder() -> None:
    assert secretive("k1U5K6q5tvAdtanhemFy97MdcXxxBFnsS7")
    assert not secretive("k1xxxxxxxxxxxxxxxxx7Adt")


@pytest.mark.parametrize(
    "value",
    [
        "your-api-key",
        "application/json",
        "settings.api_key",
        "https://a1b2c3d4e5.example.com",
        "API_KEY_HEADER",
        "X-API-Key",
        "aaaaaaaaaaaaaaaa1",
        "some-long-option-name",
        "2024-01-01",
    ],
)
def test_words_names_and_urls_are_no_secrets(value: str) -> None:
    assert not secretive(value)


def test_a_collection_ends_where_it_is_closed() -> None:
    text = 'API_KEYS = {\n  "9f8b3c1d7e6a5042": "a",\n}\nBUILD = "9f8b3c1d7e6a5042"\nOTHER = ["9f8b3c1d7e6a5042"]\n'
    assert [one.line for one in leaks(text)] == [2]


def test_lines_past_all_reading_are_left() -> None:
    assert list(leaks("api_key='9f8b3c1d7e6a5042';" * 200)) == []


@given(st.text(string.printable, max_size=400))
def test_any_text_can_be_read_and_no_secret_is_shown_whole(text: str) -> None:
    for leak in leaks(text):
        assert leak.line >= 1
        assert len(leak.shown) <= 9


def test_entropy_is_bits_a_character() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2


GITHUB = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
AWS = "AKIA" + "Q3EGRIBZP7KXWTSN"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
PEM = "-----BEGIN " + "PRIVATE KEY-----\n" + BODY * 3


@pytest.mark.parametrize(
    ("text", "kind", "sure"),
    [
        (f"token = '{GITHUB}'", "a GitHub token", True),
        (f"AWS_ID={AWS}\nAWS_SECRET=wJ2lrXUt8FEMIK7MDENGbPxRfiCY4kQz0aB9cDeF", "an AWS access key with its secret", False),
        (PEM, "a private key", True),
        ("KEY = '" + PEM.replace("\n", "\\n") + "'", "a private key", True),
        ('DB_PASSWORD = "hq7Vz2!mP9xw"', "a value for `DB_PASSWORD`", False),
        ("  password: hq7Vz2-mP9xw\n", "a value for `password`", False),
        ("spring.datasource.password=hq7Vz2mP9xw", "a value for `spring.datasource.password`", False),
        ('URL = "postgres://app:hq7Vz2mP9xw@db.internal:5432/a"', "a password in a URL", False),
        ("sl = 'xoxb-" + "2048391827364-2048391827365-aB3dE5fG7hI9jK1lM3nO5pQ7'", "a Slack token", False),
        ("g = 'AIza" + "SyD4x9Kq2LmN8pR5tV7wY1zB3cE6fG0hJkM'", "a Google API key", False),
    ],
)  # fmt: skip
def test_each_make_is_told_by_what_it_is(text: str, kind: str, sure: bool) -> None:
    assert [(one.kind, one.sure) for one in leaks(text)] == [(kind, sure)]


@pytest.mark.parametrize(
    "text",
    [
        "token = 'ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18'",
        "token = 'npm_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5'",
        f"AWS_ID={AWS}",
        "AWS_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "if '-----BEGIN PRIVATE KEY-----' in text:",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + BODY * 3,
        "-----BEGIN PUBLIC KEY-----\n" + BODY * 3,
        'password = "correct horse"',
        "password: ${DB_PASSWORD_2024}",
        "password: {{ vault.db1_password }}",
        'password = os.environ["DB_PASSWORD_1"]',
        'password = config.get("db1.password2")',
        "password = settings.db2.password1",
        "const password = generatePassword1(16);",
        "password: string1;",
        'URL = "postgres://app:hq7Vz2mP9xw@localhost:5432/a"',
        'URL = "postgres://app:${PASSWORD1}@db.internal/a"',
        "<input type='password' id='pw1'>",
        '"password": "required|min:8|max:64"',
    ],
)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    assert list(leaks(text)) == []

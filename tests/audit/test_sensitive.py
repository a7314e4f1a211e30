from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.sensitive import harmless, opens, proves, snake, tells


@pytest.mark.parametrize(
    "name",
    ["password", "passwordHash", "user_password", "password_salt", "pass_hash", "hashedPassword", "ssn", "cardNumber",
     "credit_card_number", "card_no", "CVV", "cvv2", "privateKey", "mfa_secret", "Passwd", "passwords"],
)  # fmt: skip
def test_what_proves_or_pays_is_told_by_its_name(name: str) -> None:
    assert proves(name)
    assert opens(name)


@pytest.mark.parametrize(
    "name",
    ["apiKey", "api_key", "secret", "client_secret", "secretKey", "accessToken", "refresh_token", "session-token"],
)
def test_what_opens_something_is_too(name: str) -> None:
    assert opens(name)
    assert not proves(name)


@pytest.mark.parametrize(
    "name",
    ["name", "passenger", "compass", "passport_country", "password_changed_at", "passwordPolicy", "password_reset_url",
     "secret_name", "secretary", "token", "next_page_token", "token_count", "tokenizer", "saltiness", "salt", "keyword",
     "api_key_id", "card_number_last4", "card", "pin_code", "hash", "monkey", "public_key", "cvvs_checked"],
)  # fmt: skip
def test_names_that_only_speak_of_secrets_are_none(name: str) -> None:
    assert not opens(name)


@pytest.mark.parametrize(("name", "shown"), [("token", True), ("jwt", True), ("Authorization", True), ("authorization", True),
                                              ("password", True), ("auth_header", False), ("token_type", False), ("user", False)])  # fmt: skip
def test_a_log_must_not_hold_tokens_either(name: str, shown: bool) -> None:
    assert tells(name) is shown


@pytest.mark.parametrize(
    ("schema", "is_harmless"),
    [
        ({"type": "boolean"}, True),
        ({"type": "string", "format": "date-time"}, True),
        ({"type": "string", "writeOnly": True}, True),
        ({"type": "string", "maxLength": 4}, True),
        ({"type": "string", "example": "**** **** **** 4242"}, True),
        ({"type": "string", "example": "XXXX-XXXX-XXXX-4242"}, True),
        ({"type": "string", "example": "4242424242424242"}, False),
        ({"type": "string"}, False),
        ({}, False),
    ],
)
def test_flags_times_and_masks_hold_no_secret(schema: dict[str, Any], is_harmless: bool) -> None:
    assert harmless(schema) is is_harmless


def test_names_are_read_in_all_spellings() -> None:
    assert {snake(one) for one in ("cardNumber", "card_number", "Card-Number", "CardNumber")} == {"card_number"}
    assert snake("userAPIKey") == "user_api_key"

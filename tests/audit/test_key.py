from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.answer import Ask
from ninefold.audit.key import Key, parse_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description

ASK = Ask("GET", "/")


@pytest.mark.parametrize(
    ("text", "place", "name", "value"),
    [
        ("abc", "header", "X-API-Key", "abc"),
        ("header:X-Key=a=b", "header", "X-Key", "a=b"),
        ("query:key=abc", "query", "key", "abc"),
        ("cookie:sid=abc", "cookie", "sid", "abc"),
        ("bearer:abc", "header", "Authorization", "Bearer abc"),
    ],
)
def test_a_credential_is_parsed_once(text: str, place: str, name: str, value: str) -> None:
    key = parse_key(text, None)
    assert (key.place, key.name, key.value) == (place, name, value)


@pytest.mark.parametrize(
    ("scheme", "place", "name", "value"),
    [
        ({"type": "apiKey", "in": "query", "name": "k"}, "query", "k", "abc"),
        ({"type": "http", "scheme": "Bearer"}, "header", "Authorization", "Bearer abc"),
        ({"type": "oauth2", "flows": {}}, "header", "Authorization", "Bearer abc"),
        ({"type": "mutualTLS"}, "header", "X-API-Key", "abc"),
    ],
)
def test_a_bare_value_goes_where_the_description_wants_it(
    describe: Callable[[dict[str, Any]], Description], scheme: Any, place: str, name: str, value: str
) -> None:
    api = describe({"components": {"securitySchemes": {"s": scheme}}})
    key = parse_key("abc", api)
    assert (key.place, key.name, key.value) == (place, name, value)


def test_it_goes_on_a_request_with_what_belongs_to_it() -> None:
    also = (("X-Tenant", "t"),)
    assert Key("header", "K", "v", also).on(ASK).headers == (("X-Tenant", "t"), ("K", "v"))
    assert Key("query", "k", "v", also).on(ASK).query == (("k", "v"),)
    assert Key("cookie", "c", "v").on(ASK).headers == (("Cookie", "c=v"),)


@given(st.text("abcXYZ0189-_. ", min_size=1, max_size=60))
def test_a_wrong_key_has_the_same_make_and_is_another(value: str) -> None:
    wrong = Key("header", "K", value).wrong().value
    tail = value.rpartition(" ")[2]
    assert len(wrong) == len(value)
    assert (wrong != value) is any(one.isalnum() for one in tail)
    assert [one.isdigit() for one in wrong] == [one.isdigit() for one in value]


def test_the_secrets_are_the_value_its_token_and_what_goes_along() -> None:
    assert set(Key("header", "Authorization", "Bearer abc", (("X", "yz"),)).secrets) >= {"Bearer abc", "abc", "yz"}


def test_the_wrong_key_is_a_secret_too_and_leads_nowhere() -> None:
    key = Key("header", "K", "k7Qw2ZrT9xLm4VbN8sHd")
    assert key.wrong().value in key.secrets
    assert key.wrong().wrong().value != key.value

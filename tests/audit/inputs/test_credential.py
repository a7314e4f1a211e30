from __future__ import annotations

import pytest

from ninefold.audit.inputs.credential import Credential, api_key, http, seen


@pytest.mark.parametrize(
    ("headers", "query", "raw"),
    [
        ([("Authorization", "Bearer abc")], [], {"type": "http", "scheme": "bearer"}),
        ([("authorization", "Basic dTpw")], [], {"type": "http", "scheme": "basic"}),
        ([("Authorization", "abc")], [], {"type": "apiKey", "in": "header", "name": "Authorization"}),
        ([("Authorization", "Custom abc")], [], {"type": "apiKey", "in": "header", "name": "Authorization"}),
        ([("X-API-Key", "abc")], [], {"type": "apiKey", "in": "header", "name": "X-API-Key"}),
        (
            [("Ocp-Apim-Subscription-Key", "abc")],
            [],
            {"type": "apiKey", "in": "header", "name": "Ocp-Apim-Subscription-Key"},
        ),
        ([("Cookie", "theme=dark; JSESSIONID=abc")], [], {"type": "apiKey", "in": "cookie", "name": "JSESSIONID"}),
        ([], ["page", "api_key"], {"type": "apiKey", "in": "query", "name": "api_key"}),
    ],
)
def test_a_credential_is_known_by_where_it_goes(
    headers: list[tuple[str, str]], query: list[str], raw: dict[str, str]
) -> None:
    found = tuple(seen(headers, query))
    assert [one.raw for one in found] == [raw]
    assert "abc" not in repr(found)
    assert "dTpw" not in repr(found)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([("Accept", "x"), ("X-Request-Id", "1"), ("X-CSRF-Token", "1"), ("Idempotency-Key", "1")], []),
        ([("Cookie", "theme=dark; csrftoken=1; _ga=2")], []),
        ([], ["page", "page_token", "key", "tokens", "sort_key"]),
    ],
)
def test_what_is_no_credential_is_none(headers: list[tuple[str, str]], query: list[str]) -> None:
    assert not tuple(seen(headers, query))


def test_an_oauth2_flow_is_written_as_openapi_writes_it() -> None:
    made = Credential("o", "oauth2", flow="implicit", urls=(("authorizationUrl", "https://a.example/"),), scopes=("r",))
    assert made.raw == {
        "type": "oauth2",
        "flows": {"implicit": {"authorizationUrl": "https://a.example/", "scopes": {"r": ""}}},
    }


def test_schemes_of_one_field_in_two_places_have_two_names() -> None:
    assert len({api_key("header", "k").name, api_key("query", "k").name, http("bearer").name}) == 3

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.address import addresses
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from ninefold.contract.description import Description


def api(
    scheme: dict[str, Any], item: dict[str, Any] | None = None, operation: dict[str, Any] | None = None
) -> Description:
    return read(
        {
            "openapi": "3.1.0",
            "info": {},
            "paths": {"/a": {"get": {"responses": {}, **(operation or {})}, **(item or {})}},
            "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "K", **scheme}}},
        },
        "a.json",
    )


def told(description: Description) -> tuple[str, ...]:
    return addresses(description, description.operations[0], description.schemes["k"])


@pytest.mark.parametrize("holder", [0, 1, 2])
def test_ranges_are_found_on_the_scheme_the_path_and_the_operation(holder: int) -> None:
    places: list[dict[str, Any]] = [{}, {}, {}]
    places[holder] = {"x-allowed-ips": ["10.0.0.0/8", "2001:db8::1"]}
    assert told(api(*places)) == ("10.0.0.0/8", "2001:db8::1")


@pytest.mark.parametrize(
    "extension",
    [
        {"x-denied-ips": ["10.0.0.1"]},
        {"x-rules": {"blocklist": ["10.0.0.1"]}},
        {"x-rules": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.1"]}}},
        {"x-allowed-ips": ["10.0.0.0/8", "0.0.0.0/0"]},
        {"x-allowed-ips": []},
        {"x-version": "1.0", "x-count": 5},
        {"description": "only from 10.0.0.0/8"},
    ],
)
def test_what_denies_or_allows_everybody_is_no_restriction(extension: dict[str, Any]) -> None:
    assert told(api(extension)) == ()


@pytest.mark.parametrize(
    ("extension", "surely"),
    [
        ({"x-source-addresses": ["10.0.0.0/8"]}, True),
        ({"x-kong-plugin-ip-restriction": {"config": {"allow": ["10.0.0.0/8"]}}}, True),
        (
            {
                "x-amazon-apigateway-policy": {
                    "Statement": [{"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]
                }
            },
            True,
        ),
        ({"x-client-networks": ["10.0.0.0/8"]}, True),
        ({"x-webhook-source-ips": ["10.0.0.0/8"]}, False),
        ({"x-egress-ips": ["10.0.0.0/8"]}, False),
        ({"x-resource-ips": ["10.0.0.0/8"]}, False),
        ({"x-trusted-proxies": ["10.0.0.0/8"]}, False),
        ({"x-rate-limit": {"allowlist": ["10.0.0.0/8"]}}, False),
        ({"x-admin-allowed-ips": ["10.0.0.0/8"]}, False),
        ({"x-ips": ["10.0.0.0/8"]}, False),
    ],
)
def test_whose_addresses_they_are_is_sure_by_the_names_around_them_alone(
    extension: dict[str, Any], surely: bool
) -> None:
    here = api(extension)
    assert told(here) == ("10.0.0.0/8",)
    found = addresses(here, here.operations[0], here.schemes["k"], surely=True)
    assert found == (("10.0.0.0/8",) if surely else ())


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(["10.0.0.0/8", "1.2.3", "::1", "0.0.0.0/0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(_JSON)
def test_any_extension_can_be_read(extension: Any) -> None:
    assert isinstance(told(api({"x-any": extension})), tuple)

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

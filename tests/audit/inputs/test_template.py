from __future__ import annotations

import time

import pytest

from ninefold.audit.inputs.template import templates

UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def _paths(*paths: str) -> list[str]:
    return [one.path for one in templates([tuple(path.strip("/").split("/")) for path in paths])]


def test_a_number_is_an_id_where_another_stood_in_its_place() -> None:
    assert _paths("/orders/1", "/orders/2/lines/7", "/orders/2/lines/8") == [
        "/orders/{order_id}",
        "/orders/{order_id}/lines/{line_id}",
        "/orders/{order_id}/lines/{line_id}",
    ]


@pytest.mark.parametrize("path", ["/orders/1", "/v1/reports/2024", "/v2/me", "/status/200"])
def test_a_number_that_was_seen_once_stays(path: str) -> None:
    assert _paths(path, path) == [path, path]


@pytest.mark.parametrize(
    "value",
    [
        UUID,
        "507f1f77bcf86cd799439011",
        "0123456789abcdef",
        "ada@example.com",
        "HTEjWCCRSUnp2nHdiAEoVPJDDaWYcRozmZUCRsREBAGS",
        "Zk3-aB9_xY2qLm7T-0pQw4",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.a",
    ],
)
def test_what_is_unmistakably_an_id_is_one_wherever_it_stands(value: str) -> None:
    assert _paths(f"/users/{value}") == ["/users/{user_id}"]


@pytest.mark.parametrize(
    "name",
    [
        "search",
        "how-to-configure-nginx-2024-edition",
        "deadbeef",
        "getV2UsersByOrder",
        "listCustomerOrders2024",
        "internationalization",
        "top-10",
        "v1.2.3",
    ],
)
def test_a_name_is_no_id(name: str) -> None:
    assert _paths(f"/pages/{name}", "/pages/other") == [f"/pages/{name}", "/pages/other"]


def test_names_beside_ids_stay() -> None:
    assert _paths("/orders/1", "/orders/2", "/orders/latest") == [
        "/orders/{order_id}",
        "/orders/{order_id}",
        "/orders/latest",
    ]


def test_a_variable_keeps_its_name_and_takes_the_ids_beside_it() -> None:
    assert _paths("/orders/{orderId}", "/orders/12") == ["/orders/{orderId}", "/orders/{orderId}"]


def test_no_name_stands_twice_in_one_template() -> None:
    made = templates([("a", "1", "2"), ("a", "2", "3"), ("a", "1", "4")])
    assert all(len(dict(one.parameters)) == 2 for one in made)


def test_schemas_tell_numbers_from_uuids_and_keep_no_long_number() -> None:
    (first, *_) = templates([("a", "5"), ("a", "6")])
    assert first.parameters == (("a_id", {"type": "integer", "example": 5}),)
    (first, *_) = templates([("a", UUID)])
    assert first.parameters == (("a_id", {"type": "string", "format": "uuid"}),)
    (first, *_) = templates([("a", "4111111111111111"), ("a", "4111111111111112")])
    assert first.parameters == (("a_id", {"type": "integer"}),)


def test_a_hundred_thousand_paths_take_seconds() -> None:
    began = time.monotonic()
    made = templates([("api", "orders", str(at), "lines", str(at % 7)) for at in range(100_000)])
    assert {one.path for one in made} == {"/api/orders/{order_id}/lines/{line_id}"}
    assert time.monotonic() - began < 20

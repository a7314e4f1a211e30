from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.audit.inputs.postman import read
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError

BEARER = {"type": "bearer", "bearer": [{"key": "token", "value": "bearer-s3cret"}]}


def _read(*items: Any, **more: Any) -> Any:
    return read({"info": {"name": "Shop"}, "item": list(items), **more}, "shop.json")


def _item(url: Any, method: str = "GET", **more: Any) -> dict[str, Any]:
    answers = more.pop("response", [])
    return {"name": "r", "request": {"method": method, "url": url, **more}, "response": answers}


def test_folders_variables_and_urls_make_operations() -> None:
    listed = _item(
        {"raw": "{{base}}/orders?page=1", "query": [{"key": "page", "value": "1"}, {"key": "x", "disabled": True}]}
    )
    one = _item({"raw": "{{base}}/orders/:id", "path": ["orders", ":id"], "variable": [{"key": "id", "value": "7"}]})
    folder = {"name": "Orders", "item": [listed, one], "variable": [{"key": "host", "value": "api.example.com"}]}
    api = _read(folder, variable=[{"key": "base", "value": "https://{{host}}/v1"}])
    assert api.kind is Kind.POSTMAN
    assert api.servers == ("https://api.example.com",)
    assert {one.id: one.pointer for one in api.operations} == {
        "GET /v1/orders": "/item/0/item/0/request",
        "GET /v1/orders/{id}": "/item/0/item/1/request",
    }
    assert [one.name for one in api.operations[0].parameters] == ["page"]
    assert api.operations[0].summary == "Orders / r"


@pytest.mark.parametrize(
    "url",
    ["https://h.example/a/b", "h.example/a/b", {"protocol": "https", "host": ["h", "example"], "path": ["a", "b"]}],
)
def test_every_form_of_a_url_is_read(url: Any) -> None:
    assert [one.path for one in _read(_item(url)).operations] == ["/a/b"]


def test_a_url_in_parts_has_its_port() -> None:
    api = _read(_item({"host": ["localhost"], "port": "3001", "path": ["api", "users"]}))
    assert api.servers == ("http://localhost:3001",)


def test_a_url_object_without_protocol_goes_to_its_host_and_path() -> None:
    api = _read(_item({"host": "{{base}}", "path": "users/{{userId}}/x"}))
    assert [one.path for one in api.operations] == ["/users/{userId}/x"]
    assert api.servers == ()
    assert "host of 1 request is not told" in api.notes[-1]


def test_authentication_is_inherited_and_may_be_switched_off() -> None:
    key = {"type": "apikey", "apikey": [{"key": "key", "value": "X-Shop"}, {"key": "value", "value": "key-s3cret"}]}
    folder = {"name": "f", "auth": key, "item": [_item("https://h/a"), _item("https://h/b", auth={"type": "noauth"})]}
    api = _read(folder, _item("https://h/c"), auth=BEARER)
    security = {one.path: one.security for one in api.operations}
    assert security == {"/a": ({"X-Shop (header)": ()},), "/b": ({},), "/c": ({"bearer": ()},)}
    assert "s3cret" not in repr(api) + json.dumps(api.document)


def test_authentication_of_v2_0_and_in_fields_is_read() -> None:
    api = _read(
        _item("https://h/a", auth={"type": "basic", "basic": {"username": "u", "password": "pw-s3cret"}}),
        _item("https://h/b", header=[{"key": "Authorization", "value": "Bearer {{token}}"}]),
        _item("https://u:url-s3cret@h/c?api_key=q-s3cret"),
    )
    security = {one.path: one.security for one in api.operations}
    assert security == {"/a": ({"basic": ()},), "/b": ({"bearer": ()},), "/c": ({"api_key (query)": ()},)}
    assert "s3cret" not in repr(api) + json.dumps(api.document)


def test_a_flow_of_oauth2_is_told() -> None:
    rows = {"grant_type": "implicit", "authUrl": "https://l.example/a", "scope": "r w", "clientSecret": "c-s3cret"}
    auth = {"type": "oauth2", "oauth2": [{"key": name, "value": value} for name, value in rows.items()]}
    api = _read(_item("https://h/a", auth=auth))
    (scheme,) = api.schemes.values()
    assert scheme.raw["flows"]["implicit"]["authorizationUrl"] == "https://l.example/a"
    assert api.operations[0].security == ({scheme.name: ("r", "w")},)
    assert "s3cret" not in repr(api)


def test_bodies_and_saved_answers_are_examples() -> None:
    raw = '{"sku": "a-1", "password": "pw-s3cret", "qty": {{qty}}}'
    body = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    saved = [
        {"code": 200, "body": '[{"id": 1}]'},
        {"code": 401, "header": [{"key": "Content-Type", "value": "text/plain"}], "body": "no"},
    ]
    api = _read(_item("https://h/a", "POST", body=body, response=saved))
    (operation,) = api.operations
    told = operation.request["application/json"]["properties"]
    assert told["sku"] == {"example": "a-1", "type": "string"}
    assert set(told) == {"sku", "password", "qty"}
    assert operation.responses["200"].media["application/json"]["items"]["properties"] == {
        "id": {"example": 1, "type": "integer"}
    }
    assert operation.responses["401"].media == {"text/plain": None}
    assert operation.responses["401"].pointer == "/item/0/response/1"
    assert "s3cret" not in repr(api)


@pytest.mark.parametrize("mode", ["urlencoded", "formdata", "file", "graphql", "other"])
def test_other_bodies_are_told_without_their_values(mode: str) -> None:
    api = _read(_item("https://h/a", "POST", body={"mode": mode, mode: [{"key": "pin", "value": "form-s3cret"}]}))
    assert "s3cret" not in repr(api)


def test_folders_in_folders_come_to_an_end() -> None:
    deep: Any = _item("https://h/a")
    for _ in range(150):
        deep = {"name": "f", "item": [deep]}
    with pytest.raises(DescriptionError, match="nested deeper than 100"):
        _read(deep)


@pytest.mark.parametrize(
    "items",
    [
        [{"request": 5}],
        [
            {
                "request": {"url": 7, "method": [], "header": {"a": 1}, "body": "x", "auth": [1]},
                "response": [1, {"code": "x"}],
            }
        ],
        [{"request": {"url": {"raw": None, "path": 5, "host": {}, "query": [1]}}}],
        [{"request": "{{a}}"}],
    ],
)
def test_what_is_odd_is_read_as_far_as_it_goes(items: list[Any]) -> None:
    assert _read(*items, variable=[{"key": "a", "value": "{{a}}/{{a}}"}, 5]).kind is Kind.POSTMAN


@pytest.mark.parametrize("document", [{"item": "x"}, {"item": []}, {"item": [1]}, {"item": [{"item": []}]}, {}])
def test_a_collection_that_is_none_is_told(document: Any) -> None:
    with pytest.raises(DescriptionError, match=r"shop\.json: "):
        read({"info": {}, **document}, "shop.json")

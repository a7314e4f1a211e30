from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from ninefold.audit.inputs.har import read
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError

API = "https://api.example.com"
SECRETS = ("tok-s3cret", "key-s3cret", "sess-s3cret", "pw-s3cret", "query-s3cret", "hash-s3cret")


def _entry(method: str, url: str, status: int = 200, answer: Any = None, **more: Any) -> dict[str, Any]:
    content = {"mimeType": "application/json; charset=utf-8", "text": json.dumps(answer)} if answer is not None else {}
    headers = [{"name": name, "value": value} for name, value in more.get("headers", {}).items()]
    request: dict[str, Any] = {"method": method, "url": url, "headers": headers}
    if "body" in more:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(more["body"])}
    return {"request": request, "response": {"status": status, "content": {**content, **more.get("content", {})}}}


def _read(*entries: dict[str, Any]) -> Any:
    return read(json.dumps({"log": {"version": "1.2", "entries": entries}}).encode(), "a.har")


def test_requests_are_grouped_to_operations_with_what_went_and_came() -> None:
    api = _read(
        _entry("GET", f"{API}/orders/1?page=1", answer={"id": 1}),
        _entry("GET", f"{API}/orders/2?page=2", 404, {"error": "none"}),
        _entry("POST", f"{API}/orders", 201, {"id": 3}, body={"sku": "a"}),
    )
    assert api.kind is Kind.HAR
    assert api.servers == (API,)
    by_id = {one.id: one for one in api.operations}
    assert set(by_id) == {"GET /orders/{order_id}", "POST /orders"}
    one = by_id["GET /orders/{order_id}"]
    assert [(p.name, p.location) for p in one.parameters] == [("order_id", "path"), ("page", "query")]
    assert set(one.responses) == {"200", "404"}
    assert one.responses["404"].media["application/json"]["properties"] == {"error": {"type": "string"}}
    assert by_id["POST /orders"].request["application/json"]["properties"] == {"sku": {"type": "string"}}


def test_places_lead_back_into_the_recording() -> None:
    api = _read(_entry("GET", "https://other.example/x"), _entry("GET", f"{API}/a"), _entry("GET", f"{API}/a", 401))
    assert api.operations[0].pointer == "/log/entries/1/request"
    assert api.operations[0].responses["401"].pointer == "/log/entries/2/response"


def test_credentials_become_schemes_and_no_value_of_them_is_kept() -> None:
    headers = {"Authorization": "Bearer tok-s3cret", "X-API-Key": "key-s3cret", "Cookie": "sessionid=sess-s3cret"}
    api = _read(
        _entry(
            "POST", f"{API}/login?access_token=query-s3cret&q=query-s3cret", 200, {"password_hash": "hash-s3cret"},
            headers=headers, body={"password": "pw-s3cret"},
        )
    )  # fmt: skip
    assert {one.kind for one in api.schemes.values()} == {"http", "apiKey"}
    assert {one.raw.get("name") for one in api.schemes.values()} == {None, "X-API-Key", "sessionid", "access_token"}
    assert {one.pointer for one in api.schemes.values()} == {"/log/entries/0/request"}
    kept = repr(api) + json.dumps(api.document)
    assert not [secret for secret in SECRETS if secret in kept]


def test_a_token_that_stands_where_a_name_does_is_not_kept() -> None:
    token = "Zk3-aB9_xY2qLm7T-0pQw4"
    api = _read(
        _entry("GET", f"{API}/hook/{token}?{token}&page=1", answer={token: 1}, body={token: 1}),
        _entry("GET", f"{API}/a;jsessionid=abc123s3cret/b"),
    )
    assert {one.path for one in api.operations} == {"/hook/{hook_id}", "/a/b"}
    kept = repr(api) + json.dumps(api.document)
    assert token not in kept
    assert "s3cret" not in kept


def test_other_hosts_and_files_of_a_page_are_left_out_and_it_is_said() -> None:
    api = _read(
        _entry("GET", f"{API}/a"),
        _entry("GET", f"{API}/b"),
        _entry("GET", "https://ads.example/c"),
        _entry("GET", f"{API}/app.js", content={"mimeType": "text/javascript", "text": "x"}),
        _entry("OPTIONS", f"{API}/a"),
        _entry("GET", "data:text/plain,x"),
    )
    assert {one.path for one in api.operations} == {"/a", "/b"}
    said = " ".join(api.notes)
    assert "1 request to 1 other host (https://ads.example)" in said
    assert "1 request for files" in said


def test_json_without_a_media_type_is_json() -> None:
    api = _read(_entry("GET", f"{API}/a", content={"text": '{"id": 1}'}))
    assert set(api.operations[0].responses["200"].media) == {"application/json"}


def test_a_body_in_base64_has_a_shape_too() -> None:
    text = base64.b64encode(b'{"id": 1}').decode()
    api = _read(_entry("GET", f"{API}/a", content={"mimeType": "application/json", "text": text, "encoding": "base64"}))
    assert api.operations[0].responses["200"].media["application/json"]["properties"] == {"id": {"type": "integer"}}


@pytest.mark.parametrize("text", ["{", "\x00", "[" * 100_000, "9" * 10_000, ""])
def test_a_body_that_is_no_json_ends_nothing(text: str) -> None:
    api = _read(_entry("GET", f"{API}/a", content={"mimeType": "application/json", "text": text}))
    assert set(api.operations[0].responses) == {"200"}


@pytest.mark.parametrize("url", ["http://[::1", f"{API}:99999/x", "ftp://a/b", "https:///x", f"{API}/" + "a" * 10_000])
def test_a_url_that_is_none_of_an_api_is_left_out(url: str) -> None:
    assert [one.path for one in _read(_entry("GET", url), _entry("GET", f"{API}/a")).operations] == ["/a"]


def test_braces_in_a_path_are_data() -> None:
    assert [one.path for one in _read(_entry("GET", f"{API}/{{a}}/b c")).operations] == ["/%7Ba%7D/b%20c"]


def test_entries_that_cannot_be_read_are_left_out_and_said() -> None:
    odd = [{"request": None}, {"request": {"method": "GET", "url": 5}}, 7]
    strange = {"request": {"method": "get", "url": f"{API}/a", "headers": None}, "response": {"status": 200.0}}
    api = _read(*odd, strange)  # type: ignore[arg-type]
    assert [one.id for one in api.operations] == ["GET /a"]
    assert api.operations[0].pointer == "/log/entries/3/request"
    assert set(api.operations[0].responses) == {"200"}
    assert "Left out: 3 entries that cannot be read" in api.notes[-1]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"log": {"entries": [{"request": {"method": "GET"}}]}}, r"`url` - at `\$\.request`, in entry 0"),
        ({"log": {"entries": {}}}, r"Expected `array`"),
        ({"log": {"entries": []}}, "no request to an API"),
    ],
)
def test_a_recording_that_is_none_is_told_with_the_place(document: Any, said: str) -> None:
    with pytest.raises(DescriptionError, match=re.compile(said)):
        read(json.dumps(document).encode(), "a.har")

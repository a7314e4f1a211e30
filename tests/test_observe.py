"""Both hosts while they observe: the API gets what it got before, and the trail tells what would have been."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.conftest import CONTRACT, Gate
from tests.graph import DESCRIPTION, SDL

from ninefold.asgi import Guard
from ninefold.learn.record import read
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "hunter2-is-a-secret-4711"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Internal: yes\r\n"


@pytest.fixture
def watched(gate: Callable[..., Gate], upstream: Any, tmp_path: Path) -> Gate:
    return gate(upstream=upstream.url, record=tmp_path / "record.json")


def _record(gate: Gate, tmp_path: Path) -> dict[str, Any]:
    gate.stop()
    content = (tmp_path / "record.json").read_bytes()
    return {f"{one.method} /{'/'.join(one.path)}": one for one in read(content, "record.json").sightings}


def test_a_caller_without_a_key_is_served_and_the_trail_tells_what_he_would_have_got(
    watched: Gate, upstream: Any
) -> None:
    upstream.json(b'[{"id":1,"name":"a"}]', JSON)
    status, fields, body = watched.get("/things")
    assert (status, body) == (200, b'[{"id":1,"name":"a"}]')
    assert fields["x-internal"] == "yes", "nothing of the answer stays behind"
    assert "content-security-policy" not in fields
    event = watched.trail()[0]
    assert (event["outcome"], event["step"], event["status"]) == ("observed", "caller", 200)
    assert event["reason"].startswith("would be 401: ")
    assert any("OBSERVING ONLY" in one for one in watched.said)


def test_what_is_not_declared_passes_both_ways(watched: Gate, upstream: Any) -> None:
    upstream.answers.append(b"HTTP/1.1 418 I am\r\nContent-Type: text/teapot\r\nContent-Length: 3\r\n\r\ntea")
    status, fields, body = watched.get("/brew?pot=2", method="PUT", body=b"x=1")
    assert (status, fields["content-type"], body) == (418, "text/teapot", b"tea")
    assert upstream.received[0].startswith(b"PUT /brew?pot=2 HTTP/1.1\r\n")
    assert upstream.received[0].endswith(b"\r\n\r\nx=1")
    assert watched.trail()[0]["reason"].startswith("would be 404: ")


def test_parameters_that_would_be_dropped_reach_the_api(
    watched: Gate, upstream: Any, issue: Callable[..., str]
) -> None:
    upstream.json(b'[{"id":1}]')
    watched.get("/things?page=2", issue(watched.path, "reader"))
    assert upstream.received[0].startswith(b"GET /things?page=2 HTTP/1.1\r\n")


def test_the_api_gets_the_credentials_and_is_told_of_nobody_who_did_not_prove_it(
    watched: Gate, upstream: Any, issue: Callable[..., str]
) -> None:
    watched.get("/things", "nf_wrong", "Authorization: Bearer abc", "Cookie: session=1", "X-Ninefold-Caller: me")
    got = upstream.received[0].lower()
    assert b"x-api-key: nf_wrong" in got
    assert b"authorization: bearer abc" in got
    assert b"cookie: session=1" in got
    assert b"x-ninefold-caller: me" not in got
    key = issue(watched.path, "reader")
    watched.get("/things", key)
    caller = [line for line in upstream.received[1].lower().split(b"\r\n") if line.startswith(b"x-ninefold-caller: ")]
    assert len(caller) == 1
    assert len(caller[0]) > len(b"x-ninefold-caller: ")
    watched.get("/things", key, method="POST", body=b"{}")
    assert b"x-ninefold-caller: \r\n" in upstream.received[2].lower(), "the reader may not do this"


def test_what_would_be_dropped_is_told_and_leaves(watched: Gate, upstream: Any, issue: Callable[..., str]) -> None:
    key = issue(watched.path, "reader")
    upstream.json(b'[{"id":1,"margin":9,"note":"x"}]')
    _, _, body = watched.get("/things", key)
    assert b'"margin":9' in body
    upstream.json(b'[{"id":"one"}]')
    watched.get("/things", key)
    first, second = watched.trail(2)
    assert (first["outcome"], first["step"]) == ("observed", "response")
    assert first["reason"] == "would be without 2 undeclared members"
    assert second["reason"].startswith("would be 502: the body is not as described: ")


def test_an_honest_request_is_admitted_as_ever(watched: Gate, upstream: Any, issue: Callable[..., str]) -> None:
    upstream.json(b'[{"id":1}]')
    watched.get("/things", issue(watched.path, "reader"))
    assert watched.trail()[0]["outcome"] == "admitted"


def test_bytes_that_have_two_readings_are_refused_even_so(watched: Gate, upstream: Any) -> None:
    answer = watched.send(
        b"POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert upstream.received == []


def test_the_record_has_shapes_and_no_value(watched: Gate, upstream: Any, tmp_path: Path) -> None:
    for number in (17, 18):
        upstream.json(b'{"id":1,"owner":{"mail":"%b@example.com"},"tags":["%b"]}' % (SECRET.encode(), SECRET.encode()))
        body = json.dumps({"name": SECRET, "count": 3}).encode()
        watched.get(
            f"/orders/{number}/lines?sort={SECRET}&page=2", "", f"X-Api-Key: {SECRET}", "Content-Type: application/json",
            method="POST", body=body,
        )  # fmt: skip
    found = _record(watched, tmp_path)
    assert SECRET not in (tmp_path / "record.json").read_text()
    one = found["POST /orders/{}/lines"]
    assert one.requests == 2
    assert one.query == {"page": ["integer"], "sort": ["string"]}
    assert one.bodies["application/json"]["properties"] == {"name": {"type": "string"}, "count": {"type": "integer"}}
    answer = one.answers["200"]["application/json"]["properties"]
    assert answer["owner"]["properties"] == {"mail": {"type": "string"}}
    assert list(one.credentials.values()) == [{"type": "apiKey", "in": "header", "name": "x-api-key"}]


def test_the_record_knows_declared_operations_by_their_template(watched: Gate, tmp_path: Path) -> None:
    watched.get("/things/a-thing-with-a-name")
    assert _record(watched, tmp_path)["GET /things/{id}"].operation == "getThing"


def test_preflights_reach_the_api_and_are_no_operations_of_it(watched: Gate, upstream: Any, tmp_path: Path) -> None:
    asked = "Origin: https://a.example", "Access-Control-Request-Method: PUT"
    watched.get("/things", "", *asked, method="OPTIONS")
    assert upstream.received[0].startswith(b"OPTIONS /things ")
    assert _record(watched, tmp_path) == {}


def test_a_body_that_streams_passes_whole(watched: Gate, upstream: Any) -> None:
    big = b"x" * 700_000
    upstream.answers.append(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 700000\r\n\r\n" + big)
    assert watched.get("/nowhere")[2] == big


def test_a_fault_of_ours_costs_the_api_no_request(
    watched: Gate, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr("ninefold.learn.observer.names", broken)
    upstream.json(b"[]")
    assert watched.get("/things?x=1")[0] == 200
    assert watched.trail()[0]["outcome"] == "admitted"
    assert any("what is observed is not recorded: RuntimeError" in one for one in watched.said)


def test_a_key_that_has_ended_is_told_and_stops_nobody(watched: Gate, upstream: Any, issue: Callable[..., str]) -> None:
    key = issue(watched.path, "reader", lifetime=-5.0)
    upstream.json(b"[]")
    assert watched.get("/things", key)[0] == 200
    assert watched.trail()[0]["reason"] == "would be 401: the key has expired"


def test_the_trail_of_an_observing_guard_verifies(watched: Gate) -> None:
    for _ in range(5):
        watched.get("/things")
    watched.trail(5)
    watched.stop()
    assert verify(watched.path.parent / "trail.jsonl").records >= 5


class Echo:
    """An application that says what it was sent."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.scopes.append(scope)
        self.bodies.append(body)
        fields = [(b"content-type", b"application/json"), (b"x-internal", b"yes")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b'[{"id":1,"margin":2}]'})


@pytest.fixture
def inside(contract: Callable[..., Path], serving: Any, tmp_path: Path) -> Iterator[tuple[Gate, Echo]]:
    path = contract(**{**CONTRACT, "upstream": None})
    said: list[str] = []
    api = Echo()
    with serving(Guard(api, path, say=said.append, observe=tmp_path / "record.json")) as port:
        yield Gate(port, path, said), api


def test_the_middleware_observes_alike(inside: tuple[Gate, Echo], tmp_path: Path) -> None:
    gate, api = inside
    status, fields, body = gate.get(
        "/things", "", "Authorization: Bearer abc", "Content-Type: text/odd", method="PATCH", body=b"zz"
    )
    assert (status, body, fields["x-internal"]) == (200, b'[{"id":1,"margin":2}]', "yes")
    assert api.bodies == [b"zz"]
    assert (b"authorization", b"Bearer abc") in api.scopes[0]["headers"]
    event = gate.trail()[0]
    assert (event["outcome"], event["reason"][:13]) == ("observed", "would be 405:")
    assert any("OBSERVING ONLY" in one for one in gate.said)
    del tmp_path


def test_queries_pass_as_they_came_and_are_judged_all_the_same(
    contract: Callable[..., Path], serving: Any, issue: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    (tmp_path / "list.json").write_text('{"me": "{ me { id } }"}')
    entry = {"schema": "schema.graphql", "documents": "list.json"}
    path = contract(
        DESCRIPTION, upstream=None, authorization=None,
        graphql=[{"operation": one, **entry} for one in ("ask", "look")],
    )  # fmt: skip
    api = Echo()
    app = Guard(api, path, say=lambda _: None, observe=tmp_path / "record.json")
    with serving(app) as port:
        gate, key = Gate(port, path, []), issue(path, "reader")
        for target in ("id=me&page=1", "query=%7Bme%7Bname%7D%7D"):
            assert gate.get(f"/graphql?{target}", key)[0] == 200
            assert api.scopes[-1]["query_string"] == target.encode()
        body = b'{"query":"{ me { id } }","more":1}'
        gate.get("/graphql", key, "Content-Type: application/json", method="POST", body=body)
        assert api.bodies[-1] == body
        told = [one["reason"] for one in gate.trail(3)]
    assert told[0].startswith("would be 502: the body is not as described"), "it is held against the query"
    assert told[1] == "would be 403: the document is not listed"
    assert told[2].startswith("would be 502: the body is not as described")


TOLD = ("+4915112345678", "DE89370400440532013000", "Jane <jane@example.com>", "4111-1111-1111-1111", "1979-05-17")


def test_what_somebody_is_called_by_is_no_name_of_the_api(
    gate: Callable[..., Gate], upstream: Any, tmp_path: Path
) -> None:
    watched = gate(upstream=upstream.url, record=tmp_path / "record.json", requests={"undeclared": "refuse"})
    for one in TOLD:
        answer = {"@id": 1, "balances": {one: {"amount": 1}}}
        upstream.json(json.dumps(answer).encode())
        path = quote(one, safe="+")
        body = json.dumps({one: {"amount": 2}, "name": "x"}).encode()
        fields = ("Content-Type: application/json", f"Origin: {one}")
        assert watched.get(f"/accounts/{path}/x?{quote(one)}=1", "", *fields, method="POST", body=body)[0] == 200
        upstream.json(b"{}")
        watched.get(f"/things?{quote(one)}=1", "", *fields, method="POST", body=body)
        watched.get("/things", "", f"Content-Type: {one}", method="POST", body=body)
    found = _record(watched, tmp_path)
    text = (tmp_path / "record.json").read_text()
    for one in (*TOLD, *(quote(one) for one in TOLD), "jane", "4915112345678"):
        assert one not in text
    seen = found["POST /accounts/{}/x"]
    balances = seen.answers["200"]["application/json"]["properties"]["balances"]
    assert balances["additionalProperties"]["properties"] == {"amount": {"type": "integer"}}
    assert set(seen.answers["200"]["application/json"]["properties"]) == {"@id", "balances"}

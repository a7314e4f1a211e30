"""The guard inside FastAPI under uvicorn, beside the gateway with the same contract. `test_hosts` compares them at random."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from ninefold.asgi import Guard
from ninefold.errors import ContractProblems
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SAID: dict[str, Any] = {"status": 200, "media": "application/json", "body": b"[]"}


def _application() -> FastAPI:
    """An API that says whatever it was told to say, on every path."""
    api = FastAPI(openapi_url=None)

    @api.api_route("/{path:path}", methods=["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"])
    async def answer(request: Request) -> Response:
        SAID["asked"] = SAID.get("asked", 0) + 1
        SAID["fields"] = dict(request.headers)
        SAID["received"] = await request.body()
        if SAID.get("crash"):
            raise RuntimeError("secret inside")
        return Response(SAID["body"], SAID["status"], {"X-Internal": "secret"}, SAID["media"])

    return api


class Both:
    """The same contract in both hosts, in front of the same application."""

    def __init__(self, asgi: int, gateway: Any, key: str, poor: str) -> None:
        self.asgi, self.gateway, self.keys = (
            asgi,
            gateway,
            {"good": key, "poor": poor, "wrong": "nf_test_x_y", "none": ""},
        )

    def ask(
        self, path: str, key: str, method: str = "GET", fields: tuple[str, ...] = (), body: bytes = b""
    ) -> list[Any]:
        """Both answers: status, whether it is a problem, body, and what of the fields must be alike."""
        found = []
        for port in (self.asgi, self.gateway.port):
            gate = type(self.gateway)(port, self.gateway.path, [])
            status, got, text = gate.get(path, self.keys[key], *fields, method=method, body=body)
            kept = {
                name: value for name, value in got.items()
                if name not in {"date", "x-request-id", "ratelimit", "connection", "server", "content-length", "transfer-encoding"}
            }  # fmt: skip
            found.append((status, text, kept))
        return found


@pytest.fixture
def both(contract: Callable[..., Path], gate: Any, issue: Any, serving: Any, tmp_path: Path) -> Iterator[Both]:
    SAID.clear()
    SAID.update(status=200, media="application/json", body=b"[]")
    path = contract()
    app = _application()
    with serving(app) as bare, serving(Guard(app, path)) as port:
        other = tmp_path / "other"
        other.mkdir()
        for name in ("openapi.yaml", "contract.yaml"):
            text = (tmp_path / name).read_text().replace("http://127.0.0.1:9", f"http://127.0.0.1:{bare}")
            (other / name).write_text(text)
        # one file of keys for both
        text = (other / "contract.yaml").read_text() + f"keys: {{store: '{tmp_path / 'ninefold-keys.db'}'}}\n"
        (other / "contract.yaml").write_text(text)
        yield Both(port, gate(other / "contract.yaml"), issue(path), issue(path, "reader"))


def test_the_guard_in_fastapi_admits_projects_refuses_and_records(both: Both, tmp_path: Path) -> None:
    SAID["body"] = b'[{"id": 1, "name": "a", "password": "secret"}]'
    asgi, gateway = both.ask("/things", "good")
    assert asgi[:2] == (200, b'[{"id":1,"name":"a"}]')
    assert asgi == gateway
    assert "x-internal" not in asgi[2]
    assert SAID["fields"]["x-ninefold-caller"]
    assert "x-api-key" not in SAID["fields"]
    assert both.ask("/things", "none")[0][0] == 401
    assert both.ask("/things/1", "poor", "DELETE")[0][0] == 403
    records = [json.loads(line) for line in (tmp_path / "trail.jsonl").read_bytes().splitlines()]
    assert verify(tmp_path / "trail.jsonl").holds
    assert records[0]["outcome"] == "opened"


def test_a_crash_of_the_application_is_500_without_its_words(both: Both) -> None:
    SAID["crash"] = True
    for status, text, _ in both.ask("/things", "good"):
        assert status == 500
        assert b"secret" not in text


def test_a_body_past_the_limit_never_reaches_the_application_whole(both: Both) -> None:
    SAID["received"] = b""
    found = both.ask("/text", "good", "POST", ("Content-Type: text/plain",), b"x" * 2_000_000)
    assert [one[0] for one in found] == [413, 413]
    assert SAID["received"] == b""


def test_an_application_does_not_start_with_a_contract_that_cannot_be_kept(contract: Callable[..., Path]) -> None:
    path = contract(dependencies={"fail_on": "high"})
    with pytest.raises(ContractProblems, match="not enforced yet"):
        Guard(_application(), path)


def test_an_answer_that_streams_is_passed_on_as_it_comes(
    contract: Callable[..., Path], issue: Any, serving: Any
) -> None:
    path = contract()
    app = FastAPI(openapi_url=None)

    @app.get("/text")
    async def text() -> Response:
        return PlainTextResponse("a" * 200_000)

    @app.get("/things")
    async def things() -> Response:
        return JSONResponse([{"id": number, "secret": 1} for number in range(5000)])

    key = issue(path)
    with serving(Guard(app, path)) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {key}\r\n\r\n".encode())
        found = b""
        while block := connection.recv(65536):
            found += block
    assert found.endswith(b"a" * 200_000)


def _exchange(
    path: Path, app: Any, /, *, messages: list[dict[str, Any]] | None = None, gone: bool = False, **scope: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One exchange with the guard around `app`, without a server: what was sent, and what the trail has of it."""
    sent: list[dict[str, Any]] = []
    waiting = list(messages or [{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def run() -> None:
        guard = Guard(app, path)
        whole = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "https", "path": "/open", "raw_path": None,
            "query_string": b"", "headers": [(b"host", b"x")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), **scope,
        }  # fmt: skip
        task = asyncio.ensure_future(guard(whole, receive, send))
        if gone:
            for _ in range(20):
                await asyncio.sleep(0)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await guard.close()

    asyncio.run(run())
    lines = (path.parent / "trail.jsonl").read_bytes().splitlines()
    return sent, [one for one in map(json.loads, lines) if "method" in one]


def test_a_websocket_cannot_name_its_own_caller_nor_show_the_key(contract: Callable[..., Path], issue: Any) -> None:
    path = contract()
    key = issue(path).encode()
    seen: dict[bytes, bytes] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        seen.update(scope["headers"])
        assert "websocket.http.response" not in scope["extensions"]

    fields = [
        (b"host", b"x"), (b"x-api-key", key), (b"upgrade", b"websocket"), (b"connection", b"upgrade"),
        (b"x-ninefold-caller", b"admin"), (b"x-forwarded-for", b"6.6.6.6"),
    ]  # fmt: skip
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    _exchange(path, app, type="websocket", scheme="wss", path="/socket", headers=fields, extensions=extensions)
    assert seen[b"x-ninefold-caller"] == key.split(b"_")[2]
    assert not {b"x-api-key", b"x-forwarded-for"} & seen.keys()


@pytest.mark.parametrize("first", [[], [{"type": "http.request", "body": b"", "more_body": True}]])
def test_a_body_without_a_length_is_a_body_since_http_2(
    contract: Callable[..., Path], issue: Any, first: list[dict[str, Any]]
) -> None:
    path = contract()
    reached = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        reached.append((await receive())["body"] if not first else await receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"ok"})

    key = (b"x-api-key", issue(path).encode())
    body = [*first, {"type": "http.request", "body": b"<evil>", "more_body": False}]
    asked: dict[str, Any] = {"method": "POST", "path": "/text", "http_version": "2"}
    evil = [(b"host", b"x"), key, (b"content-type", b"application/x-evil")]
    sent, _ = _exchange(path, app, messages=body, headers=evil, **asked)
    assert (sent[0]["status"], reached) == (415, [])
    good = [(b"host", b"x"), key, (b"content-type", b"text/plain")]
    sent, _ = _exchange(path, app, messages=body, headers=good, **asked)
    assert (sent[0]["status"], len(reached)) == (200, 1)


def test_who_leaves_in_the_middle_of_an_answer_is_in_the_trail(contract: Callable[..., Path], issue: Any) -> None:
    path = contract()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await asyncio.Event().wait()

    fields = [(b"host", b"x"), (b"x-api-key", issue(path).encode())]
    _, trail = _exchange(path, app, gone=True, path="/text", headers=fields)
    assert [(one["outcome"], one["reason"]) for one in trail] == [
        ("failed", "the caller went away before the answer was whole")
    ]


def test_no_second_answer_begins_when_the_body_proves_too_long_later(contract: Callable[..., Path], issue: Any) -> None:
    path = contract(limits={"body": "1KiB"})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"early", "more_body": True})
        await receive()

    fields = [
        (b"host", b"x"),
        (b"x-api-key", issue(path).encode()),
        (b"content-type", b"text/plain"),
        (b"transfer-encoding", b"chunked"),
    ]
    body = [{"type": "http.request", "body": b"x" * 5000, "more_body": False}]
    sent, trail = _exchange(path, app, messages=body, method="POST", path="/text", headers=fields)
    assert [one["status"] for one in sent if one["type"] == "http.response.start"] == [200]
    assert [(one["outcome"], one["status"]) for one in trail] == [("failed", 200)]


def test_a_scrubbed_error_keeps_when_to_come_back_and_how_to_prove_oneself(contract: Callable[..., Path]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        fields = [(b"retry-after", b"7"), (b"www-authenticate", b"Basic"), (b"x-internal", b"secret")]
        await send({"type": "http.response.start", "status": 503, "headers": fields})
        await send({"type": "http.response.body", "body": b"stack trace"})

    sent, _ = _exchange(contract(), app)
    fields = dict(sent[0]["headers"])
    assert (fields[b"retry-after"], fields[b"www-authenticate"]) == (b"7", b"Basic")
    assert b"x-internal" not in fields


def test_an_answer_that_says_twice_what_it_is_is_withheld(contract: Callable[..., Path]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        fields = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b'{"secret":1}'})

    sent, _ = _exchange(contract(), app)
    assert sent[0]["status"] == 502
    assert b"secret" not in sent[1]["body"]

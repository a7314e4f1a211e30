"""The guard inside FastAPI under uvicorn, beside the gateway with the same contract. `test_hosts` compares them at random."""

from __future__ import annotations

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
    path = contract(identity={"issuer": "https://id.example.com"})
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

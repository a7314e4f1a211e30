"""An audit of an API that behaves badly ends in stated outcomes within its budget, whatever the API does."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

DESCRIPTION = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {
        path: {
            "get": {
                "operationId": name,
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}]
                * (name == "one"),
                "responses": {
                    "200": {
                        "description": "-",
                        "content": {"application/json": {"schema": {"properties": {"id": {"type": "integer"}}}}},
                    }
                },
            }
        }
        for path, name in (("/a", "all"), ("/a/{id}", "one"))
    },
}


def _redirects(connection: socket.socket, message: bytes) -> None:
    path = message.split(b" ")[1]
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % path)


def _throttles(connection: socket.socket, message: bytes) -> None:
    del message
    connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")


def _never_ends(connection: socket.socket, message: bytes) -> None:
    del message
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % (10 * 2**30))
    while True:
        connection.sendall(b'{"a":1},' * 8192)


def _drips(connection: socket.socket, message: bytes) -> None:
    """A byte at a time, but for what the audit asks first."""
    if message.startswith(b"GET / "):
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}":
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def test_an_api_that_drips_ends_an_audit_in_its_time(
    ninefold: Run, upstream: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.audit.probe.EXCHANGE", 0.2)
    upstream.default = _drips
    (tmp_path / "openapi.json").write_text(json.dumps(DESCRIPTION))
    began = time.monotonic()
    asked = ("--url", upstream.url, "--time", "5", "--format", "json", "--out", tmp_path / "report.json")
    code, _, told = ninefold("audit", tmp_path / "openapi.json", *asked)
    assert time.monotonic() - began < 10
    assert code in {1, 2}, told
    outcomes = json.loads((tmp_path / "report.json").read_text())["outcomes"]
    assert not [one for one in outcomes if one["kind"] == "errored"]
    assert any("gave no answer" in one.get("reason", "") for one in outcomes)
    assert not [one for one in outcomes if one["kind"] == "finding" and one["confidence"] == "confirmed"
                and one["method"] == "live" and one["rule"] != "encryption-plain-http"]  # fmt: skip


@pytest.mark.parametrize("behaves", [_redirects, _throttles, _never_ends])
def test_an_api_that_behaves_badly_ends_no_audit_and_costs_no_more_than_its_budget(
    ninefold: Run, upstream: Any, tmp_path: Path, behaves: Any
) -> None:
    upstream.default = behaves
    (tmp_path / "openapi.json").write_text(json.dumps(DESCRIPTION))
    report = tmp_path / "report.json"
    began = time.monotonic()
    code, _, told = ninefold(
        "audit", tmp_path / "openapi.json", "--url", upstream.url, "--format", "json", "--out", report
    )
    assert time.monotonic() - began < 60
    assert code in {1, 2}, told
    told_ = json.loads(report.read_text())
    assert told_["requests"] <= 600
    assert not [one for one in told_["outcomes"] if one["kind"] == "errored"]


def test_a_description_that_refers_to_the_network_is_audited_without_asking_it(ninefold: Run, tmp_path: Path) -> None:
    schema = {"$ref": "http://192.0.2.1/schemas.json#/A"}
    answer = {"200": {"description": "-", "content": {"application/json": {"schema": schema}}}}
    document = {"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": {"operationId": "a", "responses": answer}}}}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    began = time.monotonic()
    code, out, _ = ninefold("audit", tmp_path / "openapi.json", "--format", "json")
    assert time.monotonic() - began < 10
    assert code in {1, 2}
    assert json.loads(out)["requests"] == 0


def test_a_description_of_a_hundred_thousand_operations_is_audited_in_seconds(
    ninefold: Run, upstream: Any, tmp_path: Path
) -> None:
    upstream.default = _redirects
    told = '{"responses": {"200": {"description": "-"}}}'
    paths = (
        f'"/a{at}": {{"get": {told}, "post": {told}}}, "/a{at}/{{id}}": {{"get": {told}, "delete": {{}}}}'
        for at in range(25_000)
    )
    head = '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {'
    (tmp_path / "openapi.json").write_text(f"{head}{','.join(paths)}}}}}")
    began = time.monotonic()
    asked = ("--url", upstream.url, "--budget", "40", "--format", "json", "--out", tmp_path / "report.json")
    code, _, told = ninefold("audit", tmp_path / "openapi.json", *asked)
    assert time.monotonic() - began < 30
    assert code in {1, 2}, told
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["requests"] <= 40
    assert not [one for one in report["outcomes"] if one["kind"] == "errored"]
    assert max(len(one.get("places", ())) for one in report["outcomes"]) <= 50

"""`ninefold audit --alerts`, as the shell would."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.test_audit import KEY, described, url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

__all__ = ["described", "url"]

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "security": [{"key": []}],
    "paths": {"/orders": {"get": {"operationId": "orders", "responses": {"200": {"description": "d"}}}}},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
}


@pytest.fixture
def tried(ninefold: Run, described: Callable[[Any], Path], url: str) -> Run:
    """`tried(...)`: an audit of an API that alerts nobody, by the one rule."""
    return lambda *more: ninefold(
        "audit",
        described(DOCUMENT),
        "--url",
        url,
        "--key",
        KEY,
        "--rule",
        "monitoring-no-alert",
        "--rate",
        "1000",
        *more,
    )


def test_silence_after_a_burst_is_found(tried: Run, tmp_path: Path) -> None:
    alerts = tmp_path / "alerts.log"
    alerts.write_text("disk is full\n")
    code, out, _ = tried("--alerts", alerts, "--alerts-within", "1", "--format", "json")
    (finding,) = (one for one in json.loads(out)["outcomes"] if one["kind"] == "finding")
    assert code == 1
    assert finding["confidence"] == "confirmed"
    assert "within 1 s" in finding["detail"]


def test_without_a_place_for_alerts_it_is_not_verified(tried: Run) -> None:
    code, out, _ = tried("--format", "json")
    document = json.loads(out)
    assert code == 2
    assert [one["kind"] for one in document["outcomes"]] == ["skipped"]
    assert "--alerts" in document["outcomes"][0]["reason"]
    assert document["outcomes"][0]["applies"]


def test_what_it_would_send_is_rehearsed_without_listening(tried: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, _ = tried("--alerts", f"listen:{taken.getsockname()[1]}", "--dry-run")
    assert code == 0
    assert "monitoring-no-alert" in out
    assert "GET /orders  x " in out


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [("listen:0", 64, "PORT"), ("/nowhere/alerts", 66, "empty"), ("listen:taken", 64, "PORT")],
)
def test_a_place_that_is_none_is_told(tried: Run, given: str, code: int, told: str) -> None:
    found, _, said = tried("--alerts", given)
    assert found == code
    assert told in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_told(tried: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, said = tried("--alerts", f"listen:{taken.getsockname()[1]}")
    assert code == 69
    assert "free" in said


def test_of_several_apis_it_is_refused(ninefold: Run, described: Callable[[Any], Path]) -> None:
    path = described(DOCUMENT)
    code, _, said = ninefold("audit", path, path, "--alerts", "listen:9000")
    assert code == 64
    assert "--alerts" in said

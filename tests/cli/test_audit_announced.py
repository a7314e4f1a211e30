"""What `ninefold audit` tells before it sends, and what it refuses to send to."""

from __future__ import annotations

import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.signs.order import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEY, OTHER = "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU", "p3Ws8YtR2nKd6HcM1vBx5GfZ9qLa7TeJ"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "security": [{"key": []}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    "paths": {
        "/orders": {
            "get": {"responses": {"200": {"description": "all"}}},
            "post": {"responses": {"201": {"description": "one"}}},
        }
    },
}


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[tuple[str, list[Any]]]:
    """An API that reflects origins and throttles nobody, and the fields of every request that it got."""
    seen: list[Any] = []
    log = tmp_path / "api.log"
    log.write_text("")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append(self.headers)
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            right = self.headers.get("X-API-Key") in {KEY, OTHER}
            body = b'{"orders": []}' if right else b'{"error": "unauthorized"}'
            self.send_response(200 if right else 401)
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            if origin := self.headers.get("Origin"):
                self.send_header("Access-Control-Allow-Origin", origin)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = answer  # noqa: N815

        def log_message(self, form: str, *told: object) -> None:
            with log.open("a") as file:
                file.write(f"127.0.0.1 {form % told}\n")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


def test_every_request_of_a_full_audit_says_who_asks_and_in_which_run(
    ninefold: Run, description: Path, recorded: tuple[str, list[Any]], tmp_path: Path
) -> None:
    url, seen = recorded
    given = ("--url", url, "--key", KEY, "--key", OTHER, "--log", tmp_path / "api.log", "--active", "--rate", 1000)
    code, _, err = ninefold("audit", description, *given)
    run = re.search(r"X-Ninefold-Audit: ([0-9a-f]{16})\n", err)
    assert code == 1
    assert run
    assert len(seen) > 200
    assert {tuple(one.get_all("X-Ninefold-Audit", ())) for one in seen} == {(run[1],)}
    assert all(one["User-Agent"].startswith("ninefold-audit/") for one in seen)


def test_two_audits_are_two_runs(ninefold: Run, recorded: tuple[str, list[Any]]) -> None:
    url, seen = recorded
    for _ in range(2):
        ninefold("audit", "--url", url, "--rule", "cors-no-vary")
    assert len({one["X-Ninefold-Audit"] for one in seen}) == 2


def test_the_audit_tells_on_standard_error_what_it_is_about_to_do(
    ninefold: Run, recorded: tuple[str, list[Any]]
) -> None:
    url, _ = recorded
    told = ("--rule", "cors-no-vary", "--budget", 40, "--rate", 20, "--time", 60, "--format", "json")
    _, out, err = ninefold("audit", "--url", url, *told)
    assert json.loads(out)
    assert err.startswith(
        f"audit of {url}; nothing else is connected to\n  at most 40 requests and TLS handshakes, 20 a second, 60"
    )
    assert "GET, HEAD, OPTIONS, SEARCH, TRACE only" in err


def test_an_audit_without_a_url_announces_nothing(ninefold: Run, description: Path) -> None:
    assert ninefold("audit", description)[2] == ""


def test_a_dry_run_connects_to_nothing_and_lists_each_live_rule(ninefold: Run, description: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        code, out, err = ninefold("audit", description, "--url", url, "--key", KEY, "--dry-run")
        with pytest.raises(TimeoutError):
            listener.accept()
    assert (code, err) == (0, "")
    assert out.startswith(f"audit of {url}; nothing else is connected to\n")
    assert "  GET /orders  x " in out
    assert "\n".join(f"{rule.id}: {rule.title}" for rule in RULES if rule.id == "cors-foreign-origin") in out
    assert KEY not in out


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--dry-run", "--source", ".")])
def test_a_dry_run_of_nothing_live_is_refused(ninefold: Run, description: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = ninefold("audit", description, *arguments)
    assert code == 64
    assert "--dry-run" in err


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254",
        "http://169.254.169.254:80/latest",
        "http://[fe80::1]",
        "http://100.100.100.200",
        "http://[fd00:ec2::254]",
        "http://192.0.0.192",
        "http://metadata.google.internal",
        "http://0xa9fea9fe",
    ],
)
def test_an_address_that_hands_out_credentials_is_refused(ninefold: Run, url: str) -> None:
    code, out, err = ninefold("audit", "--url", url)
    assert (code, out) == (69, "")
    assert "credentials" in err
    assert "fix:" in err


def test_a_dry_run_refuses_it_too(ninefold: Run) -> None:
    assert ninefold("audit", "--url", "http://169.254.169.254", "--dry-run")[0] == 69


def test_with_leave_it_is_audited(ninefold: Run) -> None:
    code, out, _ = ninefold("audit", "--url", "http://169.254.169.254", "--dry-run", "--allow-metadata-address")
    assert code == 0
    assert out.startswith("audit of http://169.254.169.254;")


def test_a_host_that_nobody_knows_is_told(ninefold: Run) -> None:
    code, _, err = ninefold("audit", "--url", "http://no-such-host.invalid")
    assert code == 69
    assert "no-such-host.invalid cannot be looked up" in err

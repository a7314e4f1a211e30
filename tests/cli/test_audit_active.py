"""`ninefold audit --active` as a person starts it, against an API of notes that listens."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from tests.notes import PLAIN, Plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONLY = ("--rule", "authorization-object-write")
KEYS = ("--key", "alice-key-1", "--key", "bob-key-22")


@pytest.fixture
def described(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"openapi": "3.1.0", "info": {"title": "notes", "version": "1"}, **PLAIN}))
    return path


@pytest.fixture
def listen() -> Iterator[Callable[[Plain], str]]:
    ends = []

    def start(api: Plain) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.method, self.path = self.command, urlsplit(self.path).path
                self.content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, headers, body = api(self)
                self.send_response_only(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        ends.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in ends:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_finds_and_leaves_nothing(ninefold: Any, listen: Any, described: Path) -> None:
    api = Plain("write")
    code, out, _ = ninefold("audit", described, "--url", listen(api), *KEYS, "--active", *ONLY)
    assert code == 1
    assert "changes `title`" in out
    assert "not removed" not in out
    assert sorted(api.things) == ["1", "2", "3"]


def test_without_leave_nothing_is_sent_but_reads(ninefold: Any, listen: Any, described: Path) -> None:
    api = Plain("write")
    ninefold("audit", described, "--url", listen(api), *KEYS)
    assert {method for method, *_ in api.log} <= {"GET", "HEAD", "OPTIONS", "TRACE", "SEARCH", "POST"}
    assert all(path.endswith("graphql") for method, path, *_ in api.log if method == "POST")  # a query, which reads


def test_what_is_left_is_told_and_ends_with_2(ninefold: Any, listen: Any, described: Path, tmp_path: Path) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    code, out, _ = ninefold(
        "audit", described, "--url", listen(Plain("stuck")), *KEYS, "--active", *ONLY, "--json", report, "--html", page
    )
    assert code == 2
    assert "Made by this audit, and not removed" in out
    (left,) = json.loads(report.read_text())["left"]
    assert "removeNote: DELETE /notes/4" in left
    assert "removeNote" in page.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(listen: Any, described: Path, number: signal.Signals) -> None:
    class Slow(Plain):
        def __call__(self, handler: Any) -> tuple[int, dict[str, Any], bytes]:
            time.sleep(0.05)
            return super().__call__(handler)

    api = Slow("write")
    command = [
        sys.executable,
        "-m",
        "ninefold",
        "audit",
        str(described),
        "--url",
        listen(api),
        *KEYS,
        "--active",
        *ONLY,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        for _ in range(600):
            if len(api.things) > 4:
                break
            time.sleep(0.02)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "Traceback" not in out + err
    assert api.last > 3
    assert sorted(api.things) == ["1", "2", "3"]


def test_an_expired_key_that_works_is_told(ninefold: Any, listen: Any, described: Path) -> None:
    code, out, _ = ninefold(
        "audit", described, "--url", listen(Plain()), "--key", "alice-key-1", "--expired-key", "bob-key-22",
        "--rule", "keys-expired-accepted",
    )  # fmt: skip
    assert code == 1
    assert "has expired" in out
    code, out, _ = ninefold(
        "audit", described, "--url", listen(Plain()), "--key", "alice-key-1", "--expired-key", "carol-key-3",
        "--rule", "keys-expired-accepted",
    )  # fmt: skip
    assert code == 0

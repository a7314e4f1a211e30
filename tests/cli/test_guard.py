"""`ninefold guard` as an operator meets it: what keeps it from starting is said clearly, and what breaks it keeps the gate shut."""

from __future__ import annotations

import contextlib
import http.client
import resource
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.gateway.tls import development_certificate
from ninefold.keys.use import last_uses
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_IDENTITY = {
    "issuer": "https://id.example.com",
    "audience": "things",
    "unbound": "the tests have nothing else to prove",
}


def _ninefold(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ninefold", *arguments], capture_output=True, text=True, timeout=60, cwd=cwd, check=False
    )


@contextlib.contextmanager
def _guarding(path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ninefold", "guard", str(path), "--listen", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        port = 0
        for line in process.stderr:
            if "listening on" in line:
                port = int(line.rstrip().rpartition(":")[2])
                break
        assert port
        yield process, port
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def _ask(port: int, path: str, key: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"X-API-Key": key} if key else {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def _certificate(folder: Path, name: str, year: int) -> None:
    """A development certificate that was made at the end of a year."""
    pem, key = development_certificate(folder / name, datetime(year, 12, 30, tzinfo=UTC))
    pem.rename(folder / f"{name}.pem")
    key.rename(folder / f"{name}.key")


@pytest.mark.parametrize(
    ("sections", "code", "words"),
    [
        ({"upstream": None}, 65, "there is no upstream"),
        ({"encryption": {"tls": {"certificate": "no.pem", "key": "no.key"}}}, 69, "cannot be read"),
        (
            {"encryption": {"tls": {"certificate": "openapi.yaml", "key": "openapi.yaml"}}},
            69,
            "cannot be used together",
        ),
        ({"upstream": {"url": "https://127.0.0.1:9", "authority": "openapi.yaml"}}, 69, "authority cannot be used"),
        ({"keys": {"store": "notes.txt"}}, 66, "is no SQLite database"),
        ({"trail": {"path": "notes.txt"}}, 74, "cannot be gone on with"),
        ({"trail": {"path": "openapi.yaml"}}, 65, "is api.description already"),
        ({"encryption": {"tls": {"certificate": "old.pem", "key": "old.key"}}}, 69, "expired on 2020"),
        ({"encryption": {"tls": {"certificate": "new.pem", "key": "new.key"}}}, 69, "holds from 2090"),
        ({"trail": {"path": "openapi.yaml/trail"}}, 74, "cannot be opened"),
        ({"dependencies": {"fail_on": "high"}}, 65, "not enforced yet"),
        ({"identity": {**_IDENTITY, "authority": "notes.txt"}}, 66, "authority cannot be used"),
        ({"identity": {**_IDENTITY, "store": "notes.txt"}}, 66, "is no SQLite database"),
        ({"identity": {**_IDENTITY, "introspection": {"client": "a", "secret": "empty.txt"}}}, 66, "holds no secret"),
    ],
)
def test_what_keeps_the_guard_from_starting_is_one_clear_error(
    contract: Callable[..., Path], sections: dict[str, Any], code: int, words: str
) -> None:
    path = contract(**sections)
    notes = path.parent / "notes.txt"
    notes.write_text("dear diary, one line and no end of it")
    path.with_name("empty.txt").touch()
    _certificate(path.parent, "old", 2019)
    _certificate(path.parent, "new", 2090)
    done = _ninefold("guard", str(path), "--listen", "127.0.0.1:0")
    assert done.returncode == code, done.stderr
    assert notes.read_text().startswith("dear diary"), "a file that is none of ours was written to"
    assert words in done.stderr
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_and_a_missing_contract_are_clear_errors(contract: Callable[..., Path], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _ninefold("guard", str(contract()), "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 69
    assert "cannot listen on" in done.stderr
    assert "--listen" in done.stderr
    done = _ninefold("guard", str(tmp_path / "nothing.yaml"))
    assert done.returncode == 66
    assert "No such file" in done.stderr
    assert _ninefold("guard", str(contract()), "--listen", "nowhere").returncode == 69
    assert _ninefold("guard", "--nothing").returncode == 64


def test_a_full_disk_shuts_the_gate_and_it_opens_again_when_there_is_room(
    contract: Callable[..., Path], upstream: Any, issue: Any, tmp_path: Path
) -> None:
    path = contract(upstream=upstream.url)
    key = issue(path)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    with _guarding(path) as (process, port):
        assert _ask(port, "/things", key) == 200
        most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        size = (tmp_path / "trail.jsonl").stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 50, most[1]))
        statuses: list[int] = []
        until = time.monotonic() + 10
        while not statuses or (statuses[-1] != 503 and time.monotonic() < until):
            statuses.append(_ask(port, "/things", key))
        assert statuses[-1] == 503, "requests went through that nobody could record"
        asked = len(upstream.received)
        assert _ask(port, "/open") == 503
        assert len(upstream.received) == asked
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, most)
        until = time.monotonic() + 10
        while _ask(port, "/things", key) != 200 and time.monotonic() < until:
            pass
        assert _ask(port, "/things", key) == 200
    verdict = verify(tmp_path / "trail.jsonl")
    assert verdict.holds
    assert verdict.torn == 0


def test_keys_that_cannot_be_read_any_more_shut_the_gate(
    contract: Callable[..., Path], upstream: Any, issue: Any, tmp_path: Path
) -> None:
    path = contract(upstream=upstream.url)
    key = issue(path)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    with _guarding(path) as (_, port):
        assert _ask(port, "/things", key) == 200
        for name in ("ninefold-keys.db", "ninefold-keys.db-shm", "ninefold-keys.db-wal"):
            (tmp_path / name).rename(tmp_path / f"gone-{name}")
        until = time.monotonic() + 10
        while (status := _ask(port, "/things", key)) == 200 and time.monotonic() < until:
            pass
        assert status == 503


def test_a_revoked_key_is_refused_at_the_next_request(contract: Callable[..., Path], upstream: Any, issue: Any) -> None:
    path = contract(upstream=upstream.url)
    key = issue(path)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    with _guarding(path) as (process, port):
        assert _ask(port, "/things", key) == 200
        done = _ninefold("keys", "revoke", "--contract", str(path), key.split("_")[2])
        assert done.returncode == 0, done.stderr
        assert _ask(port, "/things", key) == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_keys_and_trail_on_the_command_line(contract: Callable[..., Path], tmp_path: Path) -> None:
    path = str(contract())
    made = _ninefold("keys", "create", "--contract", path, "--role", "reader", "--expires", "30d", "--name", "ci")
    assert made.returncode == 0
    text = made.stdout.strip()
    assert text.startswith("nf_live_")
    assert text not in made.stderr
    listed = _ninefold("keys", "list", "--contract", path)
    assert "reader" in listed.stdout
    assert text not in listed.stdout
    rotated = _ninefold("keys", "rotate", "--contract", path, text.split("_")[2])
    assert rotated.returncode == 0
    for wrong, words in (
        (("--role", "nobody"), "no role"),
        ((), "needs a role"),
        (("--role", "reader", "--expires", "4000d"), "at the most"),
        (("--role", "reader", "--expires", "soon"), "no duration"),
        (("--role", "reader", "--scope", "things:write"), "does not hold"),
    ):
        done = _ninefold("keys", "create", "--contract", path, *wrong)
        assert done.returncode == 65
        assert words in done.stderr
    assert _ninefold("keys", "revoke", "--contract", path, "nothing").returncode == 65
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"a":1}\n')
    done = _ninefold("trail", "verify", str(broken))
    assert done.returncode == 74
    assert "broken.jsonl:1: BROKEN" in done.stdout
    assert _ninefold("trail", "tail", str(tmp_path / "none")).returncode == 74


def test_a_trail_that_vanishes_shuts_the_gate(contract: Callable[..., Path], upstream: Any, tmp_path: Path) -> None:
    path = contract(upstream=upstream.url)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with _guarding(path) as (_, port):
        assert _ask(port, "/open") == 200
        (tmp_path / "trail.jsonl").unlink()
        until = time.monotonic() + 10
        while _ask(port, "/open") != 503 and time.monotonic() < until:
            pass
        asked = len(upstream.received)
        assert _ask(port, "/open") == 503, "requests went through whose records nobody can find"
        assert len(upstream.received) == asked


@pytest.mark.parametrize("address", ["127.0.0.1:\u00b2", "127.0.0.1:" + "9" * 5000, "127.0.0.1:70000", "127.0.0.1"])
def test_an_address_that_is_none_is_a_clear_error(contract: Callable[..., Path], address: str) -> None:
    done = _ninefold("guard", str(contract()), "--listen", address)
    assert done.returncode == 69
    assert "Traceback" not in done.stderr


def test_a_gateway_that_is_killed_loses_the_last_uses_of_keys_and_no_others(
    contract: Callable[..., Path], issue: Callable[..., str], upstream: Any
) -> None:
    path = contract(upstream=upstream.url)
    keys = [issue(path), issue(path)]
    store, first = path.parent / "ninefold-keys.db", keys[0].split("_")[2]
    with _guarding(path) as (process, port):
        assert _ask(port, "/things/1", keys[0]) == 200
        until = time.monotonic() + 20
        while first not in last_uses(store) and time.monotonic() < until:
            time.sleep(0.1)
        written = last_uses(store)[first]
        assert [_ask(port, "/things/1", key) for key in keys] == [200, 200]
        process.kill()
        process.wait(20)
    assert last_uses(store)[first].time >= written.time
    with _guarding(path) as (_, port):
        assert _ask(port, "/things/1", keys[1]) == 200
    assert set(last_uses(store)) == {key.split("_")[2] for key in keys}, "what is left is written when it ends"

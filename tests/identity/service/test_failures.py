"""What holds while something fails: another process, a lock, a full disk, a sudden end, a clock that is set back."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from joserfc.jwk import ECKey
from tests.identity.issuing import sign
from tests.identity.service.conftest import (
    PASSWORD,
    REDIRECT,
    VERIFIER,
    Service,
    free_port,
    furnished,
    running,
    web,
    written,
)

from ninefold.identity.service import registry
from ninefold.identity.service.grants import API_KEY, EXCHANGE
from ninefold.identity.service.registry import Registry
from ninefold.identity.service.signing import Signing
from ninefold.store import sqlite
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def form(code: str) -> dict[str, Any]:
    return {
        "grant_type": "authorization_code", "client_id": "app", "code": code, "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }  # fmt: skip


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """Two processes' worth of the service on one file, each with a trail of its own."""
    first = written(tmp_path)
    whole = yaml.safe_load(first.read_text())
    whole["identity"]["service"]["trail"] = "second.jsonl"
    second = tmp_path / "second.yaml"
    second.write_text(yaml.safe_dump(whole))
    with running(first) as one, running(second) as other:
        furnished(one)
        yield one, other


def test_a_code_of_one_process_is_changed_once_at_any(two: tuple[Service, Service]) -> None:
    for first, second in (two, two[::-1]):
        code = first.code()
        assert second.token(**form(code)).status_code == 200
        assert first.token(**form(code)).json() == {"error": "invalid_grant"}
    assert two[0].run("tokens", "revoked", "--json").output.count('"jti"') == 2


def test_an_assertion_is_taken_once_by_all_processes_together(two: tuple[Service, Service], tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    (tmp_path / "robot.json").write_text(json.dumps(key.as_dict(private=False)))
    assert two[0].run("tokens", "clients", "add", "robot", "--keys", str(tmp_path / "robot.json")).exit_code == 0
    now = int(time.time())
    told = {
        "iss": "robot",
        "sub": "robot",
        "aud": "http://127.0.0.1:9443",
        "exp": now + 60,
        "jti": secrets.token_hex(8),
    }
    text = sign({"alg": "ES256"}, told, key)
    sent: dict[str, Any] = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": text,
    }
    assert [one.token(**sent).status_code for one in two] == [200, 401]


def test_processes_sign_with_the_same_keys(two: tuple[Service, Service]) -> None:
    keys = [web.get(f"{one.url}/jwks").json() for one in two]
    assert keys[0] == keys[1]


def test_two_processes_do_not_write_one_trail(tmp_path: Path) -> None:
    path = written(tmp_path)
    with running(path), pytest.raises(Exception, match="ninefold-tokens"), running(path):
        pass


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a fifth of a second."""
    opened = sqlite.open_store

    def hasty(*about: Any) -> sqlite3.Connection:
        store = opened(*about)
        store.execute("PRAGMA busy_timeout = 200")
        return store

    monkeypatch.setattr(registry, "open_store", hasty)


@pytest.mark.usefixtures("impatient")
def test_while_its_file_is_locked_nobody_gets_a_code_and_no_code_is_lost(tmp_path: Path, issue: Any) -> None:
    with running(written(tmp_path)) as found:
        furnished(found)
        code = found.code()
        with contextlib.closing(sqlite3.connect(tmp_path / "ninefold-identity.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = found.token(**form(code))
            assert (refused.status_code, refused.json()) == (503, {"error": "temporarily_unavailable"})
            assert found.log_in().status_code == 503
            # what writes nothing goes on
            sent: dict[str, Any] = {
                "grant_type": EXCHANGE,
                "subject_token": issue(found.path),
                "subject_token_type": API_KEY,
            }
            assert found.token(**sent).status_code == 200
            other.execute("ROLLBACK")
        assert found.token(**form(code)).status_code == 200


def test_while_its_disk_is_full_nobody_gets_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, stores = sqlite.open_store, []

    def remembered(*about: Any) -> sqlite3.Connection:
        stores.append(opened(*about))
        return stores[-1]

    monkeypatch.setattr(registry, "open_store", remembered)
    with running(written(tmp_path)) as found:
        furnished(found)
        serving = stores[0]
        code = found.code()
        pages = serving.execute("PRAGMA page_count").fetchone()[0]
        serving.execute(f"PRAGMA max_page_count = {pages}")
        statuses = [found.log_in(state="x" * 20).status_code for _ in range(60)]
        assert set(statuses) == {303, 503}
        assert statuses[-1] == 503
        serving.execute("PRAGMA max_page_count = 100000")
        assert found.token(**form(code)).status_code == 200
        assert found.log_in().status_code == 303


@contextlib.contextmanager
def process(path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The service as a command of its own."""
    asked = [
        sys.executable,
        "-m",
        "ninefold",
        "tokens",
        "serve",
        "--contract",
        str(path),
        "--listen",
        f"127.0.0.1:{port}",
    ]
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as begun:
        try:
            assert begun.stderr is not None
            for line in begun.stderr:
                if "listening on" in line:
                    break
            yield begun
        finally:
            if begun.poll() is None:
                begun.kill()


def test_what_was_acknowledged_before_it_was_killed_holds_after_it(tmp_path: Path, issue: Any) -> None:
    port = free_port()
    path = written(tmp_path, port)
    found = furnished(Service(f"http://127.0.0.1:{port}", path))
    key = issue(path, "reader")
    sent: dict[str, Any] = {"grant_type": EXCHANGE, "subject_token": key, "subject_token_type": API_KEY}
    with process(path, port) as one:
        code, unused = found.code(), found.code()
        assert found.token(**form(code)).status_code == 200
        keys = web.get(f"{found.url}/jwks").json()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert found.token(**sent).status_code == 200
        one.send_signal(signal.SIGKILL)
        one.wait(10)
    with process(path, port) as again:
        assert web.get(f"{found.url}/jwks").json() == keys
        assert found.token(**form(code)).json() == {"error": "invalid_grant"}
        assert found.token(**form(unused)).status_code == 200
        again.send_signal(signal.SIGTERM)
        assert again.wait(20) == 0
        assert again.stderr is not None
        assert "Traceback" not in again.stderr.read()
    assert verify(tmp_path / "ninefold-tokens.jsonl").holds
    for name in ("ninefold-identity.db", "ninefold-tokens.jsonl"):
        assert os.stat(tmp_path / name).st_mode & 0o077 == 0  # noqa: PTH116
    assert PASSWORD not in (tmp_path / "ninefold-tokens.jsonl").read_text()
    with pytest.raises(httpx.ConnectError):
        web.get(f"{found.url}/jwks")


def test_a_clock_that_is_set_back_gives_no_assertion_a_second_life(tmp_path: Path) -> None:
    with contextlib.closing(Registry(tmp_path / "identity.db")) as kept:
        assert kept.first_time("robot\na", 160.0, 100.0)
        assert kept.first_time("robot\nb", 360.0, 300.0)  # what has expired by now could be forgotten
        assert not kept.first_time("robot\na", 160.0, 100.0)


def test_a_clock_that_is_set_back_or_forth_leaves_a_key_to_sign_with(tmp_path: Path) -> None:
    with contextlib.closing(Registry(tmp_path / "identity.db")) as kept:
        turning = Signing(kept, turn=1000.0, announce=100.0, lifetime=60.0)
        for now in (5000.0, 0.0, 50_000.0, 5000.0, 4999.0, 6100.0):
            assert turning.sign({}, now)
            assert turning.published(now)["keys"]

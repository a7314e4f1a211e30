"""The token service as it is served, with a contract of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from argon2 import PasswordHasher
from click.testing import CliRunner
from tests.conftest import CONTRACT, DESCRIPTION

from ninefold.cli.main import cli
from ninefold.contract.load import load_contract
from ninefold.gateway.start import Listen
from ninefold.identity.service import passwords
from ninefold.issuer import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: One caller for all tests: what a new one reads of certificates takes longer than what is asked.
web = httpx.Client(verify=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "https://app.example.com/back"
PASSWORD = "a long enough password"


@dataclass
class Service:
    """Where it listens, its contract, and what it said to the operator."""

    url: str
    path: Path
    said: list[str] = field(default_factory=list)

    def run(self, *arguments: str, given: str | None = None) -> Any:
        """A command of Ninefold's on this contract."""
        return CliRunner().invoke(cli, [*arguments, "--contract", str(self.path)], input=given)

    def token(self, *, headers: dict[str, str] | None = None, **form: Any) -> httpx.Response:
        return web.post(f"{self.url}/token", data=form, headers=headers)

    def log_in(
        self, decision: str = "allow", name: str = "ann", password: str = PASSWORD, **query: str
    ) -> httpx.Response:
        asked = {
            "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "state": "s1", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | query  # fmt: skip
        form = {"username": name, "password": password, "decision": decision}
        return web.post(f"{self.url}/authorize", params={k: v for k, v in asked.items() if v}, data=form)

    def code(self, **query: str) -> str:
        answer = self.log_in(**query)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def raw(self, sent: bytes) -> bytes:
        """What comes back for some bytes, until the other side ends."""
        parts = urlsplit(self.url)
        found = b""
        with socket.create_connection((parts.hostname or "", parts.port or 0), 20) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(sent)
            with contextlib.suppress(OSError):
                while block := connection.recv(65536):
                    found += block
        return found

    def events(self) -> list[dict[str, Any]]:
        trail = self.path.parent / "ninefold-tokens.jsonl"
        return [one for one in map(json.loads, trail.read_bytes().splitlines()) if "method" in one]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        found: int = bound.getsockname()[1]
    return found


@contextlib.contextmanager
def running(path: Path, port: int = 0) -> Iterator[Service]:
    """Serves in a thread with a loop of its own."""
    begun, found = threading.Event(), Service("", path)
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    fault: list[BaseException] = []

    async def serve() -> None:
        async with opened(load_contract(path), Listen("127.0.0.1", port), found.said.append) as url:
            found.url = url
            begun.set()
            await ended.wait()

    def main() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as trouble:  # noqa: BLE001
            fault.append(trouble)
        finally:
            begun.set()
            loop.close()

    thread = threading.Thread(target=main)
    thread.start()
    begun.wait(20)
    try:
        if fault:
            raise fault[0]
        yield found
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)
        thread.join(20)


def written(folder: Path, port: int = 0, identity: dict[str, Any] | None = None, **sections: Any) -> Path:
    """A contract with the service in it."""
    whole = {
        "issuer": f"http://127.0.0.1:{port or 9443}", "audience": "https://things.example.com", "unbound": "the tests say so",
        "service": {},
    } | (identity or {})  # fmt: skip
    changed = {
        "identity": {name: value for name, value in whole.items() if value is not None},
        "authorization": {
            "roles": {"reader": ["things:read"], "writer": ["reader", "things:write"]},
            "rules": [{"operations": ["*"], "allow": ["things:read"]}],
        },
    }
    (folder / "openapi.yaml").write_text(yaml.safe_dump(DESCRIPTION))
    (folder / "contract.yaml").write_text(yaml.safe_dump(CONTRACT | changed | sections))
    return folder / "contract.yaml"


@pytest.fixture(scope="package", autouse=True)
def cheap() -> Iterator[None]:
    """Passwords at a thousandth of what they cost, for tests that are about something else."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))
        yield


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts the service, as the issuer of `port` where one is given; `identity` and other sections add to its contract."""
    with contextlib.ExitStack() as stack:

        def start(identity: dict[str, Any] | None = None, *, port: int = 0, **sections: Any) -> Service:
            return stack.enter_context(running(written(tmp_path, port, identity, **sections), port))

        yield start


def furnished(found: Service) -> Service:
    """With a person and a browser's application."""
    for arguments, given in (
        (("tokens", "users", "add", "ann", "--role", "writer"), f"{PASSWORD}\n"),
        (("tokens", "clients", "add", "app", "--name", "The App", "--redirect", REDIRECT), None),
    ):
        ran = found.run(*arguments, given=given)
        assert ran.exit_code == 0, ran.output
    return found


@pytest.fixture
def desk(service: Callable[..., Service]) -> Service:
    """The service with a person and a browser's application."""
    return furnished(service())


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same, one for many tests that change nothing."""
    with running(written(tmp_path_factory.mktemp("desk"))) as found:
        yield furnished(found)

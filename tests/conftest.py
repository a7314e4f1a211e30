"""What every room's tests share: contracts on disk, a scripted upstream, a gateway that listens, a raw caller."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
import uvloop
import yaml
from hypothesis import HealthCheck, settings
from tests.audit.again import BESIDE
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from ninefold.contract.load import load_contract
from ninefold.gateway.start import Listen, opened
from ninefold.keys.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, max_examples=20_000, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ITEM = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "price": {"type": "number"}},
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "operationId": "listThings",
                "parameters": [{"name": "x", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "all",
                        "content": {"application/json": {"schema": {"type": "array", "items": ITEM}}},
                    }
                },
            },
            "post": {
                "operationId": "createThing",
                "requestBody": {"content": {"application/json": {"schema": ITEM}}},
                "responses": {"201": {"description": "made", "content": {"application/json": {"schema": ITEM}}}},
            },
        },
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getThing",
                "responses": {"200": {"description": "one", "content": {"application/json": {"schema": ITEM}}}},
            },
            "delete": {"operationId": "deleteThing", "responses": {"204": {"description": "gone"}}},
        },
        "/text": {
            "get": {
                "operationId": "getText",
                "responses": {"200": {"description": "text", "content": {"text/plain": {}}}},
            },
            "post": {
                "operationId": "postText",
                "requestBody": {"content": {"text/plain": {}}},
                "responses": {"200": {"description": "text", "content": {"text/plain": {}}}},
            },
        },
        "/open": {
            "get": {
                "operationId": "getOpen",
                "responses": {"200": {"description": "one", "content": {"application/json": {"schema": ITEM}}}},
            }
        },
        "/socket": {"get": {"operationId": "getSocket", "responses": {"200": {"description": "-"}}}},
    },
}
CONTRACT: dict[str, Any] = {
    "api": {"name": "things", "description": "openapi.yaml"},
    "upstream": "http://127.0.0.1:9",
    "encryption": {"plain": "the tests speak plain HTTP on loopback"},
    "authorization": {
        "roles": {"reader": ["things:read"], "writer": ["reader", "things:write"]},
        "rules": [
            {"operations": ["listThings", "getThing", "getText"], "allow": ["things:read"]},
            {"operations": ["createThing", "postText", "deleteThing"], "allow": ["things:write"]},
            {"operations": ["getSocket"], "allow": ["things:read"], "upgrade": ["websocket"]},
            {"operations": ["getOpen"], "public": "it is what the window shows"},
        ],
    },
    "limits": {"rates": [{"per": "ip", "rate": "100000/s", "burst": 100000}]},
    "origins": {"allow": ["https://app.example.com"], "headers": ["Content-Type"]},
    "trail": {"path": "trail.jsonl", "batch": "10ms"},
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fuzz: long random tests, run by `make fuzz`; short in `make test`")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one file run in one process; those of the signs, and of what counts their findings, all in the same."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        path = PurePosixPath(file)
        return "signs" if path.parent.name == "signs" or path.stem in {*BESIDE, "test_whole"} else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing may be skipped: a skip is a test that did not run, and counts as a failure there."""
    report = yield
    if report.skipped and os.environ.get("NINEFOLD_FORBID_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips are forbidden here: {report.longrepr}"
    del item, call
    return report


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Path]:
    """Writes the contract above, with changes to its sections, and gives its path."""

    def write(description: dict[str, Any] | None = None, **sections: Any) -> Path:
        (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(description or DESCRIPTION))
        whole = {name: value for name, value in {**CONTRACT, **sections}.items() if value is not None}
        path = tmp_path / "contract.yaml"
        path.write_text(yaml.safe_dump(whole))
        return path

    return write


@pytest.fixture
def issue() -> Callable[..., str]:
    """Issues a key of a contract, and gives its text."""

    def make(
        path: Path, role: str = "writer", *, lifetime: float = 3600.0, scopes: tuple[str, ...] = (), bound: Any = None
    ) -> str:
        loaded = load_contract(path)
        keeper = Keeper(loaded.resolve(loaded.contract.keys.store))
        try:
            minted = keeper.issue(
                role=role,
                scopes=scopes,
                name="test",
                env="test",
                lifetime=lifetime,
                now=time.time(),
                randomness=os.urandom,
                bound=bound,
            )
        finally:
            keeper.close()
        return minted.text

    return make


@pytest.fixture
def serving() -> Callable[[Any], contextlib.AbstractContextManager[int]]:
    """Serves an ASGI application under uvicorn while a `with` lasts, and gives its port."""

    @contextlib.contextmanager
    def serve(app: Any) -> Iterator[int]:
        bound = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="auto"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])), daemon=True)
        thread.start()
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)
            bound.close()

    return serve


@dataclass
class Upstream:
    """A real server that says, byte for byte, what a test tells it to, and keeps what it was sent."""

    port: int = 0
    answers: list[bytes | Callable[[socket.socket, bytes], None]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    default: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def json(self, body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n") -> None:
        """The next answer, once."""
        self.answers.append(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def read_message(connection: socket.socket, buffer: bytearray) -> bytes:
    """One whole HTTP message from a socket; what follows stays in the buffer. Empty: the connection ended."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        data = connection.recv(65536)
        if not data:
            return b""
        buffer += data
    head = bytes(buffer[: end + 4]).lower()
    length = 0
    if b"\r\ntransfer-encoding: chunked" in head:
        while (last := buffer.find(b"0\r\n\r\n", end + 4)) < 0:
            data = connection.recv(65536)
            if not data:
                break
            buffer += data
        length = last + 5 - end - 4
    elif (at := head.find(b"\r\ncontent-length:")) >= 0:
        length = int(head[at + 17 : head.index(b"\r\n", at + 2)])
    while len(buffer) < end + 4 + length:
        data = connection.recv(65536)
        if not data:
            break
        buffer += data
    message = bytes(buffer[: end + 4 + length])
    del buffer[: end + 4 + length]
    return message


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    state = Upstream()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            state.connections += 1
            buffer = bytearray()
            with contextlib.suppress(OSError):
                while message := read_message(self.request, buffer):
                    state.received.append(message)
                    answer = state.answers.pop(0) if state.answers else state.default
                    if callable(answer):
                        answer(self.request, message)
                    else:
                        self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


@dataclass
class Gate:
    """A gateway that listens, and a way to talk to it byte for byte."""

    port: int
    path: Path
    said: list[str]
    tls: ssl.SSLContext | None = None
    stop: Callable[[], None] = lambda: None

    def connect(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return self.tls.wrap_socket(plain, server_hostname="localhost") if self.tls is not None else plain

    def send(self, data: bytes) -> bytes:
        """Send on a connection of its own, close that side, and give all that comes back."""
        with self.connect() as connection:
            # an answer may come, and the connection go, before all was sent
            with contextlib.suppress(OSError):
                connection.sendall(data)
                if self.tls is None:
                    connection.shutdown(socket.SHUT_WR)
            found = bytearray()
            with contextlib.suppress(ConnectionResetError):
                while block := connection.recv(65536):
                    found += block
            return bytes(found)

    def get(
        self, path: str, key: str = "", *fields: str, method: str = "GET", body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, fields, body (chunks put together)."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *fields]
        if key:
            lines.append(f"X-API-Key: {key}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return parse(self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body))

    @contextlib.contextmanager
    def kept(self) -> Iterator[Callable[..., tuple[int, dict[str, str], bytes]]]:
        """A caller who keeps his connection: gives a function as `get`, for GET alone."""
        with self.connect() as connection:
            buffer = bytearray()

            def get(path: str, key: str = "", *fields: str) -> tuple[int, dict[str, str], bytes]:
                lines = [f"GET {path} HTTP/1.1", "Host: kept.example", *fields, *([f"X-API-Key: {key}"] if key else [])]
                connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
                return parse(read_message(connection, buffer))

            yield get

    def trail(self, count: int = 1, timeout: float = 5.0) -> list[dict[str, Any]]:
        """The decisions in the trail, once there are at least `count`."""
        import json

        until = time.monotonic() + timeout
        file = self.path.parent / "trail.jsonl"
        while True:
            lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
            events = [one for one in map(json.loads, lines) if "method" in one]
            if len(events) >= count or time.monotonic() > until:
                return events
            time.sleep(0.01)


def parse(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """A response as status, fields and body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    if fields.get("transfer-encoding") == "chunked":
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            if int(size, 16) == 0:
                break
            whole += body[: int(size, 16)]
            body = body[int(size, 16) + 2 :]
        body = whole
    return int(lines[0].split(" ")[1]) if lines[0] else 0, fields, body


@pytest.fixture
def parsed() -> Callable[[bytes], tuple[int, dict[str, str], bytes]]:
    return parse


@pytest.fixture
def gate(contract: Callable[..., Path], upstream: Upstream) -> Iterator[Callable[..., Gate]]:
    """Starts a gateway in front of the scripted upstream, on a loop of its own."""
    stops: list[Callable[[], None]] = []

    def start(path: Path | None = None, *, record: Path | None = None, **sections: Any) -> Gate:
        path = path or contract(**{"upstream": upstream.url, **sections})
        said: list[str] = []
        ready = threading.Event()
        found: dict[str, Any] = {}

        async def serve() -> None:
            found["loop"], found["end"] = asyncio.get_running_loop(), asyncio.Event()
            try:
                async with opened(load_contract(path), Listen("127.0.0.1", 0), said.append, record) as (gateway, url):
                    found["gateway"], found["url"] = gateway, url
                    ready.set()
                    await found["end"].wait()
            finally:
                ready.set()

        def work() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert ready.wait(20)

        def stop() -> None:
            if thread.is_alive():
                found["loop"].call_soon_threadsafe(found["end"].set)
            thread.join(20)
            assert not thread.is_alive()

        stops.append(stop)
        tls = None
        if found["url"].startswith("https"):
            tls = ssl.create_default_context(cafile=str(path.parent / ".ninefold" / "development-cert.pem"))
        return Gate(int(found["url"].rpartition(":")[2]), path, said, tls, stop)

    yield start
    for stop in stops:
        stop()

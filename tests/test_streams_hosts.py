"""Both hosts on the same compressed, large and endless answers: what leaves is the same, and so is what the trail tells."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.streaming import STREAMS, coded, description, plain, sections

from ninefold.asgi import Guard
from ninefold.guard import whole as reading
from ninefold.trail.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOLD = ("outcome", "method", "path", "operation", "status", "step", "reason", "withheld", "withheld_bytes", "leaked")
INCIDENTAL = {"date", "x-request-id", "ratelimit", "connection", "server", "content-length", "transfer-encoding"}


@dataclass
class Api:
    """An ASGI application that says what it is told to, piece by piece."""

    media: str = "application/json"
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    status: int = 200
    pause: float = 0.0
    asked: list[dict[bytes, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for state in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{state}.complete"})
            return
        self.asked.append(dict(scope["headers"]))
        fields = [(b"content-type", self.media.encode()), *self.fields]
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        for one in self.pieces:
            await send({"type": "http.response.body", "body": one, "more_body": True})
            await asyncio.sleep(self.pause)
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Both:
    api: Api
    ports: tuple[int, int]
    trails: tuple[Path, Path]
    parsed: Any
    keys: str = ""

    def raw(self, port: int, path: str, *fields: str, method: str = "GET") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"X-API-Key: {self.keys}", *fields]
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
            found = bytearray()
            with contextlib.suppress(ConnectionResetError):
                while block := connection.recv(65536):
                    found += block
        return bytes(found)

    def ask(self, path: str, *fields: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """The answer that both gave."""
        found = []
        for port in self.ports:
            raw = self.raw(port, path, *fields, method=method)
            status, got, body = self.parsed(raw)
            vary = sorted(
                one.partition(b": ")[2]
                for one in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
                if one.lower().startswith(b"vary")
            )
            kept = {name: value for name, value in got.items() if name not in INCIDENTAL | {"vary"}}
            found.append((status, kept, vary, body))
        assert found[0] == found[1]
        return found[0][0], {**found[0][1], "vary": b", ".join(found[0][2]).decode()}, found[0][3]

    def told(self, count: int) -> list[dict[str, Any]]:
        """What the trails of both tell, once there is so much."""
        until = time.monotonic() + 5
        while True:
            found = []
            for trail in self.trails:
                records = map(json.loads, trail.read_bytes().splitlines() if trail.exists() else [])
                found.append([{name: one.get(name) for name in TOLD} for one in records if "method" in one])
            if all(len(one) >= count for one in found) or time.monotonic() > until:
                break
            time.sleep(0.02)
        assert found[0] == found[1]
        assert all(verify(one).holds for one in self.trails)
        return found[0]


@pytest.fixture
def both(contract: Any, gate: Any, issue: Any, serving: Any, parsed: Any, tmp_path: Path) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def start(**others: Any) -> Both:
            api = Api()
            bare = stack.enter_context(serving(api))
            path = contract(description(), **sections(upstream=f"http://127.0.0.1:{bare}", **others))
            key = issue(path)
            other = tmp_path / "other"
            other.mkdir()
            for name in ("openapi.yaml", "contract.yaml"):
                (other / name).write_text((tmp_path / name).read_text())
            keys = f"keys: {{store: '{tmp_path / 'ninefold-keys.db'}'}}\n"
            (other / "contract.yaml").write_text((other / "contract.yaml").read_text() + keys)
            port = stack.enter_context(serving(Guard(api, path)))
            gateway = gate(other / "contract.yaml")
            return Both(api, (port, gateway.port), (tmp_path / "trail.jsonl", other / "trail.jsonl"), parsed, key)

        yield start


LARGE = [{"id": one, "name": "b" * 40, "secret": "s3cr3t"} for one in range(8000)]


@pytest.mark.parametrize("coding", ["", "gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("count", [2, 8000])
def test_a_body_leaves_the_same(both: Any, coding: str, count: int) -> None:
    hosts = both()
    text = json.dumps(LARGE[:count]).encode()
    body = coded(text, coding) if coding else text
    hosts.api.pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    hosts.api.fields = [(b"etag", b'"x"'), (b"vary", b"Origin"), (b"digest", b"a=b")]
    hosts.api.fields += [(b"content-encoding", coding.encode())] if coding else []
    kept = [{"id": one["id"], "name": one["name"]} for one in LARGE[:count]]
    status, fields, found = hosts.ask("/things", "Accept-Encoding: lzma")
    assert (status, json.loads(found)) == (200, kept)
    assert fields["etag"] == ('W/"x"' if coding else '"x"')
    assert "content-encoding" not in fields
    status, fields, found = hosts.ask("/things", f"Accept-Encoding: lzma, {coding or 'gzip'}")
    assert (status, json.loads(plain(found, coding) if coding else found)) == (200, kept)
    assert fields.get("content-encoding", "") == coding
    assert ("Accept-Encoding" in fields["vary"]) == bool(coding)
    asked = [one.get(b"accept-encoding") for one in hosts.api.asked]
    wanted = None if coding == "deflate" else (coding or "gzip").encode()
    assert asked == [None, None, wanted, wanted]
    assert [one["withheld"] for one in hosts.told(2)] == [count, count]


@pytest.mark.parametrize("path", ["/lines", "/texts", "/events"])
@pytest.mark.parametrize("coding", ["", "gzip", "br", "zstd"])
def test_a_stream_leaves_the_same(both: Any, path: str, coding: str) -> None:
    hosts = both()
    form, ends = {
        "/lines": (b"%b\n", b"\n"),
        "/texts": (b"\x1e%b\n", b"\n"),
        "/events": (b"id: 1\ndata: %b\n\n", b"\n\n"),
    }[path]
    said = [form % json.dumps({"id": one, "secret": "s3cr3t"}).encode() for one in range(3000)]
    leaves = b"".join(form % (b'{"id":%d}' % one) for one in range(3000))
    body = coded(b"".join(said), coding) if coding else b"".join(said)
    hosts.api.media = STREAMS[path]
    hosts.api.fields = [(b"content-encoding", coding.encode())] if coding else []
    hosts.api.pieces = [body[at : at + 777] for at in range(0, len(body), 777)]
    status, fields, found = hosts.ask(path)
    assert (status, found) == (200, leaves)
    for port in hosts.ports if coding else ():
        raw = hosts.raw(port, path, f"Accept-Encoding: {coding}")
        assert plain(hosts.parsed(raw)[2], coding) == leaves
    assert ends in found
    assert "content-encoding" not in fields
    assert [one["withheld"] for one in hosts.told(1 + bool(coding))] == [3000] * (1 + bool(coding))


@pytest.mark.parametrize("path", ["/lines", "/texts", "/events"])
def test_a_stream_that_is_not_as_described_is_cut_by_both(both: Any, path: str) -> None:
    hosts = both()
    form = {"/lines": b"%b\n", "/texts": b"\x1e%b\n", "/events": b"data: %b\n\n"}[path]
    hosts.api.media, hosts.api.pause = STREAMS[path], 0.1
    hosts.api.pieces = [form % b'{"id":1}', form % b'{"id":"s3cr3t"}', form % b'{"id":3}']
    for port in hosts.ports:
        raw = hosts.raw(port, path)
        assert raw.startswith(b"HTTP/1.1 200 OK")
        assert form % b'{"id":1}' in raw
        assert not raw.endswith(b"0\r\n\r\n")
        assert b"s3cr3t" not in raw
    (told,) = hosts.told(1)
    assert told["outcome"] == "failed"
    assert "2: expected integer, got string at $.id" in told["reason"]


STATEMENT = "SELECT id FROM users WHERE mail = 'a'"


@pytest.mark.parametrize("path", ["/lines", "/texts", "/events"])
def test_a_leak_in_a_stream_is_masked_and_told_by_both(both: Any, path: str) -> None:
    hosts = both(responses={"leaks": "mask"})
    form = {"/lines": b"%b\n", "/texts": b"\x1e%b\n", "/events": b"data: %b\n\n"}[path]
    hosts.api.media = STREAMS[path]
    hosts.api.pieces = [form % json.dumps({"id": one, "name": STATEMENT}).encode() for one in range(50)]
    _, _, found = hosts.ask(path)
    assert found == b"".join(form % (b'{"id":%d,"name":"****"}' % one) for one in range(50))
    (told,) = hosts.told(1)
    assert told["leaked"] == ["sql at $.name"] * 8


@pytest.mark.parametrize("count", [2, 8000])
def test_a_leak_in_a_whole_body_is_masked_and_told_by_both(both: Any, count: int) -> None:
    hosts = both(responses={"leaks": {"kinds": {"sql": "mask"}}})
    said = [{"id": 0, "name": STATEMENT}, *({"id": one, "name": "it is fine: 1"} for one in range(1, count))]
    hosts.api.pieces = [json.dumps(said).encode()]
    _, _, found = hosts.ask("/things")
    assert json.loads(found) == [{"id": 0, "name": "****"}, *said[1:]]
    (told,) = hosts.told(1)
    assert told["leaked"] == ["sql at $[0].name"]


def test_a_leak_that_blocks_is_a_502_whose_reason_only_the_trail_tells(both: Any) -> None:
    hosts = both(responses={"leaks": "block"})
    hosts.api.pieces = [json.dumps([{"id": 0, "name": STATEMENT}]).encode()]
    status, _, found = hosts.ask("/things")
    assert status == 502
    assert b"SELECT" not in found
    assert b"sql" not in found
    (told,) = hosts.told(1)
    assert (told["outcome"], told["reason"]) == ("failed", "the body is not as described: a leak: sql at $[0].name")


BODIES = {
    "another coding": (coded(b"[]", "zstd"), "gzip"),
    "cut short": (coded(b"[]", "gzip")[:-2], "gzip"),
    "two": (coded(b"[]", "gzip"), "gzip, gzip"),
    "unknown": (b"[]", "compress"),
    "bomb": (coded(bytes(50_000_000), "br"), "br"),
    "not as described": (coded(b"{}", "gzip"), "gzip"),
    "large, not as described": (json.dumps([*LARGE, 1]).encode(), "identity"),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_cannot_be_read_is_502_from_both_and_the_trails_agree(both: Any, name: str) -> None:
    hosts = both()
    body, coding = BODIES[name]
    hosts.api.pieces, hosts.api.fields = [body], [(b"content-encoding", coding.encode())]
    status, fields, _ = hosts.ask("/things", "Accept-Encoding: gzip, br")
    assert (status, fields["content-type"]) == (502, "application/problem+json")
    (told,) = hosts.told(1)
    assert (told["outcome"], told["step"]) == ("failed", "upstream")


def test_head_and_304_and_none_are_alike(both: Any) -> None:
    hosts = both()
    hosts.api.fields = [(b"content-encoding", b"gzip"), (b"etag", b'"x"'), (b"vary", b"accept-encoding")]
    status, fields, _ = hosts.ask("/things", "Accept-Encoding: gzip", method="HEAD")
    assert (status, fields["etag"]) == (200, 'W/"x"')
    hosts.api.media = STREAMS["/lines"]
    assert hosts.ask("/lines", method="HEAD")[0] == 200
    hosts.api.status, hosts.api.fields = 304, hosts.api.fields[1:]
    status, fields, _ = hosts.ask("/things", "Accept-Encoding: gzip", 'If-None-Match: W/"x"')
    assert (status, fields["etag"]) == (304, 'W/"x"')


def test_a_contract_that_says_none_is_kept_by_both(both: Any) -> None:
    hosts = both(responses={"compression": "none"})
    hosts.api.pieces, hosts.api.fields = [coded(b"[]", "gzip")], [(b"content-encoding", b"gzip")]
    status, fields, body = hosts.ask("/things", "Accept-Encoding: gzip")
    assert (status, body) == (200, b"[]")
    assert "content-encoding" not in fields
    assert all(b"accept-encoding" not in one for one in hosts.api.asked)


def test_a_record_past_the_bound_is_refused_by_both(both: Any) -> None:
    hosts = both(limits={"record": "100B"})
    hosts.api.media = STREAMS["/lines"]
    hosts.api.pieces = [b'{"name":"' + b"n" * 88 + b'"}\n']
    assert hosts.ask("/lines")[0] == 200
    hosts.api.pieces = [b'{"name":"' + b"n" * 90 + b'"}\n']
    for port in hosts.ports:
        raw = hosts.raw(port, "/lines")
        assert b"nnn" not in raw
        assert not raw.endswith(b"0\r\n\r\n")
    time.sleep(0.2)
    for trail in hosts.trails:
        assert b"longer than limits.record" in trail.read_bytes()


def test_others_are_served_while_the_application_s_large_answer_is_read(
    both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = both()
    gone = threading.Event()
    real = reading.release

    def slow(*given: Any, **named: Any) -> Any:
        if len(given[2]) > reading.MOST_AT_ONCE:
            assert gone.wait(10)
        return real(*given, **named)

    monkeypatch.setattr("ninefold.asgi.exchange.release", slow)
    monkeypatch.setattr("ninefold.gateway.projection.release", slow)
    large = json.dumps(LARGE).encode()
    for port in hosts.ports:
        gone.clear()
        hosts.api.pieces = [large]
        found: list[bytes] = []
        thread = threading.Thread(target=lambda port=port, found=found: found.append(hosts.raw(port, "/things")))
        thread.start()
        time.sleep(0.4)
        hosts.api.pieces = [b"[]"]
        assert hosts.parsed(hosts.raw(port, "/things"))[2] == b"[]"
        assert not found
        gone.set()
        thread.join(10)
        assert len(json.loads(hosts.parsed(found[0])[2])) == len(LARGE)


@given(
    st.lists(st.sampled_from([b'{"id":1}', b'{"id":"s3cr3t"}', b"\n", b"\x1e", b"data: ", b"\r\n", b"\xff", b"1", b" "]), max_size=9),
    st.sampled_from(["/lines", "/texts", "/events"]), st.sampled_from(["", "gzip"]), st.integers(1, 20),
)  # fmt: skip
def test_random_streams_are_judged_alike(data: Any, path: str, coding: str, size: int) -> None:
    from tests.conftest import ITEM
    from tests.guard.test_treatment import treated

    from ninefold.guard.coding import Miscoded
    from ninefold.guard.project import Unpromised
    from ninefold.guard.slices import Slices

    parts = treated({STREAMS[path]: {"schema": ITEM}}, STREAMS[path].encode()).parts
    assert parts is not None
    body = coded(b"".join(data), coding) if coding else b"".join(data)
    found: list[bytes | None] = []
    for pieces in ([body], [body[at : at + size] for at in range(0, len(body), size)]):
        slices, out = Slices(parts.reader(1000), coding.encode(), b""), b""
        try:
            for one in pieces:
                slices.put(one)
                out += slices.read(lambda: False)[0]
            slices.end()
            last, over = slices.read(lambda: False)
            assert over
            found.append(out + last)
        except (Unpromised, Miscoded):
            found.append(None)
    assert found[0] == found[1]
    assert b"s3cr3t" not in (found[0] or b"")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.parametrize("asked", ["gzip", "br", "gzip;q=0"])
def test_nginx_with_gzip_in_front_of_the_api_is_read_and_closed_again(
    gate: Any, contract: Any, issue: Any, parsed: Any, tmp_path: Path, asked: str
) -> None:
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    www = tmp_path / "www"
    www.mkdir()
    (www / "things").write_bytes(json.dumps(LARGE).encode())
    (www / "lines").write_bytes(b"".join(b'{"id":%d,"secret":"s3cr3t"}\n' % one for one in range(20_000)))
    (tmp_path / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;
        events {{ }}
        http {{ access_log off; gzip on; gzip_types *; gzip_vary on; gzip_proxied any; gzip_min_length 1; types {{ }}
          client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
          uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
          server {{ listen 127.0.0.1:{number}; root {www};
            location /things {{ default_type application/json; }}
            location /lines {{ default_type application/x-ndjson; }} }} }}"""
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    process = subprocess.Popen(command)
    try:
        path = contract(description(), **sections(upstream=f"http://127.0.0.1:{number}"))
        gateway, key = gate(path), issue(path)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", number), 1):
                break
            time.sleep(0.05)
        status, fields, body = gateway.get("/things", key, f"Accept-Encoding: {asked}")
        assert status == 200
        assert fields.get("content-encoding", "") == ("gzip" if asked == "gzip" else "")
        text = plain(body, "gzip") if asked == "gzip" else body
        assert json.loads(text) == [{"id": one["id"], "name": one["name"]} for one in LARGE]
        if asked == "gzip":
            assert fields["etag"].startswith("W/")
            again = gateway.get("/things", key, f"Accept-Encoding: {asked}", f"If-None-Match: {fields['etag']}")
            assert (again[0], again[1]["etag"], again[2]) == (304, fields["etag"], b"")
        status, fields, body = gateway.get("/lines", key, f"Accept-Encoding: {asked}")
        assert (status, fields.get("content-encoding", "")) == (200, "gzip" if asked == "gzip" else "")
        text = plain(body, "gzip") if asked == "gzip" else body
        assert text == b"".join(b'{"id":%d}\n' % one for one in range(20_000))
    finally:
        process.terminate()
        process.wait(10)

"""Streams of records and events through the gateway: as they come, one bad record ends them, and nobody's pace hurts another."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.streaming import STREAMS, chunked, coded, description, head, plain, sections, whole

from ninefold.guard.coding import Closer, Opener

if TYPE_CHECKING:
    from collections.abc import Callable

LINE = b'{"id":%d,"secret":"s3cr3t"}\n'


@pytest.fixture
def streaming(gate: Any, contract: Any, upstream: Any) -> Callable[..., Any]:
    """Starts a gateway in front of streams that everybody may read."""

    def start(**others: Any) -> Any:
        return gate(contract(description(), **sections(upstream=upstream.url, **others)))

    return start


def parts(path: str, numbers: range) -> tuple[list[bytes], list[bytes]]:
    """Records or events as the upstream says them, and as they leave."""
    forms = {"/lines": b"%b\n", "/texts": b"\x1e%b\n", "/events": b"data: %b\n\n"}
    said = [forms[path] % json.dumps({"id": one, "secret": "s3cr3t"}).encode() for one in numbers]
    return said, [forms[path] % (b'{"id":%d}' % one) for one in numbers]


def first(connection: socket.socket, found: bytes, wanted: bytes) -> bytes:
    """Read until something has come."""
    connection.settimeout(5)
    while wanted not in found:
        block = connection.recv(65536)
        assert block, found
        found += block
    return found


READ = ["/lines", "/texts", "/events"]


@pytest.mark.parametrize("path", READ)
def test_each_record_leaves_as_it_comes_without_what_is_not_declared(streaming: Any, upstream: Any, path: str) -> None:
    gateway = streaming()
    said, leaves = parts(path, range(3))
    step = threading.Semaphore(0)

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head(STREAMS[path], 'ETag: "x"') + b"Transfer-Encoding: chunked\r\n\r\n")
        for one in said:
            assert step.acquire(timeout=5)
            connection.sendall(b"%x\r\n%b\r\n" % (len(one), one))
        connection.sendall(b"0\r\n\r\n")

    upstream.answers = [say]
    with gateway.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        raw = first(connection, b"", b"\r\n\r\n")
        assert b"transfer-encoding: chunked\r\n" in raw, "its header does not wait for a record"
        for one in leaves:
            step.release()
            raw = first(connection, raw, one)
        raw = first(connection, raw, b"0\r\n\r\n")
        upstream.answers = [chunked(*said, media=STREAMS[path])]
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        again = first(connection, b"", b"0\r\n\r\n")
    assert b"s3cr3t" not in raw + again
    assert b'etag: "x"\r\n' in raw
    told = gateway.trail(2)
    assert [(one["outcome"], one["status"], one["withheld"]) for one in told] == [("admitted", 200, 3)] * 2
    assert upstream.connections == 1


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_stream_may_be_cut_anywhere_and_be_long(
    streaming: Any, upstream: Any, path: str, size: int, parsed: Any
) -> None:
    gateway = streaming()
    said, leaves = parts(path, range(20 if size == 1 else 5000))
    data = b"".join(said)
    upstream.answers = [chunked(*(data[at : at + size] for at in range(0, len(data), size)), media=STREAMS[path])]
    status, fields, body = gateway.get(path)
    assert (status, body) == (200, b"".join(leaves))
    upstream.answers = [whole(data, media=STREAMS[path])]
    raw = gateway.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    status, fields, body = parsed(raw)
    assert (status, body) == (200, b"".join(leaves))
    assert "content-length" not in fields
    assert fields["connection"] == "close"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("path", READ)
def test_a_stream_that_comes_compressed_is_read_as_it_goes(
    streaming: Any, upstream: Any, path: str, coding: str
) -> None:
    gateway = streaming()
    said, leaves = parts(path, range(50))
    step = threading.Semaphore(0)

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        closer = Closer(coding.encode())
        connection.sendall(
            head(STREAMS[path], f"Content-Encoding: {coding}", 'ETag: "x"') + b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for one in said:
            data = closer.put(one)
            connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
            assert step.acquire(timeout=5)
        data = closer.end()
        connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data))

    upstream.answers = [say]
    opener, found = Opener(coding.encode()), b""
    with gateway.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {coding}\r\n\r\n".encode())
        raw = first(connection, b"", b"\r\n\r\n")
        top, _, rest = raw.partition(b"\r\n\r\n")
        assert b'etag: W/"x"' in top
        assert f"content-encoding: {coding}".encode() in top
        reader = connection.makefile("rb")
        buffered = rest

        def line() -> bytes:
            nonlocal buffered
            while b"\r\n" not in buffered:
                buffered += reader.read1(65536)
            one, _, buffered = buffered.partition(b"\r\n")
            return one

        for one in leaves:
            while not found.endswith(one):
                size = int(line(), 16)
                while len(buffered) < size + 2:
                    buffered += reader.read1(65536)
                opener.feed(buffered[:size])
                buffered = buffered[size + 2 :]
                while piece := opener.read(4096):
                    found += piece
            step.release()
    assert found == b"".join(leaves)
    body = coded(b"".join(said), coding)
    upstream.answers = [whole(body, f"Content-Encoding: {coding}", media=STREAMS[path])] * 2
    assert gateway.get(path)[2] == b"".join(leaves)
    assert plain(gateway.get(path, "", f"Accept-Encoding: {coding}")[2], coding) == b"".join(leaves)


BAD = {
    "/lines": (b'{"id":"s3cr3t"}\n', "record 2: expected"),
    "/texts": (b'\x1e{"id":"s3cr3t"}\n\x1e', "record 2: expected"),
    "/events": (b'data: {"id":"s3cr3t"}\n\n', "event 2: expected"),
}


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_record_that_is_not_as_described_cuts_the_stream_and_the_trail_says_which(
    streaming: Any, upstream: Any, path: str, version: str, coding: str
) -> None:
    gateway = streaming()
    said, leaves = parts(path, range(1))
    bad, why = BAD[path]
    go = threading.Event()

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        closer = Closer(b"gzip") if coding else None
        fields = [f"Content-Encoding: {coding}"] if coding else []
        connection.sendall(head(STREAMS[path], *fields) + b"Transfer-Encoding: chunked\r\n\r\n")
        for one in (said[0], bad, said[0]):
            data = closer.put(one) if closer is not None else one
            connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
            go.wait(5)
        connection.sendall(b"0\r\n\r\n")

    upstream.answers = [say]
    with gateway.connect() as connection:
        connection.sendall(f"GET {path} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        raw = first(connection, b"", leaves[0])
        go.set()
        reset = False
        try:
            while block := connection.recv(65536):
                raw += block
        except ConnectionResetError:
            reset = True
    assert b"s3cr3t" not in raw
    assert not raw.endswith(b"0\r\n\r\n")
    assert reset or version == "1.1", "an answer without chunks would look whole"
    (told,) = gateway.trail()
    assert told["outcome"] == "failed"
    assert why in told["reason"]
    assert "s3cr3t" not in told["reason"]


@pytest.mark.parametrize("path", READ)
def test_where_nothing_has_left_yet_it_is_502(streaming: Any, upstream: Any, path: str) -> None:
    gateway = streaming()
    for data, fields, why in (
        (BAD[path][0], (), "1: expected"),
        (b"s3cr3t", ("Content-Encoding: gzip",), "is no gzip"),
        (coded(b"s3cr3t", "gzip"), ("Content-Encoding: gzip, br",), "several codings"),
    ):
        upstream.answers = [whole(data, *fields, media=STREAMS[path])]
        status, got, body = gateway.get(path)
        assert (status, got["content-type"]) == (502, "application/problem+json")
        assert b"s3cr3t" not in body
        time.sleep(0.1)
        assert why in gateway.trail()[-1]["reason"]


@pytest.mark.parametrize("path", READ)
def test_a_record_of_the_bound_passes_and_one_of_a_byte_more_does_not(streaming: Any, upstream: Any, path: str) -> None:
    gateway = streaming(limits={"record": "2kB"})
    frame = {"/lines": 0, "/texts": 1, "/events": 8}[path]
    for more, expected in ((0, 200), (1, 502)):
        record = b'{"name":"' + b"n" * (2000 - frame - 11 + more) + b'"}'
        data = {"/lines": b"%b\n", "/texts": b"\x1e%b\n", "/events": b"data: %b\n\n"}[path] % record
        upstream.answers = [whole(data, media=STREAMS[path])]
        assert gateway.get(path)[0] == expected


def test_an_upstream_that_stops_in_the_middle_of_a_record_never_looks_whole(streaming: Any, upstream: Any) -> None:
    gateway = streaming()

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head(STREAMS["/lines"]) + b'\r\n{"id":1}\n{"id":')
        connection.shutdown(socket.SHUT_RDWR)

    def break_off(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head(STREAMS["/lines"]) + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"id":1}\n\r\n')
        time.sleep(0.1)
        connection.shutdown(socket.SHUT_RDWR)

    for answer in (say, break_off):
        upstream.answers = [answer]
        raw = gateway.send(b"GET /lines HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not raw.endswith(b"0\r\n\r\n")
    assert [one["outcome"] for one in gateway.trail(2)] == ["failed", "failed"]


def test_a_million_tiny_records_hold_nobody_up(streaming: Any, upstream: Any, issue: Any) -> None:
    gateway = streaming()
    bomb = coded(b"{}\n" * 1_000_000, "gzip")
    gone = threading.Event()

    def ask() -> None:
        upstream.answers.insert(0, whole(bomb, "Content-Encoding: gzip", media=STREAMS["/lines"]))
        body = gateway.get("/lines")[2]
        assert body.count(b"\n") == 1_000_000
        gone.set()

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)
    slowest = 0.0
    asked = 0
    with gateway.kept() as get:
        while not gone.is_set():
            upstream.answers = [whole(b'{"id":1}')]
            began = time.perf_counter()
            assert get("/open")[0] == 200
            slowest = max(slowest, time.perf_counter() - began)
            asked += 1
    thread.join()
    assert asked > 3
    assert slowest < 0.4, "a turn takes milliseconds, and the machine is shared"


def test_a_slow_reader_holds_the_upstream_back_and_not_the_gateways_memory(streaming: Any, upstream: Any) -> None:
    gateway = streaming()
    sent = [0]
    stop = threading.Event()

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head(STREAMS["/lines"]) + b"Transfer-Encoding: chunked\r\n\r\n")
        block = b'{"id":1,"name":"' + b"n" * 1000 + b'"}\n'
        block = block * 50
        chunk = b"%x\r\n%b\r\n" % (len(block), block)
        connection.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while not stop.is_set() and sent[0] < 1 << 28:
                connection.sendall(chunk)
                sent[0] += len(chunk)

    upstream.answers = [say]
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /lines HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.5)
        held = sent[0]
        assert held < 1 << 25, "the system's buffers, and little more"
    stop.set()
    (told,) = gateway.trail()
    assert (told["outcome"], told["step"]) == ("failed", "wire")


def test_who_reads_slowly_gets_all_of_it_in_the_end(streaming: Any, upstream: Any, parsed: Any) -> None:
    gateway = streaming()
    line = b'{"id":1,"name":"' + b"n" * 900 + b'","secret":"s3cr3t"}\n'
    upstream.answers = [whole(line * 20_000, media=STREAMS["/lines"])]
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        connection.sendall(b"GET /lines HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(0.7)
        raw = bytearray()
        while block := connection.recv(1 << 18):
            raw += block
    body = parsed(bytes(raw))[2]
    assert body == line.replace(b',"secret":"s3cr3t"', b"") * 20_000
    (told,) = gateway.trail()
    assert (told["outcome"], told["withheld"]) == ("admitted", 20_000)


def test_a_caller_who_leaves_at_any_point_leaves_no_stream_behind(streaming: Any, upstream: Any) -> None:
    gateway = streaming()
    ended = []

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head(STREAMS["/events"]) + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for one in range(2000):
                data = b'data: {"id":%d}\n\n' % one
                connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
                time.sleep(0.005)
        except OSError:
            ended.append(True)

    count = 6
    upstream.answers = [say] * count
    for one in range(count):
        with gateway.connect() as connection:
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.02 * one)
            if one % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until = time.monotonic() + 5
    while len(ended) < count and time.monotonic() < until:
        time.sleep(0.02)
    assert len(ended) == count
    assert {one["outcome"] for one in gateway.trail(count)} == {"failed"}


def test_the_drain_lets_a_stream_end_and_cuts_one_that_does_not(streaming: Any, upstream: Any) -> None:
    for endless in (False, True):
        gateway = streaming(limits={"timeouts": {"drain": "700ms"}})

        def say(connection: socket.socket, message: bytes, *, endless: bool = endless) -> None:
            del message
            connection.sendall(head(STREAMS["/lines"]) + b"Transfer-Encoding: chunked\r\n\r\n")
            with contextlib.suppress(OSError):
                for _ in range(1000 if endless else 4):
                    connection.sendall(b'9\r\n{"id":1}\n\r\n')
                    time.sleep(0.1)
                connection.sendall(b"0\r\n\r\n")

        upstream.answers = [say]
        with gateway.connect() as connection:
            connection.sendall(b"GET /lines HTTP/1.1\r\nHost: x\r\n\r\n")
            raw = first(connection, b"", b'{"id":1}')
            gateway.stop()
            with contextlib.suppress(OSError):
                while block := connection.recv(65536):
                    raw += block
        assert raw.endswith(b"0\r\n\r\n") is not endless


def test_what_is_pipelined_behind_a_stream_comes_behind_it(streaming: Any, upstream: Any) -> None:
    gateway = streaming()
    data = LINE * 20_000 % tuple(range(20_000))
    upstream.answers = [whole(data, media=STREAMS["/lines"]), whole(b'{"id":5}')]
    raw = gateway.send(b"GET /lines HTTP/1.1\r\nHost: x\r\n\r\nGET /open HTTP/1.1\r\nHost: x\r\n\r\n")
    assert raw.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert raw.endswith(b'{"id":5}')
    assert raw.index(b"0\r\n\r\nHTTP/1.1") > 0


def test_events_without_a_schema_pass_unread_as_text_does(streaming: Any, upstream: Any) -> None:
    gateway = streaming()
    upstream.answers = [chunked(b": words\n\ndata: anything\n\n", media="text/event-stream")]
    assert gateway.get("/words")[::2] == (200, b": words\n\ndata: anything\n\n")


def test_an_endless_stream_of_nothing_but_compressed_air_is_bounded(streaming: Any, upstream: Any) -> None:
    """Members that hold nothing, and a record that only grows when it is opened (CWE-409)."""
    gateway = streaming()
    for data, why in (
        (zlib.compress(b"", wbits=31) * 10_000, "too many members"),
        (coded(b"[" * 50_000_000, "gzip"), "longer than limits.record"),
        (coded(b" " * 50_000_000, "zstd"), "longer than limits.record"),
        (coded(b"{}\n" * 10, "gzip")[:-4], "cut short"),
        (coded(b"{}\n" * 10, "gzip") + b"junk", "no gzip"),
        (coded(b"{}\n" * 10, "br") + b"junk", "no br"),
    ):
        coding = "br" if why == "no br" else "zstd" if data[:1] == b"\x28" else "gzip"
        upstream.answers = [whole(data, f"Content-Encoding: {coding}", media=STREAMS["/lines"])]
        raw = gateway.send(b"GET /lines HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.startswith(b"HTTP/1.1 502") or not raw.endswith(b"0\r\n\r\n")
        time.sleep(0.05)
        assert why in gateway.trail()[-1]["reason"]


def test_head_of_a_stream_and_an_empty_one(streaming: Any, upstream: Any) -> None:
    gateway = streaming()
    upstream.answers = [head(STREAMS["/lines"]) + b"Content-Length: 9\r\n\r\n", whole(b"", media=STREAMS["/lines"])]
    status, fields, body = gateway.get("/lines", method="HEAD")
    assert (status, body) == (200, b"")
    assert "content-length" not in fields
    assert gateway.get("/lines")[::2] == (200, b"")

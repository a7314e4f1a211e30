"""Answers that come compressed or are large: read in a thread, and right whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.streaming import coded, head, plain, whole

from ninefold.gateway import projection
from ninefold.guard import whole as reading

if TYPE_CHECKING:
    from collections.abc import Iterator

CODINGS = ["gzip", "br", "zstd", "deflate"]
SMALL = [{"id": 1, "name": "a", "secret": "s3cr3t"}]
LARGE = [{"id": one, "name": "b" * 40, "secret": "s3cr3t"} for one in range(8000)]
KEPT = [{"id": one["id"], "name": one["name"]} for one in LARGE]


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("said", [SMALL, LARGE], ids=["small", "large"])
def test_what_came_compressed_is_read_and_leaves_as_the_caller_takes_it(
    gate: Any, upstream: Any, issue: Any, coding: str, said: list[Any]
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    kept = [{name: value for name, value in one.items() if name != "secret"} for one in said]
    answer = whole(coded(text(said), coding), f"Content-Encoding: {coding}", 'ETag: "x"', "Vary: Origin", "Digest: a=b")
    upstream.answers = [answer] * 4
    status, fields, body = gateway.get("/things", key, f"Accept-Encoding: lzma, {coding}")
    assert (status, json.loads(plain(body, coding))) == (200, kept)
    assert (fields["content-encoding"], fields["etag"]) == (coding, 'W/"x"')
    assert fields["content-length"] == str(len(body))
    assert "digest" not in fields
    for asked in ("Accept-Encoding: lzma", f"Accept-Encoding: {coding};q=0", "Accept: */*"):
        status, fields, body = gateway.get("/things", key, asked)
        assert (status, json.loads(body)) == (200, kept)
        assert "content-encoding" not in fields
        assert fields["etag"] == 'W/"x"'
    told = gateway.trail(4)
    assert [one["withheld"] for one in told] == [len(said)] * 4
    upstream.answers = [answer]
    raw = gateway.send(f"GET /things HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert b"\r\nvary: Origin, Accept-Encoding\r\n" in raw
    sent = [one.lower() for one in upstream.received]
    wanted = b"" if coding == "deflate" else f"accept-encoding: {coding}\r\n".encode()
    assert wanted in sent[0]
    assert all(b"accept-encoding" not in one for one in sent[1:])


def test_a_contract_that_says_none_asks_for_no_coding_and_answers_in_none(gate: Any, upstream: Any, issue: Any) -> None:
    gateway = gate(responses={"compression": "none"})
    upstream.answers = [whole(coded(text(SMALL), "gzip"), "Content-Encoding: gzip")]
    status, fields, body = gateway.get("/things", issue(gateway.path), "Accept-Encoding: gzip")
    assert (status, body) == (200, b'[{"id":1,"name":"a"}]')
    assert "content-encoding" not in fields
    assert b"accept-encoding" not in upstream.received[0].lower()


def test_head_and_304_say_of_an_answer_that_may_be_compressed_what_the_answer_to_get_does(
    gate: Any, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [
        head("application/json", "Content-Encoding: gzip", 'ETag: "x"', "Vary: Accept-Encoding")
        + b"Content-Length: 9\r\n\r\n",
        b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nVary: Accept-Encoding\r\n\r\n',
        b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
        b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
    ]
    status, fields, body = gateway.get("/things", key, "Accept-Encoding: gzip", method="HEAD")
    assert (status, fields["etag"], body) == (200, 'W/"x"', b"")
    assert "content-encoding" not in fields
    assert "content-length" not in fields
    status, fields, body = gateway.get("/things", key, 'If-None-Match: W/"x"', "Accept-Encoding: gzip")
    assert (status, fields["etag"], body) == (304, 'W/"x"', b"")
    assert gateway.get("/things", key, 'If-None-Match: "x"')[1]["etag"] == '"x"', "who takes no coding got none"
    assert gateway.get("/things", key, 'If-None-Match: W/"x"', "Accept-Encoding: br")[1]["etag"] == 'W/"x"'


GZIP = coded(text(SMALL), "gzip")
MISCODED = {
    "another coding": (coded(text(SMALL), "zstd"), "gzip", "is no gzip"),
    "plain": (text(SMALL), "gzip", "is no gzip"),
    "cut short": (GZIP[:-3], "gzip", "cut short"),
    "trailing bytes": (GZIP + b"more", "gzip", "no gzip"),
    "wrong sum": (GZIP[:-8] + bytes(8), "gzip", "no gzip"),
    "two codings": (coded(GZIP, "br"), "gzip, br", "several codings"),
    "unknown": (GZIP, "compress", "not known"),
    "twice": (GZIP, "gzip\r\nContent-Encoding: gzip", "twice"),
    "bomb": (coded(bytes(50_000_000), "gzip"), "gzip", "opens to more than"),
    "bomb in br": (coded(bytes(50_000_000), "br"), "br", "opens to more than"),
    "bomb in zstd": (coded(bytes(50_000_000), "zstd"), "zstd", "opens to more than"),
    "not as described": (coded(b'[{"id":"s3cr3t"}]', "gzip"), "gzip", "not as described"),
    "large, not as described": (coded(text([*LARGE, {"id": "s3cr3t"}]), "gzip"), "gzip", "not as described"),
}


@pytest.mark.parametrize("name", MISCODED)
def test_a_body_that_is_not_what_it_says_is_502_and_the_trail_says_why(
    gate: Any, upstream: Any, issue: Any, name: str
) -> None:
    body, coding, why = MISCODED[name]
    gateway = gate()
    upstream.answers = [whole(body, f"Content-Encoding: {coding}")]
    status, fields, found = gateway.get("/things", issue(gateway.path), "Accept-Encoding: gzip, br, zstd")
    assert status == 502
    assert fields["content-type"] == "application/problem+json"
    assert b"s3cr3t" not in found
    (told,) = gateway.trail()
    assert told["outcome"] == "failed"
    assert why in told["reason"]


def test_members_one_after_the_other_and_an_empty_body_are_right(gate: Any, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [
        whole(coded(b'[{"id":', "gzip") + coded(b"1}]", "gzip"), "Content-Encoding: x-gzip"),
        whole(b"", "Content-Encoding: gzip"),
    ]
    assert gateway.get("/things", key)[::2] == (200, b'[{"id":1}]')
    assert gateway.get("/things", key)[::2] == (200, b"")


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every answer that is read in a thread waits there until this is set."""
    gone = threading.Event()
    real = reading.release

    def wait(*given: Any, **named: Any) -> Any:
        assert gone.wait(10)
        return real(*given, **named)

    monkeypatch.setattr(projection, "release", wait)
    yield gone
    gone.set()


def asked(gateway: Any, key: str, path: str = "/things", more: str = "") -> socket.socket:
    connection: socket.socket = gateway.connect()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n{more}\r\n".encode())
    return connection


def test_others_are_served_while_a_large_answer_is_read(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event, parsed: Any
) -> None:
    gateway = gate(upstream={"url": upstream.url, "connections": 1})
    key = issue(gateway.path)
    upstream.answers = [whole(text(LARGE))]
    with asked(gateway, key, more="Connection: close\r\n") as connection:
        time.sleep(0.2)
        upstream.json(text(SMALL))
        assert gateway.get("/things", key)[0] == 200, "the only connection to the upstream is free meanwhile"
        slowly.set()
        raw = b""
        while block := connection.recv(65536):
            raw += block
    assert json.loads(parsed(raw)[2]) == KEPT
    assert upstream.connections == 1


def test_a_caller_who_goes_away_meanwhile_is_told_of_in_the_trail_and_nothing_is_written(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [whole(text(LARGE))]
    connection = asked(gateway, key)
    time.sleep(0.2)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    (told,) = gateway.trail()
    assert (told["outcome"], told["reason"]) == ("failed", "the caller went away before the answer was whole")
    slowly.set()
    upstream.json(text(SMALL))
    assert gateway.get("/things", key)[0] == 200
    assert len(gateway.trail(2)) == 2


def test_the_whole_exchange_s_time_holds_while_an_answer_is_read(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event
) -> None:
    gateway = gate(limits={"timeouts": {"total": "500ms"}})
    upstream.answers = [whole(text(LARGE))]
    status, _, _ = gateway.get("/things", issue(gateway.path))
    assert status == 504
    slowly.set()
    time.sleep(0.3)
    (told,) = gateway.trail()
    assert "limits.timeouts.total" in told["reason"]


def test_the_upstream_may_die_once_its_answer_is_whole(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event
) -> None:
    gateway = gate()

    def die(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(whole(text(LARGE)))
        connection.shutdown(socket.SHUT_RDWR)
        threading.Timer(0.3, slowly.set).start()

    upstream.answers = [die]
    status, _, body = gateway.get("/things", issue(gateway.path))
    assert (status, json.loads(body)) == (200, KEPT)


def test_the_drain_waits_for_an_answer_that_is_read_and_cuts_it_when_its_time_is_over(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event, parsed: Any
) -> None:
    for seconds, whole_ in (("5s", True), ("300ms", False)):
        slowly.clear()
        gateway = gate(limits={"timeouts": {"drain": seconds}})
        upstream.answers = [whole(text(LARGE))]
        with asked(gateway, issue(gateway.path)) as connection:
            time.sleep(0.2)  # it has come, and is being read
            threading.Timer(1, slowly.set).start()
            gateway.stop()
            raw = b""
            with contextlib.suppress(OSError):
                while block := connection.recv(65536):
                    raw += block
        assert (raw[:15] == b"HTTP/1.1 200 OK") == whole_
        if whole_:
            _, fields, body = parsed(raw)
            assert json.loads(body) == KEPT
            assert fields["connection"] == "close"
        assert slowly.wait(5)


def test_what_is_pipelined_behind_a_large_answer_comes_behind_it(gate: Any, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [whole(text(LARGE)), whole(text(SMALL)), whole(text(LARGE))]
    line = f"GET /things HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n"
    raw = gateway.send((line * 3).encode())
    first, second, third = (one.partition(b"\r\n\r\n")[2] for one in raw.split(b"HTTP/1.1 200 OK\r\n")[1:])
    assert json.loads(first) == json.loads(third) == KEPT
    assert second == b'[{"id":1,"name":"a"}]'


@pytest.mark.parametrize("keep", ["", "Connection: keep-alive\r\n"])
def test_a_caller_of_http_1_0_gets_it_too(gate: Any, upstream: Any, issue: Any, keep: str, parsed: Any) -> None:
    gateway = gate()
    upstream.answers = [whole(coded(text(LARGE), "gzip"), "Content-Encoding: gzip")]
    raw = gateway.send(f"GET /things HTTP/1.0\r\nX-API-Key: {issue(gateway.path)}\r\n{keep}\r\n".encode())
    status, fields, body = parsed(raw)
    assert (status, json.loads(body), fields["content-length"]) == (200, KEPT, str(len(body)))


def test_more_than_the_threads_take_wait_and_all_are_answered(
    gate: Any, upstream: Any, issue: Any, slowly: threading.Event
) -> None:
    gateway = gate(upstream={"url": upstream.url, "connections": 16})
    key = issue(gateway.path)
    upstream.answers = [whole(text(LARGE))] * 30
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(gateway.get("/things", key)[0])) for _ in range(30)]
    for one in threads:
        one.start()
    most, until = projection.THREADS + projection.MOST_WAITING + 16, time.monotonic() + 5
    while len(upstream.received) < most and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.2)
    assert len(upstream.received) == most, "the others keep connections"
    slowly.set()
    for one in threads:
        one.join(20)
    assert found == [200] * 30


def test_a_fault_of_ours_in_the_thread_lets_nothing_out(
    gate: Any, upstream: Any, issue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **named: Any) -> Any:
        raise RuntimeError("s3cr3t")

    gateway = gate()
    monkeypatch.setattr(projection, "release", fail)
    upstream.answers = [whole(text(LARGE))]
    status, _, body = gateway.get("/things", issue(gateway.path))
    assert status == 502
    assert b"s3cr3t" not in body
    (told,) = gateway.trail()
    assert told["reason"] == "the body could not be read: RuntimeError"


def test_an_early_answer_is_read_though_its_request_is_not_whole(gate: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    gateway.stop()
    listener = socket.create_server(("127.0.0.1", 0))
    unread = {"open": {"createThing": "its body goes on as it comes"}}  # else it would be waited for
    gateway = gate(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}", requests=unread)
    one = {"id": 1, "name": "n" * 200_000, "secret": "s3cr3t"}
    with listener, gateway.connect() as connection:
        begin = f"POST /things HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
        connection.sendall(begin.encode() + b"{")
        server, _ = listener.accept()
        with server:
            server.settimeout(5)
            sent = b""
            while not sent.endswith(b"{"):
                sent += server.recv(65536)
            server.sendall(whole(text(one)).replace(b"200 OK", b"201 Created"))
            raw = b""
            with contextlib.suppress(OSError):
                connection.sendall(b" " * 20)
                while block := connection.recv(65536):
                    raw += block
    assert raw.startswith(b"HTTP/1.1 201 Created\r\n")
    assert b"\r\nconnection: close\r\n" in raw
    assert raw.endswith(b'"}')
    assert b"s3cr3t" not in raw


def test_an_answer_held_against_a_condition_is_judged_in_the_thread_and_compressed_too(
    gate: Any, upstream: Any, issue: Any, contract: Any
) -> None:
    rules = [
        {"operations": ["listThings"], "allow": ["things:read"], "when": "resource.id < 2"},
        {"operations": ["getThing"], "allow": ["things:read"], "when": "resource.id < 2"},
    ]
    path = contract(
        upstream=upstream.url,
        authorization={"roles": {"reader": ["things:read"], "writer": ["reader"]}, "rules": rules},
    )
    gateway = gate(path)
    key = issue(path)
    long = text([{"id": one % 4, "name": "n" * 400, "secret": "s3cr3t"} for one in range(900)])
    for body, fields in ((long, ()), (coded(long, "gzip"), ("Content-Encoding: gzip",))):
        upstream.answers = [whole(body, *fields)]
        status, _, found = gateway.get("/things", key)
        assert status == 200
        assert {one["id"] for one in json.loads(found)} == {0, 1}
        upstream.answers = [whole(text({"id": 7, "name": "n" * 200_000}))]
        assert gateway.get("/things/7", key)[0] == 404
    told = gateway.trail(4)
    assert "elements were kept back" in told[0]["reason"]
    assert told[1]["status"] == 404


def test_callers_who_leave_at_any_point_leave_nothing_behind(gate: Any, upstream: Any, issue: Any) -> None:
    gateway = gate(upstream={"url": upstream.url, "connections": 4})
    key = issue(gateway.path)
    bodies = [whole(text(LARGE * 4)), whole(coded(text(LARGE), "gzip"), "Content-Encoding: gzip")]
    count = 40
    for one in range(count):
        upstream.answers.append(bodies[one % 2])
        connection = asked(gateway, key)
        connection.settimeout(5)
        time.sleep(0.001 * one)
        if one % 3 == 0:
            connection.recv(1000 * one + 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    time.sleep(0.3)
    upstream.answers = []
    for body, kept in ((LARGE, KEPT), (SMALL, [{"id": 1, "name": "a"}])):
        upstream.answers = [whole(text(body))]
        status, _, found = gateway.get("/things", key)
        assert (status, json.loads(found)) == (200, kept)
    told = gateway.trail(count + 2)
    assert len(told) == count + 2, "each is told of once"
    assert {one["outcome"] for one in told[:count]} <= {"failed", "admitted"}


def test_who_reads_a_large_answer_slowly_gets_it_all_and_who_stops_is_cut(
    gate: Any, upstream: Any, issue: Any, parsed: Any
) -> None:
    gateway = gate(limits={"timeouts": {"body": "700ms"}, "response": "32MiB"})
    key = issue(gateway.path)
    long = [{"id": 1, "name": "n" * 1000}] * 12_000
    upstream.answers = [whole(text(long))] * 2
    for reads in (True, False):
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 131_072)
            connection.connect(("127.0.0.1", gateway.port))
            connection.settimeout(10)
            connection.sendall(
                f"GET /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {key}\r\n\r\n".encode()
            )
            raw = bytearray()
            time.sleep(0 if reads else 3)
            with contextlib.suppress(ConnectionResetError):
                while block := connection.recv(1 << 20):
                    raw += block
                    time.sleep(0.02 if reads else 0)
        status, fields, body = parsed(bytes(raw))
        assert status == 200
        assert (len(body) == int(fields["content-length"])) is reads
    assert [one["outcome"] for one in gateway.trail(2)] == ["admitted", "failed"]

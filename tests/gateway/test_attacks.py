"""Attacks on the gateway that once worked, each by what it did."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

Start = Any


def _read(connection: socket.socket, count: int) -> list[bytes]:
    """The status lines of so many answers; what is cut is short."""
    connection.settimeout(5)
    found = b""
    while found.count(b"HTTP/1.1 ") < count:
        block = connection.recv(65536)
        if not block:
            break
        found += block
    return [b"HTTP/1.1 " + one[:3] for one in found.split(b"HTTP/1.1 ")[1:]]


def test_a_declined_upgrade_does_not_cut_the_request_behind_it_in_two(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = f"X-API-Key: {issue(gateway.path)}\r\n".encode()
    upstream.default = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
    switch = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key + b"\r\n"
    with gateway.connect() as connection:
        connection.sendall(switch + b"GET /things/7 HTTP/1.1\r\nHost: x\r\n" + key + b"X-Note: ")
        assert _read(connection, 1) == [b"HTTP/1.1 426"]
        connection.sendall(b"DELETE /things/9 HTTP/1.0\r\n" + key + b"\r\n")
        _read(connection, 1)
    assert not [one for one in upstream.received if one.startswith(b"DELETE")]


def test_what_follows_an_upgrade_that_fails_is_answered_in_its_turn(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = f"X-API-Key: {issue(gateway.path)}\r\n".encode()
    upstream.answers = [lambda connection, _: connection.shutdown(socket.SHUT_RDWR)]
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    switch = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key + b"\r\n"
    with gateway.connect() as connection:
        connection.sendall(switch + b"GET /things/1 HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n")
        assert _read(connection, 2) == [b"HTTP/1.1 502", b"HTTP/1.1 200"]


def test_an_upgrade_that_the_connection_field_does_not_name_is_none(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = f"X-API-Key: {issue(gateway.path)}\r\n".encode()
    gateway.send(b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" + key + b"\r\n")
    assert b"upgrade" not in upstream.received[0].lower()


def test_a_caller_who_does_not_read_is_read_no_more_and_cut(gate: Start) -> None:
    gateway = gate(limits={"rates": [{"per": "ip", "rate": "1000000/s", "burst": 1000000}], "timeouts": {"body": "1s"}})
    with socket.socket() as connection:
        # before it connects: a window that shrinks later drops what carries the other side's acknowledgements
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.5)
        connection.connect(("127.0.0.1", gateway.port))
        sent, until, cut = 0, time.monotonic() + 30, False
        while not cut and time.monotonic() < until and sent < 256_000_000:  # kernels hold some tens of megabytes
            try:
                sent += connection.send(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
            except TimeoutError:
                continue
            except OSError:
                cut = True
        assert cut, f"{sent} bytes of requests were taken from somebody who reads no answer"


def test_thousands_of_requests_at_once_are_answered_in_turns_and_nobody_else_waits(gate: Start) -> None:
    gateway = gate(limits={"rates": [{"per": "ip", "rate": "1000000/s", "burst": 1000000}]})
    count, answers, waited = 60_000, 0, []

    def others() -> None:
        while answers < count:
            begun = time.monotonic()
            with gateway.connect() as connection:
                connection.sendall(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
                assert _read(connection, 1) == [b"HTTP/1.1 404"]
            waited.append(time.monotonic() - begun)

    def send() -> None:
        loud.sendall(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n" * count)

    begun = time.monotonic()
    with gateway.connect() as loud:
        sender, other = threading.Thread(target=send), threading.Thread(target=others)
        sender.start()
        other.start()
        end = b""
        while answers < count:
            block = loud.recv(1 << 20)
            assert block
            found = (end + block).count(b"HTTP/1.1 404")
            answers += found
            end = (end + block)[-11:]
        sender.join()
        other.join()
    whole = time.monotonic() - begun
    assert max(waited) < whole / 2, f"another caller waited {max(waited)} of the {whole} seconds"


def test_each_request_is_forwarded_with_the_host_of_its_own_block(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.default = b"HTTP/1.1 204 No Content\r\n\r\n"
    plain = f"Host: a.example\r\nX-API-Key: {key}\r\n\r\n"
    other = f"Connection: keep-alive\r\nHost: evil.example\r\nX-API-Key: {key}\r\n\r\n"
    with gateway.connect() as connection:
        for head, fields in (("DELETE /things/1", plain), ("DELETE /things/2", other), ("DELETE /things/3", plain)):
            connection.sendall(f"{head} HTTP/1.1\r\n{fields}".encode())
            _read(connection, 1)
    hosts = [one.split(b"x-forwarded-host: ")[1].split(b"\r\n")[0] for one in upstream.received]
    assert hosts == [b"a.example", b"evil.example", b"a.example"]


def test_a_body_that_trickles_ends_with_the_whole_exchange_s_time(gate: Start, issue: Any) -> None:
    gateway = gate(limits={"timeouts": {"total": "2s", "body": "1s"}})
    key = issue(gateway.path)
    head = f"POST /text HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\nX-API-Key: {key}\r\n\r\n"
    began = time.monotonic()
    with gateway.connect() as connection:
        connection.sendall(head.encode())
        connection.settimeout(0.3)
        ended = False
        while not ended and time.monotonic() - began < 10:
            try:
                connection.sendall(b"x")
                ended = connection.recv(1000) is not None
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert time.monotonic() - began < 5


def test_a_request_that_was_refused_is_not_answered_again_when_its_body_never_comes(gate: Start) -> None:
    gateway = gate(limits={"timeouts": {"total": "2s", "body": "1s", "idle": "1s"}})
    with gateway.connect() as connection:
        connection.sendall(b"POST /text HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n")
        connection.settimeout(6)
        found = b""
        try:
            while block := connection.recv(65536):
                found += block
        except OSError:
            pass
    assert found.count(b"HTTP/1.1 ") == 1


def test_a_slow_reader_gets_all_of_a_long_answer_though_his_connection_ends(gate: Start, upstream: Any) -> None:
    gateway = gate(limits={"timeouts": {"body": "1s", "idle": "1s"}, "response": "8MiB"})
    body = b'{"name":"' + b"n" * 6_000_000 + b'"}'
    upstream.json(body)
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = 0
        while block := connection.recv(100_000):
            found += len(block)
            time.sleep(0.05)
    assert found > len(body)


def test_who_stops_reading_for_good_is_let_go_of(gate: Start, upstream: Any) -> None:
    gateway = gate(limits={"timeouts": {"body": "1s", "idle": "1s"}, "response": "8MiB", "connections": {"per_ip": 1}})
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6000011\r\n\r\n"
    upstream.default += b'{"name":"' + b"n" * 6_000_000 + b'"}'
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
        until, free = time.monotonic() + 15, False
        while not free and time.monotonic() < until:
            try:
                free = gateway.send(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")
            except OSError:
                time.sleep(0.1)
    assert free, "his seat was held for ever"


def test_the_header_s_limits_hold_for_its_line_and_for_every_line(gate: Start) -> None:
    gateway = gate()
    assert gateway.send(b"GET /open?%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 20_000)).startswith(b"HTTP/1.1 431")
    many = b"A: b\r\n" * 200
    assert gateway.send(b"GET /open HTTP/1.1\r\nHost: x\r\n%b\r\n" % many).startswith(b"HTTP/1.1 431")


def test_an_answer_that_does_not_begin_with_its_status_is_none(gate: Start, upstream: Any) -> None:
    gateway = gate()
    upstream.default = b'\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'
    assert gateway.get("/open")[0] == 502


def test_an_answer_that_says_twice_what_it_is_is_withheld(gate: Start, upstream: Any) -> None:
    gateway = gate()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\n"
    upstream.default = head + b'{"id":1}'
    assert gateway.get("/open")[0] == 502


def test_a_scrubbed_answer_that_trickles_holds_no_connection(gate: Start, upstream: Any) -> None:
    gateway = gate(
        upstream={"url": upstream.url, "connections": 1}, limits={"timeouts": {"upstream": "1s", "total": "2s"}}
    )

    def trickles(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.2)

    upstream.answers = [trickles]
    assert gateway.get("/open")[0] == 500
    time.sleep(2)
    assert gateway.get("/open")[0] == 200


def test_requests_do_not_wait_beside_connections_that_are_free(gate: Start, upstream: Any) -> None:
    gateway = gate(upstream={"url": "http://127.0.0.1:9", "connections": 1}, limits={"timeouts": {"upstream": "4s"}})
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(gateway.connect()) for _ in range(3)]
        for one in callers:
            one.sendall(b"GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [_read(one, 1) for one in callers] == [[b"HTTP/1.1 502"]] * 3
    assert time.monotonic() - began < 2
    del upstream

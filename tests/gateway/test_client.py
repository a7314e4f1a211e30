"""HTTP/1.1 towards callers: what RFC 9112 has, and what is refused because it could be read in two ways."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Start = Any
HOST = b"Host: x\r\n"

AMBIGUOUS = {
    "two-lengths": b"POST /text HTTP/1.1\r\n%bContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two-equal-lengths": b"POST /text HTTP/1.1\r\n%bContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "length-list": b"POST /text HTTP/1.1\r\n%bContent-Length: 1, 1\r\n\r\na",
    "length-with-sign": b"POST /text HTTP/1.1\r\n%bContent-Length: +1\r\n\r\na",
    "length-with-chunked": b"POST /text HTTP/1.1\r\n%bContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked-with-length": b"POST /text HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
    "coding-list": b"POST /text HTTP/1.1\r\n%bTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding-twice": b"POST /text HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-unknown": b"POST /text HTTP/1.1\r\n%bTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding-with-vertical-tab": b"POST /text HTTP/1.1\r\n%bTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding-in-1.0": b"POST /text HTTP/1.0\r\n%bTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare-lf": b"GET /open HTTP/1.1\n%b\n",
    "bare-lf-in-field": b"GET /open HTTP/1.1\r\n%bA: b\nC: d\r\n\r\n",
    "bare-cr-in-field": b"GET /open HTTP/1.1\r\n%bA: b\rC: d\r\n\r\n",
    "obs-fold": b"GET /open HTTP/1.1\r\n%bA: b\r\n c\r\n\r\n",
    "space-before-colon": b"GET /open HTTP/1.1\r\n%bA : b\r\n\r\n",
    "nul-in-field": b"GET /open HTTP/1.1\r\n%bA: b\x00c\r\n\r\n",
    "nul-in-target": b"GET /op\x00en HTTP/1.1\r\n%b\r\n",
    "bad-chunk-size": b"POST /text HTTP/1.1\r\n%bContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "chunk-size-with-sign": b"POST /text HTTP/1.1\r\n%bContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "chunk-without-end": b"POST /text HTTP/1.1\r\n%bContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "no-host": b"GET /open HTTP/1.1\r\nA: b\r\n\r\n",
    "two-hosts": b"GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "bad-host": b"GET /open HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "host-with-user": b"GET /open HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "absolute-form-mismatch": b"GET http://other/open HTTP/1.1\r\n%b\r\n",
    "absolute-form-of-another-scheme": b"GET ftp://x/open HTTP/1.1\r\n%b\r\n",
    "authority-form": b"CONNECT x:443 HTTP/1.1\r\n%b\r\n",
    "fragment": b"GET /open#a HTTP/1.1\r\n%b\r\n",
    "underscore-name": b"POST /text HTTP/1.1\r\n%bContent_Length: 5\r\n\r\n",
    "http-0.9": b"GET /open\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-1.2": b"GET /open HTTP/1.2\r\n%b\r\n",
    "no-version": b"GET /open  \r\n%b\r\n",
    "dot-segment": b"GET /things/../open HTTP/1.1\r\n%b\r\n",
    "encoded-dot-segment": b"GET /things/%%2e%%2e/open HTTP/1.1\r\n%b\r\n",
    "encoded-slash": b"GET /things/a%%2Fb HTTP/1.1\r\n%b\r\n",
    "encoded-backslash": b"GET /things/a%%5Cb HTTP/1.1\r\n%b\r\n",
    "encoded-nul": b"GET /things/a%%00 HTTP/1.1\r\n%b\r\n",
    "double-encoding": b"GET /things/a%%252e HTTP/1.1\r\n%b\r\n",
    "not-utf-8": b"GET /things/a%%ff HTTP/1.1\r\n%b\r\n",
    "empty-segment": b"GET //open HTTP/1.1\r\n%b\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused_closed_and_never_sent_on(
    gate: Start, upstream: Any, issue: Any, parsed: Any, name: str
) -> None:
    gateway = gate()
    key = issue(gateway.path).encode()
    raw = AMBIGUOUS[name]
    request = raw % (HOST + b"X-API-Key: " + key + b"\r\n") if b"%b" in raw else raw
    answer = gateway.send(request + b"GET /open HTTP/1.1\r\nHost: x\r\n\r\n")
    status, fields, body = parsed(answer)
    assert status in {400, 405, 431, 505, 415}, answer
    if status != 415:
        assert answer.count(b"HTTP/1.1 ") == 1, "the connection went on after an ambiguous message"
    assert fields["content-type"] == "application/problem+json"
    assert key not in body
    assert not [
        one
        for one in upstream.received
        if b"/things" in one.split(b"\r\n")[0] or one.startswith(b"POST /text HTTP/1.1\r\nx")
    ]
    assert not any(b"content_length" in one.lower() for one in upstream.received)


def test_an_admitted_request_reaches_the_upstream_without_what_is_not_its_business(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.json(b'[{"id":1,"name":"a","secret":"s"}]')
    status, fields, body = gateway.get(
        "/things?x=1", key, "X-Forwarded-For: 9.9.9.9", "X-Real-IP: 9.9.9.9", "Keep-Alive: 5", "X-HTTP-Method-Override: DELETE",
        "TE: trailers", "Accept-Language: de", "X-Ninefold-Caller: admin", "Accept-Encoding: gzip, lzma",
    )  # fmt: skip
    assert (status, body) == (200, b'[{"id":1,"name":"a"}]')
    sent = upstream.received[0].lower()
    assert sent.startswith(b"get /things?x=1 http/1.1\r\nhost: 127.0.0.1:")
    assert b"accept-language: de\r\n" in sent
    assert b"accept-encoding: gzip\r\n" in sent  # of what the caller takes, what can be opened
    for gone in (b"9.9.9.9", b"x-api-key", key.encode().lower(), b"override", b"keep-alive", b"te:", b"admin", b"lzma"):
        assert gone not in sent
    assert b"x-forwarded-for: 127.0.0.1\r\n" in sent
    assert b"forwarded: for=127.0.0.1;host=" in sent
    assert b"x-ninefold-caller: " + key.split("_")[2].encode().lower() in sent
    assert fields["x-request-id"].encode() in sent
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["cache-control"] == "no-store"


def test_a_field_that_connection_names_is_hop_by_hop(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    raw = f"GET /things HTTP/1.1\r\nHost: x\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nX-API-Key: {key}\r\n\r\n"
    gateway.send(raw.encode())
    assert b"x-mine" not in upstream.received[0].lower()


def test_the_same_fields_again_are_the_same_request_and_other_fields_are_not(
    gate: Start, upstream: Any, issue: Any
) -> None:
    """The fast way for a repeated header block decides as the parser's way does."""
    gateway = gate()
    good, poor = issue(gateway.path), issue(gateway.path, "reader")
    with gateway.connect() as connection:
        buffer = bytearray()

        def ask(line: str, key: str) -> int:
            connection.sendall(f"{line} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
            while b"\r\n\r\n" not in buffer:
                buffer.extend(connection.recv(65536))
            head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
            length = next(
                (int(one.split(b": ")[1]) for one in head.split(b"\r\n") if one.startswith(b"content-length")), 0
            )
            while len(rest) < length:
                rest += connection.recv(65536)
            del buffer[:]
            return int(head.split(b" ")[1])

        upstream.default = b"HTTP/1.1 204 No Content\r\n\r\n"
        assert [ask("DELETE /things/1", good), ask("DELETE /things/2", good), ask("DELETE /things/3", poor)] == [
            204,
            204,
            403,
        ]
        assert ask("DELETE /things/4", poor) == 403
        assert ask("DELETE /things/../5", good) == 400
    assert [one.split(b" ")[1] for one in upstream.received] == [b"/things/1", b"/things/2"]


def test_each_request_is_forwarded_with_the_host_that_it_named_itself(gate: Start, upstream: Any, issue: Any) -> None:
    """Neither a repeated header block nor a pipelined neighbour lends its host to another request."""
    gateway = gate()
    key = issue(gateway.path)
    head = f"X-API-Key: {key}\r\n"
    one = f"DELETE /things/1 HTTP/1.1\r\nHost: a.example\r\n{head}\r\n"
    other = f"POST /text HTTP/1.1\r\nHost: b.example\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n{head}\r\nx"
    upstream.default = b"HTTP/1.1 204 No Content\r\n\r\n"
    with gateway.connect() as connection:
        for request in (one, one, other, one):
            connection.sendall(request.encode())
            assert connection.recv(65536)
    gateway.send((one + other + one).encode())
    named = [line for raw in upstream.received for line in raw.split(b"\r\n") if line.startswith(b"x-forwarded-host")]
    a, b = b"x-forwarded-host: a.example", b"x-forwarded-host: b.example"
    assert named == [a, a, b, a, a, b, a]


def test_a_request_of_which_no_field_may_pass_is_still_one_whole_request(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.json(b"[]")
    gateway.send(f"GET /things HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert len(upstream.received) == 1
    assert b"x-request-id: " in upstream.received[0].partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("known", [False, True])
def test_who_closes_his_side_right_behind_a_request_gets_the_answer(gate: Start, known: bool) -> None:
    gateway = gate()
    request = b"GET /things HTTP/1.1\r\nHost: x\r\n\r\n" if known else b"GET /things HTTP/1.1\r\nHost:x\r\n\r\n"
    for _ in range(20):
        with gateway.connect() as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            said = b""
            while data := connection.recv(65536):
                said += data
        assert said.startswith(b"HTTP/1.1 401 ")
        assert said.count(b"HTTP/1.1") == 1


def test_pipelined_requests_are_answered_in_order(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    for number in range(5):
        upstream.json(b'{"id":%d}' % number)
    one = f"GET /things/a HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode()
    refused = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = gateway.send(one * 2 + refused + one * 3)
    ids = [int(part.split(b"}")[0]) for part in answer.split(b'{"id":')[1:]]
    assert ids == [0, 1, 2, 3, 4]
    assert answer.index(b" 404 ") > answer.index(b'{"id":1}')
    assert answer.index(b" 404 ") < answer.index(b'{"id":2}')


def test_two_thousand_pipelined_refusals_do_not_exhaust_the_stack(gate: Start) -> None:
    gateway = gate()
    answer = gateway.send(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
    assert answer.count(b"HTTP/1.1 404") == 2000


def test_a_body_streams_in_both_directions_with_either_framing(
    gate: Start, upstream: Any, issue: Any, parsed: Any
) -> None:
    gateway = gate(limits={"body": "8MiB"})
    key = issue(gateway.path)
    body = b"x" * 3_000_000
    upstream.answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1000\r\n%b\r\n" % (b"y" * 4096) * 500
        + b"0\r\nX-Trailer: t\r\n\r\n"
    ]
    status, fields, found = gateway.get("/text", key, "Content-Type: text/plain", method="POST", body=body)
    assert status == 200
    assert found == b"y" * 4096 * 500
    assert "x-trailer" not in fields
    assert upstream.received[0].endswith(body)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (b"a" * 10, b"b" * 70_000))
    raw = f"POST /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    upstream.answers = [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"]
    status, _, found = parsed(gateway.send(raw.encode() + chunks + b"0\r\nX-Trailer: secret\r\n\r\n"))
    assert (status, found) == (200, b"ok")
    assert b"a" * 10 in upstream.received[1]
    assert b"trailer: secret" not in upstream.received[1].lower()


def test_a_body_past_the_limit_is_413_before_or_while_it_comes(
    gate: Start, upstream: Any, issue: Any, parsed: Any
) -> None:
    gateway = gate(limits={"body": "1KiB"})
    key = issue(gateway.path)
    assert gateway.get("/text", key, "Content-Type: text/plain", method="POST", body=b"x" * 1025)[0] == 413
    raw = f"POST /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, fields, _ = parsed(gateway.send(raw.encode() + b"400\r\n%b\r\n" % (b"x" * 1024) * 3 + b"0\r\n\r\n"))
    assert status == 413
    assert fields["connection"] == "close"
    assert not any(one.endswith(b"0\r\n\r\n") for one in upstream.received), "a cut body looked whole to the upstream"


def test_expect_100_continue_is_answered_only_when_the_request_is_admitted(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
    head = "POST /text HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
    with gateway.connect() as connection:
        connection.sendall(f"{head}X-API-Key: {key}\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"body")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert b"expect" not in upstream.received[0].lower()
    with gateway.connect() as connection:
        connection.sendall(f"{head}\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
    assert gateway.get("/open", "", "Expect: 200-maybe")[0] == 417


def test_head_204_and_304_have_no_body(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"]
    status, fields, body = gateway.get("/things", key, method="HEAD")
    assert (status, body) == (200, b"")
    upstream.answers = [b"HTTP/1.1 204 No Content\r\n\r\n"]
    status, fields, body = gateway.get("/things/1", key, method="DELETE")
    assert (status, body) == (204, b"")
    assert "content-length" not in fields
    upstream.answers = [b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n']
    status, fields, body = gateway.get("/things", key, 'If-None-Match: "a"')
    assert (status, body, fields["etag"]) == (304, b"", '"a"')


def test_http_1_0_gets_its_answer_and_the_end_of_the_connection(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    ]
    answer = gateway.send(f"GET /text HTTP/1.0\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"\r\n\r\nabc")


def test_a_slow_header_is_408_and_an_idle_connection_ends(gate: Start) -> None:
    gateway = gate(limits={"timeouts": {"header": "500ms", "idle": "500ms"}})
    with gateway.connect() as connection:
        connection.sendall(b"GET /open HTTP/1.1\r\nHo")
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
    with gateway.connect() as connection:
        assert connection.recv(10) == b""


def test_a_header_past_the_limit_is_431_whether_it_ends_or_not(gate: Start, parsed: Any) -> None:
    gateway = gate(limits={"header": "2KiB"})
    assert parsed(gateway.send(b"GET /open HTTP/1.1\r\nHost: x\r\nA: %b\r\n\r\n" % (b"a" * 3000)))[0] == 431
    assert parsed(gateway.send(b"GET /open HTTP/1.1\r\nHost: x\r\nA: %b" % (b"a" * 100_000)))[0] == 431
    assert (
        parsed(
            gateway.send(
                b"GET /open HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(70)) + b"\r\n"
            )
        )[0]
        == 431
    )


def test_an_upgrade_is_tunnelled_only_where_the_contract_allows_it(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)

    def echo(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc\r\n\r\nhello"
        )
        while data := connection.recv(100):
            connection.sendall(data.upper())

    upstream.answers = [echo]
    head = f"GET %s HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with gateway.connect() as connection:
        connection.sendall((head % "/socket").encode())
        answer = b""
        while not answer.endswith(b"hello"):
            answer += connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 101 ")
        connection.sendall(b"ping")
        assert connection.recv(100) == b"PING"
    upstream.json(b"[]")
    with gateway.connect() as connection:
        connection.sendall((head % "/things").encode() + b"GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = b""
        while block := connection.recv(65536):
            found += block
    assert found.count(b"HTTP/1.1 200") == 2, "without the right to switch, HTTP goes on"
    assert b"upgrade" not in upstream.received[1].lower()


def test_connections_past_the_limit_of_an_address_are_turned_away(gate: Start) -> None:
    gateway = gate(limits={"connections": {"per_ip": 2}})
    with gateway.connect() as one, gateway.connect() as two:
        for connection in (one, two):
            connection.sendall(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 404")
        with gateway.connect() as three:
            three.sendall(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                assert three.recv(1000) == b""
                raise ConnectionResetError
    until = time.monotonic() + 5
    while True:
        answer = gateway.send(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n")
        if answer.startswith(b"HTTP/1.1 404") or time.monotonic() > until:
            break
    assert answer.startswith(b"HTTP/1.1 404"), "a place that is free again was not given"


def test_draining_lets_a_running_exchange_end_and_takes_no_new_one(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    import threading

    reached, go = threading.Event(), threading.Event()

    def late(connection: socket.socket, message: bytes) -> None:
        del message
        reached.set()
        go.wait(10)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")

    upstream.answers = [late]
    with gateway.connect() as connection:
        connection.sendall(f"GET /things HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        assert reached.wait(10)
        ending = threading.Thread(target=gateway.stop)
        ending.start()
        until = time.monotonic() + 5
        refused = False
        while not refused and time.monotonic() < until:
            try:
                gateway.connect().close()
            except (ConnectionRefusedError, ConnectionResetError):
                refused = True
        assert refused
        go.set()
        answer = connection.recv(65536)
        ending.join(20)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


@pytest.mark.fuzz
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_bring_the_gateway_down_or_reach_the_upstream_unadmitted(shared_gate: Any, data: Any) -> None:
    gateway, upstream = shared_gate
    pieces = st.sampled_from([
        b"GET ", b"POST ", b"/things", b"/text", b" HTTP/1.1", b"\r\n", b"\n", b"\r", b"Host: x", b": ", b"Content-Length: 5",
        b"Transfer-Encoding: chunked", b"5\r\nhello\r\n", b"0\r\n\r\n", b"\x00", b"hello", b"X-API-Key: nf_live_a_b", b" ", b"\t",
    ])  # fmt: skip
    raw = b"".join(data.draw(st.lists(st.one_of(pieces, st.binary(max_size=8)), max_size=30)))
    gateway.send(raw)
    assert not upstream.received
    assert gateway.send(b"GET /n HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")


@pytest.fixture
def shared_gate(gate: Start, upstream: Any) -> Any:
    return gate(), upstream


def test_a_first_request_may_be_cut_anywhere(gate: Start) -> None:
    gateway = gate()
    whole = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    for cut in range(1, len(whole)):
        with gateway.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(whole[:cut])
            time.sleep(0.005)
            connection.sendall(whole[cut:])
            assert connection.recv(65536)[:12] == b"HTTP/1.1 404", whole[:cut]

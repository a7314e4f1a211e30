"""The side towards the API: what is read strictly, what may pass, what is withheld, and what a caller learns of it."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Start = Any
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

BROKEN = {
    "two-lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
    "length-with-chunked": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "coding-list": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
    "obs-fold": HEAD + b"A: b\r\n c\r\nContent-Length: 2\r\n\r\n[]",
    "nul": HEAD + b"A: \x00\r\nContent-Length: 2\r\n\r\n[]",
    "bad-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "no-http": b"220 smtp.example.com ESMTP\r\n\r\n",
    "cut-short": HEAD + b"Content-Length: 200\r\n\r\n[",
    "status-999": b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
    "malformed-json": HEAD + b"Content-Length: 5\r\n\r\n[1,2,",
    "another-kind": HEAD + b'Content-Length: 15\r\n\r\n{"secret": "s"}',
    "encoded": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
    "undeclared-status": b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
    "undeclared-media": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nsecret",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://internal.example/secret\r\nContent-Length: 0\r\n\r\n",
    "endless-header": b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_broken_or_was_not_declared_is_502_and_says_nothing(
    gate: Start, upstream: Any, issue: Any, name: str
) -> None:
    gateway = gate()
    key = issue(gateway.path)

    def say(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(BROKEN[name])
        if name in {"cut-short", "endless-header"}:
            connection.close()

    upstream.answers = [say]
    status, fields, body = gateway.get("/things", key)
    assert status == 502
    assert fields["content-type"] == "application/problem+json"
    assert b"secret" not in body
    assert "location" not in fields
    event = gateway.trail()[0]
    assert event["outcome"] == "failed"
    assert event["reason"]


def test_what_leaks_in_an_answer_that_is_withheld_is_told_once_and_its_surplus_counted_once(
    gate: Start, upstream: Any, issue: Any
) -> None:
    """In one packet, for a caller who keeps his connection: it goes the short way first, and then the long one."""
    gateway = gate(responses={"undeclared": "block"}, limits={"lists": {"most": 1}})
    key = issue(gateway.path)
    for _ in range(2):  # from the second time on its header is known
        upstream.json(b"""[{"id":1,"name":"SELECT id FROM users WHERE mail = 'a'","secret":1},{"id":2}]""")
        with gateway.kept() as get:
            status, _, body = get("/things", key)
        assert status == 502
        assert b"SELECT" not in body
    for event in gateway.trail(2):
        assert (event["leaked"], event["surplus"]) == (["sql at $[0].name"], 1)


def test_an_answer_and_more_bytes_after_it_do_not_become_the_next_callers_answer(
    gate: Start, upstream: Any, issue: Any
) -> None:
    """Response desynchronisation: a second answer in one packet must belong to nobody (CWE-444)."""
    gateway = gate(upstream={"url": upstream.url, "connections": 1})
    key = issue(gateway.path)
    poison = HEAD + b'Content-Length: 12\r\n\r\n[{"id":6666}]'
    upstream.answers = [HEAD + b"Content-Length: 2\r\n\r\n[]" + poison]
    first = gateway.get("/things", key)
    upstream.json(b'[{"id":1}]')
    second = gateway.get("/things", key)
    assert first[0] in {200, 502}
    assert b"6666" not in first[2] + second[2]
    assert second[2] == b'[{"id":1}]'


def test_an_answer_whose_header_is_known_is_treated_as_the_first_was(gate: Start, upstream: Any, issue: Any) -> None:
    """Its body may come in pieces, be too long, be broken, or be nothing but what it was; the header stays the same."""
    gateway = gate(upstream={"url": upstream.url, "connections": 1})
    key = issue(gateway.path)
    head = HEAD + b"Content-Length: 27\r\nServer: s\r\n\r\n"
    body = b'[{"id":1,"secret":"s3cr3"}]'

    def in_pieces(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(head + body[:9])
        time.sleep(0.05)  # two packets, not one
        connection.sendall(body[9:])

    good = (200, b'[{"id":1}]')
    script: list[tuple[Any, tuple[int, bytes | None]]] = [
        (head + body, good),
        (head + body, good),
        (in_pieces, good),
        (head + body, good),
        (head + b'[{"id":"not a number    "}]', (502, None)),
        (head + body, good),
        (head + b'{"id":1,"secret":"s3cr3ts"}', (502, None)),
        (head + b"[" + b" " * 25 + b"]", (200, b"[]")),
    ]
    with gateway.kept() as get:
        for answer, (status, expected) in script:
            upstream.answers = [answer]
            got, fields, text = get("/things", key)
            assert got == status
            assert "server" not in fields
            assert b"s3cr" not in text
            if expected is not None:
                assert text == expected
                assert fields["cache-control"] == "no-store"
                assert fields["x-content-type-options"] == "nosniff"
                assert int(fields["content-length"]) == len(text)
        upstream.answers = [head + body + b"HTTP/1.1 200 OK\r\n"]
        assert get("/things", key)[0] in {200, 502}
        upstream.answers = [head + body]
        assert get("/things", key)[::2] == good
    assert upstream.connections > 1
    assert len([one for one in gateway.trail(len(script) + 2) if one.get("withheld") == 1]) >= 5


def test_a_plain_answer_whose_header_is_known_passes_whole_and_says_what_the_contract_asks(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    reader, writer = issue(gateway.path, "reader"), issue(gateway.path)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nX-Powered-By: x\r\n\r\n"
    with gateway.kept() as get:
        for key, text in ((reader, b"one"), (writer, b"two"), (reader, b"six")):
            upstream.answers = [answer + text]
            status, fields, body = get("/text", key, "Origin: https://app.example.com")
            assert (status, body) == (200, text)
            assert fields["access-control-allow-origin"] == "https://app.example.com"
            assert "x-powered-by" not in fields
        upstream.answers = [answer + b"abc"]
        assert get("/things", reader)[0] == 502  # the same header, of an operation that declares no text


def test_a_stream_leaves_as_it_comes_a_write_for_each_read(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    told = threading.Event()

    def speak(connection: socket.socket, message: bytes) -> None:
        del message
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"1\r\na\r\n2\r\nbc\r\n")
        assert told.wait(10)
        connection.sendall(b"3;x=y\r\ndef\r\n0\r\nX-Trailer: secret\r\n\r\n")

    upstream.answers = [speak]
    with gateway.connect() as connection:
        connection.sendall(f"GET /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        first = b""
        while b"\r\n\r\n" not in first or not first.endswith(b"bc\r\n"):
            first += connection.recv(65536)
        assert first.endswith(b"\r\n\r\n3\r\nabc\r\n")
        told.set()
        rest = b""
        while not rest.endswith(b"0\r\n\r\n"):
            rest += connection.recv(65536)
        assert rest == b"3\r\ndef\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 6\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"]
)
def test_a_stream_that_breaks_off_never_looks_whole(gate: Start, upstream: Any, issue: Any, framing: bytes) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [_last(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + framing)]
    raw = gateway.send(f"GET /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert b"content-length: 3\r\n" not in raw
    assert not raw.endswith(b"0\r\n\r\n")
    assert gateway.trail()[0]["outcome"] == "failed"


def _last(data: bytes) -> Callable[[socket.socket, bytes], None]:
    """Says this, and ends the connection."""

    def speak(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return speak


def test_interim_answers_are_dropped(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    upstream.answers = [
        b"HTTP/1.1 103 Early Hints\r\nLink: </secret>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        + HEAD
        + b"Content-Length: 2\r\n\r\n[]"
    ]
    status, fields, body = gateway.get("/things", key)
    assert (status, body) == (200, b"[]")
    assert "link" not in fields


def test_errors_keep_their_status_and_lose_their_words(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    for status in (400, 404, 409, 499, 500, 503):
        upstream.answers = [
            b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\nX-Trace: secret\r\nContent-Length: 30\r\n\r\nTraceback: secret in /srv/app.py"
            % status
        ]
        found, fields, body = gateway.get("/things", key)
        assert found == status
        assert fields["content-type"] == "application/problem+json"
        assert b"secret" not in body
        assert "x-trace" not in fields


def test_fields_that_nobody_declared_stay_behind(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate()
    key = issue(gateway.path)
    head = (
        HEAD
        + b'Server: nginx/1.2\r\nX-Powered-By: PHP\r\nX-Internal-Host: db1\r\nETag: "a"\r\nAccess-Control-Allow-Origin: *\r\n'
    )
    upstream.json(b"[]", head)
    _, fields, _ = gateway.get("/things", key)
    assert fields["etag"] == '"a"'
    assert not {"server", "x-powered-by", "x-internal-host", "access-control-allow-origin"} & fields.keys()


def test_cookies_over_tls_are_hardened(gate: Start, upstream: Any, issue: Any) -> None:
    gateway = gate(encryption=None)
    key = issue(gateway.path)
    upstream.json(b"[]", HEAD + b"Set-Cookie: a=b; Path=/\r\n")
    with gateway.connect() as connection:
        connection.sendall(f"GET /things HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n".encode())
        answer = connection.recv(65536)
    assert b"set-cookie: a=b; Path=/; Secure; HttpOnly; SameSite=Lax\r\n" in answer
    assert b"strict-transport-security: max-age=" in answer


def test_a_kept_connection_that_the_upstream_gave_up_is_tried_again_once(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    closed = threading.Event()

    def last(connection: socket.socket, message: bytes) -> None:
        del message
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")
        connection.recv(65536)  # the next request comes, and is not answered
        connection.close()
        closed.set()

    upstream.answers = [last]
    assert gateway.get("/things", key)[0] == 200
    upstream.json(b'[{"id":7}]')
    assert gateway.get("/things", key)[2] == b'[{"id":7}]'
    assert closed.wait(5)


def test_no_upstream_is_502_and_a_silent_one_is_504(gate: Start, upstream: Any, issue: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = taken.getsockname()[1]
    gateway = gate(upstream=f"http://127.0.0.1:{dead}")
    key = issue(gateway.path)
    assert gateway.get("/things", key)[0] == 502
    gateway.stop()
    gateway = gate(upstream=upstream.url, limits={"timeouts": {"upstream": "300ms"}}, trail={"path": "trail2.jsonl"})
    upstream.answers = [lambda connection, message: time.sleep(2)]
    began = time.monotonic()
    assert gateway.get("/things", key)[0] == 504
    assert time.monotonic() - began < 1.9


def test_an_early_answer_ends_the_connection_on_both_sides(gate: Start, issue: Any) -> None:
    """The upstream answers before the request is whole: the caller gets it, and neither connection is used again."""
    gateway = gate()
    key = issue(gateway.path)
    listener = socket.create_server(("127.0.0.1", 0))
    gateway.stop()
    gateway = gate(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}")
    with listener, gateway.connect() as connection:
        raw = f"POST /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nabc"
        connection.sendall(raw.encode())
        server, _ = listener.accept()
        with server:
            server.settimeout(5)
            sent = b""
            while not sent.endswith(b"abc"):
                sent += server.recv(65536)
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nnow")
            answer = connection.recv(65536)
            assert b"connection: close" in answer
            assert answer.endswith(b"now")
            try:
                assert server.recv(10) == b""
            except ConnectionResetError:
                pass


def test_a_slow_reader_holds_the_upstream_back_and_not_the_gateways_memory(
    gate: Start, upstream: Any, issue: Any
) -> None:
    gateway = gate()
    key = issue(gateway.path)
    sent = 0
    done = threading.Event()

    def pour(connection: socket.socket, message: bytes) -> None:
        nonlocal sent
        del message
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 400000000\r\n\r\n")
        connection.settimeout(1.0)
        try:
            while sent < 400_000_000:
                sent += connection.send(b"x" * 65536)
        except (TimeoutError, OSError):
            pass
        done.set()

    upstream.answers = [pour]
    with gateway.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(f"GET /text HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        assert done.wait(20)
    assert sent < 50_000_000


def test_the_served_description_is_public_and_true(gate: Start) -> None:
    import json

    gateway = gate(api={"description": "openapi.yaml", "serve_description": "/openapi.json"})
    status, fields, body = gateway.get("/openapi.json")
    assert (status, fields["content-type"]) == (200, "application/json")
    document = json.loads(body)
    assert document["paths"]["/things"]["get"]["responses"].keys() >= {"200", "401", "403", "429"}
    assert gateway.get("/openapi.json", method="POST")[0] == 405

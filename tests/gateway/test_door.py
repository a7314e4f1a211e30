"""The door: who comes in, how many at once, and what a caller holds before his TLS stands."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

import pytest

Start = Any
PLAIN: dict[str, Any] = {"encryption": {"plain": "the test speaks plain HTTP on loopback"}}


def _raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def _served(gateway: Any) -> bool:
    """Whether a whole exchange over TLS is possible now."""
    try:
        return bool(
            gateway.send(b"GET /n HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 404")
        )
    except OSError:
        return False


def _until(holds: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_handshake_that_never_ends_holds_a_seat_and_gives_it_back(gate: Start) -> None:
    gateway = gate(encryption=None, limits={"connections": {"per_ip": 2}})
    with _raw(gateway.port), _raw(gateway.port):
        with _raw(gateway.port) as third:
            assert third.recv(10) == b"", "a third connection was taken while two had not even begun their TLS"
        assert not _served(gateway)
    assert _until(lambda: _served(gateway)), "the seats were not given back"


def test_a_handshake_that_fails_gives_its_seat_back(gate: Start) -> None:
    gateway = gate(encryption=None, limits={"connections": {"per_ip": 1}})
    for _ in range(5):
        with _raw(gateway.port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: plain.on.a.tls.port\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(1000):
                    pass
        assert _until(lambda: _served(gateway))


def test_a_drain_does_not_wait_for_a_handshake(gate: Start) -> None:
    gateway = gate(encryption=None)
    with _raw(gateway.port) as connection:
        time.sleep(0.1)
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 5
        with pytest.raises(ConnectionResetError):
            assert connection.recv(10) == b""
            raise ConnectionResetError


def test_answers_do_not_wait_for_acknowledgements(gate: Start, upstream: Any) -> None:
    """A connection that the door took has TCP_NODELAY, as the loop's own server gives it."""
    gateway = gate(**PLAIN)
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with gateway.kept() as get:
        get("/open")
        began = time.monotonic()
        for _ in range(20):
            assert get("/open")[0] == 200
        assert time.monotonic() - began < 0.6, "twenty answers took as long as delayed acknowledgements"

"""Where alerts arrive: files and a port of loopback."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ninefold.audit.alerts import LONGEST, MOST, Channel, opened, parse_channel, silent
from ninefold.errors import FileError, ServiceError


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def post(port: int, body: bytes | list[bytes], method: str = "POST") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, "/hook", iter(body) if isinstance(body, list) else body)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("port", ["", "0", "65536", "9999999999", "x", "-1", "8 0", "\u0663"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match="listen:PORT"):
        parse_channel(f"listen:{port}", 1.0)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not there"):
        parse_channel(str(tmp_path / "none"), 1.0)
    with pytest.raises(FileError, match="no file"):
        parse_channel(str(tmp_path), 1.0)


def test_what_is_appended_arrives_and_what_was_there_is_before(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.write_text("old one\n\n")
    with opened(parse_channel(str(path), 1.0), time.time()) as alerts:
        assert alerts.before == ("old one",)
        assert alerts.began.lines() == []
        since = alerts.since()
        path.write_text("old one\n\nnew one\n")
        assert since.wait_within(lambda line: "new" in line, 1.0) == ["new one"]
        assert alerts.since().lines() == []


def test_lines_of_long_ago_say_nothing_of_today(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    path.write_text("old one\n")
    os.utime(path, (0, 0))
    with opened(Channel(path, 0, 1.0), time.time()) as alerts:
        assert alerts.before == ()


def test_what_is_posted_arrives_at_once() -> None:
    port = free_port()
    with opened(parse_channel(f"listen:{port}", 5.0), 0.0) as alerts:
        since = alerts.since()
        later = threading.Timer(0.1, post, (port, b'{"a":\n "b"}'))
        later.start()
        began = time.monotonic()
        assert since.wait_within(lambda _: True, 10.0) == ['/hook {"a": "b"}']
        assert time.monotonic() - began < 5
        later.join()
        assert post(port, [b"in ", b"chunks"]) == 204
        assert alerts.since().lines() == []
        assert alerts.began.lines()[1] == "/hook in chunks"
    with pytest.raises(OSError, match="refused"):
        post(port, b"")


def test_what_is_no_post_is_no_alert_and_long_ones_are_cut() -> None:
    port = free_port()
    with opened(Channel(None, port, 1.0), 0.0) as alerts:
        assert post(port, b"", "GET") == 501
        assert alerts.began.lines() == []
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            assert b"204" in raw.recv(1000)
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"POST / HTTP/1.1\r\nContent-Length: {LONGEST + 5}\r\n\r\n".encode() + b"a" * LONGEST)
            assert b"204" in raw.recv(1000)
        first, second = alerts.began.lines()
        assert first.strip() == "/"
        assert len(second) == LONGEST + 2


def test_no_more_than_some_are_kept() -> None:
    box = silent()
    put = box.began.box.put  # type: ignore[attr-defined]
    for number in range(MOST + 5):
        put(str(number))
    assert len(box.began.lines()) == MOST


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        with pytest.raises(ServiceError, match=str(port)), opened(Channel(None, port, 1.0), 0.0):
            pass

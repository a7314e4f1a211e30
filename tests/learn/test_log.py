from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.errors import FileError
from ninefold.learn.log import Line, lines

if TYPE_CHECKING:
    from pathlib import Path


def _lines(tmp_path: Path, *text: str) -> list[Line]:
    file = tmp_path / "a.log"
    file.write_text("\n".join(text) + "\n")
    return list(lines(file))


def test_the_combined_log_format_of_nginx_and_httpd(tmp_path: Path) -> None:
    found = _lines(
        tmp_path,
        '203.0.113.9 - jo [25/Nov/2026:10:00:01 +0100] "GET /orders/7?page=2 HTTP/1.1" 200 512 "-" "curl/8.5"',
        '2001:db8::1 - - [25/Nov/2026:10:00:02 +0000] "POST http://api.example.com/orders HTTP/1.1" 201 - "-" "x"',
        '203.0.113.9 - - [25/Nov/2026:10:00:03 +0000] "\\x16\\x03\\x01" 400 150',
        "",
    )
    assert [(one.method, one.target, one.status, one.address) for one in found] == [
        ("GET", "/orders/7?page=2", 200, "203.0.113.9"),
        ("POST", "/orders", 201, "2001:db8::1"),
    ]
    assert found[1].time - found[0].time == 3601
    assert found[0].served
    assert "query" in found[0].knows
    assert found[0].caller == "", "who signed in by Basic there is no caller of ours"


@pytest.mark.parametrize(
    "text",
    [
        '{"time":"2026-11-25T10:00:01Z","request_method":"GET","request_uri":"/a?b=1","status":"200","remote_addr":"203.0.113.9"}',
        '{"start_time":"2026-11-25T10:00:01.000Z","method":"GET","path":"/a?b=1","response_code":200,"downstream_remote_address":"203.0.113.9:5555"}',
        '{"ts":1795600801.0,"request":{"remote_ip":"203.0.113.9","method":"GET","uri":"/a?b=1"},"status":200}',
        '{"time_local":"25/Nov/2026:10:00:01 +0000","request":"GET /a?b=1 HTTP/1.1","status":200,"remote_addr":"203.0.113.9"}',
    ],
)
def test_json_lines_as_gateways_write_them(tmp_path: Path, text: str) -> None:
    (found,) = _lines(tmp_path, text)
    assert (found.time, found.method, found.target, found.status, found.address) == (
        1795600801.0, "GET", "/a?b=1", 200, "203.0.113.9",
    )  # fmt: skip


def test_a_trail_tells_who_called_and_no_query(tmp_path: Path) -> None:
    (found,) = _lines(
        tmp_path,
        '{"time":1.5,"id":"a","outcome":"refused","method":"GET","path":"/a","operation":"getA","caller":"k1","address":"::1","status":403}',
        '{"time":1.6,"notice":"key-due","caller":"k1"}',
    )
    assert (found.caller, found.operation, found.outcome, found.served) == ("k1", "getA", "refused", False)
    assert found.knows == frozenset({"caller"})


def test_a_file_without_one_request_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no line that tells of a request"):
        _lines(tmp_path, "hello", '{"a":1}', "[1,2]", "{")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        list(lines(tmp_path / "none"))


def test_a_line_that_never_ends_takes_no_more_memory_than_a_line_may(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    with file.open("wb") as out:
        out.write(b"{" + b"x" * (3 << 20))
        out.write(b'\n{"method":"GET","path":"/a","status":200}\n')
    assert [one.target for one in lines(file)] == ["/a"]

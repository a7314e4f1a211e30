from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ninefold.audit import record
from ninefold.audit.answer import Answer, Ask
from ninefold.audit.record import about, changing, has_status, ids, mark, tells_outcome, tells_who
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from pathlib import Path


def answer(status: int = 404, path: str = "/a", body: bytes = b"", **fields: str) -> Answer:
    headers = tuple((name.replace("_", "-"), value) for name, value in fields.items())
    return Answer(Ask("GET", path), status, headers, body)


def test_lines_are_those_after_the_mark(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    began = mark(log)
    assert began.lines() == []
    log.write_text("before\nafter\n")
    assert began.lines() == ["after"]


def test_a_log_that_was_rotated_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a long line from before\n")
    began = mark(log)
    log.write_text("new\n")
    assert began.lines() == ["new"]


def test_no_more_than_the_end_of_a_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "TAIL", 4)
    log = tmp_path / "log"
    log.write_text("")
    began = mark(log)
    log.write_text("x" * 1000 + "\nend")
    assert began.lines() == ["", "end"]


def test_waiting_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.01)
    monkeypatch.setattr(record, "SHIPPED", 0.01)
    log = tmp_path / "log"
    log.write_bytes(b"")
    began = mark(log)
    log.write_bytes(b"\xff\xfe other\n")
    assert began.wait(lambda line: "mine" in line) == []


def test_a_log_to_which_nothing_comes_is_waited_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.05)
    monkeypatch.setattr(record, "SHIPPED", 10.0)
    log = tmp_path / "log"
    log.write_text("before\n")
    began = mark(log)
    batch = threading.Timer(0.4, lambda: log.write_text("before\nother\nmine\n"))
    batch.start()
    assert began.wait(lambda line: "mine" in line) == ["mine"]
    batch.join()


def test_a_batch_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.05)
    monkeypatch.setattr(record, "SETTLES", 10.0)
    log = tmp_path / "log"
    log.write_text("")
    began = mark(log)
    writes = [
        threading.Timer(0.3, log.write_text, ["other\n"]),
        threading.Timer(0.6, log.write_text, ["other\nmine\n"]),
    ]
    for write in writes:
        write.start()
    assert began.wait(lambda line: "mine" in line) == ["mine"]
    for write in writes:
        write.join()


def test_a_log_that_grows_without_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.05)
    monkeypatch.setattr(record, "SHIPPED", 60.0)
    log = tmp_path / "log"
    log.write_text("before\n")
    began = mark(log)
    other = threading.Timer(0.2, lambda: log.write_text("before\nother\n"))
    other.start()
    start = time.monotonic()
    assert began.wait(lambda line: "mine" in line) == []
    assert time.monotonic() - start < 30
    other.join()


def test_what_came_before_the_wait_is_no_batch_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.05)
    monkeypatch.setattr(record, "SHIPPED", 10.0)
    log = tmp_path / "log"
    log.write_text("")
    began = mark(log)
    log.write_text("earlier\n")
    batch = threading.Timer(0.4, lambda: log.write_text("earlier\nmine\n"))
    batch.start()
    assert began.wait(lambda line: "mine" in line) == ["mine"]
    batch.join()


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Untried, match="cannot be read"):
        mark(tmp_path / "none")


def test_ids_are_fields_and_members_of_errors() -> None:
    body = json.dumps({"requestId": "r-123456", "title": "x", "account_id": "7"}).encode()
    assert ids(answer(body=body, x_request_id="q-123456", x_other="1")) == {
        "x-request-id": "q-123456",
        "requestId": "r-123456",
    }
    assert ids(answer(200, body=body)) == {}


def test_what_changes_and_looks_like_an_id_is_one() -> None:
    one, other = (
        answer(x_any=f"0f3a9c-{at}", date=f"day {at}00000", x_took=f"0.0012{at}", x_fixed="0f3a9c-1") for at in (1, 2)
    )
    assert changing(one, other) == {"x-any": "0f3a9c-1"}
    assert changing(one, answer()) == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("GET /a 404", True),
        ('"GET /a?x=1 HTTP/1.1" 404 12', True),
        ('{"path":"/a","status":404}', True),
        ("something about q-123456", True),
        ("something about my-mark", True),
        ("GET /a 200", False),
        ("GET /a/b 404", False),
        ("GET /x/a 404", False),
        ("GET /abc 404", False),
        ("4040 /a", False),
    ],
)
def test_a_line_is_about_a_request_by_mark_id_or_path_and_status(line: str, found: bool) -> None:
    assert about(answer(x_request_id="q-123456"), "my-mark")(line) is found


@pytest.mark.parametrize(
    ("line", "told"),
    [("a 404 b", True), ("status=404", True), ('"status":404}', True), ('"status": "404"', True), ("id-404", False),
     ("1404", False), ("10:404:1", False), ("/404/x", False), ("4.404", False)],
)  # fmt: skip
def test_a_status_stands_on_its_own(line: str, told: bool) -> None:
    assert has_status(line, 404) is told


def test_a_refusal_may_be_told_in_words_and_a_success_may_not() -> None:
    assert tells_outcome('{"outcome": "refused"}', 404)
    assert tells_outcome("user not found", 404)
    assert not tells_outcome('{"refused": "", "path": "/a"}', 404)
    assert not tells_outcome("user not found", 200)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("127.0.0.1 GET /a", True),
        ("[::1] GET /a", True),
        ("2001:db8::7 GET /a", True),
        ('{"caller": "k1"}', True),
        ('{"peer": {"address": "10.0.0.1"}}', True),
        ("user=bo path=/a", True),
        ('{"user": "", "path": "/a"}', False),
        ('{"caller": null}', False),
        ("10:00:00 GET /a 404", False),
        ("GET /users 404", False),
    ],
)
def test_who_made_a_request_is_an_address_or_a_name(line: str, told: bool) -> None:
    assert tells_who(line) is told

"""A whole answer: what leaves of it, in which coding, and that every fault is an answer that says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import ITEM
from tests.guard.test_treatment import treated
from tests.streaming import coded, plain

from ninefold.guard.answer import Answer
from ninefold.guard.request import Request
from ninefold.guard.whole import (
    MOST_AT_ONCE,
    MOST_OPENED_AT_ONCE,
    Released,
    at_once,
    coding_of,
    may_be_coded,
    release,
)

TREATMENT = treated({"application/json": {"schema": ITEM}}, b"application/json")
BODY = b'{"id":1,"secret":"s3cr3t"}'


def asked(accepts: bytes = b"", **others: Any) -> Request:
    fields = {b"accept-encoding": accepts} if accepts else {}
    request = Request("GET", "/a", fields, (), "127.0.0.1", False, 0, 0.0, 0.0, b"1")
    for name, value in others.items():
        setattr(request, name, value)
    return request


@pytest.mark.parametrize("came", ["", "gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("leaves", ["", "gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("view", [False, True])
def test_a_body_is_opened_projected_and_closed(came: str, leaves: str, view: bool) -> None:
    body = coded(BODY, came) if came else BODY
    found = release(asked(), TREATMENT, body, 100, came.encode(), leaves.encode(), view=view)
    assert isinstance(found, Released)
    text = bytes(found.body)
    assert (plain(text, leaves) if leaves else text) == b'{"id":1}'
    assert (found.withheld, found.coding) == (1, leaves.encode())


@pytest.mark.parametrize(
    ("body", "came", "why"),
    [
        (b'{"id":"s3cr3t"}', b"", "not as described"),
        (b"{", b"", "not as described"),
        (BODY, b"gzip", "cannot be opened"),
        (coded(BODY * 9, "br"), b"br", "more than limits.response"),
    ],
)
def test_a_fault_is_502_and_the_reason_is_for_the_trail(body: bytes, came: bytes, why: str) -> None:
    found = release(asked(), TREATMENT, body, 100, came)
    assert isinstance(found, Answer)
    assert (found.status, found.outcome, found.step) == (502, "failed", "upstream")
    assert why in found.reason
    assert "s3cr3t" not in found.reason + found.body.decode()


def test_a_body_without_memory_for_it_is_502() -> None:
    class Full:
        def release(self, request: Request, text: bytes) -> Any:
            raise MemoryError

    found = release(asked(held=Full()), TREATMENT, BODY, 100)
    assert isinstance(found, Answer)
    assert found.status == 502


def test_nothing_is_judged_too() -> None:
    class Strict:
        def release(self, request: Request, text: bytes) -> tuple[bytes | None, str]:
            return None, f"{len(text)} bytes cannot be judged"

    for body, came in ((b"", b""), (b"", b"gzip"), (coded(b"", "gzip"), b"gzip")):
        found = release(asked(held=Strict()), TREATMENT, body, 100, came)
        assert isinstance(found, Answer)
        assert (found.status, found.reason) == (404, "0 bytes cannot be judged")


def test_nothing_is_nothing_in_any_coding() -> None:
    assert release(asked(), TREATMENT, b"", 100, b"gzip", b"gzip") == Released(b"")


def test_short_bodies_are_read_at_once_and_bombs_are_not() -> None:
    assert at_once(BODY, b"") == (BODY, b"")
    assert at_once(b"x" * (MOST_AT_ONCE + 1), b"") is None
    assert at_once(coded(BODY, "gzip"), b"gzip") == (BODY, b"")
    assert at_once(coded(b"x" * MOST_OPENED_AT_ONCE, "gzip"), b"gzip") == (b"x" * MOST_OPENED_AT_ONCE, b"")
    assert at_once(coded(b"x" * (MOST_OPENED_AT_ONCE + 1), "gzip"), b"gzip") is None
    assert at_once(b"junk", b"gzip") == (b"junk", b"gzip")


@pytest.mark.parametrize(
    ("said", "accepts", "follows", "found"),
    [
        (b"", b"gzip", True, (b"", b"")),
        (b"identity", b"gzip", True, (b"", b"")),
        (b"gzip", b"br, gzip", True, (b"gzip", b"gzip")),
        (b"x-gzip", b"gzip", True, (b"gzip", b"gzip")),
        (b"gzip", b"br", True, (b"gzip", b"")),
        (b"gzip", b"", True, (b"gzip", b"")),
        (b"gzip", b"gzip", False, (b"gzip", b"")),
        (b"gzip, br", b"gzip, br", True, "the body came in several codings"),
        (b"lzma", b"lzma", True, "the body came in a coding that is not known"),
    ],
)
def test_which_coding_is_opened_and_which_is_closed(said: bytes, accepts: bytes, follows: bool, found: Any) -> None:
    assert coding_of(asked(accepts), said, follows=follows) == found


def test_an_answer_without_a_body_says_what_that_one_would() -> None:
    assert may_be_coded(asked(b"gzip"), 304, b"", varied=False)
    assert may_be_coded(asked(), 304, b"", varied=True)
    assert not may_be_coded(asked(b"lzma"), 304, b"", varied=False)
    assert may_be_coded(asked(method="HEAD"), 200, b"gzip", varied=False)
    assert not may_be_coded(asked(method="HEAD"), 200, b"", varied=False)
    assert not may_be_coded(asked(b"gzip"), 200, b"gzip", varied=True)

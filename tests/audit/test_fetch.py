"""One document, from https or from this machine, so large and so long at most."""

from __future__ import annotations

import io
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.fetch import Fetcher, Missing, day, past
from ninefold.audit.probe import trust
from ninefold.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable


def fetcher(most: int = 1000, seconds: float = 5.0, **more: Any) -> Fetcher:
    return Fetcher("ninefold/test", most, seconds, **more)


def body(url: str, **more: Any) -> bytes:
    sink = io.BytesIO()
    fetcher(**more).get(url, sink)
    return sink.getvalue()


def test_a_document_is_got_with_its_header(serve: Callable[..., str]) -> None:
    url = serve(lambda call: (200, {"Last-Modified": "Tue, 17 Nov 2026 10:00:00 GMT"}, call.path.encode()))
    sink = io.BytesIO()
    header = fetcher().get(f"{url}/a/all.zip", sink)
    assert (sink.getvalue(), day(header)) == (b"/a/all.zip", "2026-11-17")


def test_tls_is_verified(serve: Callable[..., str], certified: Any) -> None:
    url = serve(lambda _: (200, {}, b"x"), certified.context)
    assert body(url, context=trust(certified.authority)) == b"x"
    with pytest.raises(ServiceError, match="cannot be got"):
        body(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x", "http://10.0.0.1/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "127.0.0.1", "",
        "http://127.0.0.1:99999/", "http://127.0.0.1/a b", "http://[::1", "http://127.0.0.1\r\nX: y/", "http://localhost.evil.com/",
    ],
)  # fmt: skip
def test_other_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(ServiceError):
        body(url)


def test_a_password_is_sent_and_never_told(serve: Callable[..., str]) -> None:
    seen: list[str] = []

    def api(call: Any) -> Any:
        seen.append(call.headers["Authorization"])
        return 403, {}, b""

    url = serve(api).replace("http://", "http://me:s3cret@")
    with pytest.raises(ServiceError) as told:
        body(url)
    assert seen == ["Basic bWU6czNjcmV0"]
    assert "s3cret" not in str(told.value)


def test_credentials_do_not_follow_to_another_place(serve: Callable[..., str]) -> None:
    seen: list[str | None] = []

    def other(call: Any) -> Any:
        seen.append(call.headers["Authorization"])
        return 200, {}, b"x"

    there = serve(other)
    url = serve(lambda _: (302, {"Location": f"{there}/x"}, b"")).replace("http://", "http://me:s3cret@")
    assert body(url) == b"x"
    assert seen == [None]


@pytest.mark.parametrize("to", ["http://example.com/", "file:///etc/passwd", "http://169.254.169.254/latest"])
def test_redirects_go_to_no_other_kind_of_place(serve: Callable[..., str], to: str) -> None:
    with pytest.raises(ServiceError):
        body(serve(lambda _: (302, {"Location": to}, b"")))


def test_redirects_end(serve: Callable[..., str]) -> None:
    with pytest.raises(ServiceError, match="more than 5 times"):
        body(serve(lambda _: (302, {"Location": "/again"}, b"")))


def test_a_redirect_does_not_leave_tls(serve: Callable[..., str], certified: Any) -> None:
    plain = serve(lambda _: (200, {}, b"x"))
    url = serve(lambda _: (302, {"Location": plain}, b""), certified.context)
    with pytest.raises(ServiceError, match="away from https"):
        body(url, context=trust(certified.authority))


@pytest.mark.parametrize("status", [204, 206, 400, 403, 500, 503])
def test_what_is_no_success_is_told(serve: Callable[..., str], status: int) -> None:
    with pytest.raises(ServiceError, match=f"answers {status}"):
        body(serve(lambda _: (status, {}, b"")))


def test_what_is_not_there_is_told_apart(serve: Callable[..., str]) -> None:
    with pytest.raises(Missing):
        body(serve(lambda _: (404, {}, b"")))


def test_too_much_is_not_read(serve: Callable[..., str]) -> None:
    with pytest.raises(ServiceError, match="more than"):
        body(serve(lambda _: (200, {}, b"x" * 1001)))
    assert len(body(serve(lambda _: (200, {}, b"x" * 1000)))) == 1000


def test_a_cut_document_is_told(serve: Callable[..., str]) -> None:
    def api(call: Any) -> Any:
        call.close_connection = True
        return 200, {"Content-Length": "500"}, b"x" * 100

    with pytest.raises(ServiceError, match="cannot be got"):
        body(serve(api))


def test_a_server_that_drips_is_left(serve: Callable[..., str]) -> None:
    def api(call: Any) -> Any:
        call.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(20):
            call.wfile.write(b"x")
            time.sleep(0.1)
        return 200, {}, b""

    began = time.monotonic()
    with pytest.raises(ServiceError):
        body(serve(api), seconds=0.5)
    assert time.monotonic() - began < 2


def test_nobody_there_is_told() -> None:
    with pytest.raises(ServiceError, match="fix: check the address"):
        body("http://127.0.0.1:1/")


def test_a_day_is_one_and_not_to_come() -> None:
    today = date(2026, 11, 18)
    assert [past(one, today) for one in ("2026-11-18", "2026-11-19", "", "x")] == [True, False, False, False]
    assert day({"last-modified": "yesterday"}) == day({}) == ""

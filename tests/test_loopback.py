from __future__ import annotations

import builtins
import functools
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from fastapi import FastAPI
from flask import Flask

from ninefold.asgi import Guard
from ninefold.errors import ServiceError
from ninefold.loopback import is_asgi, served

if TYPE_CHECKING:
    from collections.abc import Callable


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])])
    return [environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"wsgi"]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})


def unmarked(scope: Any, receive: Any, send: Any) -> Any:
    return asgi(scope, receive, send)


class Wrapped:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asgi(scope, receive, send)


@pytest.mark.parametrize(
    ("app", "says"),
    [
        (asgi, True),
        (FastAPI(), True),
        (Wrapped(), True),
        (functools.partial(asgi), True),
        (unmarked, True),
        (wsgi, False),
        (Flask("x"), False),
        (functools.partial(wsgi), False),
    ],
)
def test_an_application_is_known_by_how_it_is_called(app: Any, says: bool) -> None:
    assert is_asgi(app) is says


def test_a_guard_is_an_asgi_application() -> None:
    assert is_asgi(Guard.__new__(Guard))


@pytest.mark.parametrize(("app", "body"), [(asgi, b"asgi"), (wsgi, b"wsgi"), (Wrapped(), b"asgi")])
def test_it_is_served_on_loopback_and_its_answers_name_no_server(app: Any, body: bytes) -> None:
    before = threading.active_count()
    with served(app) as url:
        assert url.startswith("http://127.0.0.1:")
        with urlopen(url + "/x", timeout=5) as answer:
            assert answer.read() == body
            assert answer.headers["Server"] is None
    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        urlopen(url, timeout=5)


def test_answers_in_two_writes_do_not_wait_for_each_other() -> None:
    with served(asgi) as url, closing(HTTPConnection(urlsplit(url).netloc, timeout=5)) as caller:
        began = time.monotonic()
        for _ in range(50):
            caller.request("GET", "/")
            assert caller.getresponse().read() == b"asgi"
        assert time.monotonic() - began < 1.0


def test_a_body_reaches_a_wsgi_application() -> None:
    with served(wsgi) as url, urlopen(Request(url, b"hello", method="PUT"), timeout=5) as answer:
        assert (answer.headers["X-Method"], answer.read()) == ("PUT", b"hello")


def test_an_application_that_does_not_start_is_told() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(ServiceError, match="did not start"), served(broken):
        pass


def test_what_is_no_application_is_told() -> None:
    with pytest.raises(ServiceError, match="str is no application"), served("app:app"):
        pass


def test_asgi_without_uvicorn_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    true = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "uvicorn":
            raise ImportError(name)
        return true(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ServiceError, match=r"uvicorn is not installed(.|\n)*pip install uvicorn"), served(asgi):
        pass

"""Serves an application of this process on a port of 127.0.0.1 while a `with` lasts, so that it can be asked like any other.

Nothing is added to what the application answers: a server's own banner would be taken for the application's.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import threading
import time
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from ninefold.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds that an application may take to start, and to end.
START, END = 10.0, 10.0


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The URL of `app`: ASGI 3 (served by uvicorn) or WSGI (PEP 3333). Raises `ServiceError` when it cannot be served."""
    if not callable(app):
        raise ServiceError(f"{type(app).__name__} is no application", remedy="give the ASGI or WSGI callable itself")
    with _asgi(app) if is_asgi(app) else _wsgi(app) as port:
        yield f"http://127.0.0.1:{port}"


def is_asgi(app: Any) -> bool:
    """Whether it is to be called with scope, receive and send, and not with environ and start_response."""
    while isinstance(app, functools.partial):
        app = app.func
    called = app if inspect.isroutine(app) else type(app).__call__
    if inspect.iscoroutinefunction(called):
        return True
    try:
        needed = [one for one in inspect.signature(app).parameters.values() if one.default is one.empty]
    except (TypeError, ValueError):
        return False
    return len([one for one in needed if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]) == 3


@contextmanager
def _asgi(app: Any) -> Iterator[int]:
    try:
        import uvicorn  # noqa: PLC0415  (only who has an ASGI application needs it)
    except ImportError:
        raise ServiceError(
            "uvicorn is not installed, and an ASGI application needs it to be served",
            remedy="pip install uvicorn, or serve the application yourself and give its URL",
        ) from None
    faults: list[BaseException] = []
    config = uvicorn.Config(
        app, interface="asgi3", log_config=None, access_log=False, server_header=False, loop="asyncio", ws="none"
    )
    server = uvicorn.Server(config)

    def run(bound: socket.socket) -> None:
        try:
            asyncio.run(server.serve([bound]))
        except (Exception, SystemExit) as fault:  # noqa: BLE001  (told to whoever waits for the start)
            faults.append(fault)

    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # headers and body are two writes, 40 ms apart without
        thread = threading.Thread(target=run, args=(bound,), daemon=True)
        thread.start()
        try:
            end = time.monotonic() + START
            while not server.started and thread.is_alive() and time.monotonic() < end:
                time.sleep(0.01)
            if not server.started:
                why = f": {faults[0]}" if faults else "; its log says why"
                raise ServiceError(f"the application did not start{why}", remedy="mend its lifespan")
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(END)


@contextmanager
def _wsgi(app: Any) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), _Request) as server:
        server.set_app(app)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(END)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        """Without the look-up of its own name that `HTTPServer` makes."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no fault of the application's."""


class _Handler(ServerHandler):
    server_software = ""
    request_handler: WSGIRequestHandler  # what it logs to when it is done


class _Request(WSGIRequestHandler):
    timeout = START

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
        elif self.parse_request():
            handler = _Handler(self.rfile, self.wfile, self.get_stderr(), self.get_environ(), multithread=True)  # type: ignore[arg-type]
            handler.request_handler = self
            handler.run(self.server.get_app())  # type: ignore[attr-defined]

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the parent's name)
        """The application has its own log."""

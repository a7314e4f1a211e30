"""Uvicorn as the token service needs it: bounded where it is not of its own, and showing the client's certificate.

Of itself Uvicorn waits for ever for the rest of a request's head, keeps as much of one as comes, and lets one address have
every connection. An unfinished TLS handshake holds no seat of these, and ends after ten seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ninefold.gateway.forwarded import canonical
from ninefold.guard.steps.arrival import subscriber

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from ninefold.contract.limits import Connections

HANDSHAKE_SECONDS = 10.0
#: How long a request's head may take, and a connection without one.
HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 5
#: How long requests that are going on have to end after the service was told to.
DRAIN_SECONDS = 12
#: Most bytes of a request that are not its body: line, fields, the framing of chunks and what comes after the last.
MOST_HEAD = 16 * 1024
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def listening(
    app: Any, bound: socket.socket, context: ssl.SSLContext | None, most: Connections
) -> AsyncIterator[None]:
    """Serves `app` at a bound socket until the block is left; then requests that are going on are ended in order."""
    config = uvicorn.Config(
        app, http=_Protocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=most.total, timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )  # fmt: skip
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # everything of note is in the trail
    config.load()
    config.ssl = context
    server = _Server(config, most.per_ip)
    serving = asyncio.create_task(server.serve([bound]))
    begun = asyncio.create_task(server.begun.wait())
    await asyncio.wait({serving, begun}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        begun.cancel()
        await serving
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Says when it listens, leaves signals to us, and does not wait long for a TLS handshake."""

    def __init__(self, config: uvicorn.Config, most_of_one: int) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()
        self._seats: dict[str, int] = {}
        self._most_of_one = most_of_one

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        await self.lifespan.startup()

        def protocol() -> _Protocol:
            return _Protocol(self.config, self.server_state, self.lifespan.state, loop, self._seats, self._most_of_one)

        tls = self.config.ssl
        seconds = HANDSHAKE_SECONDS if tls is not None else None
        self.servers = [
            await loop.create_server(
                protocol, sock=one, backlog=self.config.backlog, ssl=tls, ssl_handshake_timeout=seconds
            )
            for one in sockets or ()
        ]
        self.started = True
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class _Protocol(HttpToolsProtocol):
    """One connection. `seats` counts those of each address (an IPv6 /64 is one), of which one may have `most`."""

    def __init__(self, config: Any, state: Any, app_state: Any, loop: Any, seats: dict[str, int], most: int) -> None:
        super().__init__(config, state, app_state, loop)
        self._seats = seats
        self._most = most
        self._place = ""
        self._late: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._place = subscriber(canonical(self.client[0])) if self.client else ""
        self._seats[self._place] = self._seats.get(self._place, 0) + 1
        if self._seats[self._place] > self._most:
            transport.abort()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        left = self._seats.get(self._place, 1) - 1
        if left:
            self._seats[self._place] = left
        else:
            self._seats.pop(self._place, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self._wait_for_head()
        self._head += len(data)
        super().data_received(data)
        if self._head > MOST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LONG if self.cycle is None or self.cycle.response_complete else b"")
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        connection = self.transport.get_extra_info("ssl_object")
        certificate = connection.getpeercert(binary_form=True) if connection is not None else None
        if certificate:
            # ASGI's TLS extension, which Uvicorn does not have
            self.scope["extensions"] = {"tls": {"client_cert_chain": [ssl.DER_cert_to_PEM_cert(certificate)]}}

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head -= len(body)
        super().on_body(body)

    def _wait_for_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

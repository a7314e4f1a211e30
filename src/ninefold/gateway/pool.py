"""Connections to the upstream, kept and shared. Taking one that is idle costs a list's pop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.gateway.heads import Heads
from ninefold.gateway.upstream import UpstreamConnection

if TYPE_CHECKING:
    import ssl

    from ninefold.contract.model import Upstream
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.gateway import Gateway


class Pool:
    """At most `connections` of them; past that requests wait, and past `waiting` of those, 503."""

    def __init__(self, gateway: Gateway, upstream: Upstream, tls: ssl.SSLContext | None) -> None:
        self.gateway = gateway
        parts = urlsplit(upstream.url)
        assert parts.hostname is not None
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls
        self._most = upstream.connections
        self._most_waiting = upstream.waiting
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._waiting: deque[Exchange] = deque()
        self.heads = Heads()
        self.host_line = f" HTTP/1.1\r\nhost: {parts.netloc}\r\n".encode()

    def dispatch(self, exchange: Exchange) -> None:
        """Send on an idle connection; else on the next that is free."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                connection.start(exchange)
                return
        full = len(self._open) + len(self._connecting) >= self._most
        if full and len(self._waiting) >= self._most_waiting + len(self._connecting):
            # one may wait for each connection that is being made, and so many more
            exchange.client.fail(exchange, 503, "all connections to the upstream are busy, and upstream.waiting wait")
            return
        self._waiting.append(exchange)
        self._connect()

    def _connect(self) -> None:
        wanted = len(self._waiting) - len(self._connecting)
        if wanted > 0 and len(self._open) + len(self._connecting) < self._most:
            task = asyncio.get_running_loop().create_task(self._make())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _make(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.gateway.timeouts.upstream):
                await loop.create_connection(
                    lambda: UpstreamConnection(self),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )
        except (OSError, TimeoutError) as fault:
            status = 504 if isinstance(fault, TimeoutError) else 502
            self._fail_next(status, f"no connection to the upstream {self._host}:{self._port}: {fault or 'timed out'}")
        except Exception as fault:  # noqa: BLE001  # a fault of ours must not leave a caller waiting
            self._fail_next(503, f"no connection to the upstream: {type(fault).__name__}: {fault}")
        task = asyncio.current_task()
        assert task is not None
        self._connecting.discard(task)
        self._connect()

    def _fail_next(self, status: int, reason: str) -> None:
        while self._waiting:
            exchange = self._waiting.popleft()
            if self._alive(exchange):
                exchange.client.fail(exchange, status, reason)
                return

    @staticmethod
    def _alive(exchange: Exchange) -> bool:
        return not exchange.answered and not exchange.client.transport.is_closing()

    def made(self, connection: UpstreamConnection) -> None:
        """A connection was made; it takes whoever waits longest."""
        self._open.add(connection)
        self.release(connection)

    def release(self, connection: UpstreamConnection) -> None:
        """A connection is free."""
        while self._waiting:
            exchange = self._waiting.popleft()
            if self._alive(exchange):
                connection.start(exchange)
                return
        self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection has gone."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect()

    def sweep(self, now: float) -> None:
        """End what has taken too long."""
        for connection in [one for one in self._open if one.deadline <= now]:
            connection.expired()
        limit = self.gateway.timeouts.upstream
        while self._waiting and (not self._alive(self._waiting[0]) or self._waiting[0].now + limit <= now):
            exchange = self._waiting.popleft()
            if self._alive(exchange):
                exchange.client.fail(exchange, 503, "no connection to the upstream was free in time")

    def close(self) -> None:
        for task in list(self._connecting):
            task.cancel()
        for connection in list(self._open):
            connection.transport.abort()

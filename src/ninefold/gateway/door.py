"""Where connections come in. Each is counted before its TLS handshake, so that one which never ends holds a seat as well.

The loop's own server tells of a connection only when TLS stands; whoever opens many and says nothing would hold as many
descriptors as he likes, for as long as a handshake may take.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import TYPE_CHECKING

from ninefold.gateway.client import ClientConnection
from ninefold.gateway.forwarded import canonical
from ninefold.gateway.ja4 import MOST, hello, ja4
from ninefold.guard.steps.arrival import subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.gateway.gateway import Gateway

BACKLOG = 2048
HANDSHAKE_SECONDS = 10.0
#: So many are taken in one turn of the loop, before those who are inside are heard again.
MOST_AT_ONCE = 64
#: Without descriptors or memory, how long until the next is taken, in seconds.
PAUSE_SECONDS = 0.5
#: A ClientHello comes in a few segments; one that comes in more has no fingerprint.
MOST_LOOKS = 32
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Door:
    """One listening socket. `say` tells the operator."""

    __slots__ = ("_entering", "_gateway", "_loop", "_paused", "_say", "_socket", "_tls")

    def __init__(
        self, gateway: Gateway, bound: socket.socket, tls: ssl.SSLContext | None, say: Callable[[str], None]
    ) -> None:
        """`bound` is bound and does not block."""
        self._gateway = gateway
        self._socket = bound
        self._tls = tls
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._entering: dict[asyncio.Task[None], ClientConnection] = {}
        self._paused: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._socket.listen(BACKLOG)
        self._loop.add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Take no more; handshakes that are going on are cut."""
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        if self._tls is None:
            return  # they are inside within a turn, and asked to end there; cut now, they would enter and never be told to go
        for task, client in list(self._entering.items()):
            if not client.entered:
                task.cancel()

    def _accept(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                taken, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                if fault.errno in _EXHAUSTED:
                    self._pause(fault)
                return
            self._admit(taken, peer[0])

    def _admit(self, taken: socket.socket, peer: str) -> None:
        taken.setblocking(False)  # noqa: FBT003  # the socket's own way to say it
        address = canonical(peer)
        seat = subscriber(address)
        if not self._gateway.seat(seat):
            taken.close()
            return
        client = ClientConnection(self._gateway, address)
        begun: list[bool] = []

        def done(task: asyncio.Task[None]) -> None:
            self._entering.pop(task, None)
            if not begun:
                taken.close()  # ended before the loop had it; from then on the loop closes it, and it alone
            if not client.entered:
                self._gateway.leave(client.seat)

        task = self._loop.create_task(self._enter(taken, client, begun))
        self._entering[task] = client
        task.add_done_callback(done)

    async def _enter(self, taken: socket.socket, client: ClientConnection, begun: list[bool]) -> None:
        handshake = HANDSHAKE_SECONDS
        if self._tls is not None and self._gateway.fingerprints:
            until = self._loop.time() + handshake
            try:
                async with asyncio.timeout_at(until):
                    client.device = await self._greeting(taken)
            except (TimeoutError, OSError):
                taken.close()
                return
            handshake = max(until - self._loop.time(), 0.1)
        begun.append(True)
        try:
            await self._loop.connect_accepted_socket(
                lambda: client,
                taken,
                ssl=self._tls,
                ssl_handshake_timeout=handshake if self._tls is not None else None,
            )
        except ssl.SSLError as fault:
            # the caller's fault, and nobody is there to be told; what he showed of himself is told to the trail
            if isinstance(fault, ssl.SSLCertVerificationError):
                self._gateway.record_handshake(
                    client.peer, f"the client certificate was refused: {fault.verify_message}"
                )
            elif fault.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
                self._gateway.record_handshake(client.peer, "no client certificate was presented")
        except OSError:
            pass  # he went away

    async def _greeting(self, taken: socket.socket) -> str:
        """The fingerprint of the ClientHello that waits to be read; it stays there for TLS. Empty: it has none.

        `SO_RCVLOWAT` lets the socket be ready again only when more has come than was seen (socket(7)).
        """
        descriptor, before = taken.fileno(), -1
        try:
            for _ in range(MOST_LOOKS):
                ready = self._loop.create_future()
                self._loop.add_reader(descriptor, _come, ready)
                try:
                    await ready
                finally:
                    self._loop.remove_reader(descriptor)
                data = taken.recv(MOST, socket.MSG_PEEK)
                if len(data) <= before or not data:
                    return ""  # it ended, or no more of it comes
                before = len(data)
                try:
                    found = hello(data)
                    if found is not None:
                        return ja4(found)
                except ValueError:
                    return ""
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, before + 1)
            return ""
        finally:
            if taken.fileno() >= 0:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)

    def _pause(self, fault: OSError) -> None:
        self._say(f"no connection can be taken for now: {fault.strerror}")
        self._loop.remove_reader(self._socket.fileno())
        self._paused = self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        self._paused = None
        self._loop.add_reader(self._socket.fileno(), self._accept)


def _come(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)

"""Sockets with one deadline for a whole exchange, so that no server holds the audit up by dripping bytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from ninefold.audit.dial import Dial


class Deadline:
    """When the exchange under way must be over, on the monotonic clock. One exchange runs at a time."""

    def __init__(self) -> None:
        self.at = 0.0

    def start(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises `httpcore.ReadTimeout` when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the exchange took too long as a whole")
        return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """TCP to where `dial` leads, whatever host is asked for; every read and write keeps to the deadline."""

    def __init__(self, deadline: Deadline, dial: Dial) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline
        self._dial = dial

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002
        port: int,  # noqa: ARG002
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        def connect(address: str) -> httpcore.NetworkStream:
            most = min(self._deadline.left(), 5.0 if timeout is None else timeout)
            return self._backend.connect_tcp(address, self._dial.port, most, local_address, socket_options)

        return _Stream(self._dial.through(connect), self._deadline)

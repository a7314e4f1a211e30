"""Where an API's alerts arrive while it is audited: appended to a file, or sent by POST to a port of this machine.

Whatever tells people is asked to tell the audit too: Alertmanager, Grafana, a cloud's alarms, a script. What it writes is
anybody's form, so an alert is a line of text (of a POST the whole body, on one line).
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ninefold.audit.record import mark
from ninefold.audit.rule import Untried
from ninefold.errors import FileError, Place, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Longest alert in bytes, most of them that are kept, and seconds that a sender may be silent.
LONGEST, MOST, SILENCE = 64 * 1024, 2000, 5.0

#: How much of a file's end is read for what was there before the audit, and for how many seconds that tells anything.
_TAIL, _LATE = 64 * 1024, 30 * 86_400


class Arrivals(Protocol):
    """What has arrived from one moment on."""

    def lines(self) -> list[str]:
        """All of it. Raises `Untried` when it cannot be read."""

    def wait_within(self, wanted: Callable[[str], bool], seconds: float) -> list[str]:
        """What is wanted of it, as soon as there is some; none, if none comes within these seconds."""


@dataclass(frozen=True, slots=True)
class Channel:
    """`file`, or a `port` of 127.0.0.1 that takes POSTs. `within`: seconds in which an alert has to arrive."""

    file: Path | None
    port: int
    within: float


@dataclass(frozen=True, slots=True)
class Alerts:
    """`name` is the file or the URL. `began` has what arrived since the audit began, `before` the last lines before that, if
    they are not too old.

    `since()` begins anew; an alert has to arrive `within` seconds.
    """

    name: str
    began: Arrivals
    before: tuple[str, ...]
    within: float
    since: Callable[[], Arrivals]


def parse_channel(text: str, within: float) -> Channel:
    """`FILE`, or `listen:PORT`. Raises `ValueError` for a port that is none, `FileError` for a file that is not there."""
    if text.startswith("listen:"):
        port = text.removeprefix("listen:")
        if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535):
            raise ValueError(f"{text!r} has no port; write it as listen:PORT, with PORT from 1 to 65535")
        return Channel(None, int(port), within)
    path = Path(text)
    if not path.is_file():
        raise FileError(
            "is not there, or is no file",
            place=Place(text),
            remedy="name the file that alerts are appended to; make an empty one where none has come yet",
        )
    return Channel(path, 0, within)


@contextmanager
def opened(channel: Channel, now: float) -> Iterator[Alerts]:
    """Alerts from `now` (Unix seconds) on. Raises `ServiceError` when the port is taken, `FileError` for a file that cannot
    be read.
    """
    if channel.file is not None:
        path = channel.file
        try:
            began = mark(path)
            began.lines()
        except Untried as fault:
            raise FileError(fault.reason, place=Place(str(path)), remedy="let this user read it") from None
        yield Alerts(str(path), began, _end_of(path, now), channel.within, lambda: mark(path))
        return
    box = _Box()
    try:
        server = _server(box, channel.port)
    except OSError as fault:
        raise ServiceError(
            f"127.0.0.1:{channel.port} cannot be listened on for alerts ({fault.strerror or fault})",
            remedy="give --alerts listen:PORT a port that is free",
        ) from None
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Alerts(f"http://127.0.0.1:{channel.port}", box.since(), (), channel.within, box.since)
        finally:
            server.shutdown()
            thread.join()


def silent() -> Alerts:
    """A place in which nothing arrives, and nothing is waited for: for a rehearsal."""
    box = _Box()
    return Alerts("rehearsed", box.since(), (), 0.0, box.since)


def _end_of(path: Path, now: float) -> tuple[str, ...]:
    """The last lines of a file that hold something; none of one that has not changed for long."""
    try:
        if path.stat().st_mtime < now - _LATE:
            return ()
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            text = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-3:]


@dataclass(slots=True)
class _Box:
    """What was sent, in its order."""

    held: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, text: str) -> None:
        with self.changed:
            if len(self.held) < MOST:
                self.held.append(" ".join(text.split()))
            self.changed.notify_all()

    def since(self) -> _Since:
        with self.changed:
            return _Since(self, len(self.held))


@dataclass(frozen=True, slots=True)
class _Since:
    box: _Box
    at: int

    def lines(self) -> list[str]:
        with self.box.changed:
            return self.box.held[self.at :]

    def wait_within(self, wanted: Callable[[str], bool], seconds: float) -> list[str]:
        end = time.monotonic() + seconds
        with self.box.changed:
            while True:
                found = [line for line in self.box.held[self.at :] if wanted(line)]
                left = end - time.monotonic()
                if found or left <= 0:
                    return found
                self.box.changed.wait(left)


def _server(box: _Box, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        timeout = SILENCE

        def do_POST(self) -> None:
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
            length = self.headers.get("Content-Length", "0")
            body = self._chunks() if chunked else self.rfile.read(min(int(length), LONGEST) if length.isdigit() else 0)
            box.put(f"{self.path} {body.decode('utf-8', 'replace')}")
            self.send_response_only(204)
            self.end_headers()

        def _chunks(self) -> bytes:
            """A body in chunks (RFC 9112 section 7.1), as much of it as an alert may be long."""
            body = b""
            while len(body) < LONGEST:
                size = self.rfile.readline(80).split(b";")[0].strip()
                try:
                    length = int(size, 16)
                except ValueError:
                    break
                if length <= 0:
                    break
                body += self.rfile.read(min(length, LONGEST))
                self.rfile.readline(80)
            return body[:LONGEST]

        def log_message(self, *args: object) -> None:
            """What arrives is told by the rule."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Who hangs up has told nothing."""

    return Server(("127.0.0.1", port), Handler)

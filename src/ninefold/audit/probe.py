"""The only thing in the audit that sends: to one origin, paced, counted, bounded, safe methods and GraphQL queries only
unless allowed, and then PUT, PATCH and DELETE only to what the audit made itself.
"""

from __future__ import annotations

import re
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpcore

from ninefold.audit.again import Shell
from ninefold.audit.answer import SAFE, Answer, Ask, redact
from ninefold.audit.dial import Dial
from ninefold.audit.hello import GROUPS, Reply, client_hello
from ninefold.audit.ledger import Ledger
from ninefold.audit.rule import Untried
from ninefold.audit.tls import Handshake, distrust, offer, shake
from ninefold.audit.wire import Backend, Deadline
from ninefold.errors import FileError, Place, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

#: Most bytes of a response body that are read.
BODY = 256 * 1024

#: Seconds that one exchange may take from the connection to the last byte.
EXCHANGE = 10.0

#: A stream of events (HTML, section 9.2), what ends one of them, and the seconds that the first may take.
EVENTS, FIRST_EVENT = "text/event-stream", 1.0
_ENDS_EVENT = re.compile(rb"(?:\r\n|\n|\r){2}")

#: The field that tells an operator which run of the audit a request belongs to; every request has it.
MARK = "X-Ninefold-Audit"

#: Longest `Retry-After` (RFC 9110 section 10.2.3) that is waited for, in seconds, and how often.
PATIENCE, RETRIES = 30.0, 3

#: Seconds that are waited before each look at what an API does after it has answered.
MOMENTS = (0.0, 0.2, 0.8)

#: Seconds that removing what the audit made may take beyond the audit's own.
GRACE = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Most requests in all, requests a second, and seconds in all."""

    budget: int = 600
    rate: float = 50.0
    total: float = 300.0


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454 section 4), and the path that the API's paths stand under."""

    scheme: str
    host: str
    port: int
    base: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_origin(url: str) -> Origin:
    """Raises `ValueError` for what is no `http(s)` URL with a host and nothing but a path after it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no http(s) URL with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has a user, query or fragment; give scheme, host, port and base path only")
    if not re.fullmatch(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]*", parts.path):
        raise ValueError(f"{url!r} has characters in its path that must be percent-encoded")
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
    return Origin(parts.scheme, host, port, parts.path.rstrip("/"))


def trust(authority: Path | None) -> ssl.SSLContext:
    """A context that verifies against the system's authorities, or against this PEM file alone."""
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError) as fault:
        raise FileError(
            f"no authority can be read from it ({fault})",
            place=Place(str(authority)),
            remedy="give --authority a PEM file with the certificate that signed the API's",
        ) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


class Unanswered(Untried):
    """No whole answer came: no connection, no TLS, no HTTP, or not in time."""


class Probe:
    """Sends to `origin` and nowhere else; redirects are answers, not ways to go. Every connection is made by `dial`, and
    every request carries `run`, an id of this audit.

    Every method raises `Untried` when the API cannot be reached (`Unanswered`), throttles for too long, or a
    limit is spent.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        agent: str,
        context: ssl.SSLContext,
        limits: Limits | None = None,
        secrets: tuple[str, ...] = (),
        active: bool = False,
        dial: Dial | None = None,
        run: str = "",
        shell: Shell | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.origin = origin
        self.limits = limits or Limits()
        self.secrets = secrets
        self.active = active
        self.dial = dial or Dial(origin.host, origin.port)
        self.run = run or token_hex(8)
        self.sent = 0
        self.refusals = 0  # in a row, up to now
        self.ledger = Ledger()
        self.reserve = 0  # requests that are kept for removing what was made
        self.agent = agent
        self._shell = shell or Shell()
        self.clock = clock
        self._sleep = sleep
        self._end = clock() + self.limits.total
        self._next = clock()
        self._deadline = Deadline()
        self._context = context
        self._pool = self._open()

    def _open(self, local_address: str | None = None) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._context,
            max_connections=4,
            retries=0,
            local_address=local_address,
            network_backend=Backend(self._deadline, self.dial),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    @property
    def left(self) -> int:
        """How many requests may still be sent."""
        return self.limits.budget - self.sent - self.reserve

    @property
    def remaining(self) -> float:
        """Seconds that the audit may still take."""
        return max(0.0, self._end - self.clock())

    def source(self) -> str:
        """The address that requests come from. Raises `Untried` where it is not known."""
        try:
            return self.dial.source()
        except OSError as fault:
            raise Untried(f"this machine's own address is not known ({fault.strerror or fault})") from None

    def addresses(self) -> tuple[str, ...]:
        """What requests go to, once one has gone. Raises `Untried` where it is not known."""
        try:
            return self.dial.addresses()
        except OSError as fault:
            raise Untried(f"{self.origin.host} cannot be looked up ({fault.strerror or fault})") from None

    def hide(self, *secrets: str) -> None:
        """From now on these too must not reach a report."""
        self.secrets = (*self.secrets, *(one for one in secrets if one not in self.secrets))

    def moments(self) -> Iterator[None]:
        """At once, and a little later twice: for what an API does when it has answered already."""
        for wait in MOMENTS:
            self._sleep(wait)
            yield

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Within it the reserve may be spent, and a little more time than the audit has."""
        reserve, end = self.reserve, self._end
        self.reserve, self._end = 0, max(end, self.clock()) + GRACE
        try:
            yield
        finally:
            self.reserve, self._end = reserve, end

    def send(self, ask: Ask, *, patient: bool = True, source: str | None = None, most: int = BODY) -> Answer:
        """The answer. `patient`: a 429, or a 503 with `Retry-After`, is waited out, and `Untried` if it stays.

        `source` is the local address to send from (a second loopback address, say), `most` how many bytes of the body are
        read.
        """
        for _ in range(RETRIES):
            answer = self._send(ask, self.origin.scheme, source, most)
            wait = _retry_after(answer)
            if not patient or wait is None:
                return answer
            if wait > PATIENCE or self.clock() + wait > self._end:
                break
            self._sleep(wait)
        raise Untried(f"the API throttles the audit ({answer.status}) for longer than it may take")

    def plain(self, ask: Ask) -> Answer:
        """Ask the same host and port over plain HTTP."""
        return self._send(ask, "http", None)

    def handshake(self, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> Handshake:
        """Offer these TLS versions to the same host and port, verifying nothing, and tell what came of it."""
        self._turn()
        return shake(self.dial, oldest, newest)

    def offer(self, suites: tuple[int, ...], *, version: int = 0x0303, groups: tuple[int, ...] = GROUPS) -> Reply:
        """Offer just these cipher suites, as a client of TLS 1.2 or older, and tell what the server chose."""
        self._turn()
        hello = client_hello(self.origin.host, suites, token_bytes(32), version=version, groups=groups)
        return offer(self.dial, hello)

    def distrusted(self) -> str:
        """Why the certificate is not trusted, in OpenSSL's words; empty when it is, or there is no TLS."""
        if self.origin.scheme != "https":
            return ""
        self._turn()
        return distrust(self.dial, self._context)

    def _turn(self) -> None:
        if self.left <= 0:
            raise Untried(f"the budget of {self.limits.budget} requests is spent (--budget)")
        now = self.clock()
        if now > self._end:
            raise Untried(f"the audit's {self.limits.total:.0f} seconds are over")
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.limits.rate
        self.sent += 1

    def _authority(self, scheme: str) -> str:
        """Host and port as they stand in a URL of `scheme`."""
        return replace(self.origin, scheme=scheme).authority

    def _send(self, ask: Ask, scheme: str, source: str | None, most: int = BODY) -> Answer:
        # A GraphQL query is POST by convention and reads all the same; what holds anything else than queries needs leave.
        if ask.method not in SAFE and not self.active and not _reads(ask):
            raise Untried(f"{ask.method} may change things, and that takes --active")
        if ask.method not in SAFE and ask.method != "POST" and not self.ledger.admits(ask):
            raise Untried(f"{ask.method} {ask.path} would change what the audit did not make")
        if not ask.path.startswith("/"):
            raise Untried(f"{ask.path!r} is no absolute path")
        self._turn()
        accept = () if any(name.lower() == "accept" for name, _ in ask.headers) else (("Accept", "*/*"),)
        length = (("Content-Length", str(len(ask.body))),) if ask.body else ()
        own = (("Host", self.origin.authority), ("User-Agent", self.agent), (MARK, self.run), *accept, *length)
        return self._exchange(replace(ask, headers=(*own, *ask.headers)), scheme, source, most)

    def _exchange(self, ask: Ask, scheme: str, source: str | None, most: int) -> Answer:
        """The answer to `ask`, which has all its fields."""
        url = httpcore.URL(
            scheme=scheme.encode(),
            host=self.origin.host.encode(),
            port=self.origin.port,
            target=ask.target.encode(),
        )
        began = self.clock()
        self._deadline.start(EXCHANGE)
        pool = self._open(source) if source else self._pool
        try:
            with pool.stream(
                ask.method,
                url,
                headers=[(name.encode("latin-1"), value.encode("utf-8")) for name, value in ask.headers],
                content=ask.body or None,
            ) as response:
                body, truncated = self._read(response, most)
                fields = tuple((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in response.headers)
                status = response.status
        except UnicodeEncodeError as fault:
            raise Untried(f"the request cannot be written ({fault.reason})") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as fault:
            said = redact(str(fault), self.secrets) or type(fault).__name__
            raise Unanswered(
                f"{scheme}://{self.origin.authority} gave no answer to {ask.method} {ask.path}: {said}"
            ) from None
        finally:
            if source:
                pool.close()
        self.refusals = 0 if status < 400 else self.refusals + 1
        return Answer(
            ask,
            status,
            fields,
            body,
            truncated=truncated,
            took=self.clock() - began,
            plain=scheme == "http",
            secrets=self.secrets,
            shell=replace(self._shell, origin=f"{scheme}://{self._authority(scheme)}", source=source or ""),
        )

    def _read(self, response: httpcore.Response, most: int) -> tuple[bytes, bool]:
        """The body, and whether there was more. Of a stream that may never end, its first event, or what comes in a moment."""
        media = next((value.lower() for name, value in response.headers if name.lower() == b"content-type"), b"")
        endless = media.startswith(EVENTS.encode())
        if endless:
            self._deadline.start(FIRST_EVENT)
        body = bytearray()
        try:
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > most or (endless and _ENDS_EVENT.search(body)):
                    return bytes(body[:most]), True
        except httpcore.ReadTimeout:
            if not endless:
                raise
            return bytes(body), True
        return bytes(body), False


def reach(probe: Probe) -> None:
    """The first request, so that an API that is not there is told at once. Raises `ServiceError`.

    A certificate that is not trusted is no reason to end: it is for a rule to say so.
    """
    try:
        probe.send(Ask("GET", f"{probe.origin.base}/"), patient=False)
    except Unanswered as fault:
        if not probe.distrusted():
            raise ServiceError(fault.reason, remedy="start the API, or mend --url") from None


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait. None: the answer is no throttling. A date instead of seconds counts as two seconds."""
    said = answer.header("retry-after")
    if answer.status == 429 or (answer.status == 503 and said is not None):
        return float(said) if said and said.isdigit() else 2.0
    return None


def _reads(ask: Ask) -> bool:
    """Whether it is a GraphQL document that changes nothing."""
    from ninefold.audit.document import reads  # noqa: PLC0415  # takes long to load, and few APIs need it

    return reads(ask)

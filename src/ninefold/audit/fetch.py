"""Gets one document over HTTP, bounded: https alone, or plain http to this machine; so many bytes, and so long."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import httpcore

from ninefold.audit.wire import Backend, Deadline
from ninefold.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = 5
_REMEDY = "check the address and the network; a file that was got elsewhere can be imported"


@dataclass(frozen=True, slots=True)
class Fetcher:
    """`most` bytes of one document, `seconds` for all of it."""

    agent: str
    most: int
    seconds: float
    context: ssl.SSLContext | None = None

    def get(self, url: str, sink: BinaryIO, *, accept: str = "*/*") -> Mapping[str, str]:
        """Write the document to `sink`; gives the header, its names in lower case.

        Raises `Missing` for 404, and `ServiceError` for an address that is not allowed, no answer, an answer that is no
        success, and one that is too large or takes too long.
        """
        deadline = Deadline()
        deadline.start(self.seconds)
        context = self.context or ssl.create_default_context()
        with httpcore.ConnectionPool(ssl_context=context, retries=0, network_backend=Backend(deadline)) as pool:
            here, credentials = _parted(url)
            for _ in range(_REDIRECTS + 1):
                to = self._once(pool, here, credentials, sink, accept)
                if isinstance(to, dict):
                    return to
                there, _ = _parted(urljoin(here, str(to)))
                if urlsplit(here).scheme == "https" and urlsplit(there).scheme != "https":
                    raise ServiceError(f"{here} redirects away from https", remedy=_REMEDY)
                if urlsplit(there).netloc != urlsplit(here).netloc:
                    credentials = ""  # they are for the place that they were given for
                here = there
        raise ServiceError(f"{here} redirects more than {_REDIRECTS} times", remedy=_REMEDY)

    def _once(
        self, pool: httpcore.ConnectionPool, url: str, credentials: str, sink: BinaryIO, accept: str
    ) -> dict[str, str] | str:
        """The header, or where the answer redirects to."""
        headers = [("Host", urlsplit(url).netloc), ("User-Agent", self.agent), ("Accept", accept)]
        if credentials:
            headers.append(("Authorization", credentials))
        try:
            with pool.stream("GET", url, headers=headers) as response:
                fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                if response.status in {301, 302, 303, 307, 308} and fields.get("location"):
                    return fields["location"]
                if response.status == 404:
                    raise Missing(f"{url} is not there (404)", remedy=_REMEDY)
                if response.status != 200:
                    raise ServiceError(f"{url} answers {response.status}", remedy=_REMEDY)
                got = 0
                for chunk in response.iter_stream():
                    got += len(chunk)
                    if got > self.most:
                        raise ServiceError(f"{url} gives more than {self.most >> 20} MiB", remedy=_REMEDY)
                    sink.write(chunk)
                return fields
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as fault:
            raise ServiceError(f"{url} cannot be got ({str(fault) or type(fault).__name__})", remedy=_REMEDY) from None


class Missing(ServiceError):
    """There is no such document (404)."""


def day(header: Mapping[str, str]) -> str:
    """The day of `Last-Modified` (RFC 9110 section 8.8.2), or empty."""
    try:
        return parsedate_to_datetime(header.get("last-modified", "")).astimezone(UTC).date().isoformat()
    except (ValueError, TypeError, OverflowError):
        return ""


def past(told: str, today: date) -> bool:
    """Whether a day is one, and not to come."""
    try:
        return date.fromisoformat(told) <= today
    except ValueError:
        return False


def _parted(url: str) -> tuple[str, str]:
    """The URL without its user, and that as Basic credentials. Raises `ServiceError` for what may not be asked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        raise ServiceError(f"an address cannot be read ({fault})", remedy=_REMEDY) from None
    if not host or parts.scheme not in {"http", "https"} or any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ServiceError(f"{_shown(url)!r} is no http(s) URL", remedy=_REMEDY)
    if parts.scheme == "http" and not _loopback(host):
        raise ServiceError(
            f"{host} would be asked over plain http, where anybody on the way can change the answer",
            remedy="give an https URL; plain http goes to this machine alone",
        )
    shown = f"[{host}]" if ":" in host else host
    netloc = f"{shown}:{port}" if port else shown
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    credentials = "" if user == ":" else f"Basic {base64.b64encode(user.encode()).decode()}"
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), credentials


def _shown(url: str) -> str:
    return url.rpartition("@")[2][:200]


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

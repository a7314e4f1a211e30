"""Asks the issuer: its metadata, its keys, what a token means. Every answer bounded in time and in size, none from elsewhere.

https alone, or plain http to this machine's loopback; no redirect is followed, no coding undone.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

import httpcore

from ninefold.contract.value import is_loopback
from ninefold.errors import FileError, Place
from ninefold.identity.fault import BadToken, Unavailable
from ninefold.identity.segment import json_object

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 256 * 1024
MOST_CONNECTIONS = 32
_AGENT = (b"User-Agent", b"ninefold")


class Issuer:
    """One issuer, and the connections to it. `seconds` is how long one question may take, as a whole."""

    def __init__(self, url: str, seconds: float, authority: Path | None = None) -> None:
        """`authority` is a PEM file; None: the system's. Raises `FileError`."""
        self.url = url
        self._seconds = seconds
        try:
            self._context = ssl.create_default_context(cafile=str(authority) if authority is not None else None)
        except (OSError, ssl.SSLError) as fault:
            what = f"the issuer's authority cannot be used ({fault})"
            raise FileError(what, place=Place(str(authority)), remedy="name a PEM file with its certificate") from None
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def metadata(self) -> dict[str, Any]:
        """What the issuer says of itself, by OpenID Connect Discovery section 4 or RFC 8414 section 3. Raises `Unavailable`."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        places = (
            f"{path}/.well-known/openid-configuration",
            f"/.well-known/oauth-authorization-server{path}",
        )
        faults = []
        for place in places:
            url = urlunsplit((parts.scheme, parts.netloc, place, "", ""))
            try:
                found = _object(await self.get(url), url)
            except Unavailable as fault:
                faults.append(str(fault))
                continue
            if found.get("issuer") != self.url:
                raise Unavailable(f"{url} is the metadata of another issuer (RFC 8414 section 3.3)")
            return found
        raise Unavailable("; ".join(faults))

    async def get(self, url: str) -> bytes:
        """Raises `Unavailable`."""
        return await self._ask("GET", url, [(b"Accept", b"application/json")], b"")

    async def introspect(self, url: str, token: bytes, client: str, secret: str) -> dict[str, Any]:
        """The answer about a token (RFC 7662 section 2). Raises `Unavailable`."""
        # RFC 6749 section 2.3.1: both are form-encoded before they are put together
        credentials = base64.b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode())
        headers = [
            (b"Accept", b"application/json"),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
            (b"Authorization", b"Basic " + credentials),
        ]
        form = urlencode({"token": token.decode("latin-1"), "token_type_hint": "access_token"}).encode()
        return _object(await self._ask("POST", url, headers, form), url)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def _ask(self, method: str, url: str, headers: list[tuple[bytes, bytes]], content: bytes) -> bytes:
        parts = _checked(url)
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._context, max_connections=MOST_CONNECTIONS, keepalive_expiry=30.0, retries=0
            )
        fields = [(b"Host", parts.encode()), _AGENT, *headers]
        if method == "POST":
            fields.append((b"Content-Length", b"%d" % len(content)))
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._pool.stream(method, url, headers=fields, content=content) as response,
            ):
                if response.status != 200:
                    raise Unavailable(f"{url} answers {response.status}")
                if any(name.lower() == b"content-encoding" for name, _ in response.headers):
                    raise Unavailable(f"{url} encoded its answer, which was not asked for")
                got = bytearray()
                async for chunk in response.aiter_stream():
                    got += chunk
                    if len(got) > MOST_BYTES:
                        raise Unavailable(f"{url} gives more than {MOST_BYTES >> 10} KiB")
                return bytes(got)
        except TimeoutError:
            raise Unavailable(f"{url} did not answer within {self._seconds:g} s") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as fault:
            raise Unavailable(f"{url} cannot be asked ({str(fault) or type(fault).__name__})") from None


def _checked(url: str) -> str:
    """Host and port of a URL that may be asked: the issuer's metadata names some. Raises `Unavailable`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or any(not 33 <= ord(char) <= 126 for char in url) or parts.username or parts.fragment:
        raise Unavailable(f"{url[:200]!r} is no URL that can be asked")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise Unavailable(f"{url[:200]} would be asked without TLS")
    return parts.netloc


def _object(content: bytes, url: str) -> dict[str, Any]:
    try:
        return json_object(content, "answer")
    except BadToken:
        raise Unavailable(f"{url} answers with something else than one JSON object") from None

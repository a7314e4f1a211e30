"""TLS facts of a host and port, as a handshake shows them. Nothing is verified here and nothing is sent."""

from __future__ import annotations

import socket
import ssl
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.hello import MOST, Reply, reply
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from ninefold.audit.dial import Dial

#: Seconds that a connection and a handshake may take.
TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Handshake:
    """`version` and `cipher` are what both agreed on, empty if they did not (`fault` says why); `certificate`
    is DER.
    """

    version: str
    cipher: str
    certificate: bytes
    fault: str

    @property
    def agreed(self) -> bool:
        return bool(self.version)


def shake(dial: Dial, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> Handshake:
    """Offer these versions and every cipher this OpenSSL has. Raises `Untried` when no connection can be
    made.
    """
    context = _context(oldest, newest)
    try:
        raw = _connect(dial)
    except OSError as fault:
        raise Untried(f"no connection to {dial.host}:{dial.port}: {fault}") from None
    with raw:
        try:
            with context.wrap_socket(raw, server_hostname=dial.host) as secure:
                cipher = secure.cipher()
                return Handshake(
                    secure.version() or "",
                    cipher[0] if cipher else "",
                    secure.getpeercert(binary_form=True) or b"",
                    "",
                )
        except OSError as fault:
            return Handshake("", "", b"", str(fault) or type(fault).__name__)


def offer(dial: Dial, hello: bytes) -> Reply:
    """What a server answers to a ClientHello made by hand. Raises `Untried` when no connection can be made.

    A server that hangs up without a word has chosen nothing: an empty `Reply`.
    """
    ends, data = time.monotonic() + TIMEOUT, b""
    try:
        with _connect(dial) as raw:
            raw.sendall(hello)
            while len(data) < MOST and (left := ends - time.monotonic()) > 0:
                raw.settimeout(left)
                block = raw.recv(16_384)
                data += block
                if (found := reply(data)) is not None:
                    return found
                if not block:
                    break
    except (TimeoutError, ConnectionError, ValueError):
        return Reply()
    except OSError as fault:
        raise Untried(f"no connection to {dial.host}:{dial.port}: {fault}") from None
    return Reply()


def distrust(dial: Dial, context: ssl.SSLContext) -> str:
    """Why `context` does not trust what answers there, in OpenSSL's words; empty when it does."""
    try:
        with (
            _connect(dial) as raw,
            context.wrap_socket(raw, server_hostname=dial.host),
        ):
            return ""
    except ssl.SSLCertVerificationError as fault:
        return str(fault.verify_message)
    except OSError:
        return ""


def _connect(dial: Dial) -> socket.socket:
    return dial.through(lambda address: socket.create_connection((address, dial.port), TIMEOUT))


def _context(oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # facts are wanted, trust is not: no secret goes this way
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old versions are the question
        context.minimum_version = oldest
        context.maximum_version = newest
    return context

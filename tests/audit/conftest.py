"""A target of each make: a description, a tree of source, and small real servers on loopback."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.audit.again import again

from ninefold.audit.again import Shell, variables
from ninefold.audit.key import Key
from ninefold.audit.probe import Limits, Probe, parse_origin, trust
from ninefold.audit.survey import Survey
from ninefold.audit.target import Target
from ninefold.contract.openapi import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ninefold.contract.description import Description

__all__ = ["again"]

NOW = 1_795_000_000.0  # 2026-11-18


def _describe(document: dict[str, Any]) -> Description:
    return read({"openapi": "3.1.0", "info": {"title": "test", "version": "1"}, **document}, "openapi.json")


@pytest.fixture
def describe() -> Callable[[dict[str, Any]], Description]:
    return _describe


@contextmanager
def _serving(api: Any, context: ssl.SSLContext | None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # header and body are two writes

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            self.method, self.query = self.command, parse_qs(parts.query)
            self.path = parts.path
            self.content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, body = api(self)
            self.send_response_only(status)
            for name, value in headers.items():
                for one in value if isinstance(value, list) else [value]:
                    self.send_header(name, one)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_SEARCH = _answer  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Tests have no use for it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A caller that hangs up is part of the tests."""

        def get_request(self) -> Any:
            raw, address = super().get_request()
            return (context.wrap_socket(raw, server_side=True) if context else raw), address

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """`serve(api, context)`: the URL of a server that answers by calling `api`; it ends with the test."""
    with ExitStack() as stack:
        yield lambda api, context=None: stack.enter_context(_serving(api, context))


@pytest.fixture
def live(
    describe: Callable[[dict[str, Any]], Description], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Target]]:
    """`live(url, document, *keys)`: a target with a running API."""
    with ExitStack() as stack:

        def build(
            url: str,
            document: dict[str, Any] | None = None,
            *keys: str | Key,
            authority: Path | None = None,
            limits: Limits | None = None,
            **more: Any,
        ) -> Target:
            if authority:
                monkeypatch.setenv("NINEFOLD_AUTHORITY", str(authority))
            held = tuple(one if isinstance(one, Key) else Key("header", "X-API-Key", one) for one in keys)
            probe = stack.enter_context(
                Probe(
                    parse_origin(url),
                    agent="ninefold-audit/test",
                    context=trust(authority),
                    limits=limits or Limits(rate=1000.0),
                    secrets=tuple(secret for key in held for secret in key.secrets),
                    active=bool(more.get("active")),
                    shell=Shell(
                        variables(held, more.get("expired"), more.get("revoked")), authority=authority is not None
                    ),
                )
            )
            api = describe(document) if document is not None else None
            target = Target(now=NOW, description=api, keys=held, **more)
            return target.at(url, probe, Survey(probe, api, held))

        yield build


@pytest.fixture
def static(describe: Callable[[dict[str, Any]], Description]) -> Callable[[dict[str, Any]], Target]:
    """`static(document)`: a target with a description and nothing else."""
    return lambda document: Target(now=NOW, description=describe(document))


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Target]:
    """`source(files, advisories)`: a target with a tree of these files."""

    def build(files: dict[str, str], advisories: Path | None = None) -> Target:
        root = tmp_path / "source"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return Target(now=NOW, source=root, advisories=advisories)

    return build


@dataclass(frozen=True)
class Certified:
    """A server's TLS context, and the PEM file that trusts it."""

    context: ssl.SSLContext
    authority: Path


def _certify(
    folder: Path, *, host: str = "127.0.0.1", days: int = 30, bits: int = 2048, began: datetime | None = None
) -> Certified:
    """A certificate of its own authority for `host`, which is an address or a name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ninefold test")])
    start = began or datetime.fromtimestamp(time.time(), UTC) - timedelta(days=1)
    subject = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days + 1))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=True,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    authority = folder / "authority.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if bits < 2048:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(authority, folder / "key.pem")
    return Certified(context, authority)


@pytest.fixture
def certify(tmp_path: Path) -> Callable[..., Certified]:
    """`certify(host=, days=, bits=, began=)`: a server's certificate with these."""
    return lambda **told: _certify(tmp_path / f"tls{len(list(tmp_path.iterdir()))}", **told)


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A certificate without fault for 127.0.0.1."""
    return _certify(tmp_path_factory.mktemp("tls"))

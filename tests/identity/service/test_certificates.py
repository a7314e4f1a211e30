"""Clients that prove themselves by their certificate, over real TLS (RFC 8705)."""

from __future__ import annotations

import contextlib
import json
import ssl
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey
from tests.identity.issuing import decoded
from tests.identity.service.conftest import Service, running, written
from tests.identity.service.test_guarded import proof

from ninefold.errors import ContractError
from ninefold.identity.service.grants import API_KEY, EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._signed(self.name, self.key, authority=True).public_bytes(Encoding.PEM))

    def give(self, name: str, subject: str = "") -> tuple[Path, Path]:
        """The files with a certificate and with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject or name)])
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(self._signed(named, key, authority=False).public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def list(self, revoked: list[Path]) -> bytes:
        """Its revocation list, in PEM."""
        now = datetime.now(UTC)
        found = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now - timedelta(hours=1))
        found = found.next_update(now + timedelta(hours=1)).add_extension(x509.CRLNumber(1), critical=False)
        for path in revoked:
            serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(minutes=5))
            found = found.add_revoked_certificate(entry.build())
        return found.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_usage(authority=authority), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        not authority, False, False, False, False, authority, authority, False, False
    )  # fmt: skip


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "trusted")


@contextlib.contextmanager
def served(
    folder: Path,
    trusted: Authority,
    identity: dict[str, Any] | None = None,
    clients: dict[str, Any] | None = None,
    **sections: Any,
) -> Iterator[Service]:
    """Over TLS, asking for certificates of one authority and going on without one."""
    certificate, key = trusted.give("server", "127.0.0.1")
    tls = {
        "certificate": str(certificate),
        "key": str(key),
        "clients": {"authority": str(trusted.path)} | (clients or {}),
    }
    whole = {"issuer": "https://127.0.0.1:9443"} | (identity or {})
    with running(written(folder, 0, whole, encryption={"tls": tls}, **sections)) as found:
        yield found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, trusted: Authority) -> Iterator[Service]:
    """With two clients that have certificates."""
    with served(tmp_path_factory.mktemp("desk"), trusted) as found:
        for name in ("billing", "stock"):
            trusted.give(name)
            path = str(trusted.folder / f"{name}.pem")
            ran = found.run("tokens", "clients", "add", name, "--certificate", path, "--role", "reader")
            assert ran.exit_code == 0, ran.output
        yield found


def asked(
    desk: Service, authority: Authority, shown: str, client: str, headers: dict[str, str] | None = None, **form: str
) -> httpx.Response:
    """By a TLS client that shows a certificate; empty: none."""
    context = ssl.create_default_context(cafile=str(authority.path))
    if shown:
        context.load_cert_chain(authority.folder / f"{shown}.pem", authority.folder / f"{shown}.key")
    form = form or {"grant_type": "client_credentials", "client_id": client}
    with httpx.Client(verify=context) as web:
        return web.post(f"{desk.url}/token", data=form, headers=headers)


def thumbprint(authority: Authority, name: str) -> str:
    certificate = x509.load_pem_x509_certificate((authority.folder / f"{name}.pem").read_bytes())
    return urlsafe_b64encode(sha256(certificate.public_bytes(Encoding.DER)).digest()).rstrip(b"=").decode()


def test_rfc8705_2_a_client_is_its_certificate_and_its_token_is_bound_to_it(desk: Service, trusted: Authority) -> None:
    answer = asked(desk, trusted, "billing", "billing")
    assert answer.status_code == 200, answer.text
    told = json.loads(decoded(answer.json()["access_token"].split(".")[1]))
    assert (told["sub"], told["roles"]) == ("billing", ["reader"])
    assert told["cnf"] == {"x5t#S256": thumbprint(trusted, "billing")}
    assert answer.headers["strict-transport-security"]


def test_rfc8705_3_3_what_the_service_can_do_is_in_its_metadata(desk: Service, trusted: Authority) -> None:
    with httpx.Client(verify=ssl.create_default_context(cafile=str(trusted.path))) as web:
        told = web.get(f"{desk.url}/.well-known/oauth-authorization-server").json()
    assert told["tls_client_certificate_bound_access_tokens"] is True
    assert "tls_client_auth" in told["token_endpoint_auth_methods_supported"]


@pytest.mark.parametrize(
    ("shown", "client"),
    [("", "billing"), ("stock", "billing"), ("same-name", "billing"), ("billing", "nobody"), ("billing", "")],
)
def test_rfc8705_2_no_other_certificate_is_that_client(
    desk: Service, trusted: Authority, shown: str, client: str
) -> None:
    trusted.give("same-name", "billing")  # another key under the same name: what counts is the certificate
    answer = asked(desk, trusted, shown, client)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_rfc8705_2_a_certificate_of_nobody_known_ends_the_handshake(
    desk: Service, trusted: Authority, tmp_path: Path
) -> None:
    Authority(tmp_path, "trusted").give("billing", "billing")
    context = ssl.create_default_context(cafile=str(trusted.path))
    context.load_cert_chain(tmp_path / "billing.pem", tmp_path / "billing.key")
    with (
        httpx.Client(verify=context) as web,
        pytest.raises(httpx.TransportError, match=r"(?i)unknown.ca|closed|reset|disconnected"),
    ):
        web.post(f"{desk.url}/token", data={"grant_type": "client_credentials", "client_id": "billing"})


@pytest.mark.parametrize("field", ["Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert", "SSL_CLIENT_CERT"])
def test_rfc9440_a_certificate_in_a_field_is_none(desk: Service, trusted: Authority, field: str) -> None:
    text = (trusted.folder / "billing.pem").read_text().replace("\n", "")
    assert asked(desk, trusted, "", "billing", headers={field: text}).status_code == 401


@pytest.mark.parametrize(("shown", "status"), [("", 400), ("stock", 200)])
def test_rfc8705_4_where_tokens_are_bound_to_certificates_every_client_shows_one(
    tmp_path: Path, trusted: Authority, shown: str, status: int, issue: Any
) -> None:
    with served(tmp_path, trusted, {"bound": "certificate", "unbound": None}) as found:
        form = {"grant_type": EXCHANGE, "subject_token": issue(found.path, "reader"), "subject_token_type": API_KEY}
        answer = asked(found, trusted, shown, "", **form)
        assert answer.status_code == status, answer.text
        if status == 200:
            told = json.loads(decoded(answer.json()["access_token"].split(".")[1]))
            assert told["cnf"] == {"x5t#S256": thumbprint(trusted, shown)}


@pytest.mark.parametrize("proven", [True, False])
def test_rfc9449_where_tokens_are_bound_to_keys_a_certificate_alone_is_not_enough(
    tmp_path: Path, trusted: Authority, proven: bool
) -> None:
    key = ECKey.generate_key("P-256")
    with served(tmp_path, trusted, {"bound": "dpop", "unbound": None}) as found:
        path = str(trusted.folder / "billing.pem")
        found.run("tokens", "clients", "add", "billing", "--certificate", path, "--role", "reader")
        sent = {"DPoP": proof(key, "POST", "https://127.0.0.1:9443/token")} if proven else {}
        answer = asked(found, trusted, "billing", "billing", headers=sent)
        assert answer.status_code == (200 if proven else 400)
        if proven:
            told = json.loads(decoded(answer.json()["access_token"].split(".")[1]))
            assert told["cnf"] == {"jkt": key.thumbprint(), "x5t#S256": thumbprint(trusted, "billing")}


def test_a_service_that_speaks_tls_is_not_called_http(tmp_path: Path, trusted: Authority) -> None:
    with (
        pytest.raises(ContractError, match="speaks TLS"),
        served(tmp_path, trusted, {"issuer": "http://127.0.0.1:9443"}),
    ):
        pass


def test_a_removed_client_is_none_with_its_certificate(desk: Service, trusted: Authority) -> None:
    trusted.give("leaving")
    path = str(trusted.folder / "leaving.pem")
    assert desk.run("tokens", "clients", "add", "leaving", "--certificate", path, "--role", "reader").exit_code == 0
    assert asked(desk, trusted, "leaving", "leaving").status_code == 200
    assert desk.run("tokens", "clients", "remove", "leaving").exit_code == 0
    assert asked(desk, trusted, "leaving", "leaving").status_code == 401


@pytest.mark.parametrize(("revoked", "status"), [(False, 200), (True, 401)])
def test_rfc5280_6_3_a_certificate_that_its_authority_revoked_is_none(
    tmp_path: Path, trusted: Authority, revoked: bool, status: int
) -> None:
    path, _ = trusted.give("listed")
    (tmp_path / "list.pem").write_bytes(trusted.list([path] if revoked else []))
    with served(tmp_path, trusted, clients={"crl": str(tmp_path / "list.pem")}) as found:
        assert (
            found.run("tokens", "clients", "add", "listed", "--certificate", str(path), "--role", "reader").exit_code
            == 0
        )
        assert asked(found, trusted, "listed", "listed").status_code == status


@pytest.mark.parametrize(("shown", "status"), [("", 400), ("billing", 200)])
def test_a_key_that_needs_a_certificate_beside_it_needs_it_here_too(
    tmp_path: Path, trusted: Authority, issue: Any, shown: str, status: int
) -> None:
    trusted.give("billing")
    with served(tmp_path, trusted, keys={"with": {"certificate": True}}) as found:
        form = {"grant_type": EXCHANGE, "subject_token": issue(found.path, "reader"), "subject_token_type": API_KEY}
        assert asked(found, trusted, shown, "", **form).status_code == status

"""TLS on both sides, and the certificate that is made for development when the contract names none."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ninefold.errors import Place, ServiceError, WriteError

if TYPE_CHECKING:
    from pathlib import Path

#: TLS 1.2 suites with forward secrecy and authenticated encryption (RFC 9325 section 4.2); TLS 1.3 has no others.
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
DEVELOPMENT_DAYS = 30


def server_context(certificate: Path, key: Path, minimum: str, now: datetime) -> ssl.SSLContext:
    """For callers. Raises `ServiceError` where the files are no certificate and key that belong together, and hold now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as fault:
            raise ServiceError(
                f"the TLS file cannot be read ({fault.strerror})",
                place=Place(str(file)),
                remedy="name readable PEM files in encryption.tls, or leave both out for a development certificate",
            ) from None
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as fault:
        raise ServiceError(
            f"the certificate and the key cannot be used together ({getattr(fault, 'reason', None) or fault})",
            place=Place(str(certificate)),
            remedy="give the PEM chain, leaf first, and the unencrypted PEM key that belongs to it",
        ) from None
    _in_force(certificate, now)
    return context


def ask_clients(context: ssl.SSLContext, authority: bytes, *, required: bool) -> None:
    """Ask callers for a certificate of an `authority` (PEM); without one the handshake ends where it is `required`.

    A session is not resumed from a ticket: each connection proves anew that the caller has the key (RFC 8446 section 2.2).
    """
    context.load_verify_locations(cadata=authority.decode("latin-1"))
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def _in_force(certificate: Path, now: datetime) -> None:
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    begins, ends = known.not_valid_before_utc, known.not_valid_after_utc
    if not begins <= now <= ends:
        what = f"expired on {ends:%Y-%m-%d}" if now > ends else f"holds from {begins:%Y-%m-%d} on"
        raise ServiceError(
            f"the certificate {what}, so every caller would turn away",
            place=Place(str(certificate)),
            remedy="renew it, or set this machine's clock",
        )


def expires(certificate: Path) -> datetime:
    """When a certificate ends that `server_context` took."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def upstream_context(authority: Path | None) -> ssl.SSLContext:
    """For the upstream: always verified. Raises `ServiceError` where the authority's file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError) as fault:
        raise ServiceError(
            f"the upstream's authority cannot be used ({fault})",
            place=Place(str(authority)),
            remedy="name a PEM file with the certificate that signed the upstream's, in upstream.authority",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def development_certificate(folder: Path, now: datetime) -> tuple[Path, Path]:
    """A self-signed certificate for localhost in `folder`, kept while it lasts. Raises `WriteError`."""
    certificate, key = folder / "development-cert.pem", folder / "development-key.pem"
    try:
        known = x509.load_pem_x509_certificate(certificate.read_bytes())
        if key.exists() and known.not_valid_after_utc > now + timedelta(days=1):
            return certificate, key
    except (OSError, ValueError):
        pass  # none yet, or not readable: a new one
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ninefold development certificate")])
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ]
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DEVELOPMENT_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key.unlink(missing_ok=True)
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    except OSError as fault:
        raise WriteError(
            f"the development certificate cannot be written ({fault.strerror})",
            place=Place(str(folder)),
            remedy="make the folder writable, or name a certificate in encryption.tls",
        ) from None
    return certificate, key

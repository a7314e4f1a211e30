"""Certificate authorities that tests make: real keys, real certificates, real revocation lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

HOUR = timedelta(hours=1)


@dataclass
class Issued:
    """A certificate with its key and what it was issued by."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate and those above it."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))

    def files(self, folder: Path, name: str = "client") -> tuple[Path, Path]:
        certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
        certificate.write_bytes(self.pem)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


@dataclass
class Authority(Issued):
    revoked: list[int] = field(default_factory=list)

    def client(
        self,
        subject: str = "CN=billing,O=Example",
        *names: x509.GeneralName,
        begins: timedelta = -HOUR,
        ends: timedelta = HOUR,
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
        extra: tuple[x509.ExtensionType, ...] = (),
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self.certificate.subject, key, begins, ends)
        builder = builder.add_extension(_above(self.key), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        for one in extra:
            builder = builder.add_extension(one, critical=False)
        chain = () if self.certificate.issuer == self.certificate.subject else (self.certificate, *self.chain)
        return Issued(builder.sign(self.key, hashes.SHA256()), key, chain)

    def below(self, subject: str = "CN=Intermediate", ends: timedelta = 10 * HOUR, **more: Any) -> Authority:
        return authority(subject, ends=ends, above=self, **more)

    def crl(
        self,
        *revoked: Issued,
        begins: timedelta = -HOUR,
        ends: timedelta = HOUR,
        extension: x509.ExtensionType | None = None,
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now + begins).next_update(now + ends)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(signer or self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def authority(
    subject: str = "CN=Test authority",
    *,
    begins: timedelta = -HOUR,
    ends: timedelta = 10 * HOUR,
    above: Authority | None = None,
    signs: bool = True,
    depth: int | None = None,
    critical: tuple[x509.ExtensionType, ...] = (),
) -> Authority:
    """One that signs itself, or one below another."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = above.certificate.subject if above is not None else x509.Name.from_rfc4514_string(subject)
    builder = _builder(subject, issuer, key, begins, ends)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=signs, path_length=depth if signs else None), critical=True
    )
    if signs:
        builder = builder.add_extension(_usage(), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(_above(above.key if above is not None else key), critical=False)
    for one in critical:
        builder = builder.add_extension(one, critical=True)
    made = builder.sign(above.key if above is not None else key, hashes.SHA256())
    chain = () if above is None or (not above.chain and _is_root(above)) else (above.certificate, *above.chain)
    return Authority(made, key, chain)


def _is_root(one: Authority) -> bool:
    return one.certificate.issuer == one.certificate.subject


def _builder(subject: str, issuer: x509.Name, key: Any, begins: timedelta, ends: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )


def _above(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip

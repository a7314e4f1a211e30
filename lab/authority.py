"""The lab's own certificate authority, made anew for each run, and the certificates of its servers: good ones and the
shelf's bad ones.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    certificate: Path
    key: Path


class Authority:
    """Issues into `folder`. `now` is when its certificates are made, as seen by the caller."""

    def __init__(self, folder: Path, now: dt.datetime) -> None:
        self._folder, self._now = folder, now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ninefold lab authority")])
        certificate = (
            self._builder(self._name, self._key, now - DAY, now + 30 * DAY)
            .issuer_name(self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write(folder / "authority.key.pem", self._key)

    def issue(self, kind: str) -> Pair:
        """A certificate for 127.0.0.1 and localhost. `kind` names its fault: expired, wrong-host, self-signed, rsa1024,
        sha1; anything else has none. Raises `OSError` or `CalledProcessError` where the openssl command is needed and fails.
        """
        key: Key = ec.generate_private_key(ec.SECP256R1())
        if kind == "rsa1024":
            key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault itself
        start, end = (
            (self._now - 90 * DAY, self._now - 3 * DAY)
            if kind == "expired"
            else (self._now - DAY, self._now + 30 * DAY)
        )
        names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        if kind == "wrong-host":
            names = [x509.DNSName("www.elsewhere.example")]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab " + kind)])
        alone = kind == "self-signed"
        signer = key if alone else self._key
        certificate = (
            self._builder(subject, key, start, end)
            .issuer_name(subject if alone else self._name)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )
        pair = Pair(self._folder / f"{kind}.pem", self._folder / f"{kind}.key.pem")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write(pair.key, key)
        if kind == "sha1":
            self._again_with_sha1(pair, subject, key, names)
        return pair

    def _again_with_sha1(self, pair: Pair, subject: x509.Name, key: Key, names: list[x509.GeneralName]) -> None:
        """The library refuses to sign with SHA-1; the command does as it is told."""
        request = self._folder / "sha1.csr"
        asked = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(subject)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        request.write_bytes(asked.public_bytes(serialization.Encoding.PEM))
        command = [
            "openssl",
            "x509",
            "-req",
            "-in",
            str(request),
            "-sha1",
            "-days",
            "30",
            "-copy_extensions",
            "copyall",
        ]
        command += ["-CA", str(self.path), "-CAkey", str(self._folder / "authority.key.pem"), "-CAcreateserial"]
        command += ["-out", str(pair.certificate)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603 - fixed words and our own paths

    @staticmethod
    def _builder(subject: x509.Name, key: Key, start: dt.datetime, end: dt.datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )


def _write(path: Path, key: Key) -> None:
    path.touch(0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )

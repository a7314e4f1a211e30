"""What is wrong with a server's certificate at a given time, beyond what a handshake would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A certificate that ends sooner than this is told before it does.
SOON = timedelta(days=14)


def faults(der: bytes, host: str, now: float) -> Iterator[str]:
    """Each fault in a sentence; `now` is Unix seconds. Raises `ValueError` for what is no certificate."""
    certificate = x509.load_der_x509_certificate(der)
    moment = datetime.fromtimestamp(now, UTC)
    if moment > certificate.not_valid_after_utc:
        yield f"The certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}."
    elif moment + SOON > certificate.not_valid_after_utc > certificate.not_valid_before_utc + 2 * SOON:
        yield (f"The certificate ends on {certificate.not_valid_after_utc:%Y-%m-%d}, in less than {SOON.days} days.")
    if moment < certificate.not_valid_before_utc:
        yield f"The certificate begins on {certificate.not_valid_before_utc:%Y-%m-%d}."
    if not _names(certificate, host):
        yield f"The certificate does not name {host} (RFC 9525)."
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        yield f"The RSA key has {key.key_size} bits; 2048 is the least (RFC 9325 section 4.1)."
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < 224:
        yield f"The curve {key.curve.name} is too small (RFC 9325 section 4.1)."
    digest = certificate.signature_hash_algorithm
    if digest is not None and digest.name in {"md5", "sha1"}:
        yield f"The certificate is signed over {digest.name.upper()} (RFC 9325 section 4.1)."


def _names(certificate: x509.Certificate, host: str) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return False
    names = extension.value
    assert isinstance(names, x509.SubjectAlternativeName)
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        pass
    wanted = host.lower().rstrip(".")
    above = wanted.partition(".")[2]
    said = {one.lower().rstrip(".") for one in names.get_values_for_type(x509.DNSName)}
    return wanted in said or (bool(above) and f"*.{above}" in said)

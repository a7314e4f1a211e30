"""Revocation lists (RFC 5280 section 5): read from a file, whole ones that an authority signed, or none."""

from __future__ import annotations

import hashlib
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ninefold.errors import Place, ServiceError

if TYPE_CHECKING:
    from pathlib import Path

FIELD = "encryption.tls.clients.crl"
#: Bounds of the file, in bytes; one up to the second is read at once.
MOST_LIST_BYTES = 16 * 1024 * 1024
SHORT_LIST_BYTES = 64 * 1024
#: A file that was written so short a while ago, in seconds, may be written again without its time telling.
UNSETTLED_SECONDS = 2.0

_PEM_LIST = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)


class RevocationList(NamedTuple):
    """A revocation list: since when it holds, when it runs out (Unix seconds), and the serial numbers on it."""

    begins: float
    ends: float
    revoked: frozenset[int]


class Reader(threading.Thread):
    """Reads the revocation lists. `lists` is None where they are what was read before; `fault` is why there are none."""

    def __init__(
        self,
        file: Path,
        authorities: dict[bytes, x509.Certificate],
        before: bytes,
        seen: tuple[int, ...],
        *,
        settled: bool,
    ) -> None:
        super().__init__(name="revocation lists", daemon=True)
        self._file = file
        self._authorities = authorities
        self._before = before
        self.seen, self.settled = seen, settled
        self.short = seen[2] <= SHORT_LIST_BYTES
        self.digest = b""
        self.lists: dict[bytes, RevocationList] | None = None
        self.fault = ""

    def run(self) -> None:
        try:
            content = read_file(self._file, MOST_LIST_BYTES, FIELD)
            self.digest = hashlib.sha256(content).digest()
            if self.digest != self._before:
                self.lists = read_lists(content, self._authorities, datetime.now(UTC))
        except ServiceError as fault:
            self.fault = fault.what
        except Exception as fault:  # noqa: BLE001  # whatever it is, nobody knows what is revoked: no certificate is taken
            self.fault = f"{fault}" or type(fault).__name__


def read_lists(
    content: bytes, authorities: dict[bytes, x509.Certificate], now: datetime
) -> dict[bytes, RevocationList]:
    """Each authority's newest list. Raises `ValueError`."""
    if b"-----BEGIN" in content:
        lists = [x509.load_pem_x509_crl(one) for one in _PEM_LIST.findall(content)]
    else:
        lists = [x509.load_der_x509_crl(content)]
    if not lists:
        raise ValueError("there is no X509 CRL in it")
    found: dict[bytes, RevocationList] = {}
    for one in lists:
        issuer = one.issuer.rfc4514_string()
        signers = [name for name, authority in authorities.items() if _signed(one, authority)]
        if not signers:
            raise ValueError(f"no authority of the contract signed the list of {issuer}")
        for extension in one.extensions:
            if extension.critical or isinstance(extension.value, x509.DeltaCRLIndicator):
                raise ValueError(f"the list of {issuer} is not whole ({extension.oid.dotted_string}); get the full one")
        if one.next_update_utc is None:
            raise ValueError(f"the list of {issuer} does not say until when it holds")
        if one.last_update_utc > now:
            raise ValueError(f"the list of {issuer} holds from {one.last_update_utc:%Y-%m-%d %H:%M} UTC on")
        revoked = frozenset(entry.serial_number for entry in one)
        read = RevocationList(one.last_update_utc.timestamp(), one.next_update_utc.timestamp(), revoked)
        for name in signers:
            if name not in found or found[name].begins < read.begins:
                found[name] = read
    return found


def _signed(one: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    if one.issuer != authority.subject:
        return False
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.crl_sign:
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        return one.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # others raise
    except (TypeError, UnsupportedAlgorithm):
        return False


def read_file(file: Path, most: int, field: str) -> bytes:
    try:
        if file.stat().st_size > most:
            raise ServiceError(
                f"is larger than {most >> 20} MiB", place=Place(str(file)), remedy=f"name another file in {field}"
            )
        return file.read_bytes()
    except OSError as fault:
        raise ServiceError(
            f"cannot be read ({fault.strerror})", place=Place(str(file)), remedy=f"name a readable file in {field}"
        ) from None


def seen(file: Path) -> tuple[tuple[int, ...], bool]:
    """What tells one state of a file from another, and whether it would tell the next."""
    stat = file.stat()
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size, stat.st_ctime_ns), (
        datetime.now(UTC).timestamp() - stat.st_mtime > UNSETTLED_SECONDS
    )

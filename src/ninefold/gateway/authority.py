"""The authorities whose client certificates are taken, and what they have revoked (RFC 5280).

OpenSSL builds the chain when TLS stands; whether a certificate was revoked is asked here, for each request, so that a new
list reaches connections and sessions that are older than it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from ssl import PEM_cert_to_DER_cert
from time import monotonic
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import structs

from ninefold.errors import Place, ServiceError
from ninefold.gateway.revocation import (
    FIELD,
    MOST_LIST_BYTES,
    Reader,
    RevocationList,
    read_file,
    read_lists,
    seen,
)
from ninefold.guard.request import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ninefold.contract.load import LoadedContract

#: Bounds of the file and of a certificate, in bytes.
MOST_AUTHORITY_BYTES = 1024 * 1024
MOST_CERTIFICATE_BYTES = 64 * 1024
#: More certificates than these are not remembered.
MOST_REMEMBERED = 4096
#: Most authorities between a client's certificate and one of the contract's.
MOST_DEPTH = 4

#: Past this many seconds in which nobody looked at the lists, they are looked at before anybody is let in.
MOST_IDLE_SECONDS = 1.0

_UNREADABLE = "the client certificate cannot be read"


class Authority:
    """One for each gateway. Raises `ServiceError` at once where the files cannot be used. `say` tells the operator."""

    def __init__(self, bundle: Path, crl: Path | None, say: Callable[[str], None]) -> None:
        now = datetime.now(UTC)
        self.pem = read_file(bundle, MOST_AUTHORITY_BYTES, "encryption.tls.clients.authority")
        self._authorities = _authorities(bundle, self.pem, now, say)
        above = {name: self._issuer(one) for name, one in self._authorities.items()}
        self._above = {name: issuer for name, issuer in above.items() if issuer is not None}
        self._say = say
        self._crl = crl
        self._seen: tuple[int, ...] = ()
        self._settled = False
        self._broken = ""
        self._stale: set[bytes] = set()
        self._lists: dict[bytes, RevocationList] = {}
        self._digest = b""
        self._looked = monotonic()
        self._reader: Reader | None = None
        self._known: dict[bytes, Certificate] = {}
        if crl is not None:
            content = read_file(crl, MOST_LIST_BYTES, FIELD)
            self._digest = hashlib.sha256(content).digest()
            remedy = "fetch the authorities' newest lists, and put them into one PEM file"
            try:
                self._lists = read_lists(content, self._authorities, now)
            except ValueError as fault:
                raise ServiceError(
                    f"the revocation list cannot be used ({fault})", place=Place(str(crl)), remedy=remedy
                ) from None
            for thumbprint, one in self._lists.items():
                if one.ends <= now.timestamp():
                    what = _out_of_date(self._authorities[thumbprint], one.ends)
                    raise ServiceError(what, place=Place(str(crl)), remedy=remedy)

    # -- whether a certificate holds

    def holds(self, certificate: Certificate | None, time: float) -> Certificate | None:
        """The certificate as it may be relied on at `time` (Unix seconds): itself, or nothing but why it proves nothing."""
        if certificate is None:
            return None
        fault = certificate.fault
        if not fault:
            if time >= certificate.ends:
                fault = "the client certificate has expired"
            elif time < certificate.begins:
                fault = "the client certificate does not hold yet"
            else:
                fault = self.fault(certificate, time)
                if not fault:
                    return certificate
        return Certificate(fault=f"{fault}: {certificate.subject}" if certificate.subject else fault)

    def fault(self, certificate: Certificate, time: float) -> str:
        """Why a certificate of these authorities proves nothing at `time`, though its own dates hold; empty: it does."""
        if self._crl is None:
            return ""
        if self._broken:
            return self._broken
        issuer = certificate.issuer
        if not issuer:
            return "the client certificate's issuer is not in the authorities' file, so nobody knows what it revoked"
        known = self._lists.get(issuer)
        if known is None:
            return "the client certificate's issuer has no revocation list"
        if time >= known.ends:
            return "the revocation list of the client certificate's issuer is out of date"
        if certificate.serial in known.revoked:
            return "the client certificate was revoked"
        above = self._above.get(issuer)
        for _ in range(MOST_DEPTH):
            if above is None:
                break
            listed = self._lists.get(above)
            if listed is not None and self._authorities[issuer].serial_number in listed.revoked:
                return "the client certificate's issuer was revoked"
            issuer, above = above, self._above.get(above)
        return ""

    # -- what its host asks

    def certificate(self, der: bytes) -> Certificate:
        """A certificate whose chain TLS has verified."""
        thumbprint = hashlib.sha256(der).digest()
        known = self._known.get(thumbprint)
        if known is None:
            try:
                known = self._read(der, thumbprint)
            except Exception:  # noqa: BLE001  # whatever it holds, it tells nothing that can be relied on
                known = Certificate(thumbprint, fault=_UNREADABLE)
            self._remember(thumbprint, known)
        return known

    def verified(self, der: bytes, chain: Sequence[bytes]) -> Certificate:
        """A certificate that somebody else's TLS was shown, with the authorities in between; verified here."""
        whole = hashlib.sha256(b"".join(len(one).to_bytes(4, "big") + one for one in (der, *chain))).digest()
        known = self._known.get(whole)
        if known is None:
            known = self.certificate(der)
            try:
                known = structs.replace(known, ends=min(known.ends, self._verify(der, chain)))
            except verification.VerificationError:
                known = Certificate(
                    known.thumbprint, fault="no authority of the contract signed the client certificate"
                )
            except Exception:  # noqa: BLE001  # whatever it holds, it tells nothing that can be relied on
                known = Certificate(known.thumbprint, fault=_UNREADABLE)
            self._remember(whole, known)
        return known

    def verify(self) -> None:
        """See whether the revocation lists have changed, and whether one has run out. A long file is read in a thread."""
        if self._crl is None:
            return
        idle, self._looked = monotonic() - self._looked > MOST_IDLE_SECONDS, monotonic()
        reader = self._reader
        if reader is None:
            try:
                state, settled = seen(self._crl)
            except OSError as fault:
                self._break(fault.strerror or str(fault))
                return
            if settled and self._settled and state == self._seen and not self._broken:
                self._tell_stale()
                return
            reader = self._reader = Reader(self._crl, self._authorities, self._digest, state, settled=settled)
            reader.start()
        if idle or reader.short:
            reader.join()  # who was not asked for long may know an old list alone
        if reader.is_alive():
            return
        self._reader = None
        if reader.fault:
            self._break(reader.fault)
            return
        if self._broken:
            self._say("the revocation list can be used again")
        self._broken, self._seen, self._settled, self._digest = "", reader.seen, reader.settled, reader.digest
        if reader.lists is not None:
            self._lists = reader.lists
        self._tell_stale()

    def _break(self, why: str) -> None:
        if not self._broken:
            self._say(f"the revocation list cannot be used, so client certificates are refused: {why}")
        self._broken, self._seen, self._digest = f"the revocation list cannot be used: {why}", (), b""

    def _tell_stale(self) -> None:
        now = datetime.now(UTC).timestamp()
        for thumbprint, one in self._lists.items():
            if now < one.ends:
                self._stale.discard(thumbprint)
            elif thumbprint not in self._stale:
                self._stale.add(thumbprint)
                self._say(
                    f"{_out_of_date(self._authorities[thumbprint], one.ends)}: its client certificates are refused"
                )

    # -- reading

    def _remember(self, digest: bytes, certificate: Certificate) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[digest] = certificate

    def _read(self, der: bytes, thumbprint: bytes) -> Certificate:
        if len(der) > MOST_CERTIFICATE_BYTES:
            return Certificate(thumbprint, fault=_UNREADABLE)
        known = x509.load_der_x509_certificate(der)
        names: list[str] = []
        try:
            for name in known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
                if isinstance(name, x509.DNSName):
                    names.append(f"dns:{name.value.lower()}")
                elif isinstance(name, x509.UniformResourceIdentifier):
                    names.append(f"uri:{name.value}")
                elif isinstance(name, x509.RFC822Name):
                    names.append(f"email:{name.value}")
        except x509.ExtensionNotFound:
            pass
        ends = known.not_valid_after_utc.timestamp() + 1.0  # its last second is one of it (RFC 5280 section 4.1.2.5)
        issuer = above = self._issuer(known)
        for _ in range(MOST_DEPTH):
            if above is None:
                break
            ends = min(ends, self._authorities[above].not_valid_after_utc.timestamp() + 1.0)
            above = self._above.get(above)
        begins = known.not_valid_before_utc.timestamp()
        subject = known.subject.rfc4514_string()
        return Certificate(thumbprint, subject, tuple(names), begins, ends, issuer or b"", known.serial_number)

    def _issuer(self, certificate: x509.Certificate) -> bytes | None:
        """The thumbprint of the authority in the file that signed a certificate; None: none did, or it is its own."""
        for thumbprint, authority in self._authorities.items():
            if authority.subject == certificate.issuer and authority != certificate:
                try:
                    certificate.verify_directly_issued_by(authority)
                except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
                    continue
                return thumbprint
        return None

    def _verify(self, der: bytes, chain: Sequence[bytes]) -> float:
        """Until when its chain holds. Raises `VerificationError`, or `ValueError` for what is no certificate."""
        anything = verification.ExtensionPolicy.permit_all()
        agnostic = verification.Criticality.AGNOSTIC
        ends = anything.may_be_present(x509.ExtendedKeyUsage, agnostic, _for_clients)
        signs = ends.require_present(x509.BasicConstraints, agnostic, _for_authorities).may_be_present(
            x509.KeyUsage, agnostic, _for_signing
        )
        policy = (
            verification.PolicyBuilder()
            .store(verification.Store(list(self._authorities.values())))
            .max_chain_depth(MOST_DEPTH)
            .extension_policies(ca_policy=signs, ee_policy=ends)
        )
        between = [x509.load_der_x509_certificate(one) for one in chain[:MOST_DEPTH]]
        shown = policy.build_client_verifier().verify(x509.load_der_x509_certificate(der), between)
        return min(one.not_valid_after_utc.timestamp() + 1.0 for one in shown.chain)


def authority_of(loaded: LoadedContract, say: Callable[[str], None]) -> Authority | None:
    """Whose client certificates the contract takes. Raises `ServiceError` where its files cannot be used."""
    clients = loaded.contract.encryption.tls.clients
    if clients is None:
        return None
    return Authority(loaded.resolve(clients.authority), loaded.resolve(clients.crl) if clients.crl else None, say)


def shown_to_server(authority: Authority, tls: object) -> Certificate | None:
    """What an ASGI server tells of the caller's certificate (the specification's TLS extension, 0.2); None: there is none."""
    listed = tls.get("client_cert_chain") if isinstance(tls, dict) else None
    if not listed:
        return None
    try:
        leaf, *chain = (PEM_cert_to_DER_cert(one) for one in listed)
    except Exception:  # noqa: BLE001  # whatever the server gave, it is no certificate
        return Certificate(b"", fault=_UNREADABLE)
    known = authority.verified(leaf, tuple(chain))
    if isinstance(tls, dict) and tls.get("client_cert_error"):
        return Certificate(known.thumbprint, fault="the server refused the client certificate")
    return known


def _for_clients(_: verification.Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    """RFC 5280 section 4.2.1.12."""
    del certificate
    known = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and known.isdisjoint(usage):
        raise ValueError("the certificate is not one for clients")


def _for_authorities(_: verification.Policy, certificate: x509.Certificate, basic: x509.BasicConstraints) -> None:
    """RFC 5280 section 4.2.1.9."""
    del certificate
    if not basic.ca:
        raise ValueError("what signed it is no authority")


def _for_signing(_: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """RFC 5280 section 4.2.1.3."""
    del certificate
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("what signed it may not sign certificates")


def _authorities(bundle: Path, pem: bytes, now: datetime, say: Callable[[str], None]) -> dict[bytes, x509.Certificate]:
    """The authorities of a file, by thumbprint. Raises `ServiceError` where one is none, or none holds now."""
    place = Place(str(bundle))
    remedy = "give the PEM certificates of the authorities that sign callers' certificates, and nothing else"
    try:
        listed = x509.load_pem_x509_certificates(pem)
    except ValueError as fault:
        raise ServiceError(f"holds no certificates in PEM ({fault})", place=place, remedy=remedy) from None
    found = {}
    for one in listed:
        name = one.subject.rfc4514_string()
        try:
            signs = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
            usages = [one.value for one in one.extensions if isinstance(one.value, x509.KeyUsage)]
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
            signs, usages = False, []
        if not signs or any(not usage.key_cert_sign for usage in usages):
            what = f"{name} is no authority: it may not sign certificates (RFC 5280 section 4.2.1.9)"
            raise ServiceError(what, place=place, remedy=remedy)
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            say(f"the authority {name} does not hold now, so none of its client certificates does")
        found[hashlib.sha256(one.public_bytes(Encoding.DER)).digest()] = one
    if not any(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in found.values()):
        raise ServiceError("none of its authorities holds now", place=place, remedy="renew them, or set the clock")
    return found


def _out_of_date(authority: x509.Certificate, ends: float) -> str:
    when = datetime.fromtimestamp(ends, UTC)
    return f"the revocation list of {authority.subject.rfc4514_string()} is out of date since {when:%Y-%m-%d %H:%M} UTC"

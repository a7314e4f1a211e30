"""What an application registers with: checked before it is kept, so that nothing that is kept is weak."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ninefold.errors import FileError, KeyringError, Place
from ninefold.identity.fault import BadToken
from ninefold.identity.keyset import KeySet
from ninefold.identity.segment import json_object
from ninefold.identity.service.redirect import fit
from ninefold.identity.service.registry import Client

if TYPE_CHECKING:
    from pathlib import Path

#: RFC 6749 appendix A.1, without spaces: it stands in lists and logs.
_ID = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
MOST_KEYS = 10


def registered(
    id_: str,
    name: str,
    redirects: tuple[str, ...],
    keys: Path | None,
    certificate: Path | None,
    *,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    now: float,
) -> Client:
    """Raises `KeyringError` or `FileError` where something cannot be used."""
    if not _ID.fullmatch(id_):
        raise KeyringError(
            f"{id_!r} is no client id", remedy="1 to 128 characters of ASCII, no space, quote or backslash"
        )
    if not name.isprintable() or len(name) > 128:
        raise KeyringError("the name is too long or cannot be printed", remedy="1 to 128 characters")
    for url in redirects:
        _redirect(url)
    if keys is None and certificate is None and not redirects:
        raise KeyringError(
            "an application that proves itself by nothing acts for persons alone",
            remedy="give --redirect; or --keys or --certificate",
        )
    proof = "private_key_jwt" if keys is not None else "tls_client_auth" if certificate is not None else "none"
    return Client(
        id_, name, proof, redirects, roles, scopes, _keys(keys) if keys else "",
        _thumbprint(certificate) if certificate else b"", now,
    )  # fmt: skip


def _redirect(url: str) -> None:
    """RFC 9700 section 2.1."""
    if not fit(url):
        raise KeyringError(
            f"{url!r} is no redirect URL",
            remedy="https://HOST/PATH, no fragment; for native apps http://127.0.0.1/PATH (any port) or a scheme with a dot",
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()[:65_536]
    except OSError as fault:
        raise FileError(
            f"cannot be read ({fault.strerror})", place=Place(str(path)), remedy="name another file"
        ) from None


def _keys(path: Path) -> str:
    """The public keys alone, each fit to sign with."""
    content = _read(path)
    try:
        document = json_object(content, "JWK set")
        text = json.dumps(document if "keys" in document else {"keys": [document]})
        found = KeySet.read(text.encode(), symmetric=False)
    except BadToken as fault:
        raise FileError(
            f"is no JWK set that can be used: {fault}",
            place=Place(str(path)),
            remedy="one to ten public keys (RFC 7517)",
        ) from None
    if found.left_out or len(found) > MOST_KEYS:
        why = found.left_out[0] if found.left_out else "they are too many"
        raise FileError(f"has keys that cannot be used: {why}", place=Place(str(path)), remedy="one to ten public keys")
    return text


def _thumbprint(path: Path) -> bytes:
    try:
        certificate = x509.load_pem_x509_certificate(_read(path))
    except ValueError:
        raise FileError(
            "is no certificate in PEM", place=Place(str(path)), remedy="name the client's certificate"
        ) from None
    return sha256(certificate.public_bytes(Encoding.DER)).digest()

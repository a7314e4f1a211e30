"""What a key is to be bound to, as a person writes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ninefold.contract.value import LOCAL, Address, Origin
from ninefold.errors import KeyringError
from ninefold.keys.record import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable

_ADDRESS: TypeAdapter[Any] = TypeAdapter(Address)
_ORIGIN: TypeAdapter[str] = TypeAdapter(Origin)
#: The first part tells protocol, version, whether a name was sent, ciphers, extensions and ALPN; digests follow (JA4).
_DEVICE = re.compile(r"[tqd](?:1[0-3]|s[123]|d[123]|00)[di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}\Z")
_THUMBPRINT = re.compile(r"[0-9a-f]{64}\Z")


def binding(
    addresses: Iterable[str], origins: Iterable[str], devices: Iterable[str], certificates: Iterable[str]
) -> Bound:
    """Raises `KeyringError` where one of them is none."""
    return Bound(
        tuple(_range(one) for one in addresses),
        tuple(_read(_ORIGIN, one) for one in origins),
        tuple(_device(one) for one in devices),
        tuple(_certificate(one) for one in certificates),
    )


def _range(text: str) -> str:
    if text == LOCAL:
        raise KeyringError(
            "`local` is another machine's on every machine", remedy="write a range, as 10.0.0.0/8 or 127.0.0.1"
        )
    return str(_read(_ADDRESS, text))


def _read(adapter: TypeAdapter[Any], text: str) -> Any:
    try:
        return adapter.validate_python(text)
    except ValidationError as fault:
        what, _, remedy = fault.errors()[0]["msg"].removeprefix("Value error, ").partition("; ")
        raise KeyringError(what, remedy=remedy) from None


def _device(text: str) -> str:
    if not _DEVICE.match(text):
        raise KeyringError(f"{text!r} is no JA4 fingerprint", remedy="as t13d1516h2_8daaf6152771_b186095e22b6")
    return text


def _certificate(text: str) -> str:
    found = text.replace(":", "").lower()
    if not _THUMBPRINT.match(found):
        raise KeyringError(
            f"{text!r} is no SHA-256 thumbprint",
            remedy="give its 64 hex digits: openssl x509 -noout -fingerprint -sha256 -in cert.pem",
        )
    return found

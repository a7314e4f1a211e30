from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from ninefold.audit.dial import Dial
from ninefold.audit.rule import Untried
from ninefold.audit.tls import distrust, shake

if TYPE_CHECKING:
    from collections.abc import Callable

NEW = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)


def dial(url: str) -> Dial:
    return Dial("127.0.0.1", urlsplit(url).port or 0)


def test_a_handshake_tells_version_cipher_and_certificate(serve: Callable[..., str], certified: Any) -> None:
    shaken = shake(dial(serve(lambda _: (200, {}, b""), certified.context)), *NEW)
    assert shaken.agreed
    assert shaken.version == "TLSv1.3"
    assert shaken.certificate == ssl.PEM_cert_to_DER_cert(certified.authority.read_text())


def test_a_server_without_tls_agrees_to_nothing(serve: Callable[..., str]) -> None:
    shaken = shake(dial(serve(lambda _: (200, {}, b""))), *NEW)
    assert not shaken.agreed
    assert shaken.fault


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(Untried, match="no connection"):
        shake(Dial("127.0.0.1", 9), *NEW)
    assert distrust(Dial("127.0.0.1", 9), ssl.create_default_context()) == ""


def test_trust_is_told_by_who_vouches(serve: Callable[..., str], certified: Any) -> None:
    at = dial(serve(lambda _: (200, {}, b""), certified.context))
    assert distrust(at, ssl.create_default_context(cafile=certified.authority)) == ""
    assert "self-signed" in distrust(at, ssl.create_default_context())

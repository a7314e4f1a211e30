from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.certificate import faults

if TYPE_CHECKING:
    from collections.abc import Callable

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("named", "host", "right"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "API.example.com.", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("api.example.com", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_names_are_compared_as_rfc_9525_says(
    certify: Callable[..., Any], named: str, host: str, *, right: bool
) -> None:
    made = certify(host=named, began=BEGAN, days=400)
    der = ssl.PEM_cert_to_DER_cert(made.authority.read_text())
    assert any("does not name" in one for one in faults(der, host, NOW)) is not right


def test_a_short_life_is_not_told_as_its_end(certify: Callable[..., Any]) -> None:
    """Certificates of a few days are renewed by machine, and always end soon."""
    made = certify(began=datetime(2026, 11, 16, tzinfo=UTC), days=6)
    assert list(faults(ssl.PEM_cert_to_DER_cert(made.authority.read_text()), "127.0.0.1", NOW)) == []


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(faults(b"no", "127.0.0.1", NOW))

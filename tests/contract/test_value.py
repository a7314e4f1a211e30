from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ninefold.contract.value import Address, HttpUrl, KeyField, Origin, Protocol


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Address, "10.0.0.0/8", "0.0.0.0/0"),
        (HttpUrl, "https://[::1]:8443", "http://127.0.0.1:9/path"),
        (Origin, "https://a.example:8443", "https://a.example:443"),
        (KeyField, "X-Shop-Key", "Transfer-Encoding"),
        (Protocol, "websocket", "h2c"),
    ],
)
def test_what_holds_is_taken_and_what_would_not_is_refused(kind: Any, good: str, bad: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    adapter.validate_python(good)
    with pytest.raises(ValidationError):
        adapter.validate_python(bad)

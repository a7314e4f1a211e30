"""A device's fingerprint narrows what a key is taken from; one that is not known is none."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.guard.answer import Answer

OK = {"200": {"description": "ok", "content": {"text/plain": {}}}}
API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/things": {"get": {"operationId": "list", "responses": OK}}},
}
KNOWN = "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("device", "key", "admitted"),
    [
        (KNOWN, "good", True), ("", "good", False), (KNOWN[:-1] + "2", "good", False), (KNOWN.upper(), "good", False),
        (KNOWN + " ", "good", False), (KNOWN, "wrong", False), (KNOWN, "", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["127.0.0.1", "203.0.113.9"])
def test_key_and_device(make_guard: Any, ask: Any, device: str, key: str, admitted: bool, address: str) -> None:
    guard = make_guard(API, keys={"with": {"device": [KNOWN]}})
    request = ask(path="/things", key=key)
    request.device, request.address = device, address
    assert isinstance(guard.admit(request), Answer) is not admitted


def test_of_several_second_proofs_each_has_to_hold(make_guard: Any, ask: Any) -> None:
    guard = make_guard(API, keys={"with": {"device": [KNOWN], "ip": ["local"]}})
    for device, address, admitted in (
        (KNOWN, "127.0.0.1", True),
        (KNOWN, "203.0.113.9", False),
        ("", "127.0.0.1", False),
    ):
        request = ask(path="/things")
        request.device, request.address = device, address
        assert isinstance(guard.admit(request), Answer) is not admitted

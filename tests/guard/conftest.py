"""A guard without any I/O: its keys are a dict, its clock a number."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.contract.model import Contract
from ninefold.contract.openapi import read
from ninefold.guard.guard import Guard
from ninefold.guard.request import Request
from ninefold.keys.token import id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.keys.record import Bound


@dataclass(frozen=True)
class Known:
    id: str = "key1"
    role: str = "reader"
    scopes: tuple[str, ...] = ()
    expires: float = 2e9
    owner: str = ""
    tenant: str = ""
    tier: str = ""
    bound: Bound | None = None
    guessable: bool = False


@dataclass
class Ring:
    keys: dict[bytes, Known] = field(default_factory=dict)
    stale: int = 0
    held: bool = False

    def fresh(self) -> bool:
        return self.stale == 0

    def digest(self, text: bytes) -> bytes:
        return b"digest of " + text

    def named(self, text: bytes) -> str:
        return id_of(text)

    def present(self, digest: bytes) -> Known | None:
        return self.keys.get(digest.removeprefix(b"digest of "))


@pytest.fixture
def ring() -> Ring:
    return Ring(
        {b"good": Known(), b"writer": Known("key2", "writer"), b"narrow": Known("key3", "writer", ("things:read",))}
    )


@pytest.fixture
def make_guard(ring: Ring) -> Callable[..., Guard]:
    def make(document: dict[str, Any], **sections: Any) -> Guard:
        contract = Contract.model_validate({"api": "openapi.yaml", **sections})
        return Guard(contract, read(document, "openapi.yaml"), ring, local=[ip_network("127.0.0.0/8")])

    return make


@pytest.fixture
def ask() -> Callable[..., Request]:
    def make(
        path: str, key: str = "good", method: str = "GET", *, address: str = "127.0.0.1", now: float = 100.0,
        time: float = 1e9, body: int = 0, secure: bool = True, repeated: tuple[bytes, ...] = (), **fields: str,
    ) -> Request:  # fmt: skip
        found = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
        found.setdefault(b"host", b"api.example.com")
        if key:
            found[b"x-api-key"] = key.encode()
        path, _, query = path.partition("?")
        asked = Request(method, path, found, repeated, address, secure, body, time, now, b"id-1")
        asked.target = path.encode() + (b"?" + query.encode() if query else b"")
        return asked

    return make

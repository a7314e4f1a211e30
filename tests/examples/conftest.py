"""The shops of the demo, really served: the insecure one bare, the mended one behind its guard."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from examples.shop.child import Child
from examples.shop.demo import CALLERS, address, guard, issue, ninefold, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Served:
    """A shop: `client` asks it, `log` is what it writes."""

    client: httpx.Client
    log: Path


@dataclass
class Guarded:
    """`client` asks the guard, `inside` the shop behind it; `keys` are by role."""

    client: httpx.Client
    inside: httpx.Client
    keys: dict[str, str]
    state: Path

    def ask(self, role: str, method: str, path: str, **more: object) -> httpx.Response:
        """A request with the key of `role`; empty: without a key."""
        fields = {"X-API-Key": self.keys[role]} if role else {}
        return self.client.request(method, path, headers=fields, **more)  # type: ignore[arg-type]


def key_id(key: str) -> str:
    """The id that stands in a key's text: `nf_<env>_<id>_...`."""
    return key.split("_")[2]


@pytest.fixture(scope="package")
def insecure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    state = tmp_path_factory.mktemp("insecure")
    with serve("insecure", state) as shop, httpx.Client(base_url=address(shop)) as client:
        yield Served(client, shop.log)


@pytest.fixture(scope="package")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    state = tmp_path_factory.mktemp("guarded")
    contract, secrets, ids = issue(state)
    keys = {one.role: secrets[one.name] for one in CALLERS}
    keys["reader"] = ninefold("keys", "create", "--contract", str(contract), "--role", "reader").strip()
    held = " ".join(f"{ids[one.name]}={one.customer}" for one in CALLERS) + f" {key_id(keys['reader'])}=2"
    with serve("fixed", state, {"SHOP_CALLERS": held}) as mended:
        inside = address(mended)
        with guard(contract, inside, state) as gate:
            url = gate.says(r"listening on (https://\S+)")
            trusted = ssl.create_default_context(cafile=state / ".ninefold" / "development-cert.pem")
            with httpx.Client(base_url=url, verify=trusted) as client, httpx.Client(base_url=inside) as direct:
                yield Guarded(client, direct, keys, state)


@pytest.fixture
def child() -> type[Child]:
    return Child

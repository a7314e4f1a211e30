"""Client certificates in both hosts: the same requests, decided alike, believed from the same peers."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding
from tests.authorities import HOUR, Authority, Issued, authority
from tests.conftest import CONTRACT, DESCRIPTION, Gate
from tests.gateway.test_clients import KINDS, sfv, strange

from ninefold.asgi import Guard
from ninefold.errors import ContractError, ServiceError

BILLING = [{"caller": "billing", "subject": "CN=billing,O=Example", "role": "reader"}]
API = {"name": "things", "description": "openapi.yaml"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    asked.append(dict(scope["headers"]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"[]"})


asked: list[dict[bytes, bytes]] = []


def written(folder: Path, ca: Authority, crl: bytes | None, clients: dict[str, Any], **sections: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(ca.pem)
    told = {"authority": "ca.pem", **clients}
    if crl is not None:
        (folder / "crl.pem").write_bytes(crl)
        told["crl"] = "crl.pem"
    encryption = {
        "tls": {"clients": told},
        **({"plain": "TLS ends in front of it"} if clients.get("forwarded") else {}),
    }
    whole = {**CONTRACT, "encryption": encryption, "certificates": BILLING, **sections}
    (folder / "openapi.yaml").write_text(yaml.safe_dump(DESCRIPTION))
    (folder / "contract.yaml").write_text(yaml.safe_dump(whole))
    return folder / "contract.yaml"


@pytest.fixture
def both(tmp_path: Path, gate: Any, serving: Any, upstream: Any) -> Iterator[Callable[..., Callable[..., list[int]]]]:
    """Starts both hosts behind the same proxy, and gives a function that asks both for the same, and gives their statuses."""
    upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    stack: list[Any] = []

    def start(
        ca: Authority, crl: bytes | None = None, proxies: tuple[str, ...] = ("local",)
    ) -> Callable[..., list[int]]:
        sections: dict[str, Any] = {"upstream": upstream.url, "api": {**API, "trusted_proxies": list(proxies)}}
        paths = [written(tmp_path / host, ca, crl, {"forwarded": True}, **sections) for host in ("asgi", "gateway")]
        server = serving(Guard(application, paths[0]))
        stack.append(server)
        hosts = [Gate(server.__enter__(), paths[0], []), gate(paths[1])]
        return lambda *fields, path="/things": [host.get(path, "", *fields)[0] for host in hosts]

    yield start
    for server in stack:
        server.__exit__(None, None, None)


def test_both_believe_the_same_forwarded_certificates(both: Any) -> None:
    ca = authority()
    ask = both(ca)
    below = ca.below()
    one = below.client()
    chain = sfv(Authority(below.certificate, below.key).der)
    good = f"Client-Cert: {sfv(ca.client().der)}"
    assert ask(good) == [200, 200]
    assert asked[-1][b"x-ninefold-caller"] == b"billing"
    assert b"client-cert" not in asked[-1]
    assert ask(f"Client-Cert: {sfv(one.der)}", f"Client-Cert-Chain: {chain}") == [200, 200]
    assert ask(f"Client-Cert: {sfv(one.der)}", f"Client-Cert-Chain: {chain}, {chain}") == [200, 200]
    assert ask(f"Client-Cert: {sfv(one.der)}") == [401, 401]
    assert ask() == [401, 401]
    assert ask(path="/open") == [502, 502]  # admitted; what it says is not as described
    for kind in KINDS:
        assert ask(f"Client-Cert: {sfv(strange(ca)[kind].der)}") == [401, 401], kind
    long = "Client-Cert-Chain: " + ", ".join([":AAAA:"] * 9)
    wrong = (
        "Client-Cert: x",
        "Client-Cert: ::",
        f"{good}\r\n{good}",
        f"{good};a=1",
        f'Client-Cert: "{sfv(one.der)}"',
        f"Client-Cert: {one.der.hex()}",
    )
    for fields in [(one,) for one in wrong] + [(good, long), (good, "Client-Cert-Chain: x")]:
        assert ask(*fields) == [400, 400], fields


def test_both_believe_nobody_else(both: Any) -> None:
    ca = authority()
    ask = both(ca, proxies=("192.0.2.1",))
    assert ask(f"Client-Cert: {sfv(ca.client().der)}") == [401, 401]
    assert ask(f"Client-Cert: {sfv(ca.client().der)}", "X-Forwarded-For: 192.0.2.1")[1] == 401
    assert ask("Client-Cert: nonsense") == [401, 401]


def test_both_see_a_revocation_within_a_second(both: Any, tmp_path: Path) -> None:
    ca = authority()
    stolen, other = ca.client(), ca.client()
    ask = both(ca, ca.crl())
    shown = f"Client-Cert: {sfv(stolen.der)}"
    assert ask(shown) == [200, 200]
    for host in ("asgi", "gateway"):
        (tmp_path / host / "crl.pem").write_bytes(ca.crl(stolen))
    time.sleep(1.0)
    assert ask(shown) == [401, 401]
    assert ask(f"Client-Cert: {sfv(other.der)}") == [200, 200]
    (tmp_path / "asgi" / "crl.pem").unlink()
    (tmp_path / "gateway" / "crl.pem").write_bytes(b"nonsense")
    time.sleep(1.0)
    assert ask(f"Client-Cert: {sfv(other.der)}") == [401, 401]


# -- what an ASGI server tells itself


def answered(guard: Guard, tls: Any, *headers: tuple[bytes, bytes]) -> int:
    """The status of one request over a server that has the TLS extension."""
    scope = {
        "type": "http", "method": "GET", "path": "/things", "raw_path": b"/things", "query_string": b"", "http_version": "1.1",
        "scheme": "https", "client": ("127.0.0.1", 1), "headers": [(b"host", b"api.example.com"), *headers], "extensions": {"tls": tls},
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await guard(scope, receive, send)
        await guard._host.rest()

    asyncio.run(run())
    return int(sent[0]["status"])


def pem(one: Issued) -> list[str]:
    return [each.public_bytes(Encoding.PEM).decode() for each in (one.certificate, *one.chain)]


def test_an_asgi_servers_own_tls_is_verified_again(tmp_path: Path) -> None:
    ca = authority()
    stolen = ca.client()
    guard = Guard(application, written(tmp_path, ca, ca.crl(stolen), {}))
    assert answered(guard, {"client_cert_chain": pem(ca.client()), "client_cert_error": None}) == 200
    refused: list[Any] = [
        None, {}, {"client_cert_chain": []}, {"client_cert_chain": None}, {"client_cert_chain": ["x"]}, {"client_cert_chain": [None]}, "x",
        {"client_cert_chain": pem(ca.client()), "client_cert_error": "self signed"},
        {"client_cert_chain": pem(stolen)},
        {"client_cert_chain": [pem(authority().client())[0], pem(ca.client())[0]]},
        *({"client_cert_chain": pem(one)} for one in strange(ca).values()),
    ]  # fmt: skip
    for tls in refused:
        assert answered(guard, tls) == 401, tls
    forged = b":" + base64.b64encode(ca.client().der) + b":"
    assert answered(guard, None, (b"client-cert", forged)) == 401
    asyncio.run(guard.close())


def test_intermediates_of_a_servers_tls_are_followed(tmp_path: Path) -> None:
    ca = authority()
    guard = Guard(application, written(tmp_path, ca, None, {}))
    one = ca.below().below("CN=Second").client()
    assert answered(guard, {"client_cert_chain": pem(one)}) == 200
    assert answered(guard, {"client_cert_chain": pem(one)[:1]}) == 401
    asyncio.run(guard.close())


def test_the_middleware_does_not_begin_with_what_it_cannot_keep(tmp_path: Path) -> None:
    ca = authority()
    with pytest.raises(ServiceError, match="out of date"):
        Guard(application, written(tmp_path, ca, ca.crl(begins=-2 * HOUR, ends=-HOUR), {}))
    device = {"with": {"device": ["t13d1516h2_8daaf6152771_e5627efa2ab1"]}}
    with pytest.raises(ContractError, match="cannot be kept here"):
        Guard(application, written(tmp_path, ca, None, {}, certificates=[], keys=device))

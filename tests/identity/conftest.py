"""An issuer, and both hosts of the guard behind it."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.identity.issuing import AUDIENCE, Issuer

from ninefold.asgi import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answered = tuple[int, dict[str, str], bytes]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.stop()


@dataclass
class Hosts:
    """The gateway and the ASGI middleware, with one contract. `asked` is what reached the API through each."""

    ports: dict[str, int]
    path: Path
    asked: dict[str, list[dict[str, str]]]
    parsed: Any

    def ask(self, host: str, *fields: str, path: str = "/things", method: str = "GET") -> Answered:
        """One request to one host."""
        lines = [f"{method} {path} HTTP/1.1", "Host: things.example.com", "Connection: close", *fields]
        with socket.create_connection(("127.0.0.1", self.ports[host]), 10) as connection:
            connection.sendall("\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n")
            raw = b""
            while block := connection.recv(65536):
                raw += block
        answered: Answered = self.parsed(raw)
        return answered

    def both(self, *fields: str, **about: Any) -> Answered:
        """One request to both hosts, which have to answer alike."""
        first, second = (self.ask(host, *fields, **about) for host in ("gateway", "asgi"))
        assert (first[0], first[2]) == (second[0], second[2])
        names = ("www-authenticate", "dpop-nonce", "cache-control")
        assert [first[1].get(name) for name in names] == [second[1].get(name) for name in names]
        return first

    def bearer(self, token: str, **about: Any) -> Answered:
        return self.both(f"Authorization: Bearer {token}", **about)


@pytest.fixture
def hosts(
    contract: Any, gate: Any, serving: Any, parsed: Any, upstream: Any, issuer: Issuer
) -> Iterator[Callable[..., Hosts]]:
    """Starts both hosts with an `identity` section of these fields, and other sections as given."""
    with contextlib.ExitStack() as stack:

        def start(identity: dict[str, Any] | None = None, **sections: Any) -> Hosts:
            whole = {
                "issuer": issuer.url, "audience": AUDIENCE, "unbound": "the tests have nothing else to prove",
                **(identity or {}),
            }  # fmt: skip
            if "bound" in whole:
                del whole["unbound"]
            path = contract(**{"upstream": upstream.url, "identity": whole, **sections})
            asked: dict[str, list[dict[str, str]]] = {"asgi": [], "gateway": []}

            async def app(scope: Any, receive: Any, send: Any) -> None:
                assert scope["type"] == "http"
                asked["asgi"].append({name.decode(): value.decode() for name, value in scope["headers"]})
                await send({
                    "type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")],
                })  # fmt: skip
                await send({"type": "http.response.body", "body": b"[]"})

            upstream.default = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
            text = path.read_text()
            inside = path.with_name("inside.yaml")
            inside.write_text(text.replace("trail.jsonl", "inside.jsonl"))
            ports = {"gateway": gate(path).port, "asgi": stack.enter_context(serving(_Closing(Guard(app, inside))))}
            return Hosts(ports, path, asked, parsed)

        yield start


class _Closing:
    """An application without a lifespan of its own, whose guard is closed with its server."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._guard(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._guard.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})

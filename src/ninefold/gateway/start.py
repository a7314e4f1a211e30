"""From a contract on disk to a gateway that listens; and to its end. The one place of this room that wires others."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import re
import signal
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import uvloop

from ninefold.contract.describe import describe
from ninefold.errors import ContractError, Place, ServiceError
from ninefold.gateway.addresses import own_addresses
from ninefold.gateway.authority import authority_of
from ninefold.gateway.door import Door
from ninefold.gateway.gateway import Gateway
from ninefold.gateway.ledger import Ledger
from ninefold.gateway.pseudonym import pseudonym_key
from ninefold.gateway.recorder import Recorder
from ninefold.gateway.tls import ask_clients, development_certificate, expires, server_context, upstream_context
from ninefold.guard.guard import Guard
from ninefold.keys.ring import Ring
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ninefold.contract.load import LoadedContract
    from ninefold.gateway.authority import Authority


#: From so many days before a certificate ends, the operator is told.
SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: `HOST:PORT`; port 0 takes a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listen:
        """`127.0.0.1:8443`, `[::1]:8443`, `:8443` (every address). Raises `ServiceError`."""
        host, separator, port = text.rpartition(":")
        if (
            not separator
            or not re.fullmatch(r"[0-9]{1,5}", port)
            or int(port) > 65535
            or (":" in host and not host.startswith("["))
        ):
            raise ServiceError(f"{text!r} is no address to listen on", remedy="write HOST:PORT, as 127.0.0.1:8443")
        return cls(host.strip("[]"), int(port))


def run(loaded: LoadedContract, listen: Listen, say: Callable[[str], None], record: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises `NinefoldError` where it cannot begin.

    With a `record` nothing is enforced, and what is seen is recorded there.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(loaded, listen, say, record))


async def _serve(loaded: LoadedContract, listen: Listen, say: Callable[[str], None], record: Path | None) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    async with opened(loaded, listen, say, record):
        gc.collect()
        gc.freeze()  # what a compiled contract is made of lives as long as the process
        gc.set_threshold(50_000, 20, 20)  # an exchange leaves no cycles behind
        await ended.wait()
        say("draining: no new connections, running exchanges may end")


@contextlib.asynccontextmanager
async def opened(
    loaded: LoadedContract, listen: Listen, say: Callable[[str], None], record: Path | None = None
) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway that listens on this loop, as `(gateway, url)`; drained at the end. `record`: it observes only."""
    contract = loaded.contract
    if contract.upstream is None:
        raise ContractError(
            "there is no upstream to guard",
            place=Place(str(loaded.path)),
            remedy="add `upstream: http://127.0.0.1:9000`",
        )
    loop = asyncio.get_running_loop()
    authority = authority_of(loaded, say)
    tls = tls_context(loaded, authority, say)
    upstream_tls = None
    if contract.upstream.url.startswith("https:"):
        signer = contract.upstream.authority
        upstream_tls = upstream_context(loaded.resolve(signer) if signer else None)
    scheme = "https" if tls is not None else "http"
    local = own_addresses()
    bound = bind(listen)
    port = bound.getsockname()[1]
    name = f"[{listen.host}]" if ":" in listen.host else listen.host or "127.0.0.1"
    url = f"{scheme}://{name}:{port}"
    with contextlib.ExitStack() as stack:
        stack.callback(bound.close)
        ring = stack.enter_context(contextlib.closing(Ring(loaded.resolve(contract.keys.store))))
        writer = stack.enter_context(contextlib.closing(TrailWriter(loaded.resolve(contract.trail.path))))
        described = msgspec.json.encode(describe(loaded, url)) if contract.api.serve_description else b""
        tokens = None
        if contract.identity is not None:
            from ninefold.identity.tokens import Tokens  # noqa: PLC0415  # it takes long, and few contracts need it

            tokens = Tokens(contract.identity, loaded.resolve, say)
            stack.callback(tokens.release)
        guard_type = Guard
        if record is not None:
            from ninefold.guard.observe import Observing  # noqa: PLC0415  # loads what few starts need
            from ninefold.learn.observer import observer_of  # noqa: PLC0415

            guard_type = Observing
        guard = guard_type(
            contract,
            loaded.description,
            ring,
            local=local,
            described=described,
            tokens=tokens,
            source=loaded.source,
            pseudonym_key=pseudonym_key(loaded),
            graphs=loaded.graphs,
        )
        recorder = Recorder(writer, contract.trail.batch, say, loop)
        ledger = Ledger(loaded.resolve(contract.keys.store), contract.keys.remind, recorder.add, say, loop)
        gateway = Gateway(
            contract,
            guard,
            ring,
            recorder,
            ledger,
            upstream_tls=upstream_tls,
            local=local,
            say=say,
            authority=authority,
            tokens=tokens,
            observer=observer_of(guard, loaded, record, say, time.monotonic()) if record is not None else None,
        )
        gateway.start()
        door = Door(gateway, bound, tls, say)
        door.open()
        say(f"guarding {contract.upstream.url} as {contract.api.name}, listening on {url}")
        try:
            yield gateway, url
        finally:
            door.close()
            await gateway.drain()
            if tokens is not None:
                await tokens.close()


def tls_context(
    loaded: LoadedContract, authority: Authority | None, say: Callable[[str], None]
) -> ssl.SSLContext | None:
    """TLS towards callers, by the contract; None: it asks for plain HTTP. Raises `ServiceError`."""
    encryption = loaded.contract.encryption
    if encryption.plain is not None:
        say(f"speaking plain HTTP, by the contract: {encryption.plain}")
        return None
    if encryption.tls.certificate is not None and encryption.tls.key is not None:
        certificate, key = loaded.resolve(encryption.tls.certificate), loaded.resolve(encryption.tls.key)
    else:
        certificate, key = development_certificate(loaded.resolve(".ninefold"), datetime.now(UTC))
        say(f"no certificate in the contract: using a self-signed one for development, {certificate}")
    now = datetime.now(UTC)
    context = server_context(certificate, key, encryption.tls.minimum, now)
    if authority is not None and encryption.tls.clients is not None:
        ask_clients(context, authority.pem, required=encryption.tls.clients.required)
    if (ends := expires(certificate)) < now + timedelta(days=SOON_DAYS):
        say(f"the certificate ends on {ends:%Y-%m-%d %H:%M} UTC: renew {certificate}")
    return context


def bind(listen: Listen) -> socket.socket:
    """A listening socket's address, taken before anything else is opened. Raises `ServiceError`."""
    family = socket.AF_INET6 if ":" in listen.host or not listen.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not listen.host:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((listen.host, listen.port))
        bound.settimeout(0)
    except OSError as fault:
        bound.close()
        where = f"{listen.host or '*'}:{listen.port}"
        remedies = {
            errno.EADDRINUSE: "end the other server, or choose another port with --listen HOST:PORT",
            errno.EACCES: "ports below 1024 need a right; choose one above with --listen HOST:PORT",
        }
        remedy = remedies.get(fault.errno or 0, "choose an address of this machine with --listen HOST:PORT")
        raise ServiceError(f"cannot listen on {where} ({fault.strerror})", remedy=remedy) from None
    return bound

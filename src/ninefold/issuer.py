"""Opens the token service: the contract's keys, limits and trail, and a listener. The one place that wires them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ninefold.contract.description import Operation
from ninefold.errors import ContractError, Place
from ninefold.gateway.addresses import own_addresses
from ninefold.gateway.authority import authority_of, shown_to_server
from ninefold.gateway.forwarded import caller_address, canonical
from ninefold.gateway.recorder import Recorder
from ninefold.gateway.start import bind, tls_context
from ninefold.guard.gcra import Limiter
from ninefold.guard.need import Need
from ninefold.guard.plan import Permission, Setting
from ninefold.guard.proofs.address import Ranges
from ninefold.guard.request import Certificate, Request
from ninefold.guard.roles import grants
from ninefold.guard.steps.arrival import subscriber
from ninefold.guard.steps.caller import compile_caller
from ninefold.identity.proof import Prover, Replays
from ninefold.identity.revocations import Registrar
from ninefold.identity.service.app import App
from ninefold.identity.service.registry import Registry
from ninefold.identity.service.server import Server, Terms
from ninefold.identity.service.signing import Signing
from ninefold.keys.ring import Ring
from ninefold.listener import listening
from ninefold.trail.event import Event
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ninefold.contract.load import LoadedContract
    from ninefold.contract.model import Contract
    from ninefold.gateway.authority import Authority
    from ninefold.gateway.start import Listen
    from ninefold.identity.service.app import Tell
    from ninefold.identity.service.exchange import Asked, Said
    from ninefold.identity.service.server import Holder


def run(loaded: LoadedContract, listen: Listen, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises `NinefoldError` where it cannot begin."""
    asyncio.run(_serve(loaded, listen, say))


async def _serve(loaded: LoadedContract, listen: Listen, say: Callable[[str], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    async with opened(loaded, listen, say):
        await ended.wait()
        say("ending")


@contextlib.asynccontextmanager
async def opened(loaded: LoadedContract, listen: Listen, say: Callable[[str], None]) -> AsyncIterator[str]:
    """The service, listening on this loop; gives where."""
    contract = loaded.contract
    identity = contract.identity
    if identity is None or identity.service is None:
        raise ContractError(
            "the contract has no token service",
            place=Place(str(loaded.path)),
            remedy="add `identity: {issuer: URL, audience: URL, service: {}}`",
        )
    service = identity.service
    authority = authority_of(loaded, say)
    context = tls_context(loaded, authority, say)
    if context is not None and urlsplit(identity.issuer).scheme == "http":
        raise ContractError(
            "the issuer's URL is http, and the service speaks TLS: nobody would find it",
            place=Place(str(loaded.path)),
            remedy="write `issuer: https://...`; to try it on this machine alone, `encryption: {plain: <why>}`",
        )
    if context is None and urlsplit(identity.issuer).scheme == "https":
        say("speaking plain HTTP: TLS has to end right in front")
        if not contract.api.trusted_proxies:
            say("callers' addresses are those of whatever ends TLS: name it in api.trusted_proxies")
    bound = bind(listen)
    with contextlib.ExitStack() as stack:
        stack.callback(bound.close)
        registry = stack.enter_context(contextlib.closing(Registry(loaded.resolve(service.store))))
        registrar = stack.enter_context(contextlib.closing(Registrar(loaded.resolve(identity.store))))
        ring = stack.enter_context(contextlib.closing(Ring(loaded.resolve(contract.keys.store))))
        writer = stack.enter_context(contextlib.closing(TrailWriter(loaded.resolve(service.trail))))
        recorder = Recorder(writer, contract.trail.batch, say, asyncio.get_running_loop())
        terms = Terms(
            identity.issuer, identity.audience, service.lifetime, contract.keys.header.lower(), identity.bound or "",
            identity.dpop.algorithms, context is not None and context.verify_mode != ssl.CERT_NONE,
            grants(contract.authorization),
        )  # fmt: skip
        parts = urlsplit(identity.issuer)
        prover = Prover(
            (f"{parts.scheme}://{parts.netloc}",), identity.dpop.algorithms, identity.dpop.window, identity.leeway
        )
        signing = Signing(registry, turn=service.turn, announce=service.announce, lifetime=service.lifetime)
        signing.published(time.time())  # the first key is made now, or what stands against it is told now
        server = Server(
            terms,
            registry,
            signing,
            keys=_holders(contract, ring, terms.grants),
            prover=prover,
            replays=Replays(identity.dpop.window + 2 * identity.leeway, identity.dpop.proofs),
            revoked=lambda token: registrar.revoke("jti", token, time.time()),
            now=time.time,
            clock=time.monotonic,
        )
        app = App(
            server, whence=_whence(contract), certified=_certified(authority), place=subscriber, admit=_admit(contract),
            tell=_tell(recorder), closed=lambda: recorder.fault, clock=time.monotonic, secure=context is not None,
        )  # fmt: skip
        stack.callback(app.close)
        name = f"[{listen.host}]" if ":" in listen.host else listen.host or "127.0.0.1"
        url = f"{'http' if context is None else 'https'}://{name}:{bound.getsockname()[1]}"
        try:
            async with listening(app, bound, context, contract.limits.connections):
                say(f"issuing tokens as {identity.issuer} for {', '.join(identity.audience)}, listening on {url}")
                yield url
        finally:
            await recorder.close()


def _certified(authority: Authority | None) -> Callable[[object], tuple[bytes, object]]:
    """The certificate that a caller has shown, where it holds: in time, of the contract's authorities, not revoked."""

    def certified(tls: object) -> tuple[bytes, object]:
        if authority is None or tls is None:
            return b"", None
        authority.verify()
        found = authority.holds(shown_to_server(authority, tls), time.time())
        return (found.thumbprint, found) if found is not None else (b"", None)

    return certified


def _whence(contract: Contract) -> Callable[[str, str | None], str]:
    """The caller's address, as the gateway sees it."""
    proxies = contract.api.trusted_proxies
    named = [one for one in proxies if not isinstance(one, str)]
    trusts = Ranges((*named, *(own_addresses() if len(named) < len(proxies) else ()))) if proxies else None

    def whence(peer: str, forwarded_for: str | None) -> str:
        address = canonical(peer)
        if forwarded_for is None or trusts is None:
            return address
        return caller_address(address, forwarded_for.encode("latin-1"), trusts)

    return whence


def _holders(contract: Contract, ring: Ring, held: dict[str, frozenset[str]]) -> Callable[[str, Asked], Holder | None]:
    """Whose key a text is, by the same check as the gateway's: with everything beside the key that the contract asks."""
    keys = contract.model_copy(update={"identity": None})
    nowhere = Operation("token", "POST", "/token", (), {}, False, {}, None, "", (), False, "", {})  # noqa: FBT003
    any_operation = Setting(keys, nowhere, Permission(held_by=None), (), ring, tuple(own_addresses()), held, ())
    check = compile_caller(any_operation)
    name = contract.keys.header.lower().encode()

    def holder(text: str, asked: Asked) -> Holder | None:
        request = Request(
            "POST", "/token", {name: text.encode("utf-8", "surrogatepass")}, (), asked.address, True, 0, time.time(),  # noqa: FBT003
            time.monotonic(), b"", certificate=asked.shown if isinstance(asked.shown, Certificate) else None,
        )  # fmt: skip
        ring.verify()
        verdict = check(request) if check is not None else None
        while verdict is Need.KEYS:
            ring.refresh()
            verdict = check(request) if check is not None else None
        return request if verdict is None and request.caller else None

    return holder


def _admit(contract: Contract) -> Callable[[str], float]:
    """The contract's limits by address, for whoever asks for tokens."""
    limiters = [
        Limiter("ip", limit.rate, limit.depth)
        for limit in contract.limits.rates
        if limit.per == ("ip",) and not limit.operations
    ]

    def admit(address: str) -> float:
        key = subscriber(address)
        return max((limiter.take(key, time.monotonic()).retry for limiter in limiters), default=0.0)

    return admit


def _tell(recorder: Recorder) -> Tell:
    def tell(asked: Asked, said: Said) -> None:
        outcome = "admitted" if said.status < 400 else "failed" if said.status >= 500 else "refused"
        operation = asked.path.rpartition("/")[2]
        recorder.add(
            Event(
                time.time(), "", outcome, asked.method, asked.path, operation, said.caller, asked.address, said.status,
                "" if outcome == "admitted" else "tokens", said.reason,
            )
        )  # fmt: skip

    return tell

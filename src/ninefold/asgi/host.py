"""The guard's host in an application's process: brings it what it asks for, and writes what it decided."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ninefold.asgi.scope import misread, request_of
from ninefold.contract.describe import describe
from ninefold.errors import ContractError
from ninefold.gateway.addresses import own_addresses
from ninefold.gateway.authority import authority_of, shown_to_server
from ninefold.gateway.forwarded import trusted_proxies, vouched
from ninefold.gateway.ledger import Ledger
from ninefold.gateway.needs import Needs
from ninefold.gateway.projection import threads
from ninefold.gateway.pseudonym import pseudonym_key
from ninefold.gateway.recorder import Recorder
from ninefold.gateway.watch import Watch
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.identity.tokens import Tokens
from ninefold.keys.ring import Ring
from ninefold.trail.event import Event
from ninefold.trail.writer import TrailWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.asgi.protocol import Scope
    from ninefold.contract.load import LoadedContract
    from ninefold.guard.plan import Plan
    from ninefold.guard.request import Request

Outcome = TypeVar("Outcome")

#: The least time between two looks at whether keys, revocations and certificates are what they were, in seconds.
SWEEP = 0.25


class Host:
    """One for each middleware. Raises `NinefoldError` where the contract cannot be kept here."""

    def __init__(self, loaded: LoadedContract, say: Callable[[str], None], record: Path | None = None) -> None:
        """With a `record` nothing is enforced, and what is seen is recorded there."""
        self._loaded = loaded
        self._say = say
        settings = loaded.contract
        if settings.keys.with_ is not None and settings.keys.with_.device:
            raise ContractError(
                "`keys.with.device` cannot be kept here: an ASGI server does not tell how the caller's TLS greeted",
                place=loaded.source.place(("keys", "with", "device"), key=True),
                remedy="guard the API with the gateway (`ninefold guard`), or ask for another proof",
            )
        local = own_addresses()
        described = msgspec.json.encode(describe(loaded)) if settings.api.serve_description else b""
        with contextlib.ExitStack() as stack:
            self._ring = stack.enter_context(contextlib.closing(Ring(loaded.resolve(settings.keys.store))))
            self._writer = stack.enter_context(contextlib.closing(TrailWriter(loaded.resolve(settings.trail.path))))
            self._authority = authority_of(loaded, say)
            identity = settings.identity
            self._tokens = Tokens(identity, loaded.resolve, say) if identity is not None else None
            if self._tokens is not None:
                stack.callback(self._tokens.release)
            guard = Guard
            if record is not None:
                from ninefold.guard.observe import Observing  # noqa: PLC0415  # loads what few applications need
                from ninefold.learn.observer import observer_of  # noqa: PLC0415

                guard = Observing
            self._guard = guard(
                settings,
                loaded.description,
                self._ring,
                local=local,
                described=described,
                tokens=self._tokens,
                source=loaded.source,
                pseudonym_key=pseudonym_key(loaded),
                graphs=loaded.graphs,
            )
            self._observer = (
                observer_of(self._guard, loaded, record, say, time.monotonic()) if record is not None else None
            )
            stack.pop_all()  # `close` lets go of them
        self._trusted = trusted_proxies(settings, local)
        clients = settings.encryption.tls.clients
        self._vouching = self._authority if clients is not None and clients.forwarded else None
        self._recorder: Recorder | None = None
        self._ledger: Ledger | None = None
        self._keys = Watch(self._ring, settings.keys.stale, say, time.monotonic)
        self._needs = Needs(self._guard, self._keys, self._tokens, self._authority)
        self._verified = 0.0
        self._threads = threads()
        self._stem = f"{secrets.token_hex(8)}-".encode()
        self._count = 0

    async def close(self) -> None:
        """Write what is left of the trail and let go of the files."""
        await self.rest()
        if self._tokens is not None:
            await self._tokens.close()
            self._tokens.release()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._writer.close()
        self._ring.close()

    async def rest(self) -> None:
        """Write what is left of the trail, and need this loop no more; the next request may come on another."""
        if self._ledger is not None:
            await self._ledger.close()
            self._ledger = None
        if self._observer is not None:
            self._observer.close()
            self._observer = None
        if self._recorder is not None:
            await self._recorder.close()
            self._recorder = None

    # -- from a scope to a decision

    def request(self, scope: Scope) -> Request:
        """What the guard is asked about."""
        self._count += 1
        return request_of(scope, self._stem + b"%x" % self._count)

    def plan(self, request: Request) -> Plan:
        """What the request is about, nothing checked yet."""
        return self._guard.plan(request)

    async def decided(self, request: Request, scope: Scope) -> Plan | Answer | Need:
        """The guard's decision, with every fact brought that it asks for, but the body (`Need.BODY`)."""
        return self._unfit(request, scope) or await self.admitted(request)

    async def admitted(self, request: Request) -> Plan | Answer | Need:
        """The same about a request that is HTTP, and not of another address than it seems."""
        decision = self._needs.with_keys(request, self._guard.admit(request))
        while decision is Need.TOKEN:
            await self._needs.bring_token(request)
            decision = self._again(request) or self._needs.with_keys(request, self._guard.admit(request))
        return decision

    async def gathered(self, request: Request, content: bytes) -> Plan | Answer | Need:
        """The decision again, with the whole body, which may have taken minutes to come."""
        request.content, request.doubt = content, None
        return self._again(request) or await self.admitted(request)

    def _again(self, request: Request) -> Answer | None:
        """After a wait: a certificate, the keys and the trail may not be what they were."""
        self._verify(time.monotonic())
        if self._authority is not None:
            request.certificate = self._authority.holds(request.certificate, request.time)
        return self._fault()

    def _verify(self, now: float) -> None:
        """Look whether what decisions rest on is what it was, where nobody did just now."""
        if now - self._verified >= SWEEP:
            self._verified = now
            self._needs.verify()
            if self._observer is not None:
                self._observer.tick(now)

    def _fault(self) -> Answer | None:
        fault = self._begun().fault or self._keys.fault
        return refuse(503, "gateway", fault) if fault else None

    def _unfit(self, request: Request, scope: Scope) -> Answer | None:
        """Why nothing is decided about a request: it is no HTTP to rely on, or what the decision rests on cannot be read."""
        fault = misread(request)
        if fault is not None:
            return fault
        self._begun()
        self._verify(request.now)  # before anything is looked at: what was revoked meanwhile proves nothing
        return self._look(request, scope) or self._fault()

    def _look(self, request: Request, scope: Scope) -> Answer | None:
        """What the server tells of the caller; where a trusted proxy sent the request, what that one tells."""
        if self._trusted is not None and request.address in self._trusted:
            return vouched(request, request.address, self._trusted, self._vouching)
        if self._authority is not None:
            certificate = shown_to_server(self._authority, (scope.get("extensions") or {}).get("tls"))
            request.certificate = self._authority.holds(certificate, request.time)
        return None

    # -- what was decided

    def record(
        self,
        request: Request,
        plan: Plan,
        outcome: str,
        status: int,
        step: str = "",
        reason: str = "",
        withheld: tuple[int, int] = (0, 0),
    ) -> None:
        """One decision for the trail."""
        if request.told and not reason:
            step, reason = "report", request.told
        if request.tap is not None and self._observer is not None:
            outcome, step, reason = self._observer.ended(request, status, outcome, step, reason)
        event = Event(
            request.time, request.id.decode(), outcome, request.method, request.path, plan.operation,
            request.caller, request.address, status, step, reason,
            int((time.monotonic() - request.now) * 1e6) / 1e3, *withheld, request.subject, request.dropped,
            request.leaked, request.surplus, request.places,
        )  # fmt: skip
        self._begun().add(event)
        if request.key is not None and step != "caller" and self._ledger is not None:
            self._ledger.note(request.key.id, event)

    def head(self, request: Request, plan: Plan) -> list[tuple[bytes, bytes]]:
        """The guard's own fields on an answer."""
        lines = self._guard.block(request).split(b"\r\n")[:-1]
        return [*plan.manner.fields, *((name, value) for name, _, value in (line.partition(b": ") for line in lines))]

    @property
    def most_request(self) -> int:
        """Bytes of a request's body."""
        return self._loaded.contract.limits.body

    @property
    def most_response(self) -> int:
        """Bytes of a response that is checked as a whole."""
        return self._loaded.contract.limits.response

    @property
    def most_record(self) -> int:
        """Bytes of one record or event of a stream that is read."""
        return self._loaded.contract.limits.record

    async def in_thread(self, work: Callable[[], Outcome]) -> Outcome:
        """What takes long, while others are served. Who comes when both threads work waits with his request."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _begun(self) -> Recorder:
        """What needs a loop, from the first request on."""
        if self._recorder is None:
            settings, loop = self._loaded.contract, asyncio.get_running_loop()
            self._recorder = Recorder(self._writer, settings.trail.batch, self._say, loop)
            store = self._loaded.resolve(settings.keys.store)
            self._ledger = Ledger(store, settings.keys.remind, self._recorder.add, self._say, loop)
            self._ledger.start()
        return self._recorder

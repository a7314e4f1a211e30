"""The gateway: one guard, its connections on both sides, its clocks and its limits on connections."""

from __future__ import annotations

import asyncio
import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from ninefold.contract.combination import combinations
from ninefold.gateway.forwarded import trusted_proxies
from ninefold.gateway.needs import Needs
from ninefold.gateway.outbox import Outbox
from ninefold.gateway.plain import FieldLines
from ninefold.gateway.pool import Pool
from ninefold.gateway.projection import Projections
from ninefold.gateway.turnstile import Turnstile
from ninefold.gateway.watch import Watch
from ninefold.trail.event import Event

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.contract.model import Contract
    from ninefold.gateway.authority import Authority
    from ninefold.gateway.client import ClientConnection
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.ledger import Ledger
    from ninefold.gateway.needs import Tokens
    from ninefold.gateway.plain import RequestLine
    from ninefold.gateway.recorder import Recorder
    from ninefold.gateway.watch import Ring
    from ninefold.guard.guard import Guard
    from ninefold.guard.plan import Plan
    from ninefold.learn.observer import Observer

#: How often deadlines are looked at, in seconds: what a time-out may be late by.
SWEEP = 0.25


class Gateway:
    """Everything that connections share."""

    def __init__(
        self,
        contract: Contract,
        guard: Guard,
        ring: Ring,
        recorder: Recorder,
        ledger: Ledger,
        *,
        upstream_tls: ssl.SSLContext | None,
        local: Sequence[IPv4Network | IPv6Network],
        say: Callable[[str], None],
        authority: Authority | None = None,
        tokens: Tokens | None = None,
        observer: Observer | None = None,
    ) -> None:
        assert contract.upstream is not None
        self.contract = contract
        self.guard = guard
        self.recorder = recorder
        self.observer = observer
        self.ledger = ledger
        self.limits = contract.limits
        self.timeouts = contract.limits.timeouts
        self.most_bytes = 8 * contract.limits.body + 65_536  # a chunk of one byte takes six; more is no honest framing
        self.trusts = trusted_proxies(contract, local)
        self.authority = authority
        clients = contract.encryption.tls.clients
        self.vouching = authority if clients is not None and clients.forwarded else None
        self._ring = ring
        self.fingerprints = _fingerprinted(contract) or ring.devices
        self.looks = self.trusts is not None or authority is not None or self.fingerprints
        self.pool = Pool(self, contract.upstream, upstream_tls)
        self.outbox = Outbox(asyncio.get_running_loop())
        self.projections = Projections(asyncio.get_running_loop())
        self.turnstile = Turnstile(asyncio.get_running_loop())
        self.clock = time.monotonic
        self.keys = Watch(ring, contract.keys.stale, say, self.clock)
        self.needs = Needs(guard, self.keys, tokens, authority)
        self.now = self.clock()  # when bytes last came, on either side
        self.wall = time.time
        self.date = b""
        self.draining = False
        self._say = say
        self._clients: set[ClientConnection] = set()
        self._seats: dict[str, int] = {}
        self._seated = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None
        self.lines: dict[bytes, RequestLine] = {}
        self.field_lines = FieldLines(frozenset({contract.keys.header.lower().encode()}))
        self._id_stem = f"{secrets.token_hex(8)}-".encode()
        self._id_count = 0

    def next_id(self) -> bytes:
        """An id that no other request has, of this process or another."""
        self._id_count += 1
        return b"%b%x" % (self._id_stem, self._id_count)

    def remember(self, text: bytes, line: RequestLine, plan: Plan | None) -> None:
        """What a plain request line asks for, where it is just a declared path, without parameters or a query.

        So there are no more of them than operations, and none holds anything of a caller's.
        """
        if plan is None or line.path != plan.path or len(line.target) != len(line.path):
            return
        line.plan = plan
        self.lines[text] = line

    def seat(self, subscriber: str) -> bool:
        """Take a place for one more connection of a subscriber, if there is one."""
        connections = self.limits.connections
        held = self._seats.get(subscriber, 0)
        if self.draining or self._seated >= connections.total or held >= connections.per_ip:
            return False
        self._seats[subscriber] = held + 1
        self._seated += 1
        return True

    def leave(self, subscriber: str) -> None:
        """Give a place back."""
        self._seated -= 1
        held = self._seats[subscriber] - 1
        if held:
            self._seats[subscriber] = held
        else:
            del self._seats[subscriber]

    def welcome(self, client: ClientConnection) -> None:
        """A connection stands, its TLS too."""
        self._clients.add(client)
        if self.draining:
            client.drain()

    def farewell(self, client: ClientConnection) -> None:
        """A connection has gone."""
        self._clients.discard(client)
        self.leave(client.seat)
        if not self._clients and self._emptied is not None:
            self._emptied.set()

    def record(self, exchange: Exchange, outcome: str, step: str, reason: str) -> None:
        """One decision for the trail."""
        if exchange.tap is not None and self.observer is not None:
            outcome, step, reason = self.observer.ended(exchange, exchange.status, outcome, step, reason)
        if exchange.told and not reason:
            step, reason = "report", exchange.told
        plan = exchange.plan or self.guard.plan(exchange)
        event = Event(
            exchange.time, exchange.id.decode(), outcome, exchange.method, exchange.path, plan.operation,
            exchange.caller, exchange.address, exchange.status, step, reason,
            max(int((self.now - exchange.now) * 1e6), 0) / 1e3, exchange.withheld, exchange.withheld_bytes, exchange.subject,
            exchange.dropped, exchange.leaked, exchange.surplus, exchange.places,
        )  # fmt: skip
        self.recorder.add(event)
        key = exchange.key
        if key is not None and step != "caller":
            self.ledger.note(key.id, event)

    def record_handshake(self, address: str, reason: str) -> None:
        """A caller whose TLS did not stand for what it showed of itself, for the trail."""
        self.recorder.add(
            Event(self.wall(), self.next_id().decode(), "refused", "", "", "", "", address, 0, "tls", reason, 0.0, 0, 0)
        )

    def start(self) -> None:
        """Begin to look at deadlines, the keys' file and the date."""
        self._sweep()
        self.ledger.start()

    def _sweep(self) -> None:
        self.now = now = self.clock()
        self.date = formatdate(usegmt=True).encode()
        for client in [one for one in self._clients if one.deadline <= now]:
            client.expired(now)
        self.pool.sweep(now)
        self.needs.verify()
        if self.observer is not None:
            self.observer.tick(now)
        if self._ring.devices:  # a key was bound to one meanwhile; who came before shows none
            self.fingerprints = self.looks = True
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    async def drain(self) -> None:
        """Let running exchanges end, for at most `limits.timeouts.drain`; then cut what is left."""
        self.draining = True
        for client in list(self._clients):
            client.drain()
        if self._clients:
            self._emptied = asyncio.Event()
            try:
                async with asyncio.timeout(self.timeouts.drain):
                    await self._emptied.wait()
            except TimeoutError:
                self._say(f"{len(self._clients)} connections were cut: limits.timeouts.drain is over")
        for client in list(self._clients):
            client.transport.abort()
        self.pool.close()
        self.projections.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self.ledger.close()
        if self.observer is not None:
            self.observer.close()
        await self.recorder.close()


def _fingerprinted(contract: Contract) -> bool:
    """Whether the contract speaks of devices: only then does anybody look at how TLS greets."""
    rules = contract.authorization.rules if contract.authorization is not None else ()
    asked = any("device" in one for one in combinations(contract, ()))
    return asked or any("device" in (rule.when or "") or any("device" in one for one in rule.proofs) for rule in rules)

"""How an answer of the upstream's begins on its way to the caller: all of its header but what frames its body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.treatment import Treatment, Way
from ninefold.guard.whole import may_be_coded

if TYPE_CHECKING:
    from ninefold.gateway.exchange import Exchange
    from ninefold.gateway.heads import Head


def beginning(exchange: Exchange, head: Head, treatment: Treatment, coding: bytes | None = None) -> list[bytes]:
    """Its lines. From here on the exchange counts as begun; whether its connection goes on is settled too.

    `coding` is that of a body that came in one, and leaves in this (empty: in plain); None: it leaves as it came.
    """
    plan = exchange.plan
    assert plan is not None
    gateway = exchange.client.gateway
    manner = plan.manner
    if (
        coding is None
        and manner.follows
        and treatment.way is not Way.PASS
        and (exchange.status == 304 or exchange.verb == b"HEAD")
    ):
        coding = b"" if may_be_coded(exchange, exchange.status, head.encoding, varied=head.varied) else None
    parts = [head.beginning(treatment, secure=exchange.secure and exchange.tap is None, coding=coding)]
    parts.append(manner.silent_block if head.private and treatment.way is not Way.SCRUB else manner.block)
    parts.append(gateway.guard.block(exchange))
    if gateway.draining or not exchange.complete:
        exchange.keep = False
    if not exchange.keep:
        parts.append(b"connection: close\r\n")
    elif exchange.version == "1.0":
        parts.append(b"connection: keep-alive\r\n")
    exchange.begun = True
    return parts

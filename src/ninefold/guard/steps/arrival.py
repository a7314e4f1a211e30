"""How often one address may call, whoever it says it is. First, so that guessing keys and paths is limited too."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address
from math import ceil
from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.gcra import Allowance
    from ninefold.guard.request import Request


@lru_cache(maxsize=65536)
def subscriber(address: str) -> str:
    """What one subscriber is given: an IPv4 address, or the /64 of an IPv6 one (RFC 6177)."""
    if ":" not in address:
        return address
    whole = IPv6Address(address.partition("%")[0])
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(IPv6Address(int(whole) >> 64 << 64))


def throttled(step: str, allowance: Allowance) -> Answer:
    """429 with the fields that tell an honest caller when to come back (RFC 6585 section 4, RFC 9110 section 10.2.3)."""
    return refuse(
        429,
        step,
        f"the limit {allowance.limit.name} is used up",
        ((b"retry-after", b"%d" % max(1, ceil(allowance.retry))),),
    )


def compile_arrival(setting: Setting) -> Check | None:
    limits = [
        limiter
        for limit, limiter in zip(setting.contract.limits.rates, setting.limiters, strict=True)
        if limit.per == ("ip",) and not limit.tiers and applies(limit.operations, setting)
    ]
    if not limits:
        return None

    def check(request: Request) -> Answer | None:
        key = subscriber(request.address)
        for limiter in limits:
            allowance = limiter.take(key, request.now)
            if allowance.retry:
                request.allowance = allowance
                return throttled("arrival", allowance)
            if request.allowance is None or allowance.remaining < request.allowance.remaining:
                request.allowance = allowance
        return None

    return check


def applies(operations: tuple[str, ...], setting: Setting) -> bool:
    """Whether a limit on `operations` (none named: all) holds for this one."""
    return not operations or (setting.operation is not None and setting.operation.id in operations)


def applicable(setting: Setting) -> tuple[bool, ...]:
    """Which of the contract's limits hold for this operation."""
    return tuple(applies(limit.operations, setting) for limit in setting.contract.limits.rates)


STEP = Step("arrival", compile_arrival, applicable)

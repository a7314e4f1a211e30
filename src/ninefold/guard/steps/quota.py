"""How often a caller, an operation, or a mix of them may be called. After the key, so that nobody spends another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.steps.arrival import applicable, applies, subscriber, throttled

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.request import Request


def compile_quota(setting: Setting) -> Check | None:
    operation = setting.operation
    if operation is None:
        return None
    limits = [
        (
            limiter,
            frozenset(limit.tiers),
            "ip" in limit.per,
            "caller" in limit.per,
            "tenant" in limit.per,
            operation.id if "operation" in limit.per else "",
        )
        for limit, limiter in zip(setting.contract.limits.rates, setting.limiters, strict=True)
        if (limit.per != ("ip",) or limit.tiers) and applies(limit.operations, setting)
    ]
    if not limits:
        return None

    def check(request: Request) -> Answer | None:
        for limiter, tiers, by_address, by_caller, by_tenant, base in limits:
            if tiers and (request.key is None or request.key.tier not in tiers):
                continue
            key = base
            if by_tenant:
                tenant = request.key.tenant if request.key is not None else ""
                key += f"\ntenant {tenant}" if tenant else f"\nno tenant {_caller(request)}"
            if by_caller:
                key += f"\n{_caller(request)}"
            if by_address:
                key += f"\n{subscriber(request.address)}"
            allowance = limiter.take(key, request.now)
            if allowance.retry:
                request.allowance = allowance
                return throttled("quota", allowance)
            if request.allowance is None or allowance.remaining < request.allowance.remaining:
                request.allowance = allowance
        return None

    return check


def _caller(request: Request) -> str:
    """Who has no key is told apart by address."""
    return request.caller or f"ip {subscriber(request.address)}"


def _basis(setting: Setting) -> object:
    counted = any("operation" in limit.per for limit in setting.contract.limits.rates)
    return applicable(setting), setting.operation and (setting.operation.id if counted else True)


STEP = Step("quota", compile_quota, _basis)

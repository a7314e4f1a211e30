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
            "ip" in limit.per,
            "caller" in limit.per,
            operation.id if "operation" in limit.per else "",
            (frozenset(limit.tiers), "tenant" in limit.per) if limit.tiers or "tenant" in limit.per else None,
        )
        for limit, limiter in zip(setting.contract.limits.rates, setting.limiters, strict=True)
        if (limit.per != ("ip",) or limit.tiers) and applies(limit.operations, setting)
    ]
    if not limits:
        return None

    def check(request: Request) -> Answer | None:
        if request.counted:  # it is asked about once more, with its body
            return None
        request.counted = True
        for limiter, by_address, by_caller, base, by_key in limits:
            key = base
            if by_key is not None:
                tiers, by_tenant = by_key
                if tiers and (request.key is None or request.key.tier not in tiers):
                    continue
                if by_tenant:
                    key += _tenant(request)
            if by_caller:
                # who has no key is told apart by address
                key += f"\n{request.caller}" if request.caller else f"\nip {subscriber(request.address)}"
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


def _tenant(request: Request) -> str:
    """Whose caller is of no tenant is counted for himself."""
    tenant = (request.key.tenant if request.key is not None else "") or request.tenant
    return f"\ntenant {tenant}" if tenant else f"\nno tenant {request.caller or subscriber(request.address)}"


def _basis(setting: Setting) -> object:
    counted = any("operation" in limit.per for limit in setting.contract.limits.rates)
    return applicable(setting), setting.operation and (setting.operation.id if counted else True)


STEP = Step("quota", compile_quota, _basis)

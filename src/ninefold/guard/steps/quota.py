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
        (limiter, "ip" in limit.per, "caller" in limit.per, operation.id if "operation" in limit.per else "")
        for limit, limiter in zip(setting.contract.limits.rates, setting.limiters, strict=True)
        if limit.per != ("ip",) and applies(limit.operations, setting)
    ]
    if not limits:
        return None

    def check(request: Request) -> Answer | None:
        for limiter, by_address, by_caller, base in limits:
            key = base
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


def _basis(setting: Setting) -> object:
    counted = any("operation" in limit.per for limit in setting.contract.limits.rates)
    return applicable(setting), setting.operation and (setting.operation.id if counted else True)


STEP = Step("quota", compile_quota, _basis)

"""Who is calling: each proof that the contract asks for, one after the other; the first that fails refuses."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec import structs

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.address import compile_address
from ninefold.guard.proofs.key import compile_key
from ninefold.guard.steps.arrival import subscriber

if TYPE_CHECKING:
    from ninefold.guard.request import Request


def compile_caller(setting: Setting) -> Check | None:
    if setting.operation is None or setting.permission.open:
        return None
    key = compile_key(setting)
    if setting.contract.keys.alone is not None:
        return penalised(setting, key)
    address = compile_address(setting)

    def check(request: Request) -> Answer | Need | None:
        return key(request) or address(request)

    return penalised(setting, check)


def penalised(setting: Setting, proofs: Check) -> Check:
    """The same proofs; who presents ones that do not hold has to wait (`limits.penalty`).

    A right key that was made here is never kept waiting: it cannot have been guessed, and its holder may share his address
    with whoever guesses. Whether any other was right is not told while its address waits. A key that is right and not enough
    (it has expired, or what it needs beside it is not there) counts as a wrong one does: the count would tell it else.
    """
    penalties = setting.penalties
    if penalties is None:
        return proofs

    def check(request: Request) -> Answer | Need | None:
        verdict = proofs(request)
        failed, key = request.failed, request.key
        if verdict is None and not failed and not penalties.waiting:
            return None
        if isinstance(verdict, Need):
            return verdict
        if verdict is not None and not failed:
            if key is None:
                return verdict  # nothing was presented
            failed = f"key {key.id}"
        address = subscriber(request.address)
        wait = penalties.wait(address, request.now)
        if wait:
            return _waits(wait) if failed or (key is not None and key.guessable) else verdict
        if failed:
            wait = penalties.fail(address, failed if failed != "?" else "", request.now)
            if verdict is not None:
                told = f"{verdict.reason} ({failed})" if failed != "?" else verdict.reason
                told += f"; its address waits {wait:.0f} s" if wait else ""
                return structs.replace(verdict, reason=told)
        return verdict

    return check


def _waits(wait: float) -> Answer:
    """429, the same for a right and a wrong proof."""
    reason = f"the address failed to prove who it is, and waits {wait:.0f} s more"
    return refuse(429, "caller", reason, ((b"retry-after", b"%d" % ceil(wait)),))


STEP = Step("caller", compile_caller, lambda setting: setting.operation is None or setting.permission.open)

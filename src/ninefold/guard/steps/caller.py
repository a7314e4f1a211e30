"""Who is calling: each proof that the contract asks for, one after the other; the first that fails refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.address import compile_address
from ninefold.guard.proofs.key import compile_key

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.need import Need
    from ninefold.guard.request import Request


def compile_caller(setting: Setting) -> Check | None:
    if setting.operation is None or setting.permission.open:
        return None
    key = compile_key(setting)
    if setting.contract.keys.alone is not None:
        return key
    address = compile_address(setting)

    def check(request: Request) -> Answer | Need | None:
        return key(request) or address(request)

    return check


STEP = Step("caller", compile_caller, lambda setting: setting.operation is None or setting.permission.open)

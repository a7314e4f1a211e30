"""What the caller may do: scopes and roles, default deny (OWASP API5:2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.challenge import insufficient

if TYPE_CHECKING:
    from ninefold.guard.request import Request


def compile_permission(setting: Setting) -> Check | None:
    asked = setting.permission.held_by
    if setting.operation is None or setting.permission.open or asked is None:
        return None
    why = f"none of {', '.join(sorted(asked))} is held" if asked else "no rule of the contract allows this operation"
    denied = refuse(403, "permission", why)
    if setting.contract.identity is None:

        def check(request: Request) -> Answer | None:
            return denied if asked.isdisjoint(request.scopes) else None

        return check
    by_token = refuse(403, "permission", why, insufficient(setting))

    def check_either(request: Request) -> Answer | None:
        if asked.isdisjoint(request.scopes):
            return by_token if request.subject else denied
        return None

    return check_either


STEP = Step("permission", compile_permission, lambda setting: (setting.operation is None, setting.permission))

"""What the caller may do: scopes and roles, default deny (OWASP API5:2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.request import Request


def compile_permission(setting: Setting) -> Check | None:
    asked = setting.permission.held_by
    if setting.operation is None or setting.permission.open or asked is None:
        return None
    denied = refuse(
        403,
        "permission",
        f"none of {', '.join(sorted(asked))} is held" if asked else "no rule of the contract allows this operation",
    )

    def check(request: Request) -> Answer | None:
        return denied if asked.isdisjoint(request.scopes) else None

    return check


STEP = Step("permission", compile_permission, lambda setting: (setting.operation is None, setting.permission))

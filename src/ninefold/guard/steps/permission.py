"""What the caller may do: scopes and roles, conditions, separate duties; default deny (OWASP API1:2023, API5:2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.steps.content import compile_content

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ninefold.guard.need import Need
    from ninefold.guard.request import Request

#: Sets of scopes of which it is remembered whether they are separate.
MOST_REMEMBERED = 4096


def compile_permission(setting: Setting) -> Check | None:
    if setting.operation is None:
        return None
    check = _compile_ruled(setting) if setting.permission.ruled else _compile_held(setting)
    authorization = setting.contract.authorization
    if authorization is None or not authorization.separate or setting.permission.open:
        return check
    apart = Duties(authorization.separate)
    both = refuse(
        403, "permission", "the caller holds roles or scopes that are to be separate (authorization.separate)"
    )

    def separate(request: Request) -> Answer | Need | None:
        if not apart.separate(request.scopes):
            return both
        return check(request) if check is not None else None

    return separate


class Duties:
    """Sets of roles and scopes of which nobody may hold two."""

    __slots__ = ("_apart", "_known")

    def __init__(self, apart: tuple[tuple[str, ...], ...]) -> None:
        self._apart = tuple(map(frozenset, apart))
        self._known: dict[frozenset[str], bool] = {}

    def separate(self, held: frozenset[str]) -> bool:
        """Whether who holds these holds at most one of each set."""
        known = self._known.get(held)
        if known is None:
            known = all(len(held & one) < 2 for one in self._apart)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[held] = known
        return known


def _compile_held(setting: Setting) -> Check | None:
    asked = setting.permission.held_by
    if setting.permission.open or asked is None:
        return None
    denied = refuse(
        403,
        "permission",
        f"none of {', '.join(sorted(asked))} is held" if asked else "no rule of the contract allows this operation",
    )

    def check(request: Request) -> Answer | None:
        return denied if asked.isdisjoint(request.scopes) else None

    return check


def _compile_ruled(setting: Setting) -> Check:
    from ninefold.guard.ruling import ruling  # noqa: PLC0415  # loads CEL, for contracts that need it alone

    return ruling(setting, compile_content(setting)).decide


def _basis(setting: Setting) -> Hashable:
    ruled = setting.permission.ruled and setting.operation is not None
    return setting.operation is None, setting.permission, setting.operation.id if ruled and setting.operation else ""


STEP = Step("permission", compile_permission, _basis)

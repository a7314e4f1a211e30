"""What the caller may do: scopes and roles, conditions, separate duties; default deny (OWASP API1:2023, API5:2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.challenge import insufficient
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


def _compile_ruled(setting: Setting) -> Check:
    from ninefold.guard.ruling import ruling  # noqa: PLC0415  # loads CEL, for contracts that need it alone

    decide = ruling(setting, compile_content(setting)).decide
    if setting.contract.identity is None:
        return decide
    told = insufficient(setting)

    def check(request: Request) -> Answer | Need | None:
        verdict = decide(request)
        if isinstance(verdict, Answer) and verdict.status == 403 and request.subject:
            return structs.replace(verdict, fields=(*verdict.fields, *told))
        return verdict

    return check


def _basis(setting: Setting) -> Hashable:
    ruled = setting.permission.ruled and setting.operation is not None
    return setting.operation is None, setting.permission, setting.operation.id if ruled and setting.operation else ""


STEP = Step("permission", compile_permission, _basis)

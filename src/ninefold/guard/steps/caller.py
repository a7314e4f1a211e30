"""Who is calling: the combinations of proofs that the contract asks for, in the one place that puts them together (ADR 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.address import compile_address
from ninefold.guard.proofs.challenge import asked_of
from ninefold.guard.proofs.key import compile_key
from ninefold.guard.proofs.token import compile_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ninefold.contract.combination import Combination
    from ninefold.guard.answer import Answer
    from ninefold.guard.request import Request

_NOTHING: frozenset[str] = frozenset()
#: What so many pairs of a key and a token hold together is remembered.
MOST_REMEMBERED = 4096

_PROOFS: Mapping[str, Callable[[Setting], Check]] = {
    "key": compile_key,
    "token": compile_token,
    "address": compile_address,
}


def compile_caller(setting: Setting) -> Check | None:
    if setting.operation is None or setting.permission.open:
        return None
    asked = asked_of(setting)
    checks = [_compile_all(one, setting) for one in asked]
    return checks[0] if len(checks) == 1 else _compile_any(asked, checks, setting)


def _compile_all(combination: Combination, setting: Setting) -> Check:
    """One combination: each of its proofs has to hold; the first that fails refuses."""
    checks = [_PROOFS[name](setting) for name in combination]
    if combination[:2] == ("key", "token"):
        checks[:2] = [_both(*checks[:2])]
    if len(checks) == 1:
        return checks[0]
    first, second, *others = checks

    def two(request: Request) -> Answer | Need | None:
        return first(request) or second(request)

    def more(request: Request) -> Answer | Need | None:
        verdict = first(request) or second(request)
        for other in others:
            verdict = verdict or other(request)
        return verdict

    return more if others else two


def _both(key: Check, token: Check) -> Check:
    """Two that say who calls: the caller is the key's, the subject the token's, and what is held is what both hold."""
    common: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}

    def check(request: Request) -> Answer | Need | None:
        verdict = key(request)
        if verdict is not None:
            return verdict
        by_key = request.scopes
        verdict = token(request)
        if verdict is not None:
            return verdict
        held = common.get((by_key, request.scopes))
        if held is None:
            if len(common) >= MOST_REMEMBERED:
                common.clear()
            held = common[by_key, request.scopes] = by_key & request.scopes
        request.scopes = held
        return None

    return check


def _compile_any(asked: tuple[Combination, ...], checks: list[Check], setting: Setting) -> Check:
    """The first combination that holds admits. Else the refusal is that of the first whose credential was presented."""
    fields = {"key": setting.contract.keys.header.lower().encode(), "token": b"authorization"}
    each = [
        (check, tuple(fields[one] for one in names if one in fields))
        for check, names in zip(checks, asked, strict=True)
    ]

    def check(request: Request) -> Answer | Need | None:
        chosen: Answer | None = None
        caller, shown = "", False
        for one, credentials in each:
            request.caller = request.subject = request.tenant = ""
            request.scopes, request.claims = _NOTHING, None
            verdict = one(request)
            if verdict is None or isinstance(verdict, Need):
                return verdict
            presented = any(name in request.fields for name in credentials)
            if chosen is None or (presented and not shown):
                chosen, caller, shown = verdict, request.caller, presented
        request.caller, request.subject, request.tenant, request.scopes = caller, "", "", _NOTHING
        return chosen

    return check


def _basis(setting: Setting) -> object:
    return None if setting.operation is None or setting.permission.open else asked_of(setting)


STEP = Step("caller", compile_caller, _basis)

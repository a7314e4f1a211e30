"""Who is calling: the combinations of proofs that the contract asks for, in the one place that puts them together (ADR 8)."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec import structs

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.proofs.address import compile_address
from ninefold.guard.proofs.certificate import compile_certificate, compile_presented, compile_second
from ninefold.guard.proofs.challenge import asked_of, refusal
from ninefold.guard.proofs.device import compile_device
from ninefold.guard.proofs.key import compile_key
from ninefold.guard.proofs.token import compile_token
from ninefold.guard.steps.arrival import subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ninefold.contract.combination import Combination
    from ninefold.guard.keyring import KnownKey
    from ninefold.guard.request import Request

_NOTHING: frozenset[str] = frozenset()
#: What so many pairs of a key and a token hold together is remembered.
MOST_REMEMBERED = 4096

_PROOFS: Mapping[str, Callable[[Setting], Check]] = {
    "key": compile_key,
    "token": compile_token,
    "address": compile_address,
    "certificate": compile_certificate,
    "device": compile_device,
}


def compile_caller(setting: Setting) -> Check | None:
    if setting.operation is None:
        return None
    clients = setting.contract.encryption.tls.clients
    needed = [compile_presented(setting)] if clients is not None and clients.required else []
    if setting.permission.open:
        return needed[0] if needed else None
    asked = asked_of(setting)
    checks = [_compile_all(one, setting) for one in asked]
    proven = checks[0] if len(checks) == 1 else _compile_any(asked, checks, setting)
    return penalised(setting, _each([*needed, proven]))


def _compile_all(combination: Combination, setting: Setting) -> Check:
    """One combination: each of its proofs has to hold; the first that fails refuses."""
    checks = [_PROOFS[name](setting) for name in combination]
    if combination[:2] == ("key", "token"):
        checks[:2] = [_both(checks[0], checks[1], refusal(setting, "the key and the token are of two tenants"))]
    if "certificate" in combination and combination[0] != "certificate":
        checks[-1 - combination[::-1].index("certificate")] = compile_second(setting)
    return _each(checks)


def _each(checks: list[Check]) -> Check:
    """Each of them has to hold."""
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


def _both(key: Check, token: Check, strangers: Answer) -> Check:
    """Two that say who calls: the caller is the key's, the subject the token's, and what is held is what both hold.

    Where both name a tenant it is the same one: else one would be asked about, and the API told of the other.
    """
    common: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}

    def check(request: Request) -> Answer | Need | None:
        verdict = key(request)
        if verdict is not None:
            return verdict
        by_key = request.scopes
        verdict = token(request)
        if verdict is not None:
            return verdict
        known = request.key
        if known is not None and known.tenant and request.tenant and known.tenant != request.tenant:
            return strangers
        held = common.get((by_key, request.scopes))
        if held is None:
            if len(common) >= MOST_REMEMBERED:
                common.clear()
            held = common[by_key, request.scopes] = by_key & request.scopes
        request.scopes = held
        return None

    return check


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
            if _fails(request, key, verdict):
                failed = f"key {key.id}"
        address = subscriber(request.address)
        wait = penalties.wait(address, request.now)
        if wait:
            return _waits(wait) if failed or (key is not None and key.guessable) else verdict
        if failed and request.content is None:  # with its body it is asked about once more, and counts once
            wait = penalties.fail(address, failed if failed != "?" else "", request.now)
            if verdict is not None:
                told = f"{verdict.reason} ({failed})" if failed != "?" else verdict.reason
                told += f"; its address waits {wait:.0f} s" if wait else ""
                return structs.replace(verdict, reason=told)
        return verdict

    return check


def _fails(request: Request, key: KnownKey, verdict: Answer) -> bool:
    """Whether a right key counts as a wrong one, since something else was refused.

    It does not where the answer itself tells as much: what is beside it cannot be verified now (503), or is asked for with
    a nonce. Nor does a token that has just expired, as each does, unless the key is one that could be guessed by it.
    """
    if verdict.status != 401 or any(name == b"dpop-nonce" for name, _ in verdict.fields):
        return False
    doubt = request.doubt
    expired = doubt is not None and not doubt.guess and verdict.reason == doubt.reason
    return key.guessable or not expired


def _waits(wait: float) -> Answer:
    """429, the same for a right and a wrong proof."""
    reason = f"the address failed to prove who it is, and waits {wait:.0f} s more"
    return refuse(429, "caller", reason, ((b"retry-after", b"%d" % ceil(wait)),))


def _compile_any(asked: tuple[Combination, ...], checks: list[Check], setting: Setting) -> Check:
    """The first combination that holds admits. Else the refusal is that of the first whose credential was presented."""
    fields = {"key": setting.contract.keys.header.lower().encode(), "token": b"authorization"}
    each = [
        (check, tuple(fields[one] for one in names if one in fields), "certificate" in names)
        for check, names in zip(checks, asked, strict=True)
    ]

    def check(request: Request) -> Answer | Need | None:
        chosen: Answer | None = None
        caller, subject, key, shown = "", "", None, False
        for one, credentials, certified in each:
            request.caller = request.subject = request.tenant = ""
            request.scopes, request.claims, request.key = _NOTHING, None, None
            verdict = one(request)
            if verdict is None or isinstance(verdict, Need):
                return verdict
            presented = any(name in request.fields for name in credentials)
            if not credentials and certified:
                presented = request.certificate is not None
            if chosen is None or (presented and not shown):
                chosen, shown = verdict, presented
                caller, subject, key = request.caller, request.subject, request.key
        request.caller, request.subject, request.tenant, request.scopes = caller, subject, "", _NOTHING
        request.key, request.claims = key, None
        return chosen

    return check


def _basis(setting: Setting) -> object:
    if setting.operation is None or setting.permission.open:
        return setting.operation is None
    return asked_of(setting)


STEP = Step("caller", compile_caller, _basis)

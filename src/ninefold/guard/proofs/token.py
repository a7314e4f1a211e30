"""A token as a proof: one that its issuer signed, or answers for, and that its holder may use (RFC 6750, 8705, 9449)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from ninefold.guard.answer import refuse
from ninefold.guard.need import Need
from ninefold.guard.proofs.challenge import challenges, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Check, Setting
    from ninefold.guard.request import Request
    from ninefold.guard.tokens import Doubt, KnownToken

#: What tokens of so many kinds hold is remembered.
MOST_REMEMBERED = 4096
_ERROR = "invalid_token"


def compile_token(setting: Setting) -> Check:
    """Refuses callers without a valid token; of others it tells `subject`, `scopes` and, where no key did, `caller`."""
    tokens, identity = setting.tokens, setting.contract.identity
    assert tokens is not None
    assert identity is not None
    missing = refusal(setting, "no token was presented")
    repeated = refusal(setting, "more than one token was presented", error=_ERROR)
    stranger = refusal(setting, "the token is bound to a certificate that the caller has not shown", error=_ERROR)
    doubted = _doubted(setting)
    possession = _compile_possession(setting, doubted) if identity.bound == "dpop" else None
    held_by: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[str]] = {}

    def check(request: Request) -> Answer | Need | None:
        field = request.fields.get(b"authorization")
        if field is None:
            return missing
        if not tokens.fresh():
            return Need.KEYS
        if b"authorization" in request.repeated:
            return repeated
        digest = request.token_digest
        if not digest:
            digest = request.token_digest = tokens.digest(field)
        token = tokens.present(digest, request.time, request.now)
        if token is None:
            doubt = request.doubt
            if doubt is None:
                return Need.TOKEN
            if doubt.guess and not doubt.unavailable:
                request.failed = "?"
            return doubted(doubt)
        request.subject = token.subject
        if not request.caller:
            request.caller = "sub:" + token.subject
        if possession is not None and (refused := possession(request, field, token)) is not None:
            return refused
        if token.x5t:
            shown = request.certificate
            if shown is None or shown.thumbprint != token.x5t:
                request.failed = f"subject {token.subject}"
                return stranger
        held = held_by.get((token.roles, token.scopes))
        if held is None:
            held = _held(token, setting)
            if len(held_by) >= MOST_REMEMBERED:
                held_by.clear()
            held_by[token.roles, token.scopes] = held
        request.scopes = held
        request.tenant, request.claims = token.tenant, token.claims
        return None

    return check


def _compile_possession(
    setting: Setting, doubted: Callable[[Doubt], Answer]
) -> Callable[[Request, bytes, KnownToken], Answer | None]:
    """Refuses callers who do not prove, with each request, to have the key that the token is bound to (RFC 9449)."""
    tokens = setting.tokens
    assert tokens is not None
    unproven = refusal(setting, "no proof of possession came with the token", error=_ERROR)
    repeated = refusal(setting, "more than one proof of possession came with the token", error=_ERROR)

    def possession(request: Request, field: bytes, token: KnownToken) -> Answer | None:
        if request.jkt and request.jkt == token.jkt:
            return None  # it was used up by this very request, in another combination
        proof = request.fields.get(b"dpop")
        if proof is None:
            return unproven
        if b"dpop" in request.repeated:
            return repeated
        doubt = tokens.doubts(field, proof, token.jkt, request.method, request.path, request.time, request.now)
        if doubt is not None:
            if not doubt.unavailable and not doubt.nonce:
                request.failed = f"subject {token.subject}"
            return doubted(doubt)
        request.jkt = token.jkt
        return None

    return possession


def _doubted(setting: Setting) -> Callable[[Doubt], Answer]:
    """The refusal for a doubt: one for every caller, the reason for the trail alone."""
    invalid = refusal(setting, "", error=_ERROR)
    unknown = refuse(503, "caller", "")
    content = invalid.fields[: len(invalid.fields) - len(challenges(setting, _ERROR))]

    def doubted(doubt: Doubt) -> Answer:
        if doubt.unavailable:
            return structs.replace(unknown, reason=doubt.reason)
        if doubt.nonce:
            fields = (*content, *challenges(setting, "use_dpop_nonce"), (b"dpop-nonce", doubt.nonce.encode()))
            return structs.replace(invalid, reason=doubt.reason, fields=fields)
        return structs.replace(invalid, reason=doubt.reason)

    return doubted


def _held(token: KnownToken, setting: Setting) -> frozenset[str]:
    """What a token holds: its scopes, and all that its roles hold. A role is never got by a scope that is called so."""
    held = {one for one in token.scopes if one not in setting.grants}
    for role in token.roles:
        held |= setting.grants.get(role, frozenset())
    return frozenset(held)

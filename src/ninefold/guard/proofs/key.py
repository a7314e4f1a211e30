"""An API key as a proof: one that was issued, and has neither expired nor been revoked.

A text whose own checksum does not hold is refused before anything is looked up. Every other text costs the same: one
SHA-256 over it and one look-up by the digest, whether it is right or wrong (docs/adr/0008-who-is-calling.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import refuse
from ninefold.guard.need import Need
from ninefold.guard.proofs.binding import compile_binding
from ninefold.guard.proofs.challenge import refusal

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Check, Setting
    from ninefold.guard.request import Request


def compile_key(setting: Setting) -> Check:
    """Refuses callers without a valid key; of others it tells `caller`, `key` and `scopes`."""
    keyring = setting.keyring
    name = setting.contract.keys.header.lower().encode()
    missing = refusal(setting, "no key was presented")
    repeated = refusal(setting, "more than one key was presented")
    malformed = refusal(setting, "the key is malformed")
    unknown = refusal(setting, "the key is unknown or revoked")
    unsure = refuse(503, "caller", "the key is not known, and the keys cannot be read now")
    binding = compile_binding(setting)
    expired = refusal(setting, "the key has expired")
    grants: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    def check(request: Request) -> Answer | Need | None:
        presented = request.fields.get(name)
        if presented is None:
            return missing
        if not keyring.fresh():
            return Need.KEYS
        if name in request.repeated:
            return repeated
        digest = request.key_digest
        if not digest:
            digest = request.key_digest = keyring.digest(presented)
            if not digest:
                request.failed = "?"
                return malformed
        key = keyring.present(digest)
        if key is None:
            if keyring.held:
                return unsure
            named = keyring.named(presented)
            request.failed = f"key {named}" if named else "?"
            return unknown
        request.caller = key.id
        request.key = key
        if request.time >= key.expires:
            return expired
        if key.bound is not None:
            fault = binding(request, key.bound)
            if fault is not None:
                return fault
        held = grants.get((key.role, key.scopes))
        if held is None:
            held = setting.grants.get(key.role, frozenset())
            if key.scopes:
                held &= frozenset(key.scopes)
            grants[key.role, key.scopes] = held
        request.scopes = held
        return None

    return check

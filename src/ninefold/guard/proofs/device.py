"""The caller's device as a second proof: how its TLS greets, as a JA4 fingerprint.

A weak one. It tells software from other software, not one caller from another, and can be imitated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.proofs.challenge import refusal

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Check, Setting
    from ninefold.guard.request import Request


def compile_device(setting: Setting) -> Check:
    """Refuses callers whose fingerprint is not in `keys.with.device`, or is not known."""
    proof = setting.contract.keys.with_
    known = frozenset(proof.device if proof is not None else ())
    other = refusal(setting, "the device's fingerprint is not one of keys.with.device")
    unseen = refusal(setting, "the device's fingerprint is not known")

    def check(request: Request) -> Answer | None:
        if request.device in known:
            return None
        return other if request.device else unseen

    return check

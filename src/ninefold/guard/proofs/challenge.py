"""What a caller who has not proven himself is told: how to, and nothing about what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import refuse

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Setting


def refusal(setting: Setting, reason: str) -> Answer:
    """401 with the challenges that RFC 9110 section 11.6.1 asks of every 401; the same ones, whatever the fault was."""
    contract = setting.contract
    realm = contract.api.name.replace("\\", "").replace('"', "")
    challenges = []
    if not contract.certificates or "keys" in contract.model_fields_set:
        challenges.append(f'ApiKey realm="{realm}", header="{contract.keys.header}"')
    if contract.certificates or (contract.keys.with_ is not None and contract.keys.with_.certificate):
        challenges.append(f'MutualTLS realm="{realm}"')
    return refuse(401, "caller", reason, tuple((b"www-authenticate", one.encode()) for one in challenges))

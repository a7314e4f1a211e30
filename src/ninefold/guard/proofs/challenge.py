"""What a caller who has not proven himself is told: how to, and nothing about what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import refuse

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Setting


def refusal(setting: Setting, reason: str) -> Answer:
    """401 with the challenge that RFC 9110 section 11.6.1 asks of every 401; one and the same, whatever the fault was."""
    contract = setting.contract
    realm = contract.api.name.replace("\\", "").replace('"', "")
    challenge = f'ApiKey realm="{realm}", header="{contract.keys.header}"'
    if contract.keys.query is not None:
        challenge += f', query="{contract.keys.query.name}"'
    return refuse(401, "caller", reason, ((b"www-authenticate", challenge.encode()),))

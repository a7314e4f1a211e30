"""What a caller who has not proven himself is told: how to, and nothing about what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.contract.combination import combinations
from ninefold.guard.answer import refuse
from ninefold.guard.roles import rules_for

if TYPE_CHECKING:
    from ninefold.contract.combination import Combination
    from ninefold.guard.answer import Answer, Fields
    from ninefold.guard.plan import Setting


def refusal(setting: Setting, reason: str, *, error: str = "", fields: Fields = ()) -> Answer:
    """401 with the challenges that RFC 9110 section 11.6.1 asks of every 401; the same ones, whatever the fault was.

    `error` is what RFC 6750 section 3.1 has a caller told who presented a token.
    """
    return refuse(401, "caller", reason, (*challenges(setting, error), *fields))


def challenges(setting: Setting, error: str = "") -> Fields:
    """One field for each way in which the operation's callers may prove themselves."""
    asked = {one for all_of in asked_of(setting) for one in all_of}
    found = []
    if "key" in asked:
        keys = setting.contract.keys
        query = f', query="{keys.query.name}"' if keys.query is not None else ""
        found.append(f'ApiKey realm="{_realm(setting)}", header="{keys.header}"{query}')
    if "token" in asked:
        found.append(_token(setting, error))
    clients = setting.contract.encryption.tls.clients
    if "certificate" in asked or (clients is not None and clients.required):
        found.append(f'MutualTLS realm="{_realm(setting)}"')
    return tuple((b"www-authenticate", one.encode()) for one in found)


def asked_of(setting: Setting) -> tuple[Combination, ...]:
    """The combinations of proofs that the operation's callers may choose from."""
    rules = rules_for(setting.contract.authorization, setting.operation.id) if setting.operation is not None else ()
    return combinations(setting.contract, rules)


def insufficient(setting: Setting) -> Fields:
    """What RFC 6750 section 3.1 asks of a 403 to whoever came with a token."""
    return ((b"www-authenticate", _token(setting, "insufficient_scope").encode()),)


def _token(setting: Setting, error: str) -> str:
    identity = setting.contract.identity
    assert identity is not None
    told = f', error="{error}"' if error else ""
    if identity.bound == "dpop":
        return f'DPoP realm="{_realm(setting)}"{told}, algs="{" ".join(identity.dpop.algorithms)}"'
    return f'Bearer realm="{_realm(setting)}"{told}'


def _realm(setting: Setting) -> str:
    return setting.contract.api.name.replace("\\", "").replace('"', "")

"""Who is calling: an API key that was issued and has not expired, and the second proof that the contract asks for."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from ninefold.contract.value import LOCAL
from ninefold.guard.answer import Answer, refuse
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from ninefold.guard.request import Request

#: More addresses than this are not remembered.
MOST_REMEMBERED = 65_536


def compile_key(setting: Setting) -> Check | None:
    if setting.operation is None or setting.permission.open:
        return None
    contract = setting.contract
    keyring = setting.keyring
    name = contract.keys.header.lower().encode()
    # RFC 9110 section 11.6.1 asks a challenge of every 401; one and the same, whatever the key's fault was.
    realm = contract.api.name.replace("\\", "").replace('"', "")
    challenge = ((b"www-authenticate", f'ApiKey realm="{realm}", header="{contract.keys.header}"'.encode()),)
    missing = refuse(401, "key", "no key was presented", challenge)
    repeated = refuse(401, "key", "more than one key was presented", challenge)
    unknown = refuse(401, "key", "the key is malformed, unknown or revoked", challenge)
    expired = refuse(401, "key", "the key has expired", challenge)
    elsewhere = refuse(401, "key", "the key was presented from an address outside keys.with.ip", challenge)
    inside = Ranges(_ranges(setting)) if contract.keys.alone is None else None
    grants: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    def check(request: Request) -> Answer | Need | None:
        presented = request.fields.get(name)
        if presented is None:
            return missing
        if not keyring.fresh():
            return Need.KEYS
        if name in request.repeated:
            return repeated
        digest = request.digest
        if not digest:
            digest = request.digest = keyring.digest(presented)
        key = keyring.present(digest)
        if key is None:
            return unknown
        request.caller = key.id
        if request.time >= key.expires:
            return expired
        if inside is not None and request.address not in inside:
            return elsewhere
        held = grants.get((key.role, key.scopes))
        if held is None:
            held = setting.grants.get(key.role, frozenset())
            if key.scopes:
                held &= frozenset(key.scopes)
            grants[key.role, key.scopes] = held
        request.scopes = held
        return None

    return check


def _ranges(setting: Setting) -> tuple[IPv4Network | IPv6Network, ...]:
    proof = setting.contract.keys.with_
    found: list[IPv4Network | IPv6Network] = []
    for address in proof.ip if proof is not None else (LOCAL,):
        if isinstance(address, str):
            found.extend(setting.local)
        else:
            found.append(address)
    return tuple(found)


class Ranges:
    """Address ranges; whether an address (text) is in one of them is remembered, because parsing it costs more."""

    __slots__ = ("_known", "_ranges")

    def __init__(self, ranges: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._ranges = ranges
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = self._look(address)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[address] = known
        return known

    def _look(self, address: str) -> bool:
        try:
            whole = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(whole, "ipv4_mapped", None)
        return any((mapped or whole) in one for one in self._ranges)


STEP = Step("key", compile_key, lambda setting: setting.operation is None or setting.permission.open)

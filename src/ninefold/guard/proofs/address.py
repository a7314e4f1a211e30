"""The caller's address as a second proof: it has to be in the ranges that the contract names."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from ninefold.contract.value import LOCAL
from ninefold.guard.proofs.challenge import refusal

if TYPE_CHECKING:
    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Check, Setting
    from ninefold.guard.request import Request

#: More addresses than this are not remembered.
MOST_REMEMBERED = 65_536


def compile_address(setting: Setting) -> Check:
    """Refuses callers outside `keys.with.ip`."""
    elsewhere = refusal(setting, "the key was presented from an address outside keys.with.ip")
    inside = Ranges(_ranges(setting))

    def check(request: Request) -> Answer | None:
        return None if request.address in inside else elsewhere

    return check


def _ranges(setting: Setting) -> tuple[IPv4Network | IPv6Network, ...]:
    proof = setting.contract.keys.with_
    found: list[IPv4Network | IPv6Network] = []
    for address in (proof.ip if proof is not None else None) or (LOCAL,):
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

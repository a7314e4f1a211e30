"""Is a key taken from an address that is not among those declared for it (sign 1)? Judged by where the audit calls from.

On one machine there are many addresses to call from: all of 127.0.0.0/8 (RFC 1122 section 3.2.1.3), to a target on loopback.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from ninefold.audit.address import addresses
from ninefold.audit.finding import Confidence
from ninefold.audit.judge import Judge, proof, serves
from ninefold.audit.rule import Looked, Observation, Untried
from ninefold.audit.stale import carries
from ninefold.contract.value import LOCAL

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.audit.survey import Call
    from ninefold.audit.target import Target

    Place = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

#: Addresses of loopback that are called from, beside the first of each declared range.
_OTHERS = tuple(map(IPv4Address, ("127.0.0.1", "127.0.0.2", "127.77.3.9", "127.200.1.4", "127.254.254.253")))

#: Networks that are translated among each other and by containers (RFC 1918, RFC 6598, RFC 4193).
_TRANSLATED = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))

#: Most operations that are tried.
_CALLS = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """The ranges that a key is taken from. `local`: and the addresses of the API's own machine."""

    ranges: tuple[Network, ...]
    local: bool

    def has(self, address: Place, machine: frozenset[Place]) -> bool:
        """`machine`: the API's own addresses. On loopback ::1 and 127.0.0.1 are one."""
        if self.local and (address.is_loopback or address in machine):
            return True
        if address == IPv6Address("::1") and any(one.is_loopback for one in self.ranges):
            return True
        return any(address.version == one.version and address in one for one in self.ranges)

    @property
    def translated(self) -> bool:
        """Whether an address may be among them that a translation on the way puts in place of another."""
        return any(one.version == other.version and one.overlaps(other) for one in self.ranges for other in _TRANSLATED)

    def __str__(self) -> str:
        return ", ".join((*([LOCAL] if self.local else []), *map(str, self.ranges)))


@dataclass(frozen=True, slots=True)
class _Vantage:
    """`outside`: an undeclared address to call from, and `bound` the same where a socket has to be bound to it. `inside`: a
    declared one, where there is one to bind to.
    """

    outside: Place
    bound: str | None
    inside: str | None


def undeclared_address(target: Target) -> Looked:
    """Baseline: no key, from outside the declared ranges. Attack: the key from there. Control: a wrong one. Repeat."""
    found = [(call, told) for call in target.survey.calls() if (told := declared(target, call))][:_CALLS]
    if not found:
        raise Untried("no addresses are declared that callers with this key must come from", missed=False)
    faults: dict[str, bool] = {}
    for call, told in found:
        try:
            return _tried(target, call, told, _vantage(target, told))
        except Untried as fault:
            faults[fault.reason] = fault.missed
    raise Untried("; ".join(faults), missed=any(faults.values()), applies=True)


def declared(target: Target, call: Call) -> Declared | None:
    """What the contract declares for the key at this operation, else the description; None: it is taken from anywhere."""
    key, api, operation = target.keys[0], target.description, call.operation
    keys = target.contract.contract.keys if target.contract else None
    if keys is not None and keys.alone is None and key.place == "header" and keys.header.lower() == key.name.lower():
        asked = keys.with_.ip if keys.with_ else (LOCAL,)
        if asked is None:
            return None
        return Declared(tuple(one for one in asked if not isinstance(one, str)), local=LOCAL in asked)
    if api is None or operation is None or not operation.security or not all(operation.security):
        return None
    choices = ([api.schemes[name] for name in choice if name in api.schemes] for choice in operation.security)
    mine = [one for schemes in choices for one in schemes if carries(one, key)]
    ways = [addresses(api, operation, one, surely=True) for one in mine]
    if not ways or not all(ways):
        return None
    return Declared(tuple(ip_network(one, strict=False) for way in ways for one in way), local=False)


def _vantage(target: Target, told: Declared) -> _Vantage:
    own = ip_address(target.probe.source())
    machine = frozenset(ip_address(one.partition("%")[0]) for one in target.probe.addresses())
    loopback = all(one.is_loopback and one.version == 4 for one in machine)
    there = [one.network_address for one in told.ranges if one.version == 4 and one.is_loopback] if loopback else []
    others = [*_OTHERS, *(one for one in there if isinstance(one, IPv4Address))] if loopback else []
    inside = next((str(one) for one in others if told.has(one, machine) and one.packed[-1] not in {0, 255}), None)
    if not told.has(own, machine):
        if own.is_global or not any(one.is_global for one in machine):
            return _Vantage(own, None, inside)
        raise Untried(
            f"the audit calls from {own}, and as which address the API sees that is not known",
            missed=False,
            applies=True,
        )
    if outside := next((one for one in others if not told.has(one, machine)), None):
        return _Vantage(outside, str(outside), inside)
    raise Untried(
        f"the audit calls from {own}, which is among the declared addresses ({told}): call from another one",
        missed=False,
        applies=True,
    )


def _tried(target: Target, call: Call, told: Declared, vantage: _Vantage) -> Looked:
    """Raises `Untried` when nothing shows what the key is worth."""
    key, probe, bound = target.keys[0], target.probe, vantage.bound
    keyed = key.on(call.ask)
    good = probe.send(keyed, source=vantage.inside) if vantage.inside else call.answer
    if not serves(good, target.description, call.operation):
        where = f"from {vantage.inside}, which is declared" if vantage.inside else f"from {vantage.outside}"
        raise Untried(
            f"the key is not served {where}, so whether it is refused for the address is not known",
            missed=bool(vantage.inside),
            applies=True,
        )
    anonymous = probe.send(call.ask, source=bound)
    control = probe.send(key.wrong().on(call.ask), source=bound)
    judge = Judge(good, control)
    if not judge.tells or judge.accepts(anonymous):
        raise Untried("the operation serves whoever calls, so nothing shows whether the key is accepted", missed=False)
    attack = probe.send(keyed, source=bound)
    again = probe.send(keyed, source=bound)
    if not (judge.accepts(attack) and judge.accepts(again)):
        return Looked(1)
    sure = Confidence.SUSPECTED if told.translated and not vantage.outside.is_global else None
    what = f"{call.ask.method} {call.ask.path} accepts the key from {vantage.outside}"
    detail = f"{what}, and these addresses alone are declared: {told}."
    if sure:
        detail += " A translation on the way (of a container, a cluster) may have put a declared address in its place."
    evidence = proof(anonymous, attack, control, again)
    return Looked(1, (Observation(call.place, detail, evidence, cause="undeclared address", confidence=sure),))

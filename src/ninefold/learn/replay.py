"""What a contract would decide about requests that were recorded: the guard itself is asked, with the log's clock.

Whoever a trail says proved to be calling proves it again (as the key of his id is today); everything else is judged as it
would be: routes, permissions, limits in the times of the log. What the log does not tell is not guessed: such a request is
`unknown`, with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ninefold.contract.combination import combinations
from ninefold.contract.rules import allowing
from ninefold.guard.answer import Answer
from ninefold.guard.guard import Guard
from ninefold.guard.need import Need
from ninefold.guard.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from ninefold.contract.load import LoadedContract
    from ninefold.guard.keyring import KnownKey
    from ninefold.learn.log import Line

#: What a caller's key is known by here: no digest, since nobody has its text.
_KEY = b"recorded "
#: Steps that look at what only some logs have.
_BY_QUERY = frozenset({"query", "parameters", "graphql"})
_BY_PROOF = frozenset({"caller", "permission", "quota", "origin"})


class Became(StrEnum):
    """`broken`: it was served, and would be refused. `opened`: the other way. `unknown`: the log does not tell enough."""

    SERVED = "served"
    REFUSED = "refused"
    BROKEN = "broken"
    OPENED = "opened"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """What many requests would come to alike."""

    became: Became
    caller: str
    operation: str
    step: str
    reason: str


@dataclass(slots=True)
class Replayed:
    """How many requests come to each fate, and the first and last time of it."""

    requests: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)

    def of(self, became: Became) -> list[tuple[Fate, int]]:
        """The most first."""
        return [(fate, number) for fate, number in self.fates.most_common() if fate.became is became]

    def count(self, became: Became) -> int:
        return sum(number for _, number in self.of(became))


class _Recorded:
    """A keyring in which a caller is known by the id that the trail has of him."""

    held = False

    def __init__(self, keys: Mapping[str, KnownKey]) -> None:
        self._keys = keys

    def fresh(self) -> bool:
        return True

    def digest(self, text: bytes) -> bytes:
        return text

    def named(self, text: bytes) -> str:
        del text
        return ""

    def present(self, digest: bytes) -> KnownKey | None:
        return self._keys.get(digest.removeprefix(_KEY).decode())


class _NoTokens:
    """No token is in a log, so none can be verified."""

    def fresh(self) -> bool:
        return True

    def digest(self, field: bytes) -> bytes:
        return field

    def present(self, digest: bytes, at: float, now: float) -> None:
        del digest, at, now

    def doubts(self, *_: object) -> None:
        return None


def replay(
    lines: Iterable[Line],
    loaded: LoadedContract,
    keys: Mapping[str, KnownKey],
    local: Sequence[IPv4Network | IPv6Network],
) -> Replayed:
    """`keys` are those of the contract's store by id. Raises what compiling a contract raises."""
    contract = loaded.contract
    tokens = _NoTokens() if contract.identity is not None else None
    guard = Guard(
        contract, loaded.description, _Recorded(keys), local=local, tokens=tokens, source=loaded.source,
        graphs=loaded.graphs,
    )  # fmt: skip
    field_ = contract.keys.header.lower().encode()
    bodies = {one.id: next(iter(one.request)) for one in loaded.description.operations if one.request}
    found = Replayed()
    now = 0.0
    for line in lines:
        found.requests += 1
        now = max(now, line.time)  # the guard's clock never goes back
        request = _request(line, field_, now, secure=contract.encryption.plain is None)
        media = bodies.get(guard.plan(request).operation)
        if media is not None:  # one may have come; that it was of a declared kind is believed
            request.body = -1
            request.fields[b"content-type"] = media.encode()
        found.fates[_fate(line, guard, request, loaded)] += 1
    return found


def _request(line: Line, key_field: bytes, now: float, *, secure: bool) -> Request:
    fields = {b"host": b"recorded"}
    if line.caller and not line.caller.startswith("sub:"):
        fields[key_field] = _KEY + line.caller.encode()
    target = line.target.encode("utf-8", "surrogateescape")
    path = target.partition(b"?")[0].decode("latin-1")
    return Request(
        line.method, path, fields, (), line.address or "0.0.0.0", secure, 0, line.time, now,  # noqa: S104  # no address was told
        b"", target=target,
    )  # fmt: skip


def _fate(line: Line, guard: Guard, request: Request, loaded: LoadedContract) -> Fate:
    verdict = guard.admit(request)
    plan = request.plan
    operation = (plan.operation if plan is not None else "") or f"{line.method} (not declared)"
    who = line.caller or (f"address {line.address}" if line.address else "somebody")
    unknown = _unknown(line, verdict, loaded, request)
    if unknown:
        return Fate(Became.UNKNOWN, who, operation, "", unknown)
    if isinstance(verdict, Answer) and verdict.outcome == "refused":
        became = Became.BROKEN if line.served else Became.REFUSED
        return Fate(became, who, operation, verdict.step, verdict.reason)
    refused = line.outcome == "refused"
    return Fate(Became.OPENED if refused else Became.SERVED, who, operation, "", "")


def _unknown(line: Line, verdict: object, loaded: LoadedContract, request: Request) -> str:
    """Why the log does not tell enough to decide; empty: it does."""
    operation = request.plan.operation if request.plan is not None else ""
    if verdict is Need.BODY and (operation in loaded.graphs or _speaks(loaded, operation, ("body",))):
        return "it depends on the request's body, which is in no log"
    if verdict is Need.TOKEN:
        return "it depends on the caller's token, which is in no log"
    refused = isinstance(verdict, Answer) and verdict.outcome == "refused"
    step = verdict.step if isinstance(verdict, Answer) else ""
    if refused and step in _BY_QUERY and "query" not in line.knows and "?" not in line.target:
        return "it depends on the query, which a trail does not have"
    if refused and step in _BY_PROOF and line.caller.startswith("sub:"):
        return "it depends on the caller's token, which is in no log"
    if refused and step in _BY_PROOF and not line.caller and "caller" not in line.knows:
        return "it depends on who called, which an access log does not prove"
    if refused and step == "caller" and (_hidden(loaded, operation) or _bound(request)):
        return "it depends on a token, a certificate or a device, which are in no log"
    if refused and step == "permission" and _speaks(loaded, operation, ("query", "headers", "device", "claims")):
        return "a condition looks at what is not in the log (query, fields, device)"
    if refused and step == "arrival" and not line.time:
        return "it depends on the time, which the log does not tell"
    if refused and step == "arrival" and not line.address:
        return "it depends on the address, which the log does not tell"
    return ""


def _hidden(loaded: LoadedContract, operation: str) -> bool:
    """Whether callers of an operation prove who they are by something that no log has."""
    rules = [rule for _, rule in allowing(loaded.contract.authorization, operation)]
    asked = combinations(loaded.contract, rules)
    return all({"token", "certificate", "device"} & set(one) for one in asked)


def _bound(request: Request) -> bool:
    bound = request.key.bound if request.key is not None else None
    return bound is not None and bool(bound.devices or bound.certificates or bound.origins)


def _speaks(loaded: LoadedContract, operation: str, words: tuple[str, ...]) -> bool:
    """Whether a condition on an operation has one of these attributes."""
    authorization = loaded.contract.authorization
    rules = authorization.rules if authorization is not None else ()
    return any(
        rule.when is not None and any(word in rule.when for word in words)
        for rule in rules
        if operation in rule.operations or "*" in rule.operations
    )

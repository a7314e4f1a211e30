"""What is promised three ways: declared by the contract, described by OpenAPI, observed on the running API.

What was observed is what the other rules found; nothing is sent here. A side holds, does not hold, or says nothing, and
two sides that say something either agree or drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ninefold.audit.burst import AGAIN, BURST
from ninefold.audit.finding import Clause, Confidence, Finding, Location, Passed, Severity, Verdict
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target
    from ninefold.contract.description import Description, Operation
    from ninefold.contract.load import LoadedContract
    from ninefold.contract.model import Contract

#: Response header fields that carry an id of the request.
_IDS = frozenset({"x-request-id", "request-id", "x-correlation-id", "correlation-id", "x-trace-id", "traceparent"})


class Side(NamedTuple):
    """What one side says. `holds`: whether the promise is kept by it; None: it says nothing of it."""

    words: str = ""
    holds: bool | None = None


class Held(NamedTuple):
    """A clause's three sides, and the rules that speak for the third."""

    declared: Side
    described: Side
    observed: Side
    rules: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        known = [side.holds for side in self[:3] if isinstance(side, Side) and side.holds is not None]
        if len(known) < 2:
            return Verdict.UNCHECKED
        return Verdict.AGREE if len(set(known)) == 1 else Verdict.DRIFT


def clauses(target: Target) -> tuple[tuple[Clause, Held], ...]:
    """Every clause, of what was given and what `target.ended` has. None where nothing could be held against anything."""
    if target.description is None or not (target.contract or target.url):
        return ()
    made = []
    for name, _, hold in CLAUSES:
        held = hold(target)
        sides = (held.declared.words, held.described.words, held.observed.words)
        made.append((Clause(name, *sides, held.verdict, held.rules), held))
    return tuple(made)


def drift(target: Target) -> Looked:
    """The clauses that the contract declares and another side does not keep; the others are findings of their rules."""
    compared = [
        (clause, held)
        for clause, held in clauses(target)
        if held.declared.holds is not None and held.verdict is not Verdict.UNCHECKED
    ]
    if not compared:
        raise Untried("neither the description nor the running API says anything of what the contract declares")
    return Looked(
        len(compared),
        tuple(_observation(target, *one) for one in compared if one[0].verdict is Verdict.DRIFT),
    )


def _observation(target: Target, clause: Clause, held: Held) -> Observation:
    """Worse where the API itself does otherwise than where only the description says otherwise."""
    broken = held.observed.holds is not None and held.observed.holds is not held.declared.holds
    findings = [one for one in _found(target, held.rules) if broken]
    told = [
        f"{name}: {side.words}"
        for name, side in (("Described", held.described), ("Observed", held.observed))
        if side.words
    ]
    confirmed = all(one.confidence is Confidence.CONFIRMED for one in findings)
    section = next(section for name, section, _ in CLAUSES if name == clause.name)
    contract = target.contract.path.name if target.contract else "contract"
    return Observation(
        Location(url=f"{contract}#{section}"),
        f"Of {clause.name}, the contract declares: {held.declared.words}. {'. '.join(told)}.",
        tuple(piece for one in findings for piece in one.evidence)[:4],
        cause=clause.name,
        severity=Severity.MEDIUM if broken else Severity.LOW,
        confidence=Confidence.CONFIRMED if confirmed else Confidence.SUSPECTED,
    )


def _found(target: Target, rules: tuple[str, ...]) -> list[Finding]:
    return [one for rule in rules for one in target.ended.get(rule, ()) if isinstance(one, Finding)]


def _observed(target: Target, kept: str, *rules: str, apart: frozenset[str] = frozenset()) -> Side:
    """What these live rules saw together: any finding breaks the promise; it is kept when the first of them passed.

    `apart` are operations of which nothing is promised: a finding on nothing else breaks nothing.
    """
    found = _found(target, rules)
    broken = [one for one in found if not {place.operation for place in one.places} <= apart]
    if broken:
        return Side(broken[0].title[:1].lower() + broken[0].title[1:], holds=False)
    if not found and any(isinstance(one, Passed) for one in target.ended.get(rules[0], ())):
        return Side(kept, holds=True)
    return Side()


def _api(target: Target) -> Description | None:
    """The description, unless it was made from the contract: then it says nothing of its own."""
    return None if target.derived else target.description


def _authentication(target: Target) -> Held:
    contract, api = target.contract, _api(target)
    declared, described = Side(), Side()
    if contract:
        closed = {one.id for one in contract.description.operations if not _public(contract.contract, one)}
        words = f"a key in {contract.contract.keys.header} for {len(closed)} of {len(contract.description.operations)}"
        declared = Side(f"{words} operations", holds=True)
    if api and any(one.security is not None for one in api.operations):
        secured = {one.id for one in api.operations if one.security and all(one.security)}
        words = f"credentials for {len(secured)} of {len(api.operations)} operations"
        if contract is None:
            described = Side(words, holds=True if secured else None)
        else:
            shared = {one.id for one in api.operations} & {one.id for one in contract.description.operations}
            other = sorted(shared & (secured ^ closed))
            field = contract.contract.keys.header.lower()
            keyed = any(
                one.kind == "apiKey" and str(one.raw.get("name", "")).lower() == field for one in api.schemes.values()
            )
            words += f"; otherwise than declared for {', '.join(other[:3])}" if other else ""
            words += "" if keyed or not secured else f"; no key in {contract.contract.keys.header}"
            described = Side(words, holds=not other and (keyed or not secured))
    public = {one.id for one in contract.description.operations if _public(contract.contract, one)} if contract else ()
    observed = _observed(target, "refused without credentials", "authorization-missing", apart=frozenset(public))
    return Held(declared, described, observed, ("authorization-missing",))


def _public(contract: Contract, operation: Operation) -> bool:
    rules = contract.authorization.rules if contract.authorization else ()
    return any(rule.public and {operation.id, "*"} & set(rule.operations) for rule in rules)


def _authorization(target: Target) -> Held:
    """Scopes of an API key cannot be described before OpenAPI 3.1, so a description without any says nothing."""
    contract, api = target.contract, _api(target)
    declared, described = Side(), Side()
    allowed: dict[str, frozenset[str]] = {}
    if contract and contract.contract.authorization:
        allowed = _allowed(contract)
        declared = Side(f"scopes or roles for {len(allowed)} operations", holds=True)
    if api:
        scoped = {one.id: scopes for one in api.operations if (scopes := _scopes(one))}
        if scoped:
            shared = {one.id for one in api.operations}
            other = sorted(one for one in shared if contract and bool(scoped.get(one)) != bool(allowed.get(one)))
            words = f"scopes for {len(scoped)} operations"
            words += f"; otherwise than declared for {', '.join(other[:3])}" if other else ""
            described = Side(words, holds=not other)
    # whose an object is, no scope says: it is shown, and neither keeps nor breaks what is declared
    observed = _observed(target, "objects of one caller are kept from another", "authorization-object-level")
    return Held(declared, described, observed._replace(holds=None), ("authorization-object-level",))


def _allowed(loaded: LoadedContract) -> dict[str, frozenset[str]]:
    rules = loaded.contract.authorization.rules if loaded.contract.authorization else ()
    made = {}
    for one in loaded.description.operations:
        names = frozenset(name for rule in rules if {one.id, "*"} & set(rule.operations) for name in rule.allow)
        if names and not _public(loaded.contract, one):
            made[one.id] = names
    return made


def _scopes(operation: Operation) -> frozenset[str]:
    told = operation.raw.get("x-ninefold-allow")
    named = frozenset(str(one) for one in told) if isinstance(told, list) else frozenset()
    return named | {scope for choice in operation.security or () for scopes in choice.values() for scope in scopes}


def _rates(target: Target) -> Held:
    contract = target.contract
    rates = contract.contract.limits.rates if contract else ()
    declared = Side(
        "; ".join(f"{one.rate} per {' and '.join(one.per)}" for one in rates[:3]), holds=bool(rates) or None
    )
    described = Side()
    if (api := _api(target)) is not None and api.operations:
        silent = _found(target, ("limits-undeclared",))
        if silent:
            missing = min(len(api.operations), len(silent[0].places))
            described = Side(f"no limit for {missing} of {len(api.operations)} operations", holds=False)
        elif any(isinstance(one, Passed) for one in target.ended.get("limits-undeclared", ())):
            described = Side("429 or RateLimit everywhere", holds=True)
    rules = ("limits-burst", "limits-spoofed-address")
    observed = _observed(target, "a burst is stopped or counted", *rules)
    general = [one.depth for one in rates if not one.operations]
    if observed.holds is False and rates and min(general, default=BURST + AGAIN + 1) > BURST + AGAIN:
        observed = Side(f"{observed.words}, but more than that is declared")
    return Held(declared, described, observed, rules)


def _origins(target: Target) -> Held:
    """OpenAPI has no words for origins."""
    declared = Side()
    if target.contract:
        allow = target.contract.contract.origins.allow
        declared = Side(f"only {', '.join(map(str, allow[:3]))}" if allow else "no other origin", holds=True)
    return Held(
        declared,
        Side(),
        _observed(target, "no foreign origin may read", "cors-foreign-origin"),
        ("cors-foreign-origin",),
    )


def _members(target: Target) -> Held:
    declared, described = Side(), Side()
    if target.contract:
        open_ = len(target.contract.contract.responses.open)
        declared = Side(f"what is described{f', but for {open_} operations' if open_ else ''}", holds=True)
    if _api(target) and any(isinstance(one, Passed) for one in target.ended.get("filtering-open-schema", ())):
        described = Side("closed schemas", holds=True)
    elif _api(target) and _found(target, ("filtering-open-schema",)):
        described = Side("open or missing schemas: what may be there is not said")
    rules = ("filtering-undeclared-members",)
    apart = frozenset(target.contract.contract.responses.open) if target.contract else frozenset[str]()
    observed = _observed(target, "no other members", *rules, apart=apart)
    if target.contract is None and described.holds is None and observed.holds is not None:
        described = Side("schemas with members", holds=True)
    return Held(declared, described, observed, rules)


def _transport(target: Target) -> Held:
    declared, described = Side(), Side()
    if target.contract:
        encryption = target.contract.contract.encryption
        plain = encryption.plain is not None
        words = f"plain HTTP here, because {encryption.plain}" if plain else f"TLS {encryption.tls.minimum} or newer"
        declared = Side(words, holds=None if plain else True)
    if api := _api(target):
        schemes = {urlsplit(one).scheme for one in api.servers if "://" in one}
        if schemes == {"https"} and _same_host(target, api):
            described = Side("https only", holds=True)
        elif found := _found(target, ("encryption-plain-server",)):
            described = Side(found[0].detail.rstrip("."), holds=False)
    rules = ("encryption-plain-http", "encryption-old-tls")
    return Held(declared, described, _observed(target, "TLS only", *rules), rules)


def _same_host(target: Target, api: Description) -> bool:
    """Whether the servers that are described are the one that was asked: of another host nothing was observed."""
    if not target.url:
        return True
    return all(urlsplit(one).hostname == urlsplit(target.url).hostname for one in api.servers if "://" in one)


def _trail(target: Target) -> Held:
    declared, described = Side(), Side()
    if target.contract:
        declared = Side(f"an id with every answer, kept in {target.contract.contract.trail.path}", holds=True)
    if api := _api(target):
        told = sum(
            any(name.lower() in _IDS for response in one.responses.values() for name in response.headers)
            for one in api.operations
        )
        if told:
            described = Side(f"an id with the answers of {told} of {len(api.operations)} operations", holds=True)
    rules = ("monitoring-no-request-id",)
    return Held(declared, described, _observed(target, "every answer has an id", *rules), rules)


#: The clauses in the order of the signs, each with the section of the contract that declares it.
CLAUSES: tuple[tuple[str, str, Callable[[Target], Held]], ...] = (
    ("authentication", "keys", _authentication),
    ("authorization", "authorization", _authorization),
    ("transport", "encryption", _transport),
    ("rate limit", "limits", _rates),
    ("response members", "responses", _members),
    ("request id", "trail", _trail),
    ("origins", "origins", _origins),
)

"""Client certificates and devices in a contract: what cannot be kept (problems), and what is weak (advice)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.model import Contract
    from ninefold.contract.source import Path_, Source

_CLIENTS = ("encryption", "tls", "clients")


def certificate_problems(contract: Contract, source: Source) -> Iterator[Problem]:
    clients, plain = contract.encryption.tls.clients, contract.encryption.plain is not None
    second = contract.keys.with_
    if clients is None:
        asked = [(path, one) for path, one in _askers(contract) if one]
        for path, _ in asked:
            name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
            what = f"`{name}` needs certificates, and nothing says whose"
            yield Problem(
                what, source.place(path, key=True), "name the authority: `encryption.tls.clients: {authority: FILE}`"
            )
    elif clients.forwarded and not contract.api.trusted_proxies:
        what = "nobody's `Client-Cert` would be believed: there are no trusted proxies"
        yield Problem(what, source.place((*_CLIENTS, "forwarded")), "name them in `api.trusted_proxies`")
    elif plain and not clients.forwarded:
        what = "without TLS here no certificate arrives"
        yield Problem(what, source.place(_CLIENTS, key=True), "remove `encryption.plain`, or write `forwarded: true`")
    elif plain and clients.required:
        what = "a handshake that TLS in front of this makes cannot be made to require a certificate here"
        remedy = "require it in front, and remove it here"
        yield Problem(what, source.place((*_CLIENTS, "required")), remedy)
    if second is not None and second.device and plain:
        what = "without TLS here no device greets, so none has a fingerprint"
        yield Problem(
            what, source.place(("keys", "with", "device"), key=True), "remove `encryption.plain`, or the proof"
        )
    yield from _mapping(contract, source)


def _askers(contract: Contract) -> tuple[tuple[Path_, bool], ...]:
    second, identity = contract.keys.with_, contract.identity
    rules = contract.authorization.rules if contract.authorization is not None else ()
    return (
        (("certificates",), bool(contract.certificates)),
        (("keys", "with", "certificate"), second is not None and second.certificate),
        (("identity", "bound"), identity is not None and identity.bound == "certificate"),
        *(
            (("authorization", "rules", number, "proofs"), any("certificate" in one for one in rule.proofs))
            for number, rule in enumerate(rules)
        ),
    )


def _mapping(contract: Contract, source: Source) -> Iterator[Problem]:
    authorization = contract.authorization
    held = {name for names in authorization.roles.values() for name in names} if authorization else set()
    seen: dict[str, str] = {}
    for index, one in enumerate(contract.certificates):
        path = ("certificates", index)
        if one.name in seen:
            what = f"{one.name} is {seen[one.name]} already"
            yield Problem(what, source.place(path), "a name stands for one caller; keep one of the two")
        seen.setdefault(one.name, one.caller)
        if authorization is None:
            continue
        if not one.role:
            what = f"{one.caller} has no role, so every operation would refuse this caller"
            yield Problem(what, source.place(path), "give it a `role` of `authorization.roles`")
        elif one.role not in authorization.roles:
            what = f"there is no role {one.role!r}"
            yield Problem(what, source.place((*path, "role")), f"known here: {', '.join(sorted(authorization.roles))}")
        for place, scope in enumerate(one.scopes):
            if scope not in held and scope not in authorization.roles:
                what = f"no role holds {scope!r}"
                yield Problem(what, source.place((*path, "scopes", place)), "name scopes of the caller's role")


def certificate_advice(contract: Contract, source: Source) -> Iterator[Problem]:
    clients, second = contract.encryption.tls.clients, contract.keys.with_
    if clients is not None and clients.crl is None:
        what = "a client certificate whose key was stolen is taken until it ends: there is no revocation list"
        yield Problem(what, source.place(_CLIENTS, key=True), "give `crl: FILE`, or issue certificates for hours")
    if clients is not None and clients.forwarded:
        what = "`Client-Cert` of the trusted proxies is believed"
        remedy = "make sure that each of them removes what callers send under that name (RFC 9440 section 2.4)"
        yield Problem(what, source.place((*_CLIENTS, "forwarded"), key=True), remedy)
    if clients is not None and not clients.required and not any(one for _, one in _askers(contract)):
        what = "callers are asked for certificates, and no operation needs one"
        yield Problem(what, source.place(_CLIENTS, key=True), "name callers in `certificates`, or remove it")
    if second is not None and second.device and not (second.ip or second.certificate):
        what = "a device's fingerprint is a weak proof: who runs the same software has the same, and it can be imitated"
        yield Problem(what, source.place(("keys", "with", "device"), key=True), "add `ip` or `certificate` to it")

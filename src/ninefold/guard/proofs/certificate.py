"""A client certificate as a proof (mutual TLS): one of the contract's authorities signed it, it holds, and was not revoked.

The host finds that out anew for every request (`Certificate.fault`), so neither a long connection nor a resumed session
(RFC 8446 section 2.2) outlives it. What it proves is said here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ninefold.guard.proofs.challenge import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.answer import Answer
    from ninefold.guard.plan import Setting
    from ninefold.guard.request import Certificate, Request

    Proof = Callable[[Request], Answer | None]

#: More certificates than these are not remembered.
MOST_REMEMBERED = 65_536
_SPIFFE = "uri:spiffe://"


class Holder(msgspec.Struct, frozen=True, gc=False):
    """Who a certificate stands for, and what he holds; `fault`: why it stands for nobody."""

    caller: str = ""
    scopes: frozenset[str] = frozenset()
    fault: str = ""


def compile_certificate(setting: Setting) -> Proof:
    """Refuses callers whose certificate is none of `certificates`; of others it tells `caller` and `scopes`."""
    presented = compile_presented(setting)
    holder_of = _holders(setting)
    refused = _refusals(setting)

    def check(request: Request) -> Answer | None:
        verdict = presented(request)
        if verdict is not None:
            return verdict
        assert request.certificate is not None
        holder = holder_of(request.certificate)
        request.caller = holder.caller
        if holder.fault:
            return refused(holder.fault)
        request.scopes = holder.scopes
        return None

    return check


def compile_second(setting: Setting) -> Proof:
    """Refuses callers without a certificate, beside what told `caller` and `scopes`; of those, what both hold is left."""
    presented = compile_presented(setting)
    if not setting.contract.certificates:
        return presented
    holder_of = _holders(setting)
    refused = _refusals(setting)

    def check(request: Request) -> Answer | None:
        verdict = presented(request)
        if verdict is not None:
            return verdict
        assert request.certificate is not None
        holder = holder_of(request.certificate)
        if holder.fault:
            return refused(holder.fault)
        request.scopes &= holder.scopes
        return None

    return check


def compile_presented(setting: Setting) -> Proof:
    """Refuses callers without a certificate that holds, whoever it names."""
    missing = refusal(setting, "no client certificate was presented")
    refused = _refusals(setting)

    def check(request: Request) -> Answer | None:
        certificate = request.certificate
        if certificate is None:
            return missing
        return refused(certificate.fault) if certificate.fault else None

    return check


def _refusals(setting: Setting) -> Callable[[str], Answer]:
    known: dict[str, Answer] = {}

    def refused(reason: str) -> Answer:
        answer = known.get(reason)
        if answer is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            answer = known[reason] = refusal(setting, reason)
        return answer

    return refused


def _holders(setting: Setting) -> Callable[[Certificate], Holder]:
    """Who a certificate stands for; remembered by its thumbprint."""
    holders: dict[str, Holder] = {}
    for one in setting.contract.certificates:
        held = setting.grants.get(one.role, frozenset())
        holders[one.name] = Holder(one.caller, held & frozenset(one.scopes) if one.scopes else held)
    nobody = Holder(fault="the client certificate names no caller of the contract")
    many = Holder(fault="the client certificate names more than one caller of the contract")
    spiffe = Holder(fault="the client certificate has more than one SPIFFE id (X.509-SVID section 2)")
    known: dict[bytes, Holder] = {}

    def look(certificate: Certificate) -> Holder:
        if sum(name.lower().startswith(_SPIFFE) for name in certificate.names) > 1:
            return spiffe
        named = (f"subject:{certificate.subject}", *certificate.names)
        found = {holders[name] for name in named if name in holders}
        if len(found) > 1:
            return many
        return found.pop() if found else nobody

    def holder_of(certificate: Certificate) -> Holder:
        holder = known.get(certificate.thumbprint)
        if holder is None:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            holder = known[certificate.thumbprint] = look(certificate)
        return holder

    return holder_of

"""Cipher suites and groups that a server must not choose any more (RFC 9325), each class offered alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit import hello
from ninefold.audit.again import first_words, handshake
from ninefold.audit.finding import Exchange, Location, Severity
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from ninefold.audit.hello import Reply
    from ninefold.audit.target import Target

#: Diffie-Hellman primes below this can be broken by those who care to (RFC 9325 section 4.4).
PRIME = 2048


@dataclass(frozen=True, slots=True)
class _Class:
    """`suites` offered together at most at `version`; what is wrong when the server takes one."""

    suites: tuple[int, ...]
    severity: Severity
    says: str
    version: int = 0x0303
    groups: tuple[int, ...] = hello.GROUPS


_CLASSES = (
    _Class(hello.NO_ENCRYPTION, Severity.CRITICAL, "takes suites without encryption (NULL)"),
    _Class(hello.ANONYMOUS, Severity.CRITICAL, "takes suites without a certificate (anonymous): anybody in between can be it"),
    _Class(hello.BREAKABLE, Severity.CRITICAL, "takes suites of 40 or 56 bits (export, DES)"),
    _Class(hello.RC4, Severity.HIGH, "takes RC4, which RFC 7465 forbids"),
    _Class(hello.TRIPLE_DES, Severity.MEDIUM, "takes 3DES, whose blocks of 64 bits repeat within hours (CVE-2016-2183)"),
    _Class(hello.STATIC_RSA, Severity.LOW, "takes RSA key transport: who gets the key later reads what was recorded today"),
    _Class(hello.ELLIPTIC, Severity.HIGH, "takes an elliptic curve of less than 224 bits", groups=hello.SMALL_GROUPS),
    _Class((*hello.STATIC_RSA, *hello.TRIPLE_DES, *hello.RC4), Severity.HIGH, "speaks SSL 3.0 (RFC 7568)", version=0x0300),
)  # fmt: skip

_DHE = _Class(tuple(sorted(hello.FINITE)), Severity.MEDIUM, "uses a small Diffie-Hellman prime")


def weak_suites(target: Target) -> Looked:
    """Each class by itself: taken twice, while a suite that nobody has is refused. Not what is preferred: what is possible."""
    if target.probe.origin.scheme != "https":
        raise Untried("the API is asked over http://, so there is no TLS to look at", missed=False)
    offer, name = target.probe.offer, target.probe.origin.authority
    nothing = offer(hello.NO_SUITE)
    if nothing.suite:
        raise Untried("the server chose a cipher suite that does not exist, so what it chooses tells nothing")
    today, seen, spoke = offer(hello.MODERN), [], nothing.alert >= 0
    baseline = f"baseline: of today's suites {_chosen(today)}"
    control = f"control: of a suite that nobody has {_chosen(nothing)}"
    for one in _CLASSES:
        first = offer(one.suites, version=one.version, groups=one.groups)
        spoke = spoke or first.alert >= 0 or first.suite > 0
        if not _taken(one, first) or not _taken(one, offer(one.suites, version=one.version, groups=one.groups)):
            continue
        evidence = (baseline, _attack(target, one, first), control, "repeat: the same")
        detail = f"{name} {one.says}."
        seen.append(Observation(Location(url=target.url), detail, evidence, cause=one.says, severity=one.severity))
    finite, again = (offer(_DHE.suites) for _ in range(2))
    if 0 < finite.prime < PRIME and again.prime == finite.prime:
        detail = (
            f"{name} uses a Diffie-Hellman prime of {finite.prime} bits; {PRIME} is the least (RFC 9325 section 4.4)."
        )
        evidence = (baseline, _attack(target, _DHE, finite), control, "repeat: the same")
        seen.append(
            Observation(Location(url=target.url), detail, evidence, cause="small prime", severity=Severity.MEDIUM)
        )
    if not spoke and not today.suite:
        raise Untried("the server answered no ClientHello of TLS 1.2 with an alert or a choice")
    return Looked(len(_CLASSES) + 1, tuple(seen))


def _attack(target: Target, one: _Class, found: Reply) -> Exchange:
    origin = target.probe.origin
    said = hello.client_hello(origin.host, one.suites, bytes(range(32)), version=one.version, groups=one.groups)
    asked = f"a ClientHello to {origin.authority} with these suites alone: {', '.join(f'{n:04X}' for n in one.suites)}"
    return Exchange("attack", asked, _chosen(found), first_words(origin.host, origin.port, said))


def handshake_shown(target: Target, version: str, agreed: str) -> Exchange:
    """A handshake as evidence: in this version alone, or (empty) in any, with its certificate."""
    origin = target.probe.origin
    asked = f"a TLS handshake with {origin.authority}" + (f" in {version} alone" if version else "")
    line = handshake(origin.host, origin.port, version)
    return Exchange("attack", asked, agreed, line if version else f"{line} | openssl x509 -noout -text")


def _taken(one: _Class, found: Reply) -> bool:
    if found.suite not in one.suites or found.version > one.version:
        return False
    return one.groups is hello.GROUPS or found.group in one.groups


def _chosen(found: Reply) -> str:
    if not found.suite:
        return f"none is taken (alert {found.alert})" if found.alert >= 0 else "none is taken"
    more = f", group {found.group}" if found.group else f", a prime of {found.prime} bits" if found.prime else ""
    return f"0x{found.suite:04X} is taken at version 0x{found.version:04X}{more}"

"""Sign 2, no smart authorization: open operations, weak flows, no roles, and answers to callers without
rights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.answer import Ask
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.function import ROLES, is_admin
from ninefold.audit.graphql import is_graphql
from ninefold.audit.judge import alike, proof, serves
from ninefold.audit.methods import NOWHERE, undeclared_methods
from ninefold.audit.opening import computes, declared, private
from ninefold.audit.ownership import foreign_reads
from ninefold.audit.probe import EVENTS
from ninefold.audit.routes import unguarded
from ninefold.audit.rule import Looked, Needs, Observation, Rule

if TYPE_CHECKING:
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

#: Words of operations that must be open, or nobody could get in; and of those that only read by POST.
_ENTRY = re.compile(
    r"log-?_?(?:in|on|out)|sign-?_?(?:in|on|up|out)|register|registration|auth|token|session|password|forgot|reset"
    r"|otp|mfa|verify|confirm|activat|callback|webhook|hook|health|ping|contact|subscribe|newsletter|csp-?report"
    r"|search|quer(?:y|ies)|graphql|validate|preview|convert|calculate|estimate|quote",
    re.IGNORECASE,
)

#: Words of operations that only read, by whatever method.
_READS = re.compile(
    r"search|quer(?:y|ies)|validate|preview|convert|calculate|estimate|check|test|batch-?get", re.IGNORECASE
)

#: Words of what is open to everybody nearly everywhere.
_PUBLIC = re.compile(
    r"public|anonymous|guest|status|version|about|openapi|swagger|docs|schema|well-known|jwks|robots|sitemap|favicon"
    r"|metrics|ready|live(?:ness)?|time|static|assets|legal|terms|privacy|/$",
    re.IGNORECASE,
)

#: So many operations must ask for a credential, and so many times as many as say nothing, before silence looks forgotten.
SECURED, SILENT = 4, 4


def _open(operation: Operation) -> bool:
    """No credential is asked: nothing said, an empty list, or an empty alternative (OpenAPI 3.1, 4.8.30)."""
    return not operation.security or any(not choice for choice in operation.security)


def _words(operation: Operation) -> str:
    return f"{operation.path} {operation.id}"


def _open_operations(target: Target) -> Looked:
    seen = []
    for operation in target.api.operations:
        if operation.security is None and operation.method == "POST" and is_graphql(target.api, operation):
            place = Location(operation=operation.id, pointer=operation.pointer)
            detail = f"POST {operation.path} says nothing about security, and takes mutations by what it is."
            seen.append(Observation(place, detail, cause="open graphql", confidence=Confidence.SUSPECTED))
        if not _open(operation) or _ENTRY.search(_words(operation)) or computes(operation):
            continue
        said = "says nothing about security" if operation.security is None else "is declared open to everybody"
        place = Location(operation=operation.id, pointer=operation.pointer)
        what = f"{operation.method} {operation.path} {said}"
        if operation.method in _CHANGES and "security" in operation.raw:
            if severity := declared(operation):
                detail = f"{what}, and by its method it changes things."
                cause = f"declared open {severity.value}"
                seen.append(Observation(place, detail, (), cause, severity, Confidence.SUSPECTED))
        elif operation.method in _CHANGES:
            seen.append(Observation(place, f"{what}, and it changes things.", cause="open to change"))
        elif operation.security is None and operation.method == "GET" and private(operation):
            seen.append(
                Observation(
                    place,
                    f"{what}, and its path names what belongs to somebody.",
                    cause="open to read",
                    severity=Severity.MEDIUM,
                    confidence=Confidence.SUSPECTED,
                )
            )
    return Looked(len(target.api.operations), (*seen, *_forgotten(target)))


def _forgotten(target: Target) -> list[Observation]:
    """Reads that say nothing about security where nearly all others ask for a credential: open on purpose, or forgotten?"""
    operations = target.api.operations
    silent = [
        one
        for one in operations
        if one.security is None
        and one.method == "GET"
        and not _ENTRY.search(_words(one))
        and not _PUBLIC.search(_words(one))
        and not private(one)
    ]
    secured = [one for one in operations if not _open(one)]
    if len(secured) < SECURED or len(silent) * SILENT > len(secured):
        return []
    return [
        Observation(
            Location(operation=one.id, pointer=one.pointer),
            f"{one.method} {one.path} says nothing about security, and {len(secured)} of {len(operations)} operations "
            "ask for a credential: if it is open on purpose, `security: []` says so.",
            cause="says nothing",
            severity=Severity.LOW,
            confidence=Confidence.SUSPECTED,
        )
        for one in silent
    ]


def _weak_flows(target: Target) -> Looked:
    seen = []
    for scheme in target.api.schemes.values():
        flows = scheme.raw.get("flows") or {scheme.raw.get("flow"): scheme.raw}
        for flow in flows if scheme.kind == "oauth2" and isinstance(flows, dict) else ():
            if flow in {"implicit", "password"}:
                detail = f"The scheme `{scheme.name}` uses the {flow} flow, which RFC 9700 (2.1.2, 2.4) rules out."
                seen.append(Observation(Location(pointer=scheme.pointer), detail, cause=f"{scheme.name} {flow}"))
    return Looked(len(target.api.schemes), tuple(seen))


def _admin_as_user(target: Target) -> Looked:
    secured = [one for one in target.api.operations if not _open(one)]
    users = {_rights(one) for one in secured if not is_admin(one)}
    seen = []
    for operation in secured:
        if is_admin(operation) and _rights(operation) in users:
            place = Location(operation=operation.id, pointer=operation.pointer)
            detail = (
                f"{operation.method} {operation.path} is an administrator's by its name, and asks for exactly what "
                "ordinary operations ask for: no scope or role of its own."
            )
            seen.append(Observation(place, detail, cause="admin under user authority"))
    return Looked(len(secured), tuple(seen))


def _rights(operation: Operation) -> frozenset[tuple[str, str]]:
    """What is asked for: schemes with scopes, and roles where an extension tells them (`x-required-roles`)."""
    asked = {(name, " ".join(sorted(scopes))) for choice in operation.security or () for name, scopes in choice.items()}
    told = {(name, repr(value)) for name, value in operation.raw.items() if ROLES.search(name)}
    return frozenset(asked | told)


def _scopes(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        place = Location(operation=operation.id, pointer=operation.pointer)
        for name, scopes in ((n, s) for choice in operation.security or () for n, s in choice.items()):
            scheme = target.api.schemes.get(name)
            if scheme is None or scheme.kind != "oauth2":
                continue
            at += 1
            defined = _defined(scheme.raw)
            if not scopes:
                detail = f"`{name}` is asked for without a scope: every token opens {operation.id}."
                seen.append(Observation(place, detail, cause=f"{name} without scope"))
            elif missing := [one for one in scopes if one not in defined]:
                detail = f"The scope `{missing[0]}` is asked for, and `{name}` does not define it."
                seen.append(Observation(place, detail, cause=f"{name} {missing[0]}", severity=Severity.LOW))
    return Looked(at, tuple(seen))


def _one_scope(target: Target) -> Looked:
    """A scope that both reads and changes need, and that is all they need: whoever may read may change."""
    reads: dict[tuple[str, str], int] = {}
    changes: dict[tuple[str, str], list[Operation]] = {}
    for operation in target.api.operations:
        asked = {
            (name, scopes[0])
            for choice in operation.security or ()
            for name, scopes in choice.items()
            if len(scopes) == 1
        }
        if len(asked) != 1 or len(operation.security or ()) != 1:
            continue
        (scope,) = asked
        if operation.method in {"GET", "HEAD"}:
            reads[scope] = reads.get(scope, 0) + 1
        elif operation.method in _CHANGES and not _READS.search(_words(operation)):
            changes.setdefault(scope, []).append(operation)
    seen = [
        Observation(
            Location(operation=one.id, pointer=one.pointer),
            f"The scope `{scope[1]}` opens {reads[scope]} reads and {len(ones)} changes alike: who may read may change.",
            cause=f"{scope[0]} {scope[1]}",
        )
        for scope, ones in changes.items()
        if scope in reads
        for one in ones
    ]
    return Looked(len(reads) + len(changes), tuple(seen))


def _defined(raw: object) -> set[str]:
    """Every scope of an oauth2 scheme, in OpenAPI 3 (a map of flows) or Swagger 2.0 (one flow)."""
    if not isinstance(raw, dict):
        return set()
    flows = raw.get("flows")
    holders = [raw, *(flows.values() if isinstance(flows, dict) else ())]
    return {str(one) for holder in holders if isinstance(holder, dict) for one in holder.get("scopes") or ()}


def _unauthenticated(target: Target) -> Looked:
    survey = target.survey
    secured = [call for call in survey.calls() if call.operation and not _open(call.operation)]
    seen = []
    nowhere = Ask("GET", f"{survey.base}/{NOWHERE}")
    for call in secured:
        if call.field == "__typename":
            continue  # what everybody knows: services that check each field answer it to everybody
        if not serves(call.answer, target.description, call.operation):
            continue
        attack = survey.anonymous(call)
        if not alike(attack, call.answer) or not serves(attack, target.description, call.operation):
            continue
        control, again = target.probe.send(nowhere), target.probe.send(call.ask)
        if alike(control, attack) or not alike(again, attack):
            continue  # it says the same to everything, or not the same twice
        as_with_one = " as it does with one" if target.keys else ""
        seen.append(
            Observation(
                call.place,
                f"{call.ask.method} {call.ask.path} is described as secured, and answers without any credential{as_with_one}.",
                proof(call.answer, attack, control, again),
                cause="unauthenticated",
                # of GraphQL, the description has one operation for what is for everybody and what is not; and a stream
                # may say no in its first event
                confidence=None if target.keys and not call.field and attack.media != EVENTS else Confidence.SUSPECTED,
                severity=Severity.HIGH if call.field else None,
            )
        )
    return Looked(len(secured), tuple(seen))


_LINES = (
    "authorization:\n  roles: {reader: [things:read]}\n  rules:\n    - {operations: [getThing], allow: [things:read]}\n"
)
_OWN = "authorization:\n  rules:\n    - {operations: [getThing], when: resource.owner == caller.owner}\n"
_CLOSED = "authorization:\n  rules:\n    - {operations: ['*'], allow: [api:use]}\n"

RULES = (
    Rule(
        id="authorization-open-operation",
        sign=2,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="Operations are open to everybody",
        owasp="API5:2023",
        cwe="CWE-862",
        asvs="V8.2.1",
        why="What no rule closes is open: anybody on the network may call it.",
        remedy="Declare `security` for the whole description, and open single operations on purpose and with a reason.",
        contract=_CLOSED,
        needs=(Needs.DESCRIPTION,),
        look=_open_operations,
    ),
    Rule(
        id="authorization-weak-flow",
        sign=2,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="The implicit or the password flow is used",
        owasp="API2:2023",
        cwe="CWE-287",
        asvs="V10.4.4",
        why="The implicit flow puts tokens into URLs, the password flow hands the password to the client.",
        remedy="Use the authorization code flow with PKCE (RFC 7636), or client credentials between machines.",
        contract="",
        needs=(Needs.FLOWS,),
        look=_weak_flows,
    ),
    Rule(
        id="authorization-admin-as-user",
        sign=2,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED,
        title="Administration asks for no more than use",
        owasp="API5:2023",
        cwe="CWE-285",
        asvs="V8.2.1",
        why="If both ask for the same, then every user is an administrator to the API's front door.",
        remedy="Give administrators' operations a scope or role of their own, and declare it.",
        contract=_LINES,
        needs=(Needs.DESCRIPTION,),
        look=_admin_as_user,
    ),
    Rule(
        id="authorization-scopes",
        sign=2,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="Scopes are missing or undefined",
        owasp="API5:2023",
        cwe="CWE-863",
        asvs="V10.3.2",
        why="A token without a scope opens everything that asks for a token.",
        remedy="Define scopes in the OAuth 2.0 flow and ask for one in every operation that uses it.",
        contract=_LINES,
        needs=(Needs.DESCRIPTION,),
        look=_scopes,
    ),
    Rule(
        id="authorization-one-scope",
        sign=2,
        method=Method.STATIC,
        severity=Severity.LOW,
        confidence=Confidence.CONFIRMED,
        title="One scope opens reads and changes alike",
        owasp="API5:2023",
        cwe="CWE-269",
        asvs="V10.4.11",
        why="A client that only reads holds a token that also deletes: whoever steals it can do so too.",
        remedy="Define a scope to read and one to change, and ask for the one that the operation needs.",
        contract=_LINES,
        needs=(Needs.DESCRIPTION,),
        look=_one_scope,
    ),
    Rule(
        id="authorization-unguarded-handler",
        sign=2,
        method=Method.STATIC,
        severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED,
        title="A handler has no check beside others that have one",
        owasp="API5:2023",
        cwe="CWE-862",
        asvs="V8.2.1",
        why="Where each handler checks for itself, the one that was forgotten is open to everybody.",
        remedy="Check in one place for all: a dependency of the router, or the guard; and open what is open by name.",
        contract=_CLOSED,
        needs=(Needs.SOURCE,),
        look=unguarded,
    ),
    Rule(
        id="authorization-missing",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="Described as secured, answered to everybody",
        owasp="API2:2023",
        cwe="CWE-306",
        asvs="V8.2.1",
        why="The description promises a check that the API does not make.",
        remedy="Check the credential before the operation runs, on every operation; refuse by default.",
        contract=_CLOSED,
        needs=(Needs.DESCRIPTION, Needs.URL),
        look=_unauthenticated,
    ),
    Rule(
        id="authorization-undeclared-method",
        sign=2,
        method=Method.LIVE,
        severity=Severity.MEDIUM,
        confidence=Confidence.SUSPECTED,
        title="Methods are served that nobody declared",
        owasp="API9:2023",
        cwe="CWE-749",
        asvs="V4.1.4",
        why="What is not described is not reviewed, and rules written for the described methods do not cover it.",
        remedy="Serve exactly the declared methods; answer 405 with `Allow` to all others.",
        contract="api:\n  description: openapi.yaml  # what it does not declare is refused\n",
        needs=(Needs.DESCRIPTION, Needs.URL),
        look=undeclared_methods,
    ),
    Rule(
        id="authorization-object-level",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="A caller reads the objects of another",
        owasp="API1:2023",
        cwe="CWE-639",
        asvs="V8.2.2",
        why="Whoever counts up an id, or sees one, reads what belongs to somebody else.",
        remedy="Compare the object's owner with the caller in every operation that takes an id.",
        contract=_OWN,
        needs=(Needs.OPERATIONS, Needs.URL, Needs.KEYS),
        look=foreign_reads,
    ),
)

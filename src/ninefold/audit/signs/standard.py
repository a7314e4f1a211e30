"""Sign 5, no standard authentication or authorization: mixed, undefined, homemade; declared, described,
observed differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.clauses import drift
from ninefold.audit.credential import Doubt, doubt
from ninefold.audit.finding import Confidence, Location, Method, Severity
from ninefold.audit.refusals import challenge, differ, refusals, said
from ninefold.audit.rule import Looked, Needs, Observation, Rule
from ninefold.audit.services import differing
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation, SecurityScheme

#: Where a credential is exchanged for another, a scheme of its own is the standard (RFC 6749 section 3.2).
_EXCHANGE = re.compile(r"token|log-?_?in|sign-?_?in|session|auth", re.IGNORECASE)

#: Parameters that carry a credential, whoever invented them.
_CREDENTIAL = re.compile(
    r"^(?:authorization|x[-_]?(?:api[-_]?key|auth[\w-]*|token|access[-_]?token|user(?:[-_]?id)?|secret|session)"
    r"|api[-_]?key|apikey|access[-_]?token|auth[-_]?token|password|passwd|pwd|username|session[-_]?id"
    r"|token)$",
    re.IGNORECASE,
)


def _secured(target: Target) -> list[Operation]:
    return [one for one in target.api.operations if one.security and all(one.security)]


def _choices(operation: Operation) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(choice) for choice in operation.security or ())


def _mixed(target: Target) -> Looked:
    # a scheme that nobody defined is another rule's finding
    defined = target.api.schemes.keys()
    secured = [one for one in _secured(target) if any(choice <= defined for choice in _choices(one))]
    plain = [one for one in secured if not _EXCHANGE.search(one.path)]
    common = frozenset.intersection(*map(_choices, plain)) if plain else frozenset()
    # one credential in every choice is one standard: a proof or a token against forgery beside it mixes nothing
    shared = frozenset.intersection(*(choice for one in plain for choice in _choices(one))) if plain else frozenset()
    if not plain or common or shared:
        return Looked(len(secured))
    counted: dict[frozenset[frozenset[str]], list[Operation]] = {}
    for one in plain:
        counted.setdefault(_choices(one), []).append(one)
    most = max(counted.values(), key=len)
    named = {", ".join(sorted("+".join(sorted(choice)) for choice in choices)) for choices in counted}
    seen = tuple(
        Observation(
            Location(operation=one.id, pointer=one.pointer),
            f"Operations of one API ask for different credentials: {' / '.join(sorted(named))}.",
            cause="mixed",
        )
        for group in counted.values()
        if group is not most
        for one in group
    )
    return Looked(len(secured), seen)


def _undefined(target: Target) -> Looked:
    at, seen = 0, []
    for operation in target.api.operations:
        for name in (name for choice in operation.security or () for name in choice):
            at += 1
            if name not in target.api.schemes:
                place = Location(operation=operation.id, pointer=operation.pointer)
                detail = f"The scheme `{name}` is asked for, and is defined nowhere: no client can know what it is."
                seen.append(Observation(place, detail, cause=f"undefined {name}"))
    return Looked(at, tuple(seen))


def _twice(target: Target) -> Looked:
    known: dict[tuple[str, ...], SecurityScheme] = {}
    seen = []
    for scheme in target.api.schemes.values():
        first = known.setdefault(_effect(scheme), scheme)
        if first is not scheme:
            detail = f"`{scheme.name}` is the same as `{first.name}`: two names for one credential."
            seen.append(Observation(Location(pointer=scheme.pointer), detail, cause=f"twice {first.name}"))
    return Looked(len(target.api.schemes), tuple(seen))


def _effect(scheme: SecurityScheme) -> tuple[str, ...]:
    """What tells one scheme from another on the wire."""
    raw = scheme.raw
    flows = raw.get("flows") if isinstance(raw.get("flows"), dict) else {}
    told = [str(raw.get(word, "")).lower() for word in ("in", "name", "scheme", "openIdConnectUrl", "flow", "tokenUrl")]
    urls = sorted(str(flow.get("tokenUrl") or flow.get("authorizationUrl")) for flow in (flows or {}).values())
    same = scheme.kind in {"apiKey", "http", "oauth2", "openIdConnect"}
    return (scheme.kind, *told, *urls) if same else (scheme.kind, scheme.name)


def _homemade(target: Target) -> Looked:
    seen = []
    known = {str(one.raw.get("name", "")).lower() for one in target.api.schemes.values()}
    if any(one.kind in {"http", "oauth2", "openIdConnect"} for one in target.api.schemes.values()):
        known |= {"authorization", "access_token"}  # the places that RFC 6750 section 2 gives to a token
    for operation in target.api.operations:
        for parameter in operation.parameters:
            name = parameter.name.lower()
            if parameter.location == "path" or not _CREDENTIAL.match(name) or name in known:
                continue
            said = doubt(target, operation, parameter)
            if said is Doubt.ENOUGH:
                continue
            place = Location(operation=operation.id, pointer=parameter.pointer)
            detail = (
                f"The credential `{parameter.name}` is an ordinary {parameter.location} "
                f"parameter, and no security scheme."
            )
            sure = Confidence.SUSPECTED if said is Doubt.SOME else None
            seen.append(Observation(place, detail, cause=f"{parameter.location} {name}", confidence=sure))
    return Looked(len(target.api.operations), tuple(seen))


def _no_refusal(target: Target) -> Looked:
    secured = _secured(target)
    seen = []
    for operation in secured:
        wanted = ["401"] + (["403"] if any(s for choice in operation.security or () for s in choice.values()) else [])
        missing = [one for one in wanted if _declared(operation, one) is None]
        if missing:
            place = Location(operation=operation.id, pointer=operation.pointer)
            detail = (
                f"Secured operations do not declare {' and '.join(missing)}: clients cannot know how they are refused."
            )
            seen.append(Observation(place, detail, cause=f"undeclared {' '.join(missing)}"))
    return Looked(len(secured), tuple(seen))


def _declared(operation: Operation, status: str) -> str | None:
    """The key under which the operation declares this status (OpenAPI 3.1, 4.8.16), if it does."""
    return next((one for one in (status, f"{status[:1]}XX", "default") if one in operation.responses), None)


def _three_ways(target: Target) -> Looked:
    found = refusals(target)
    seen = []
    for call, operation, answer in found:
        if fault := _verdict(target, operation, answer):
            again = target.probe.send(call.ask)
            evidence = (call.answer.exchange("baseline"), answer.exchange("attack"), again.exchange("repeat"))
            if again.status == answer.status:
                seen.append(Observation(call.place, fault, evidence, cause=fault))
    return Looked(len(found), tuple(seen))


def _verdict(target: Target, operation: Operation, answer: Answer) -> str:
    """What is declared, what is described for it, and what was observed: the sentence in which they differ,
    or none.
    """
    told = ", ".join(one for one in operation.responses if not one.startswith(("1", "2", "3"))) or "no refusal"
    key = _declared(operation, str(answer.status))
    if key is None:
        return f"Declared: {told}. Observed without credentials: {answer.status}."
    media = {one.partition(";")[0].strip().lower(): it for one, it in operation.responses[key].media.items()}
    if not media or not answer.body:
        return ""
    ranges = (answer.media, f"{answer.media.partition('/')[0]}/*", "*/*")
    held = next((one for one in ranges if one in media), None)
    if held is None:
        return f"Declared for {key}: {', '.join(media)}. Observed without credentials: {said(answer)}."
    schema: Any = media[held] if held == answer.media or "json" in answer.media else None
    try:
        schema = target.api.resolve(schema) if isinstance(schema, dict) else None
    except DescriptionError:
        return ""
    document = answer.json()
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return ""
    if not isinstance(document, dict):
        return f"Declared for {key}: an object. Observed without credentials: {type(document).__name__}."
    missing = [str(one) for one in schema.get("required", ()) if one not in document]
    if missing or not document.keys() & schema["properties"].keys():
        lacking = ", ".join(missing) or "every declared member"
        return (
            f"Declared for {key}: {', '.join(schema['properties'])}. Observed without "
            f"credentials: {lacking} is missing."
        )
    return ""


_LINES = "keys:\n  header: X-API-Key\n  with: {ip: [local]}\n"
_SERVED = "api:\n  description: openapi.yaml\n  serve_description: /openapi.json\n"


def _rule(
    id_: str,
    method: Method,
    severity: Severity,
    title: str,
    why: str,
    remedy: str,
    contract: str,
    look: Any,
    cwe: str = "CWE-1059",
    needs: Needs = Needs.DESCRIPTION,
) -> Rule:
    """Static rules read the description; live ones hold the API against it."""
    live = method is Method.LIVE
    return Rule(
        id=id_,
        sign=5,
        method=method,
        severity=severity,
        confidence=Confidence.CONFIRMED,
        title=title,
        owasp="API2:2023",
        cwe=cwe,
        asvs="V6.3.4" if live else "V6.1.3",
        why=why,
        remedy=remedy,
        contract=contract,
        needs=(needs, Needs.URL) if live else (needs,),
        look=look,
    )


RULES = (
    _rule(
        "standard-mixed-schemes",
        Method.STATIC,
        Severity.MEDIUM,
        "Operations ask for different credentials",
        "Each way to authenticate has its own faults, and clients and reviewers must know them all.",
        "Choose one scheme, accept it on every operation, and let the others run out.",
        _LINES,
        _mixed,
        "CWE-1390",
    ),
    _rule(
        "standard-undefined-scheme",
        Method.STATIC,
        Severity.MEDIUM,
        "A security scheme is asked for that nobody defined",
        "Tools read an undefined scheme as none, and leave the operation open.",
        "Define the scheme under `components.securitySchemes`, or ask for one that is there.",
        _SERVED,
        _undefined,
        "CWE-1390",
    ),
    _rule(
        "standard-twice",
        Method.STATIC,
        Severity.LOW,
        "One credential has two names",
        "Rules written for one name do not hold for the other.",
        "Keep one of the definitions, and refer to it everywhere.",
        _SERVED,
        _twice,
    ),
    _rule(
        "standard-homemade",
        Method.STATIC,
        Severity.MEDIUM,
        "Credentials are passed as ordinary parameters",
        "What is no security scheme is seen by no gateway, no client generator and no scanner as a credential.",
        "Declare it under `components.securitySchemes`, and use `Authorization` with a registered "
        "scheme where you can.",
        _LINES,
        _homemade,
        "CWE-1390",
    ),
    _rule(
        "standard-undeclared-refusal",
        Method.STATIC,
        Severity.LOW,
        "Secured operations do not say how they refuse",
        "Clients that do not expect a refusal retry, crash, or take its body for data.",
        "Declare 401, and 403 where scopes are asked for, with one problem+json body (RFC 9457) for all operations.",
        _SERVED,
        _no_refusal,
    ),
    _rule(
        "standard-challenge",
        Method.LIVE,
        Severity.LOW,
        "401 comes without a challenge",
        "RFC 9110 requires `WWW-Authenticate`, so that a client learns which scheme it needs.",
        "Send `WWW-Authenticate` with every 401.",
        _LINES,
        challenge,
        needs=Needs.REQUESTS,
    ),
    _rule(
        "standard-refusals-differ",
        Method.LIVE,
        Severity.MEDIUM,
        "Operations refuse in different ways",
        "Different refusals come from different checks, written again for every operation, and one is the weakest.",
        "Check credentials in one place before all operations, and answer with one problem+json (RFC 9457).",
        _LINES,
        differ,
        "CWE-1390",
        Needs.REQUESTS,
    ),
    _rule(
        "standard-services-differ",
        Method.STATIC,
        Severity.MEDIUM,
        "APIs of one fleet do not authenticate alike",
        "Every difference is learned again by each client, each gateway and each reviewer, and one of them is the weakest.",
        "Choose one scheme, one field and one name for it, and share its definition among the descriptions.",
        _LINES,
        differing,
        "CWE-1390",
        Needs.FLEET,
    ),
    _rule(
        "standard-three-way",
        Method.LIVE,
        Severity.LOW,
        "The API refuses otherwise than it says",
        "What is declared, described and observed should be one; where they differ, one of them was never tested.",
        "Make the API answer as declared, or declare how it answers.",
        _SERVED,
        _three_ways,
    ),
    Rule(
        id="standard-drift",
        sign=5,
        method=Method.STATIC,
        severity=Severity.MEDIUM,
        confidence=Confidence.CONFIRMED,
        title="The contract and the API drift apart",
        owasp="API9:2023",
        cwe="CWE-1059",
        asvs="V6.1.3",
        why="A contract that the description contradicts, or that the running API does not keep, protects nobody.",
        remedy="Put the guard in front of the API and serve its description, or declare in the contract what is true.",
        contract=_SERVED,
        needs=(Needs.CONTRACT, Needs.DESCRIPTION),
        look=drift,
        closing=True,
    ),
)

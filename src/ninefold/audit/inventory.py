"""The sensitive data that requests bring, and whether anything in the description shows what it is needed for (sign 3).

What is not collected cannot be lost. A description cannot prove that something is not needed; it can show that no answer has
it, no operation is about it and no word says what for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ninefold.audit.finding import Collected, Location
from ninefold.audit.graph import Graph
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.schema import kinds, properties, resolved
from ninefold.audit.sensitive import Kind, kind_of, snake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.target import Target
    from ninefold.contract.description import Operation

#: Most kinds of data, and most places of each, that are listed.
ROWS, PLACES = 200, 50

#: Methods whose parameters select what is answered.
_SELECTS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

_ANYWAY = {Kind.CREDENTIAL: "it proves or opens something", Kind.CONTACT: "it reaches who is meant"}

#: Words of operations, tags and the API's title that are about a kind.
_ABOUT = {
    Kind.PAYMENT: r"pay|charg|check-?out|order|invoice|card|bank|billing|transfer|donat|purchas|refund|subscri|book|wallet"
    r"|financ|loan|salar|deposit|withdraw|account|credit|debit|mandate",
    Kind.IDENTITY: r"kyc|verif|identi|on-?board|tax|payroll|employ|passport|visa|loan|credit|complian|licen[cs]e|insur|travel"
    r"|flight|govern|citizen|ssn|w-?[249]\b|bank|financ|patient",
    Kind.BIRTH: r"birth|\bage\b|kyc|verif|identi|insur|patient|travel|passenger|flight|employ|payroll|student|school|horoscope"
    r"|pension|loan|bank|health|medic|clinic|child|licen[cs]e",
    Kind.HEALTH: r"health|medic|patient|clinic|appointment|prescri|insur|care|doctor|pharma|hospital|fitness|diet|recipe|allerg"
    r"|symptom|vaccin|pregnan|disab|trial|lab",
    Kind.BELIEF: r"religio|ethnic|census|survey|dating|match|orientation|politic|equal|divers|church|donat",
}
_WHY = re.compile(
    r"\b(?:because|so that|in order to|used (?:to|for|by|as|when)|needed|necessary|required (?:to|by|for|when)"
    r"|(?:to|for) (?:verif|comput|calculat|check|determin|deliver|contact|bill|confirm|tax|age|ship|notif|identif)\w*)",
    re.IGNORECASE,
)


def inventory(target: Target) -> tuple[Collected, ...]:
    """Every kind of sensitive data by its name, with the operations that take it; made once."""
    return target.once("collected", lambda: tuple(_inventory(target)))


def unneeded(target: Target) -> Looked:
    """What is collected, and no answer, operation or word shows what for. One cause, in many places."""
    at = len(target.api.operations)
    found = [one for one in inventory(target) if not one.used]
    if not found:
        return Looked(at)
    names = ", ".join(f"`{one.name}` ({one.kind})" for one in found[:6])
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    detail = (
        f"Requests bring {names}{more}, which no answer returns, no operation is about by its name, and of which no word says "
        "what it is needed for."
    )
    places = dict.fromkeys(place for one in found for place in one.places)
    return Looked(at, tuple(Observation(place, detail, cause="not needed") for place in places))


def _inventory(target: Target) -> Iterator[Collected]:
    taken: dict[tuple[Kind, str], dict[Location, Operation]] = {}
    reasons: dict[tuple[Kind, str], str] = {}
    for kind, name, place, operation, why in (*_parameters(target), *_members(target)):
        datum = (kind, snake(name))
        taken.setdefault(datum, {}).setdefault(place, operation)
        if why:
            reasons.setdefault(datum, why)
    returned = _returned(target)
    title = target.api.title
    for (kind, name), places in sorted(taken.items(), key=lambda one: (list(Kind).index(one[0][0]), one[0][1]))[:ROWS]:
        used = _ANYWAY.get(kind, "") or ("an answer returns it" if name in returned else "")
        used = used or _about(kind, title, places.values()) or reasons.get((kind, name), "")
        yield Collected(kind.value, name, tuple(places)[:PLACES], used)


def _parameters(target: Target) -> Iterator[tuple[Kind, str, Location, Operation, str]]:
    for operation in target.api.operations:
        for one in operation.parameters:
            found = resolved(target, one.schema)
            schema: dict[str, Any] = found if isinstance(found, dict) else {}
            if kind := _kind(one.name, schema):
                selects = "it selects what is answered" if operation.method in _SELECTS else ""
                place = Location(operation=operation.id, pointer=one.pointer)
                raw = resolved(target, {"$ref": f"#{one.pointer}"})
                yield kind, one.name, place, operation, selects or _said(schema, raw)


def _members(target: Target) -> Iterator[tuple[Kind, str, Location, Operation, str]]:
    """Members of request bodies, however deep; each schema is looked at once."""
    told = [(one, schema) for one in target.api.operations for schema in one.request.values() if schema is not None]
    graph = Graph(target, (schema for _, schema in told))
    owners: dict[tuple[Kind, str, str], list[int]] = {}
    for node, schema in enumerate(graph.nodes):
        for name, member in properties(schema).items():
            found = resolved(target, member)
            inner = {**(found if isinstance(found, dict) else {}), **(member if isinstance(member, dict) else {})}
            if inner.get("readOnly") is not True and (kind := _kind(name, inner)):
                owners.setdefault((kind, name, _said(inner)), []).append(node)
    for (kind, name, why), nodes in list(owners.items())[:ROWS]:
        reach = graph.paths(nodes)
        for operation, body in told:
            if graph.at(body) in reach:
                yield kind, name, Location(operation=operation.id, pointer=operation.pointer), operation, why


def _kind(name: str, schema: dict[str, Any]) -> Kind | None:
    if "object" in kinds(schema) or properties(schema):  # its own members are what it is
        return None
    kind = kind_of(name, str(schema.get("format", "")))
    flag = kinds(schema) == ("boolean",) and kind not in {Kind.HEALTH, Kind.BELIEF}
    chosen = "enum" in schema and kind is Kind.CREDENTIAL  # a right or a mode, by the name of what it is a right to
    return None if flag or chosen else kind


def _said(*holders: Any) -> str:
    """That its own description says what it is needed for; empty: it does not."""
    texts = (str(one.get("description") or "") for one in holders if isinstance(one, dict))
    return "its description says what for" if any(map(_WHY.search, texts)) else ""


def _returned(target: Target) -> frozenset[str]:
    """The names of all members that answers may have, but those that only requests have (`writeOnly`)."""
    schemas = (
        schema
        for operation in target.api.operations
        for response in operation.responses.values()
        for schema in response.media.values()
    )
    graph = Graph(target, schemas)
    return frozenset(
        snake(name)
        for schema in graph.nodes
        for name, member in properties(schema).items()
        if not (isinstance(member, dict) and member.get("writeOnly") is True)
    )


def _about(kind: Kind, title: str, operations: Any) -> str:
    words = re.compile(_ABOUT[kind], re.IGNORECASE)
    if words.search(title):
        return "the API is about it"
    told = (f"{one.path} {one.id} {one.summary} {' '.join(one.tags)}" for one in operations)
    return "an operation that takes it is about it" if any(map(words.search, told)) else ""

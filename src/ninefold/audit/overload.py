"""How much one GraphQL request may ask for: nesting, aliases, batches (API4:2023, CWE-770).

Each is asked for far beyond what honest limits let through (10 to 20 levels, 15 to 30 aliases, 10 documents), in a form that
costs the service next to nothing: the cheapest field, or nesting below an object that is not there.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence, Location
from ninefold.audit.graphql import HELLO, UNKNOWN, executed, metered
from ninefold.audit.judge import proof
from ninefold.audit.rule import Looked, Observation, Untried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.graphql import Endpoint, Field, Types
    from ninefold.audit.target import Target

#: Levels, aliases and documents of one request.
LEVELS, ALIASES, DOCUMENTS = 60, 100, 30

#: Ids that nothing has, by the kind of the argument.
_NOBODY = {"ID": '"999999937"', "String": '"ninefold-nobody"', "Int": "999999937"}


def endpoint_of(target: Target) -> Endpoint:
    """The endpoint. Raises `Untried` when nothing answers as GraphQL does."""
    found = target.survey.endpoint()
    if found is None:
        raise Untried("nothing answers as GraphQL does", missed=False)
    return found


def place_of(endpoint: Endpoint) -> Location:
    """The operation where one is described, and the path."""
    operation = endpoint.operation
    return Location(
        operation=operation.id if operation else "",
        pointer=operation.pointer if operation else "",
        url=endpoint.request.path,
    )


def send(target: Target, ask: Ask) -> Answer:
    """The answer to the first caller, or to nobody if no key was given."""
    return target.probe.send(target.survey.as_caller(ask))


def aliases(target: Target) -> Looked:
    """One field under a hundred names. What a service answers a hundred times, it also compares a hundred PINs for."""
    endpoint = endpoint_of(target)
    types = types_of(target)
    by_id = next((one for one in (types.roots() if types else ()) if _by_id(one) and not one.sure), None)
    field = f"{by_id.name}({_nobody(by_id)}){{__typename}}" if by_id else "__typename"
    names = [f"a{number}:{field}" for number in range(ALIASES)]
    return _tried(
        target,
        endpoint,
        f"{{{names[0]}}}",
        (f"{{{' '.join(names)}}}", f"{{{' '.join([*names[1:], UNKNOWN])}}}"),
        lambda answer: _members(answer) == ALIASES,
        f"{ALIASES} aliases of `{by_id.name if by_id else field}` were answered in one request.",
        None if by_id else Confidence.SUSPECTED,  # an honest limit may count only what costs something
    )


def depth(target: Target) -> Looked:
    """Types that lead back to themselves, followed for dozens of levels below an object that is not there.

    A limit looks at the document before it is executed, so it stops this one too. Where there is none, it is executed, and
    finds nothing.
    """
    endpoint = endpoint_of(target)
    types = types_of(target)
    if types is None:
        raise Untried(
            "neither the service nor its source (--source) tells its types, so no way that leads back to itself is known",
            missed=False,
        )
    found = _way_round(types)
    if found is None:
        return Looked(1)  # no type leads back to itself: the types themselves bound how deep a query can be
    start, way, lead = found
    names = [*(one.name for one in way[:lead]), *_round(way[lead:], LEVELS)]
    # lists of lists would be fetched in earnest; what is not included is validated all the same
    skipped = "" if "(" in start else " @include(if:false)"

    def nested(levels: int, leaf: str) -> str:
        head, *below = names[:levels]
        return f"{{{start}{{{head}{skipped}{{" + "{".join([*below, leaf]) + "}" * (levels + 2)

    return _tried(
        target,
        endpoint,
        nested(1, "__typename"),
        (nested(LEVELS, "__typename"), nested(LEVELS, UNKNOWN)),
        executed,
        f"A query of {LEVELS} levels ({start.partition('(')[0]}, {', '.join(names[: len(way)])}, and so on) was executed.",
        Confidence.SUSPECTED if skipped else None,
    )


def types_of(target: Target) -> Types | None:
    """The types as the service tells them, else as its source declares them."""
    from ninefold.audit.sdl import types_in  # noqa: PLC0415  # takes long to load, and few APIs need it

    return target.survey.types() or (types_in(target.source) if target.source else None)


def _round(way: list[Field], levels: int) -> list[str]:
    return [way[level % len(way)].name for level in range(levels)]


def _tried(
    target: Target,
    endpoint: Endpoint,
    small: str,
    large: tuple[str, str],
    took: Callable[[Answer], bool],
    detail: str,
    sure: Confidence | None,
) -> Looked:
    """Baseline: the small document. Attack and repeat: the large one. Control: the large one with a fault at its end."""
    baseline = send(target, endpoint.ask(small))
    if not executed(baseline):
        raise Untried(
            "the service does not answer even the small form of what this rule asks in the large", missed=False
        )
    attack = send(target, endpoint.ask(large[0]))
    if not took(attack) or metered(attack):
        return Looked(1)
    control = send(target, endpoint.ask(large[1]))
    again = send(target, endpoint.ask(large[0]))
    if not took(again) or took(control):
        return Looked(1)  # the document was not read to its end, so its size was never a burden
    evidence = proof(baseline, attack, control, again)
    return Looked(1, (Observation(place_of(endpoint), detail, evidence, cause="graphql", confidence=sure),))


def batches(target: Target) -> Looked:
    """Dozens of documents in one request: one hit for a limit that counts requests."""
    endpoint = endpoint_of(target)
    if endpoint.request.method != "POST":
        raise Untried("the service takes queries by GET only, one at a time", missed=False)
    attack = send(target, endpoint.batch([HELLO] * DOCUMENTS))
    if _answers(attack) != DOCUMENTS or metered(attack):
        return Looked(1)
    control = send(target, endpoint.batch([f"{{{UNKNOWN}}}"] * DOCUMENTS))
    again = send(target, endpoint.batch([HELLO] * DOCUMENTS))
    if _answers(again) != DOCUMENTS or _answers(control):
        return Looked(1)
    detail = f"{DOCUMENTS} documents in one request were all executed: whatever counts requests counts one."
    evidence = proof(endpoint.hello, attack, control, again)
    return Looked(1, (Observation(place_of(endpoint), detail, evidence, cause="graphql"),))


def _answers(answer: Answer) -> int:
    """How many documents of a batch were executed without a fault."""
    document = answer.json()
    if not isinstance(document, list):
        return 0
    return sum(
        isinstance(one, dict) and isinstance(one.get("data"), dict) and not one.get("errors") for one in document
    )


def _members(answer: Answer) -> int:
    document = answer.json()
    data = document.get("data") if isinstance(document, dict) else None
    return len(data) if isinstance(data, dict) else 0


def _by_id(field: Field) -> bool:
    """A field that is found by one id, and may well find nothing."""
    needed = [one for one in field.arguments if one.required]
    return len(needed) == 1 and needed[0].kind in _NOBODY and not field.many and not field.leaf


def _nobody(field: Field) -> str:
    argument = next(one for one in field.arguments if one.required)
    return f"{argument.name}:{_NOBODY[argument.kind]}"


def _way_round(types: Types) -> tuple[str, list[Field], int] | None:
    """How to begin, the fields from there, and from which of them on the way leads back to where it came from.

    To begin with an object that is not there is best; else one that can be read without an argument.
    """
    by_id = [(f"{one.name}({_nobody(one)})", one.type) for one in types.roots() if _by_id(one)]
    free = [(one.name, one.type) for one in types.roots() if one.free and not one.leaf]
    for entries in (by_id, free):
        ways = [(start, *way) for start, kind in entries if (way := _into_circle(types, kind))]
        if ways:
            return min(ways, key=lambda one: len(one[1]))
    return None


def _into_circle(types: Types, start: str) -> tuple[list[Field], int] | None:
    """The way from a type to the nearest one that leads back to itself, and once round; and where the circle begins."""
    for kind, way in _reached(types, start):
        if circle := next(([*back, last] for back, last in _closing(types, kind)), None):
            return [*way, *circle], len(way)
    return None


def _closing(types: Types, start: str) -> Iterator[tuple[list[Field], Field]]:
    for kind, way in _reached(types, start):
        yield from ((way, one) for one in _inner(types, kind) if one.type == start)


def _reached(types: Types, start: str) -> Iterator[tuple[str, list[Field]]]:
    """Every type that can be asked for below this one, itself first, with the fields that lead there; nearest first."""
    waiting: deque[tuple[str, list[Field]]] = deque([(start, [])])
    known = {start}
    while waiting:
        kind, way = waiting.popleft()
        yield kind, way
        for one in _inner(types, kind):
            if one.type not in known:
                known.add(one.type)
                waiting.append((one.type, [*way, one]))


def _inner(types: Types, kind: str) -> list[Field]:
    return [one for one in types.fields.get(kind, ()) if not one.leaf and one.free and one.type in types.fields]

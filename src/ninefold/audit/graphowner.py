"""Whether one caller may query the objects of another in GraphQL (broken object level authorization, API1:2023).

What a service lists to the first caller as his own (`me { loans { id } }`), and neither to the second nor to nobody, is asked
for by the second, by its id (`loan(id: ...)`). It stays suspected: what one wrote may be there for all members to read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.graphql import executed
from ninefold.audit.judge import alike, proof, serves
from ninefold.audit.overload import place_of, types_of
from ninefold.audit.rule import Observation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.graphql import Endpoint, Field, Types
    from ninefold.audit.key import Key
    from ninefold.audit.target import Target

#: Most ways to a list that are followed.
WAYS = 6


class _Way(NamedTuple):
    """`listing` reads ids of objects that `single` gives by an id."""

    listing: str
    single: Field


def foreign_objects(target: Target) -> tuple[int, tuple[Observation, ...]]:
    """On how many kinds of object it was tried, and what was seen. Wants two keys; nothing is tried without types."""
    endpoint = target.survey.endpoint(unknown=False)
    types = types_of(target) if endpoint else None
    if endpoint is None or types is None:
        return 0, ()
    owner, stranger = list({key.value: key for key in target.keys}.values())[:2]
    at, seen = 0, []
    for way in list(_ways(types))[:WAYS]:
        listing = endpoint.ask(way.listing)
        mine, theirs = target.probe.send(owner.on(listing)), target.probe.send(stranger.on(listing))
        public = target.probe.send(listing)
        if not serves(mine, None, None) or not executed(theirs) or _ids(public):
            continue
        shown = {
            one for answer in _listed_to(target, endpoint, types, way.single.type, stranger) for one in _ids(answer)
        }
        private = [one for one in _ids(mine) if one not in {*_ids(theirs), *shown}]
        if private:
            at += 1
            found = _foreign(target, endpoint, types, way.single, private[0])
            seen += [found] if found else []
    return at, tuple(seen)


def _ways(types: Types) -> Iterator[_Way]:
    """Lists of objects with an id, at the root or one below it, whose type some root field gives by an id."""
    singles = {one.type: one for one in types.roots() if _by_id(one)}
    for root in types.roots():
        if not root.free or root.leaf:
            continue
        if root.many and root.type in singles and _has_id(types, root.type):
            yield _Way(f"{{{root.name}{{id}}}}", singles[root.type])
        for one in types.fields.get(root.type, ()) if not root.many else ():
            if one.many and one.free and one.type in singles and _has_id(types, one.type):
                yield _Way(f"{{{root.name}{{{one.name}{{id}}}}}}", singles[one.type])


def _by_id(field: Field) -> bool:
    needed = [one for one in field.arguments if one.required]
    return (
        [(one.name, one.kind) for one in needed] in ([("id", "ID")], [("id", "String")])
        and not field.many
        and not field.leaf
    )


def _has_id(types: Types, kind: str) -> bool:
    return any(one.name == "id" and one.leaf and one.free for one in types.fields.get(kind, ()))


def _listed_to(target: Target, endpoint: Endpoint, types: Types, kind: str, caller: Key) -> Iterator[Answer]:
    """What the service lists of these objects at the root, to this caller."""
    for root in types.roots():
        if root.many and root.free and root.type == kind:
            yield target.probe.send(caller.on(endpoint.ask(f"{{{root.name}{{id}}}}")))


def _foreign(target: Target, endpoint: Endpoint, types: Types, single: Field, private: str) -> Observation | None:
    owner, stranger = list({key.value: key for key in target.keys}.values())[:2]

    def ask(value: str) -> Ask:
        return endpoint.ask(f"{{{single.name}(id:{json.dumps(value)}){types.members(single.type)}}}")

    baseline = target.probe.send(owner.on(ask(private)))
    attack = target.probe.send(stranger.on(ask(private)))
    control = target.probe.send(stranger.on(ask("ninefold-nobody" if not private.isdigit() else f"9{private}00001")))
    if not _ids(baseline) or attack.body != baseline.body or alike(control, attack):
        return None
    if alike(target.probe.send(ask(private)), baseline):
        return None  # everybody may read it
    again = target.probe.send(stranger.on(ask(private)))
    if again.body != attack.body:
        return None
    detail = (
        f"`{single.name}(id)` gives a caller an object that the service lists as another's, and not to that caller."
    )
    return Observation(
        place_of(endpoint),
        detail,
        proof(baseline, attack, control, again),
        cause=f"object {single.name}",
        severity=Severity.HIGH,
        confidence=Confidence.SUSPECTED,
    )


def _ids(answer: Answer) -> list[str]:
    """Every `id` in the data, at most three levels down."""
    document = answer.json()
    return list(_found(document.get("data") if isinstance(document, dict) else None, 0))


def _found(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        for one in value[:200]:
            yield from _found(one, depth)
    elif isinstance(value, dict) and depth < 4:
        if isinstance(value.get("id"), str | int):
            yield str(value["id"])
        for one in value.values():
            yield from _found(one, depth + 1)

"""What a GraphQL service tells of itself: its whole schema, or names that come near to a wrong one (CWE-200, API8:2023)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence, Severity
from ninefold.audit.graphql import UNKNOWN, executed
from ninefold.audit.judge import proof
from ninefold.audit.overload import endpoint_of, place_of, send
from ninefold.audit.refusal import refused
from ninefold.audit.rule import Looked, Observation

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer
    from ninefold.audit.target import Target

_SCHEMA = "{__schema{types{name}}}"
_SUGGESTION = re.compile(r"did you mean\b[^?]{0,200}", re.IGNORECASE)

#: Root fields as services often have them, each with a letter too many.
_GUESSES = (
    "userr", "userss", "mee", "viewerr", "accountt", "productss", "orderss", "itemss", "searchh", "nodee", "nodess", "postss",
    "customerr", "projectss", "settingss",
)  # fmt: skip


def introspection(target: Target) -> Looked:
    """Whether everybody, or every caller, is told the schema. An API that is made to be explored may tell it on purpose."""
    endpoint = endpoint_of(target)
    ask = endpoint.ask(_SCHEMA)
    anonymous = target.probe.send(ask)
    attack = anonymous if _tells(anonymous) else send(target, ask)
    if not _tells(attack):
        return Looked(1)
    open_to_all = attack is anonymous
    again = target.probe.send(ask) if open_to_all else send(target, ask)
    control = send(target, endpoint.ask(f"{{__schema{{{UNKNOWN}}}}}"))
    if not _tells(again) or _tells(control):
        return Looked(1)
    worse = open_to_all and any(refused(target, call) for call in target.survey.calls() if call.field)
    who = "everybody" if open_to_all else "every caller"
    although = ", although not everything there is for everybody" if worse else ""
    seen = Observation(
        place_of(endpoint),
        f"Introspection tells {who} all types, fields and arguments{although}.",
        proof(endpoint.hello, attack, control, again),
        cause="introspection",
        severity=Severity.MEDIUM if worse else None,
        confidence=Confidence.CONFIRMED if worse else None,
    )
    return Looked(1, (seen,))


def _tells(answer: Answer) -> bool:
    document = answer.json()
    schema = (
        document["data"].get("__schema")
        if isinstance(document, dict) and executed(answer) and document["data"]
        else None
    )
    return isinstance(schema, dict) and bool(schema.get("types"))


def suggestions(target: Target) -> Looked:
    """Whether a wrong name brings a right one. The name of the root type is known, so one near to it can always be tried."""
    endpoint = endpoint_of(target)
    document = endpoint.hello.json()
    root = str(document["data"]["__typename"])
    types = target.survey.types()
    known = [f"{one.name}q" for one in (types.roots() if types else ())[:5]]
    near = endpoint.ask("{" + " ".join([*known, *_GUESSES]) + "}")
    of_type = endpoint.ask(f"{{...on {root}q{{__typename}}}}")
    for ask, what in ((near, "fields"), (of_type, "types")):
        attack = send(target, ask)
        if not (said := _SUGGESTION.search(attack.text)):
            continue
        control = send(target, endpoint.ask(f"{{{UNKNOWN}}}"))
        again = send(target, ask)
        if not _SUGGESTION.search(again.text) or _SUGGESTION.search(control.text):
            continue
        shown = said[0].replace('\\"', '"')
        detail = f"A wrong name is answered with right ones ({shown}?): {what} can be listed without introspection."
        evidence = proof(endpoint.hello, attack, control, again)
        return Looked(1, (Observation(place_of(endpoint), detail, evidence, cause="suggestions"),))
    return Looked(1)

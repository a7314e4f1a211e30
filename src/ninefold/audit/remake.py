"""Lines for a shell that make an object first, do to it what the audit did to its own, and remove it again.

The id is taken from the answer to the POST, from where the audit found it: `Location`, or a member. What is removed is
looked at before, for the mark that is in it, as the audit does it. Where nothing was made, nothing else is sent.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ninefold.audit.again import curl
from ninefold.audit.answer import redact
from ninefold.audit.sample import id_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.answer import Answer, Ask
    from ninefold.audit.finding import Exchange
    from ninefold.audit.made import Made, Objects

#: What stands where the id will be until it is a variable of the shell.
_HOLE = "ninefold-made-id"
#: What stands where its entity tag will be.
_TAG = "ninefold-made-tag"
_DEPTH = 3
_MEMBER = (
    "import functools, json, sys;"
    " print(functools.reduce(lambda at, to: at[to], json.loads(sys.argv[1]), json.load(sys.stdin)))"
)


def remade(ours: Objects, made: Made, attack: Answer, evidence: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    """The evidence, with the attack's line made to work after the audit removed `made`. As it is where that cannot be."""
    line = _line(ours, made, attack)
    return tuple(replace(one, again=line) if line and one.role == "attack" else one for one in evidence)


def _line(ours: Objects, made: Made, attack: Answer) -> str:
    found = _identity(made)
    if made.made is None or not found or quote(made.id, safe="") != made.id:
        return ""
    shell = attack.shell.knowing(attack.secrets)
    shell = replace(shell, names={**shell.names, _HOLE: "id", _TAG: "tag"})

    def sent(ask: Ask) -> str:
        # another object has another tag (RFC 9110 section 13.1.1): what it is is read first
        headers = tuple((name, _TAG if name.lower() == "if-match" else value) for name, value in ask.headers)
        return curl(replace(ask, path=path, headers=headers) if ask.path == made.path else ask, shell)

    path = ours.target.survey.base + made.kind.at(_HOLE)
    read, remove = (sent(made.owner.on(ours.ask(one, made))) for one in (made.kind.read, made.kind.remove))
    create = sent(made.made.asked)
    shown = "printf '%s\\n' \"$made\"" if attack is made.made else sent(attack.asked)
    if not (create and shown and read and remove):
        return ""
    tag = f"tag=$({read} | tr -d '\\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')"
    steps = (
        f"made=$({create})",
        f"id=$(printf '%s\\n' \"$made\" | tr -d '\\r' | {found})",
        ': "${id:?nothing was made}"',  # without one the path is the collection's
        *((tag,) if "$tag" in shown else ()),
        shown,
        *((tag,) if "$tag" in remove else ()),
        f"{read} | grep -q {made.mark} && {remove} >/dev/null",
    )
    return redact("; ".join(steps), attack.secrets)


def _identity(made: Made) -> str:
    """The commands that find the id in the answer to the POST, header and body. Empty: it stands in neither."""
    if made.made is None:
        return ""
    if (made.made.header("location") or "").endswith(f"/{made.id}"):
        return r"sed -n 's|^[Ll]ocation: .*/\([^/]*\)$|\1|p'"
    way = next(_ways(made.made.json(), made, ()), None)
    return f"sed '1,/^$/d' | python3 -c {shlex.quote(_MEMBER)} {shlex.quote(json.dumps(way))}" if way else ""


def _ways(document: Any, made: Made, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """By which members one comes to the id: the object's own, then those of what is in it."""
    if isinstance(document, dict):
        name = id_field(document, made.kind.parameter, made.kind.create.path)
        if name and str(document[name]) == made.id:
            yield (*above, name)
        for at, inner in document.items() if len(above) < _DEPTH else ():
            yield from _ways(inner, made, (*above, at))
    elif isinstance(document, list) and len(document) == 1:
        yield from _ways(document[0], made, (*above, 0))

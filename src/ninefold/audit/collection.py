"""Collections as a description tells them: what makes one object, reads, changes and removes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from ninefold.audit.body import fields, json_schema, plain
from ninefold.audit.sample import one_below

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Operation

#: Most collections that one audit makes objects in.
KINDS = 5

#: Words of collections in which a new object does something outside of the API that no DELETE takes back.
_OUTWARD = re.compile(
    r"(?:pay(?:ment|out)?|transfer|refund|charge|withdrawal|checkout|subscription|subscriber|e?mail|sms|message"
    r"|notification|invit(?:e|ation)|(?:web)?hook|callback|job|deploy(?:ment)?|run|trigger|send|publish|broadcast|import"
    r"|export|backup|log ?in|sign ?(?:in|up)|session|token|auth|register|registration|password|secret|key|graphql|admin"
    r"|migration|restart|shutdown|domain|certificate|instance|server|cluster)s?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`template` is the path of one object, `parameter` the name of the id in it."""

    template: str
    parameter: str
    create: Operation
    read: Operation
    remove: Operation
    changes: tuple[Operation, ...]
    index: Operation | None

    def at(self, identity: str) -> str:
        """The path of the object with this id, below the API's base path."""
        return self.template.replace(f"{{{self.parameter}}}", quote(identity, safe=""))


def kinds(description: Description) -> tuple[Kind, ...]:
    """Every collection whose objects can be made, read and removed, and whose making stays inside the API."""
    by_place = {(one.method, one.path): one for one in description.operations}
    below: dict[str, str] = {}  # the first template of one object, by the path of its collection
    for template in sorted({one.path for one in description.operations if one.method == "DELETE"}, reverse=True):
        if ("GET", template) in by_place:
            below[template.rstrip("/").rpartition("/")[0]] = template
    found: list[Kind] = []
    for create in description.operations:
        told = json_schema(create)
        if create.method != "POST" or "{" in create.path or told is None or _outward(create.path):
            continue
        if any("password" in plain(name) for name in fields(description, told[1])[0]):
            continue  # an account: its maker is not its owner
        template = below.get(create.path.rstrip("/"), "")
        if (name := one_below(create.path, template.rstrip("/"))) is None:
            continue
        changes = tuple(one for method in ("PATCH", "PUT") if (one := by_place.get((method, template))))
        index = by_place.get(("GET", create.path))
        remove = by_place["DELETE", template]
        found.append(Kind(template, name, create, by_place["GET", template], remove, changes, index))
        if len(found) == KINDS:
            break
    return tuple(found)


def _outward(path: str) -> bool:
    return any(_OUTWARD.fullmatch(word) for word in re.split(r"[/_.-]+", path) if word)

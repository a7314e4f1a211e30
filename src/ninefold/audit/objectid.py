"""Objects that are named by a number in the path, so that the next one's name is known (sign 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Location
from ninefold.audit.private import is_private
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.schema import kinds, parts, resolved

if TYPE_CHECKING:
    from typing import Any

    from ninefold.audit.target import Target
    from ninefold.contract.description import Parameter

#: A parameter that names an object by what it is called, whatever stands before it.
_NAMED = re.compile(r"(?:^|.*[_-])(?:id|pk|uid)$|^.*[a-z](?:Id|ID|Pk|PK)$", re.IGNORECASE)
_CALLED = re.compile(r"^(?:.*[_-])?(?:number|no|num|nr|key|ref|reference)$|^.*[a-z](?:Number|No|Num|Key|Ref)$")

#: A text of digits only; one of more digits than these may well be drawn by chance.
_DIGITS = re.compile(r"\^?(?:\\d|\[0-9\])(?:\+|\*|\{(?:\d+,)?(\d+)\})?\$?")
_LONGEST = 15

#: Most paths that a finding names in its words.
_SHOWN = 3


def numeric_ids(target: Target) -> Looked:
    """Operations whose path takes the number of something that belongs to somebody (`/orders/{id}` with an integer).

    Not what belongs to nobody in particular, and no pages, years and sizes. One cause, however many places it shows in.
    """
    at = len(target.api.operations)
    found: dict[tuple[str, str], list[Location]] = {}
    for operation in target.api.operations:
        for parameter in operation.parameters:
            if parameter.location != "path" or f"{{{parameter.name}}}" not in operation.path:
                continue
            before = operation.path.partition(f"{{{parameter.name}}}")[0]
            if names_object(before, parameter) and is_private(before) and counts(target, parameter.schema):
                place = Location(operation=operation.id, pointer=parameter.pointer)
                found.setdefault((before, parameter.name), []).append(place)
    if not found:
        return Looked(at)
    named = [f"`{before}{{{name}}}`" for before, name in found]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    detail = (
        f"What paths name by a number: {', '.join(named[:_SHOWN])}{more}. "
        "Where numbers are given in order, the next one is known, and only the check of the caller's rights stands before it."
    )
    places = dict.fromkeys(place for some in found.values() for place in some)
    return Looked(at, tuple(Observation(place, detail, cause="numeric ids") for place in places))


def names_object(before: str, parameter: Parameter) -> bool:
    """Whether a path's parameter is the name of an object: it is called an id, or a number after what is many (`orders/`)."""
    if _NAMED.fullmatch(parameter.name):
        return True
    last = before.rstrip("/").rpartition("/")[2]
    return last.endswith("s") and (
        _CALLED.fullmatch(parameter.name) is not None or last.lower().startswith(parameter.name.lower())
    )


def counts(target: Target, schema: Any, depth: int = 0) -> bool:
    """Whether the values are whole numbers, by their type or as a text of digits; of several choices all."""
    found = resolved(target, schema)
    if not isinstance(found, dict) or depth > 4:
        return False
    told = [one for one in kinds(found) if one != "null"]
    if told == ["integer"] or (told == ["number"] and found.get("multipleOf") == 1):
        return "enum" not in found and "const" not in found
    if told == ["string"] and isinstance(pattern := found.get("pattern"), str):
        digits = _DIGITS.fullmatch(pattern)
        return digits is not None and pattern.startswith("^") and int(digits[1] or _LONGEST) <= _LONGEST
    choices = [one for one in parts(found) if resolved(target, one) != {"type": "null"}]
    return not told and bool(choices) and all(counts(target, one, depth + 1) for one in choices)

"""Takes out of a decoded answer the members whose very names may not leave, where others may that nobody named.

`additionalProperties` lets members of any name out, beside one that is `writeOnly`; `patternProperties` only those whose name
fits. No type of msgspec says so, so what was decoded is walked; only where a shape asks for it, and only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.shape import Shape


def pruner(shape: Shape) -> Callable[[Any], None] | None:
    """What prunes values of a shape in place; None: there is nothing to prune."""
    asked = _leading(shape)
    if not asked:
        return None

    def prune(value: Any, here: Shape) -> None:
        if isinstance(value, dict):
            if (names := here.names) is not None:
                for name in [name for name in value if not names.lets(name)]:
                    del value[name]
            if here.others is not None and here.others in asked:
                for inner in value.values():
                    prune(inner, here.others)
        elif isinstance(value, list):
            if here.items is not None and here.items in asked:
                for inner in value:
                    prune(inner, here.items)
        elif isinstance(value, msgspec.Struct):
            for place, member in enumerate((here.members or {}).values()):
                if member in asked and (inner := getattr(value, f"m{place}")) is not UNSET:
                    prune(inner, member)

    return lambda value: prune(value, shape)


def _leading(shape: Shape) -> set[Shape]:
    """The shapes from which one is reached that lets only some names out."""
    leads: dict[Shape, list[Shape]] = {shape: []}
    waiting = [shape]
    while waiting:
        here = waiting.pop()
        for inner in (here.items, here.others, *(here.members or {}).values()):
            if inner is not None:
                if inner not in leads:
                    leads[inner] = []
                    waiting.append(inner)
                leads[inner].append(here)
    found = {one for one in leads if one.names is not None}
    waiting = list(found)
    while waiting:
        for lead in leads[waiting.pop()]:
            if lead not in found:
                found.add(lead)
                waiting.append(lead)
    return found

"""The schemas of a description as a graph, so that what a thousand answers reach is worked out once and not a thousand times.

A large description is a net: each of its answers reaches nearly every schema. Walking it from every answer takes time that
grows with their product; walking it backwards from the few schemas that matter takes as long as the description is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ninefold.audit.schema import parts, properties, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ninefold.audit.target import Target

#: A step from a schema to one inside it: what it adds to the path of a value (`name`, `[]`, or nothing), and that schema.
Step = tuple[str, Any]

#: What is further away than this from where it is looked for is not found.
MOST_STEPS = 8


def inside(schema: dict[str, Any]) -> Iterator[Step]:
    """Every step: to members, items and parts."""
    yield from properties(schema).items()
    if "items" in schema:
        yield "[]", schema["items"]
    for part in parts(schema):
        yield "", part


class Graph:
    """All schemas that `roots` reach by `steps`. `nodes` are behind their references; each is there once."""

    def __init__(
        self, target: Target, roots: Iterable[Any], steps: Callable[[dict[str, Any]], Iterable[Step]] = inside
    ) -> None:
        self._target = target
        self.nodes: list[dict[str, Any]] = []
        self._known: dict[int, int] = {}
        self._leads: list[list[tuple[str, int]]] = []  # by node: who leads to it, and by which step
        for root in roots:
            self._add(root)
        here = 0
        while here < len(self.nodes):
            for label, child in steps(self.nodes[here]):
                if (there := self._add(child)) is not None:
                    self._leads[there].append((label, here))
            here += 1

    def _add(self, schema: Any) -> int | None:
        found = resolved(self._target, schema)
        if not isinstance(found, dict):
            return None
        if id(found) not in self._known:
            self._known[id(found)] = len(self.nodes)
            self.nodes.append(found)
            self._leads.append([])
        return self._known[id(found)]

    def at(self, schema: Any) -> int:
        """The node of a root. -1: it is none (`true`, `false`, nothing)."""
        found = resolved(self._target, schema)
        return self._known.get(id(found), -1) if isinstance(found, dict) else -1

    def paths(self, ends: Iterable[int]) -> dict[int, tuple[str, int]]:
        """For each node that reaches one of `ends`: the path of a value from it to the nearest one, and which that is."""
        found: dict[int, tuple[str, int]] = {end: ("", end) for end in ends}
        waiting = deque((node, 0) for node in found)
        while waiting:
            node, away = waiting.popleft()
            if away == MOST_STEPS:
                continue
            path, end = found[node]
            for label, lead in self._leads[node]:
                if lead not in found:
                    found[lead] = joined(label, path), end
                    waiting.append((lead, away + 1))
        return found


def joined(label: str, rest: str) -> str:
    """The path of what is at `rest` inside of what is at `label`."""
    return f"{label}.{rest}" if label and rest and not rest.startswith("[") else label + rest

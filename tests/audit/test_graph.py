"""The graph of schemas: each once, however often it is referred to, and paths that are as short as they can be."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ninefold.audit.graph import MOST_STEPS, Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target


def _here(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_the_shortest_path_is_told_and_cycles_end(static: Callable[..., Target]) -> None:
    schemas: dict[str, Any] = {
        "A": {"properties": {"b": _here("B"), "c": _here("List")}},
        "List": {"items": _here("D")},
        "B": {"properties": {"a": _here("A"), "c": _here("C")}},
        "C": {"allOf": [_here("D")]},
        "D": {"type": "string"},
    }
    target = static({"components": {"schemas": schemas}})
    graph = Graph(target, [_here("A"), _here("B"), True, {"$ref": "#/nowhere"}])
    paths = graph.paths([graph.at(_here("D"))])
    assert paths[graph.at(_here("A"))] == ("c[]", graph.at(_here("D")))
    assert paths[graph.at(_here("B"))] == ("c", graph.at(_here("D")))
    assert paths[graph.at(_here("D"))] == ("", graph.at(_here("D")))
    assert graph.at(True) == -1


def test_what_is_too_far_is_not_found(static: Callable[..., Target]) -> None:
    names = [f"N{number}" for number in range(MOST_STEPS + 2)]
    schemas = {one: {"properties": {"next": _here(other)}} for one, other in itertools.pairwise(names)}
    schemas[names[-1]] = {"type": "string"}  # type: ignore[dict-item]
    graph = Graph(static({"components": {"schemas": schemas}}), [_here(names[0])])
    paths = graph.paths([graph.at(_here(names[-1]))])
    assert graph.at(_here(names[1])) in paths
    assert graph.at(_here(names[0])) not in paths

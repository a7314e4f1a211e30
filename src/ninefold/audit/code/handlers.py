"""Handlers of Express and its kind that carry no check, beside others of the same application that do (sign 2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, inside, names
from ninefold.audit.code.unit import Sight
from ninefold.audit.routes import Route, checks, forgotten, may_check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Unit

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "all"})

#: Wrappers that only pass on what a handler throws.
_WRAPS = re.compile(r"async|catch|wrap|handler", re.IGNORECASE)


def routes(unit: Unit) -> list[Route]:
    """Each `app.post("/path", middleware, handler)` of a file in JavaScript or TypeScript."""
    if unit.language not in {"JavaScript", "TypeScript"}:
        return []
    return [route for step in unit.steps if step.node.kind == "call" and (route := _route(step.node)) is not None]


def unguarded(unit: Unit, found: list[Route]) -> Iterator[Sight]:
    """Those that stand out among the file's routes."""
    closed = {
        step.node.head
        for step in unit.steps
        if step.node.kind == "call"
        and step.node.last in {"use", "addHook", "register"}
        and any(_closes(one) for one in step.node.parts)
    }
    for route, detail in forgotten(found, closed):
        yield Sight("route", route.line, detail, "")


def _closes(node: Node) -> bool:
    """Whether what is used before all handlers checks who asks: by its name, or because it refuses."""
    if node.kind != "function":
        return checks(node.name)
    return any(one.kind == "number" and one.name in {"401", "403"} for one in inside(node))


def _route(node: Node) -> Route | None:
    if node.last not in _VERBS or node.owner is not None or not node.head or len(node.parts) < 2:
        return None
    path, *between, handler = node.parts
    if path.kind != "text" or not path.name.startswith("/") or handler.kind not in {"function", "name", "call"}:
        return None
    before = " ".join(names(one) for one in between)
    wrapped = handler.kind == "call" and not _WRAPS.search(handler.name)  # by something that may do anything
    body = " ".join(one.name for one in inside(handler) if one.kind in {"name", "call"})
    name = handler.name if handler.kind in {"name", "function"} else ""
    checked = any(checks(one) for one in before.split())
    return Route(
        name, node.line, node.head, frozenset({node.last}), path.name, checked, may_check(f"{before} {wrapped} {body}")
    )

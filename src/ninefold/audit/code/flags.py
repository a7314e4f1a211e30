"""Debug modes that JavaScript, TypeScript, Go and Java source switches on (sign 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.unit import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Step, Unit


def debug_flags(unit: Unit) -> Iterator[Sight]:
    """Each place where a debug mode is on for whoever runs the code."""
    for step in unit.steps:
        if detail := _detail(unit, step):
            yield Sight("debug", step.node.line, detail, detail, sure=not step.guarded)


def _detail(unit: Unit, step: Step) -> str:
    node = step.node
    full = unit.full(node.name)
    if node.kind == "call" and full == "errorhandler" and not step.guarded and not _elsewhere(unit):
        return "`errorhandler()` answers every fault with its stack."
    if (
        full == "github.com/gin-gonic/gin.SetMode"
        and any(one.name == "gin.DebugMode" for one in node.parts)
        and not step.guarded
    ):
        return "Gin runs in its debug mode."
    if (
        node.kind == "mark"
        and node.name == "EnableWebSecurity"
        and (found := node.field("debug"))
        and found.name == "true"
    ):
        return "Spring Security writes every request, with its headers, to the log."
    echo = any(one.startswith("github.com/labstack/echo") for one in unit.imports.values())
    if (
        echo
        and node.kind == "assign"
        and re.search(r"^\w+\.Debug$", node.name)
        and node.parts[0].name == "true"
        and not step.guarded
    ):
        return "Echo answers faults with what they say inside."
    return ""


def _elsewhere(unit: Unit) -> bool:
    """Whether the file says what it does in production, by a condition that is no `if` around the call."""
    return bool(re.search(r"NODE_ENV\s*[!=]==?\s*[\"']production|app\.get\([\"']env[\"']\)", unit.text))

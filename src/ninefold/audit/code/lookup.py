"""Keys of callers that stand in JavaScript, TypeScript, Go and Java source as what is looked up or compared with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node, inside
from ninefold.audit.code.unit import Sight, receiver
from ninefold.leak.secret import placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.code.unit import Step, Unit

_KEY = re.compile(r"^(?:x[-_])?(?:api|access|auth|client|app)[-_]?(?:key|token)$", re.IGNORECASE)
_FROM = re.compile(r"(?:^|\.)(?:headers|query|cookies)$")
_READS = frozenset(
    {"get", "header", "getHeader", "GetHeader", "Get", "Query", "FormValue", "getParameter", "queryParam"}
)
_HOLDS = frozenset({"get", "has", "includes", "contains", "containsKey", "getOrDefault", "indexOf", "Contains"})
_EQUAL = frozenset({"===", "==", "!==", "!="})
_COMPARES = frozenset({"equals", "ConstantTimeCompare", "timingSafeEqual", "isEqual", "Equal", "EqualFold"})


def lookups(unit: Unit, step: Step) -> Iterator[Sight]:
    """A collection of literals in which a caller's key is looked for, and a literal that it is compared with."""
    node = step.node
    line = 0
    if node.kind == "index" and node.owner is not None and node.parts and _is_key(unit, step, node.parts[0]):
        line = _held(unit, step, node.owner)
    elif node.kind == "test" and node.name == "in" and len(node.parts) == 2 and _is_key(unit, step, node.parts[0]):
        line = _held(unit, step, node.parts[1])
    elif node.kind == "call" and node.last in _HOLDS and node.parts and _is_key(unit, step, node.parts[-1]):
        held = receiver(node) if len(node.parts) == 1 else node.parts[0]
        line = _held(unit, step, held) if held is not None else 0
    elif (node.kind == "test" and node.name in _EQUAL) or (node.kind == "call" and node.last in _COMPARES):
        source = receiver(node) if node.kind == "call" and len(node.parts) == 1 else None
        sides = node.parts if source is None else (*node.parts, source)
        if any(_is_key(unit, step, one) for one in sides) and any(_is_literal(unit, step, one) for one in sides):
            yield Sight(
                "lookup", node.line, "A caller's key is compared with a literal in the source.", "keys compared"
            )
    if line:
        yield Sight("lookup", line, "The keys of callers stand in the source as they are sent.", "keys held")


def _is_literal(unit: Unit, step: Step, node: Node) -> bool:
    told = unit.literal(step, node)
    return told is not None and not placeholder(told[0])


def _is_key(unit: Unit, step: Step, node: Node) -> bool:
    """Whether it came in a header, a query or a cookie whose name says key."""
    value = unit.value(step, node)
    for one in value.parts if value.kind == "choice" else (value,):
        name = ""
        if one.kind in {"call", "new"} and one.last in {"[]byte", "from", "getBytes", "String", "string"}:
            inner = receiver(one) if one.last == "getBytes" else one.parts[0] if one.parts else None
            if inner is not None and inner is not node and _is_key(unit, step, inner):
                return True
        elif (one.kind == "call" and one.last in _READS and one.parts and one.parts[0].kind == "text") or (
            one.kind == "index"
            and one.owner is not None
            and _FROM.search(one.owner.name)
            and one.parts[0].kind == "text"
        ):
            name = one.parts[0].name
        elif one.kind == "name" and _FROM.search(one.head):
            name = one.last
        if _KEY.match(name):
            return True
    return False


def _held(unit: Unit, step: Step, node: Node) -> int:
    """The line of a collection with texts that may be keys; 0 for none."""
    value = unit.value(step, node)
    texts: list[str] = []
    if value.kind == "record":
        texts = [one.name for one in value.parts if one.kind == "field"]
    elif value.kind in {"list", "call", "new"} and (
        value.kind == "list" or value.last in {"Set", "Map", "of", "asList", "ofEntries"}
    ):
        texts = [one.name for one in inside(value) if one.kind == "text"]
    return value.line if any(not placeholder(one) and len(one) >= 6 for one in texts) else 0

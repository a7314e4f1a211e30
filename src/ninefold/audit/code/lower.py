"""What the lowering of every language shares: from a tree of tree-sitter to the tree that the rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.audit.code.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tree_sitter import Node as Raw

    Handler = Callable[["Lowering", Raw, int], Node]

#: Deepest nesting that is followed; what lies deeper is left. The stack of Python 3.11 takes it with room to spare.
DEPTH = 200

#: What an unknown place gives.
NOTHING = Node("block", "", 0)


class Lowering:
    """One file's lowering. `handlers` are by node type; a type without one is passed through as a block of its children."""

    def __init__(self, handlers: Mapping[str, Handler], skipped: frozenset[str]) -> None:
        self._handlers, self._skipped = handlers, skipped
        self.deep = False

    def one(self, raw: Raw | None, depth: int) -> Node:
        """The node for a tree-sitter node; nothing for None."""
        if raw is None:
            return NOTHING
        if depth > DEPTH:
            self.deep = True
            return NOTHING
        kind = raw.type
        handler = self._handlers.get(kind)
        if handler is not None:
            return handler(self, raw, depth)
        if kind in self._skipped:
            return NOTHING
        parts = self.many(raw.named_children, depth)
        return parts[0] if len(parts) == 1 else Node("block", "", line(raw), parts)

    def many(self, raws: Iterable[Raw], depth: int) -> tuple[Node, ...]:
        """The nodes for several, without what says nothing."""
        found = []
        for raw in raws:
            node = self.one(raw, depth + 1)
            if node is not NOTHING:
                found.append(node)
        return tuple(found)

    def values(self, raw: Raw | None, depth: int) -> tuple[Node, ...]:
        """Arguments or elements, each in its own place, whatever it is."""
        if raw is None:
            return ()
        return tuple(self.one(one, depth + 1) for one in raw.named_children if "comment" not in one.type)

    def member(self, raw: Raw, owner: str, name: str, depth: int) -> Node:
        """`a.b.c` as one dotted name; where it begins with no name, that is the owner."""
        base = self.one(raw.child_by_field_name(owner), depth + 1)
        own = text(raw.child_by_field_name(name))
        if base.kind == "name":
            return Node("name", f"{base.name}.{own}" if base.name else own, line(raw), (), base.owner)
        return Node("name", own, line(raw), (), base)

    def flat(self, raw: Raw, depth: int) -> tuple[Node, ...]:
        """The operands of a chain of one operator, which may be as long as the file."""
        found: list[Raw | None] = []
        operator = text(raw.child_by_field_name("operator"))
        here: Raw | None = raw
        while here is not None and here.type == raw.type and text(here.child_by_field_name("operator")) == operator:
            found.append(here.child_by_field_name("right"))
            here = here.child_by_field_name("left")
        return tuple(self.one(one, depth + 1) for one in (here, *reversed(found)))


def text(raw: Raw | None) -> str:
    """What stands there; empty for nothing."""
    return (raw.text or b"").decode("utf-8", "replace") if raw is not None else ""


def line(raw: Raw) -> int:
    """Its first line, from 1."""
    return raw.start_point[0] + 1


def called(kind: str, function: Node, parts: tuple[Node, ...], at: int) -> Node:
    """A call of what `function` says."""
    if function.kind == "name":
        return Node(kind, function.name, at, parts, function.owner)
    return Node(kind, "", at, parts, function)


def leaf(kind: str) -> Handler:
    """A handler for what is its own text."""
    return lambda _, raw, __: Node(kind, text(raw), line(raw))


def around(kind: str) -> Handler:
    """A handler for what only holds its children."""
    return lambda low, raw, depth: Node(kind, "", line(raw), low.many(raw.named_children, depth))


def binary(low: Lowering, raw: Raw, depth: int) -> Node:
    """`+` makes a text, `||` and `??` a choice, all else gives true, false or a number."""
    operator = text(raw.child_by_field_name("operator"))
    kind = {"+": "join", "||": "choice", "??": "choice"}.get(operator, "test")
    return Node(kind, operator, line(raw), low.flat(raw, depth))


def passed(field: str) -> Handler:
    """A handler for what is as what it holds in one field: a cast, an `await`, a pair of brackets."""
    return lambda low, raw, depth: low.one(
        raw.child_by_field_name(field) or next(iter(raw.named_children), None), depth + 1
    )

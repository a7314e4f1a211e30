"""One file as its rules see it: each step with the functions around it, and what the names in it stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ninefold.audit.code.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: How far a name is followed from one assignment to the next.
FOLLOWED = 5

#: Kinds that some rule asks about.
_STEPS = frozenset(
    {
        "call",
        "new",
        "assign",
        "field",
        "record",
        "catch",
        "try",
        "function",
        "mark",
        "if",
        "class",
        "return",
        "index",
        "test",
    }
)

#: Calls that hand their first argument on as bytes or text.
_SAME = frozenset(
    {
        "from",
        "encode",
        "decode",
        "parse",
        "byte",
        "[]byte",
        "string",
        "String",
        "DecodeString",
        "decodeBase64",
        "toString",
        "decodeHex",
    }
)
#: Calls that hand on what they are called on.
_SELF = frozenset({"getBytes", "toCharArray", "toString", "trim", "strip"})


class Scope(NamedTuple):
    """A function's names, or the module's (`parameters` empty): each with the values that it is given."""

    parameters: frozenset[str]
    values: dict[str, list[Node]]


class Step(NamedTuple):
    """`words` are the names of what is around it, `guarded` whether it runs only under a condition."""

    node: Node
    scopes: tuple[Scope, ...]
    words: str
    guarded: bool
    function: Node | None


class Sight(NamedTuple):
    """One thing seen in a file. `kind` says to which rule it belongs; `sure` is False for what is suspected only."""

    kind: str
    line: int
    detail: str
    cause: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Unit:
    """`imports` is the full name of what each local name was imported as, `language` as people write it."""

    language: str
    text: str
    imports: Mapping[str, str]
    steps: tuple[Step, ...]

    def full(self, name: str) -> str:
        """`jsonwebtoken.sign` for `jwt.sign`, through the file's imports."""
        head, dot, rest = name.partition(".")
        return self.imports.get(head, head) + dot + rest

    def value(self, step: Step, node: Node) -> Node:
        """What a name stands for where it was given one value only; the node itself where that is not known."""
        for _ in range(FOLLOWED):
            if node.kind != "name":
                break
            found = _given(step.scopes, node) if node.owner is None else _member(node.owner, node.name)
            if found is None or found is node:
                break
            node = found
        return node

    def literal(self, step: Step, node: Node, depth: int = 0) -> tuple[str, bool] | None:
        """The text that stands in the source for a value; False beside it where it is only what is taken if nothing else is."""
        if depth > FOLLOWED:
            return None
        node = self.value(step, node)
        if node.kind == "text":
            return node.name, True
        if node.kind in {"call", "new"}:
            inner = receiver(node) if node.last in _SELF and not node.parts else None
            if inner is None and (node.last in _SAME | _SELF) and node.parts:
                inner = receiver(node) if node.last == "getBytes" else node.parts[0]
            return self.literal(step, inner, depth + 1) if inner is not None else None
        if node.kind == "join":
            found = [self.literal(step, one, depth + 1) for one in node.parts]
            known = [one for one in found if one is not None]
            return (
                ("".join(one for one, _ in known), all(sure for _, sure in known)) if len(known) == len(found) else None
            )
        if node.kind == "choice":
            known = [one for part in node.parts if (one := self.literal(step, part, depth + 1)) is not None]
            return (known[-1][0], len(known) == len(node.parts)) if known else None
        return None


def unit(language: str, text: str, root: Node) -> Unit:
    """The unit of a file's tree."""
    imports: dict[str, str] = {}
    module = Scope(frozenset(), {})
    steps: list[Step] = []
    waiting = [Step(root, (module,), "", guarded=False, function=None)]
    while waiting:
        step = waiting.pop()
        node = step.node
        if node.kind == "import":
            name = node.name.removeprefix("node:")
            for one in node.parts:
                member = one.parts[0].name
                imports[one.name] = f"{name}.{member}" if member and member != "default" else name
            continue
        if node.kind in _STEPS:
            steps.append(step)
        waiting += reversed(list(_inner(step, module)))
    return Unit(language, text, imports, tuple(steps))


def _inner(step: Step, module: Scope) -> Iterator[Step]:
    node, scopes, words, guarded, function = step
    if node.kind == "function":
        parameters = frozenset(one.name for one in node.parts[0].parts)
        scopes, function = (*scopes, Scope(parameters, {})), node
        words = f"{words} {node.name}"
    elif node.kind == "assign":
        words = f"{words} {node.name}"
        holder = module if node.name.startswith(("this.", "self.", "exports.", "module.")) else scopes[-1]
        holder.values.setdefault(node.name, []).append(node.parts[0])
    elif node.kind == "field":
        words = f"{words} {node.name}"
    elif node.kind in {"if", "catch"}:
        guarded = True
    if node.owner is not None:
        yield Step(node.owner, scopes, words, guarded, function)
    for one in node.parts:
        yield Step(one, scopes, words, guarded, function)


def _given(scopes: tuple[Scope, ...], node: Node) -> Node | None:
    """The one value that a dotted name was given, in the nearest function that knows it."""
    head, _, rest = node.name.partition(".")
    names = [(node.name, ""), (head, rest)]
    if head in {"this", "self", "cls"} or head[:1].isupper():
        names = [(node.name, ""), (rest, ""), (head, rest)] if rest else [(head, "")]
    for scope in reversed(scopes):
        for name, members in names:
            given = scope.values.get(name)
            if given:
                return _member(given[0], members) if len(given) == 1 else None
        if head in scope.parameters:
            return None
    return None


def _member(node: Node, members: str) -> Node | None:
    for name in members.split(".") if members else ():
        found = node.field(name) if node.kind == "record" else None
        if found is None:
            return None
        node = found
    return node


def receiver(node: Node) -> Node | None:
    """What a method is called on: `log` of `log.info(...)`, a call of `make().info(...)`."""
    if head := node.head:
        return Node("name", head, node.line, (), node.owner)
    return node.owner

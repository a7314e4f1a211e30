"""What the names in a Python module stand for, followed through assignments, and the literals at their end."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ninefold.audit.source import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

#: How far a name is followed from one assignment to the next.
FOLLOWED = 5

_SAME = frozenset(
    {"bytes", "str", "b64decode", "urlsafe_b64decode", "fromhex", "unhexlify", "SecretStr", "bytearray", "force_bytes"}
)
_SELF = frozenset({"encode", "strip", "decode"})
#: Calls that give what stands outside of the source, and what they give where it is missing.
_OUTSIDE = re.compile(r"(?:^|\.)(?:environ\.get|getenv|env|config|env\.str)$")


class Values:
    """The names of one module: by function, by class, and its own."""

    def __init__(self, tree: ast.Module) -> None:
        self._module: dict[str, list[ast.expr]] = {}
        self._members: dict[str, list[ast.expr]] = {}
        self._inside: dict[int, dict[str, list[ast.expr]]] = {}
        self._given: dict[int, frozenset[str]] = {}
        self._outer: dict[int, tuple[Function, ...]] = {}
        self._settings: set[int] = set()
        self._read(tree)

    def _read(self, tree: ast.Module) -> None:
        waiting: list[tuple[ast.AST, tuple[Function, ...], ast.ClassDef | None]] = [(tree, (), None)]
        while waiting:
            node, around, holder = waiting.pop()
            self._outer[id(node)] = around
            if isinstance(node, Function):
                arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                self._given[id(node)] = frozenset(one.arg for one in arguments)
                around, holder = (*around, node), None
            elif isinstance(node, ast.ClassDef):
                holder = node
            for target, value in _assigned(node):
                self._keep(target, value, around, holder)
                if holder is not None and any(dotted(one).endswith("BaseSettings") for one in holder.bases):
                    self._settings.add(id(node))
            waiting += [(one, around, holder) for one in ast.iter_child_nodes(node)]

    def _keep(
        self, target: ast.expr, value: ast.expr, around: tuple[Function, ...], holder: ast.ClassDef | None
    ) -> None:
        if isinstance(target, ast.Attribute):
            self._members.setdefault(target.attr, []).append(value)
        elif isinstance(target, ast.Name) and holder is not None and not around:
            self._members.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Name) and around:
            self._inside.setdefault(id(around[-1]), {}).setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Name):
            self._module.setdefault(target.id, []).append(value)

    def functions(self, node: ast.AST) -> tuple[Function, ...]:
        """The functions around a node, outermost first."""
        return self._outer.get(id(node), ())

    def is_setting(self, node: ast.AST) -> bool:
        """Whether an assignment is a pydantic setting, which the environment overrides."""
        return id(node) in self._settings

    def value(self, node: ast.expr, at: ast.AST) -> ast.expr:
        """What a name stands for where it is given one value only; the node itself where that is not known."""
        around = self.functions(at)
        for _ in range(FOLLOWED):
            found = self._found(node, around)
            if found is None or found is node:
                break
            node = found
        return node

    def _found(self, node: ast.expr, around: tuple[Function, ...]) -> ast.expr | None:
        if isinstance(node, ast.Attribute):
            given = self._members.get(node.attr, []) if dotted(node.value).partition(".")[0] else []
            return given[0] if len(given) == 1 and isinstance(node.value, ast.Name) and _own(node.value.id) else None
        if not isinstance(node, ast.Name):
            return None
        for function in reversed(around):
            if given := self._inside.get(id(function), {}).get(node.id, []):
                return given[0] if len(given) == 1 else None
            if node.id in self._given.get(id(function), ()):
                return None
        given = self._module.get(node.id, [])
        return given[0] if len(given) == 1 else None

    def literal(self, node: ast.expr, at: ast.AST, depth: int = 0) -> tuple[str | bytes, bool] | None:
        """The text that stands in the source; False beside it where it is taken only if nothing else is given."""
        if depth > FOLLOWED:
            return None
        node = self.value(node, at)
        if isinstance(node, ast.Constant):
            return (node.value, True) if isinstance(node.value, str | bytes) else None
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            known = [one for part in node.values if (one := self.literal(part, at, depth + 1)) is not None]
            return (known[-1][0], len(known) == len(node.values) and all(sure for _, sure in known)) if known else None
        if isinstance(node, ast.Call):
            return self._through(node, at, depth)
        return None

    def _through(self, node: ast.Call, at: ast.AST, depth: int) -> tuple[str | bytes, bool] | None:
        name = dotted(node.func)
        if _OUTSIDE.search(name):
            fallback = [one.value for one in node.keywords if one.arg == "default"] or list(node.args[1:2])
            told = self.literal(fallback[0], at, depth + 1) if fallback else None
            return (told[0], False) if told else None
        last = name.rpartition(".")[2]
        if last in _SELF and isinstance(node.func, ast.Attribute):
            return self.literal(node.func.value, at, depth + 1)
        if last in _SAME and node.args:
            return self.literal(node.args[0], at, depth + 1)
        return None


def _own(name: str) -> bool:
    """`self`, `cls`, a class: whose attributes are this module's."""
    return name in {"self", "cls"} or name[:1].isupper()


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield node.target, node.value
    elif isinstance(node, ast.NamedExpr):
        yield node.target, node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, node.value
        yield node.target, node.target  # two values: it is not one any more
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.target, node.iter
        yield node.target, node.target

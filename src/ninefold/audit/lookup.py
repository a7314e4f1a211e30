"""Keys that stand in the source as what a caller's key is looked up in, or compared with: `KEYS.get(request.headers[...])`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Location
from ninefold.audit.pyvalue import Values
from ninefold.audit.rule import Observation
from ninefold.audit.source import dotted
from ninefold.leak.secret import placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.pyvalue import Function
    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

_KEY = re.compile(r"^(?:x[-_])?(?:api|access|auth|client|app)[-_]?(?:key|token)$", re.IGNORECASE)
_FROM = re.compile(r"(?:^|\.)(?:headers|args|query|query_params|values|cookies|META)$")


def keys_looked_up(target: Target) -> Iterator[Observation]:
    """Collections of literals in which a caller's key is looked up, wherever in the tree they stand; one place each."""
    asked: set[str] = set()
    held: dict[str, list[tuple[Module, ast.expr]]] = {}
    for module in target.modules:
        values = Values(module.tree)
        for node in ast.walk(module.tree):
            asked |= set(_asked(node, values))
            yield from _compared(module, node, values)
        for statement in module.tree.body:
            for name, value in _collections(statement):
                held.setdefault(name, []).append((module, value))
    for name in sorted(asked & held.keys()):
        for module, value in held[name]:
            detail = f"`{name}` in {module.file.name} holds the keys of callers as they are sent."
            place = Location(file=module.file.name, line=value.lineno)
            yield Observation(place, detail, cause=f"keys in {module.file.name}")
    yield from target.code.of("lookup")


def _asked(node: ast.AST, values: Values) -> Iterator[str]:
    """The names of collections in which this expression looks for a caller's key."""
    held: ast.expr | None = None
    key: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        held, key = node.func.value, node.args[0]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        held, key = node.value, node.slice
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        held, key = node.comparators[0], node.left
    if held is not None and key is not None and (name := dotted(held)) and _is_callers_key(key, node, values):
        yield name.rpartition(".")[2]


def _compared(module: Module, node: ast.AST, values: Values) -> Iterator[Observation]:
    """`request.headers["X-Api-Key"] == "..."`, and the same with `compare_digest`."""
    sides: list[ast.expr] = []
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        sides = [node.left, node.comparators[0]]
    elif (
        isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "compare_digest" and len(node.args) == 2
    ):
        sides = [_plain(one) for one in node.args]
    for one, other in (sides, sides[::-1]) if sides else ():
        told = values.literal(other, node)
        if told is None or not _is_callers_key(one, node, values) or placeholder(str(told[0])):
            continue
        detail = "A caller's key is compared with a literal in the source."
        place = Location(file=module.file.name, line=one.lineno)
        yield Observation(place, detail, cause=f"keys in {module.file.name}")


def _plain(node: ast.expr) -> ast.expr:
    """`key` of `key.encode()`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "encode":
        return node.func.value
    return node


def _is_callers_key(node: ast.expr, at: ast.AST, values: Values) -> bool:
    """Whether it came in a header, a query or a cookie whose name says key, or in a parameter that is declared so."""
    value = values.value(node, at)
    for one in value.values if isinstance(value, ast.BoolOp) else (value,):
        name: object = None
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "get" and one.args:
            source, first = dotted(one.func.value), one.args[0]
            name = first.value if isinstance(first, ast.Constant) and _FROM.search(source) else None
        elif isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            name = one.slice.value if _FROM.search(dotted(one.value)) else None
        elif isinstance(one, ast.Name):
            name = _declared(one.id, values.functions(at))
        if isinstance(name, str) and _KEY.match(name.removeprefix("HTTP_").replace("_", "-")):
            return True
    return False


def _declared(name: str, functions: tuple[Function, ...]) -> str | None:
    """`x_api_key` of `def handle(x_api_key: str = Header())`, and a key that `Security(...)` gives."""
    for function in reversed(functions):
        arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        for one in arguments:
            if one.arg == name:
                said = ast.unparse(function.args)
                return name if re.search(r"\b(?:Header|Security|APIKeyHeader|Query|Cookie)\(", said) else None
    return None


def _collections(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Names at the top of a module that are given a dict, a set or a list with texts as what is looked up."""
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets, value = [statement.target], statement.value
    else:
        return
    held: list[ast.expr | None] = []
    if (
        isinstance(value, ast.Call)
        and dotted(value.func) in {"frozenset", "set", "dict", "tuple"}
        and len(value.args) == 1
    ):
        value = value.args[0]
    if isinstance(value, ast.Dict):
        held = list(value.keys)
    elif isinstance(value, ast.Set | ast.List | ast.Tuple):
        held = list(value.elts)
    texts = [one.value for one in held if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if texts and not all(map(placeholder, texts)):
        yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))

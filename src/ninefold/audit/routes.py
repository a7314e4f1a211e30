"""Handlers of Python web frameworks that carry no check, beside others of the same application that do (sign 2)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.finding import Location
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.source import dotted, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "route", "api_route"})
_CHANGES = frozenset({"post", "put", "patch", "delete"})

#: What a check is called: `Depends(current_user)`, `@login_required`, `Security(...)`.
_CHECK = re.compile(
    r"auth|current|login|logged|token|permission|require|role|scope|principal|identity|admin|verif|api_?key|bearer|jwt|credential"
    r"|protected|guard|caller|(?:^|[^a-z])(?:get_)?user\b|Security\(",
    re.IGNORECASE,
)

#: What a dependency is called that hands over a tool, and checks nobody.
_TOOL = re.compile(
    r"(?:service|repo|repository|store|db|database|client|manager|dao|uow|factory|settings|config)s?\W*$", re.IGNORECASE
)

#: What in a body may be a check of its own: enough to say nothing, and too little to count.
_MAYBE = re.compile(
    r"auth|user|login|logged|token|permission|require|role|scope|principal|identity|admin|owner|member|session|caller|key|jwt|sign"
    r"|credential|account|carrier|customer|tenant|check|verif|allowed|forbid|abort|secret",
    re.IGNORECASE,
)

#: What has to be open, or is on purpose: ways in, the state of the server, what is called by machines with a signature.
_OPEN = re.compile(
    r"log-?_?in|log-?_?out|sign-?_?(?:in|up)|register|token|auth|oauth|sso|password|forgot|reset|verify|confirm|activate|health"
    r"|ready|live|ping|status|metrics|version|docs|openapi|callback|webhook|hook|public|contact|subscribe|newsletter|invite|session",
    re.IGNORECASE,
)

#: Fewest handlers that carry a check, and their least part, before one without says something.
_FEWEST, _PART = 3, 0.6


@dataclass(frozen=True, slots=True)
class _Route:
    function: ast.FunctionDef | ast.AsyncFunctionDef
    owner: str
    verbs: frozenset[str]
    path: str
    checked: bool
    maybe: bool


def unguarded(target: Target) -> Looked:
    """Handlers that change things without a check, where most handlers of the same application or router have one."""
    at, seen = 0, []
    for module in modules(target.tree):
        routes = list(_routes(module))
        closed = _closed(module)
        for owner in sorted({one.owner for one in routes} - closed):
            mine = [one for one in routes if one.owner == owner]
            checked = sum(one.checked for one in mine)
            at += len(mine)
            if checked < _FEWEST or checked < _PART * len(mine):
                continue
            for one in mine:
                if (
                    one.checked
                    or one.maybe
                    or not one.verbs & _CHANGES
                    or _OPEN.search(f"{one.path} {one.function.name}")
                ):
                    continue
                detail = (
                    f"`{one.function.name}` ({', '.join(sorted(one.verbs & _CHANGES)).upper()} {one.path}) carries no check; "
                    f"{checked} of the {len(mine)} handlers of `{owner}` do."
                )
                seen.append(Observation(Location(file=module.file.name, line=one.function.lineno), detail))
    return Looked(at, tuple(seen))


def _routes(module: Module) -> Iterator[_Route]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr in _VERBS:
                    path = mark.args[0].value if mark.args and isinstance(mark.args[0], ast.Constant) else ""
                    owner = dotted(mark.func.value)
                    if owner and isinstance(path, str):
                        yield _Route(node, owner, _verbs(mark), path, _is_checked(node, mark), _may_check(node))
                        break


def _verbs(mark: ast.Call) -> frozenset[str]:
    assert isinstance(mark.func, ast.Attribute)
    if mark.func.attr in {"route", "api_route"}:
        given = next((one.value for one in mark.keywords if one.arg == "methods"), None)
        texts = (
            {
                one.value.lower()
                for one in ast.walk(given)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
            if given
            else {"get"}
        )
        return frozenset(texts)
    return frozenset({mark.func.attr})


def _is_checked(function: ast.FunctionDef | ast.AsyncFunctionDef, mark: ast.Call) -> bool:
    """Whether a decorator or a dependency checks who asks, as its name says."""
    if any(
        one is not mark and not _is_route(one) and _CHECK.search(ast.unparse(one)) for one in function.decorator_list
    ):
        return True
    said = [ast.unparse(one.value) for one in mark.keywords if one.arg in {"dependencies", "auth"}]
    said += [ast.unparse(one) for one in (*function.args.defaults, *function.args.kw_defaults) if one is not None]
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    said += [ast.unparse(one.annotation) for one in arguments if one.annotation is not None]
    return any(
        re.search(r"Depends\(|Security\(|^Current|^Auth|Dep$", one) and _CHECK.search(one) and not _TOOL.search(one)
        for one in said
    )


def _may_check(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body calls or reads something that may check who asks, or any decorator or dependency may."""
    calls = [dotted(one.func) for node in function.body for one in ast.walk(node) if isinstance(one, ast.Call)]
    reads = [
        dotted(one) for node in function.body for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)
    ]
    around = [one for one in function.decorator_list if not _is_route(one)]
    depends = "Depends(" in ast.unparse(function.args) and _MAYBE.search(ast.unparse(function.args))
    return bool(around or depends) or any(map(_MAYBE.search, (*calls, *reads)))


def _is_route(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VERBS


def _closed(module: Module) -> set[str]:
    """Applications and routers that check everything before a handler runs: by a dependency, or a hook before requests."""
    closed: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if any(one.arg == "dependencies" for one in node.value.keywords):
                closed |= {dotted(one) for one in node.targets}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                said = dotted(mark.func if isinstance(mark, ast.Call) else mark)
                hooked = said.endswith((".before_request", ".before_app_request", ".middleware"))
                if hooked and _MAYBE.search(ast.unparse(node)):
                    closed.add(said.rpartition(".")[0])
        elif isinstance(node, ast.Call) and dotted(node.func).endswith((".add_middleware", ".before_request")):
            first = ast.unparse(node.args[0]) if node.args else ""
            if re.search(r"auth|jwt|token|identity|guard", first, re.IGNORECASE):
                closed.add(dotted(node.func).rpartition(".")[0])
    return closed

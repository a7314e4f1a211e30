"""Handlers of Python web frameworks that carry no check, beside others of the same application that do (sign 2)."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninefold.audit.finding import Location
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.source import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "route", "api_route"})
CHANGES = frozenset({"post", "put", "patch", "delete"})

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
    r"|credential|account|carrier|customer|tenant|check|verif|allowed|forbid|abort|secret|guard|protect|restrict|ensure",
    re.IGNORECASE,
)

#: What has to be open, or is on purpose: ways in, the state of the server, what is called by machines with a signature.
_OPEN = re.compile(
    r"log-?_?in|log-?_?out|sign-?_?(?:in|up)|register|token|auth|oauth|sso|password|forgot|reset|verify|confirm|activate|health"
    r"|ready|live|ping|status|metrics|version|docs|openapi|callback|webhook|hook|public|contact|subscribe|newsletter|invite|session",
    re.IGNORECASE,
)

#: What a caller proves himself by, where code reads it.
_PROOF = re.compile(r"^(?:request|req)\.(?:headers|authorization|cookies)\b|^session$")

#: Fewest handlers that carry a check, and their least part, before one without says something.
_FEWEST, _PART = 3, 0.6


@dataclass(frozen=True, slots=True)
class Route:
    """One handler. `checked`: it surely checks who asks; `maybe`: something in it may. `owner`: its application or router."""

    name: str
    line: int
    owner: str
    verbs: frozenset[str]
    path: str
    checked: bool
    maybe: bool


def unguarded(target: Target) -> Looked:
    """Handlers without a check, where most handlers of the same application or router have one."""
    at, seen = 0, []
    for module in target.modules:
        routes = list(_routes(module))
        at += len(routes)
        for route, detail in forgotten(routes, _closed(module)):
            seen.append(Observation(Location(file=module.file.name, line=route.line), detail))
    code = target.code
    return Looked(at + code.at.get("route", 0), (*seen, *code.of("route")), target.left)


def forgotten(routes: Sequence[Route], closed: AbstractSet[str] = frozenset()) -> Iterator[tuple[Route, str]]:
    """Those of one file that stand out, and why. `closed` are owners that check everything before a handler runs.

    One that changes things stands out among checked ones; one that reads does so below a path that is checked.
    """
    for owner in sorted({one.owner for one in routes} - closed):
        mine = [one for one in routes if one.owner == owner and not opens(f"{one.path} {one.name}")]
        checked = [one for one in mine if one.checked]
        bare = [one for one in mine if not one.checked and not one.maybe]
        if len(checked) < _FEWEST or len(checked) < _PART * (len(checked) + len(bare)):
            continue
        for one in bare:
            if not one.verbs & CHANGES and not any(_below(one.path, other.path) for other in checked):
                continue
            said = ", ".join(sorted(one.verbs)).upper()
            yield (
                one,
                f"`{one.name or 'a handler'}` ({said} {one.path}) carries no check; {len(checked)} others of `{owner}` do.",
            )


def opens(words: str) -> bool:
    """Whether a path or a name says that it is open on purpose."""
    return _OPEN.search(words) is not None


def checks(words: str) -> bool:
    """Whether the name of a decorator, a dependency or a middleware says that it checks who asks."""
    return _CHECK.search(words) is not None


def may_check(words: str) -> bool:
    """Whether a name may do so: enough to say nothing, and too little to count."""
    return _MAYBE.search(words) is not None


def _below(path: str, other: str) -> bool:
    """Whether a path is that of one thing, or below it, whose own path is `other`."""
    return bool(re.search(r"[{<:]", other)) and (path == other or path.startswith(other.rstrip("/") + "/"))


def _routes(module: Module) -> Iterator[Route]:
    checkers = _checkers(module)
    aliases = _aliases(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr in _VERBS:
                    path = mark.args[0].value if mark.args and isinstance(mark.args[0], ast.Constant) else ""
                    owner = dotted(mark.func.value)
                    if owner and isinstance(path, str):
                        checked = _is_checked(node, mark, aliases) or bool(checkers & set(_calls(node)))
                        yield Route(node.name, node.lineno, owner, _verbs(mark), path, checked, _may_check(node))
                        break


def _aliases(module: Module) -> dict[str, str]:
    """`Caller = Annotated[User, Depends(current_user)]`: what names at the top of the module stand for."""
    return {
        target.id: ast.unparse(node.value)
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _checkers(module: Module) -> set[str]:
    """Functions of the module that read what a caller proves himself by, and handle no request themselves."""
    return {
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any(map(_is_route, node.decorator_list))
        and any(map(_PROOF.match, _reads(node)))
        and any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(node))
    }


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [dotted(one.func) for node in function.body for one in ast.walk(node) if isinstance(one, ast.Call)]


def _reads(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [
        dotted(one) for node in function.body for one in ast.walk(node) if isinstance(one, ast.Name | ast.Attribute)
    ]


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


def _is_checked(function: ast.FunctionDef | ast.AsyncFunctionDef, mark: ast.Call, aliases: dict[str, str]) -> bool:
    """Whether a decorator or a dependency checks who asks, as its name says."""
    if any(
        one is not mark and not _is_route(one) and _CHECK.search(ast.unparse(one)) for one in function.decorator_list
    ):
        return True
    said = [ast.unparse(one.value) for one in mark.keywords if one.arg in {"dependencies", "auth"}]
    said += [ast.unparse(one) for one in (*function.args.defaults, *function.args.kw_defaults) if one is not None]
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    annotations = [ast.unparse(one.annotation) for one in arguments if one.annotation is not None]
    said += [aliases.get(one, one) for one in annotations]
    return any(
        re.search(r"Depends\(|Security\(|^Current|^Auth|Dep$", one) and _CHECK.search(one) and not _TOOL.search(one)
        for one in said
    )


def _may_check(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body calls or reads something that may check who asks, or any decorator or dependency may."""
    around = [one for one in function.decorator_list if not _is_route(one)]
    depends = "Depends(" in ast.unparse(function.args) and _MAYBE.search(ast.unparse(function.args))
    return bool(around or depends) or any(map(_MAYBE.search, (*_calls(function), *_reads(function))))


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

"""Debug modes that source switches on (sign 7)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence, Location
from ninefold.audit.pyvalue import Values
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.source import called, dotted, imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

#: Frameworks whose `run(debug=True)` serves a debugger, or answers faults with their trace.
_RUNNING = re.compile(r"^(?:flask|quart|bottle|sanic|flask_openapi3|apiflask|connexion)(?:\.|$)")
_APPS = frozenset({"FastAPI", "Starlette", "Litestar", "Sanic", "BlackSheep"})

#: Settings for a developer's own machine, by the file's name.
_LOCAL = re.compile(r"(?:^|[/_.-])(?:dev|devel|development|local|debug|tests?|testing|ci)(?:[_.-]|$)")
_DJANGO = frozenset({"INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "DATABASES"})


def debug_flags(target: Target) -> Looked:
    """Every debug mode that is on for whoever runs the code; suspected where a condition may keep it off."""
    at, seen = 0, []
    for module in target.modules:
        at += 1
        for node, detail, sure in _flags(module):
            place = Location(file=module.file.name, line=node.lineno)
            seen.append(Observation(place, detail, cause=detail, confidence=None if sure else Confidence.SUSPECTED))
    code = target.code
    return Looked(at + code.at.get("file", 0), (*seen, *code.of("debug")), target.left)


def _flags(module: Module) -> Iterator[tuple[ast.Call | ast.Assign, str, bool]]:
    names = imported(module.tree)
    values = Values(module.tree)
    brought = {
        *names.values(),
        *(one.name for node in ast.walk(module.tree) if isinstance(node, ast.Import) for one in node.names),
    }
    runs = any(_RUNNING.match(one) for one in brought)
    guarded = {id(inner) for node in ast.walk(module.tree) if isinstance(node, ast.If) for inner in ast.walk(node)}
    for node in ast.walk(module.tree):
        sure = id(node) not in guarded
        if isinstance(node, ast.Call):
            value = next((one.value for one in node.keywords if one.arg == "debug"), None)
            on = value is not None and _is_true(values.value(value, node))
            name = called(node, names)
            if on and node.func and name.rpartition(".")[2] == "run" and runs and not name.startswith("uvicorn"):
                yield node, f"`{name}` runs with its debugger, which runs code for whoever reaches it.", sure
            elif on and name.rpartition(".")[2] in _APPS:
                yield node, f"`{name}` answers faults with their trace.", sure
        elif isinstance(node, ast.Assign) and runs and _is_true(node.value) and any(map(_is_debug, node.targets)):
            yield node, "The application's debug mode is on.", sure
    yield from _django(module)


def _is_debug(node: ast.expr) -> bool:
    """`app.debug`, `app.config["DEBUG"]`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "debug" and dotted(node.value) in {"app", "application", "self.app"}
    return (
        isinstance(node, ast.Subscript)
        and dotted(node.value).endswith("config")
        and isinstance(node.slice, ast.Constant)
        and node.slice.value == "DEBUG"
    )


def _django(module: Module) -> Iterator[tuple[ast.Assign, str, bool]]:
    """`DEBUG = True` in settings that are no developer's own, and a default that is on."""
    assigned = [node for node in module.tree.body if isinstance(node, ast.Assign)]
    names = {one.id for node in assigned for one in node.targets if isinstance(one, ast.Name)}
    if not names & _DJANGO or _LOCAL.search(module.file.name.lower()):
        return
    given = [node for node in assigned if any(isinstance(one, ast.Name) and one.id == "DEBUG" for one in node.targets)]
    again = any(
        isinstance(one, ast.Name) and one.id == "DEBUG" and isinstance(one.ctx, ast.Store)
        for node in module.tree.body
        if not isinstance(node, ast.Assign)
        for one in ast.walk(node)
    )
    if not given:
        return
    last = given[-1]
    if _is_true(last.value):
        yield last, "Django's debug mode is on: faults are answered with their trace and the settings.", not again
    elif isinstance(last.value, ast.Call) and _default_is_on(last.value):
        yield last, "Django's debug mode is on unless the environment says otherwise.", False


def _default_is_on(node: ast.Call) -> bool:
    fallback = [one.value for one in node.keywords if one.arg == "default"] or node.args[1:2]
    reads = re.search(r"(?:^|\.)(?:get|getenv|env|config|bool)$", dotted(node.func))
    return bool(
        reads and fallback and isinstance(fallback[0], ast.Constant) and fallback[0].value in {True, "True", "true"}
    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True

"""CORS in Python source: origins that are taken at their word (sign 9)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ninefold.audit.pyvalue import Values
from ninefold.audit.source import called, dotted, imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.audit.source import Module

OPEN = "Every origin is allowed, with credentials: any web page may act as the user who opened it."
REFLECTED = "The origin that came is the origin that is allowed, without a look at a list."
LOOSE = "A pattern for origins also takes an attacker's that ends, or goes on, as he likes; and that with credentials."

_ANY = re.compile(
    r"^\^?\(?(?:https?|https\?|http|\(https\?\)|\(http\|https\)|\(https\|http\))?(?::\\?/\\?/)?\(?\.[*+]\)?\)?\$?$|^\*$"
)

#: `.*name`, where a dot before the name is missing, so that `evilname` is taken too.
_NO_DOT = re.compile(r"(?:\.[*+]|\\S[*+]|\[\^[^\]]*\][*+])\)?\??[A-Za-z0-9]")


def open_origins(module: Module) -> Iterator[tuple[int, str]]:
    """Lines of settings and headers that let foreign origins in, and how."""
    names, values = imported(module.tree), Values(module.tree)
    checked = {id(one) for scope in _functions(module.tree) if _looks_up(scope) for one in ast.walk(scope)}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Assign | ast.Call):
            continue
        found = ""
        if isinstance(node, ast.Assign):
            found = "" if id(node) in checked else next(_origin_header(node), "")
        elif kind := _cors(called(node, names), node):
            found = _too_open(kind, {one.arg or "**": values.value(one.value, node) for one in node.keywords})
        if found:
            yield node.lineno, found
    yield from _django(module)


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]


def _looks_up(scope: ast.AST) -> bool:
    """Whether an origin is compared with something there, or looked for in a list. How well, is for a live rule to say."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
            nothing = any(isinstance(one, ast.Constant) and not one.value for one in asked)
            equal = any(isinstance(one, ast.In | ast.NotIn | ast.Eq | ast.NotEq) for one in node.ops)
            nothing = nothing or (
                isinstance(node.left, ast.Constant) and dotted(node.comparators[0]).endswith("headers")
            )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked, nothing = [*node.args, node.func.value], False
            equal = node.func.attr in {"match", "fullmatch", "search", "startswith", "endswith", "index"}
        else:
            continue
        if equal and not nothing and any(_names_origin(one) for one in asked):
            return True
    return False


def _names_origin(node: ast.expr) -> bool:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | _texts(node)
    return any("origin" in one.lower() and "access-control" not in one.lower() for one in names)


def _cors(name: str, node: ast.Call) -> str:
    """`whole` where patterns are held against the whole origin (Starlette), `start` where only its start (Flask-CORS)."""
    last = name.rpartition(".")[2]
    first = node.args[0] if node.args else None
    if last in {"CORSMiddleware", "CORSConfig"} or (
        last == "add_middleware" and first is not None and dotted(first).endswith("CORSMiddleware")
    ):
        return "whole"
    if last == "Middleware" and first is not None and dotted(first).endswith("CORSMiddleware"):
        return "whole"
    return "start" if last in {"CORS", "cross_origin"} else ""


def _too_open(kind: str, settings: dict[str, ast.expr]) -> str:
    if not any(_is_true(settings.get(one)) for one in ("allow_credentials", "supports_credentials")):
        return ""
    origins = [settings[one] for one in ("allow_origins", "origins") if one in settings]
    if "resources" in settings:
        origins += [
            value
            for one in ast.walk(settings["resources"])
            if isinstance(one, ast.Dict)
            for key, value in zip(one.keys, one.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "origins"
        ]
    elif kind == "start" and not origins and "**" not in settings:
        return OPEN  # Flask-CORS allows every origin unless it is told which
    texts = [text for one in origins for text in _texts(one)]
    if "*" in texts or any(_ANY.match(one) for one in texts if kind == "start"):
        return OPEN
    patterns = sorted(_texts(settings["allow_origin_regex"])) if "allow_origin_regex" in settings else []
    if any(_ANY.match(one) for one in patterns):
        return OPEN
    if kind == "start":
        patterns = [one for one in texts if re.search(r"[*\\\]?$^]", one)]
    return LOOSE if any(_loose(one, whole=kind == "whole") for one in patterns) else ""


def _loose(pattern: str, *, whole: bool) -> bool:
    """Whether a pattern takes more than it seems to: a name without the dot before it, or one that is not the end."""
    return bool(_NO_DOT.search(pattern)) or (not whole and not pattern.rstrip(")").endswith(("$", r"\Z")))


def _django(module: Module) -> Iterator[tuple[int, str]]:
    """The settings of django-cors-headers, which holds patterns against an origin's start."""
    settings = {
        target.id: node.value
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if not _is_true(settings.get("CORS_ALLOW_CREDENTIALS")):
        return
    for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"):
        if _is_true(settings.get(name)):
            yield settings[name].lineno, OPEN
    for name in ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST"):
        if name in settings:
            patterns = sorted(_texts(settings[name]))
            if any(_ANY.match(one) for one in patterns):
                yield settings[name].lineno, OPEN
            elif any(_loose(one, whole=False) for one in patterns):
                yield settings[name].lineno, LOOSE


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _texts(node: ast.expr) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def _origin_header(node: ast.Assign) -> Iterator[str]:
    """`headers["Access-Control-Allow-Origin"] = request.headers[...]`: the caller's own word."""
    for target in node.targets:
        named = isinstance(target, ast.Subscript) and {one.lower() for one in _texts(target)}
        reflects = any("origin" in one.lower() for one in _texts(node.value)) or (
            isinstance(node.value, ast.Name) and "origin" in node.value.id.lower()
        )
        if named and "access-control-allow-origin" in named and reflects:
            yield REFLECTED

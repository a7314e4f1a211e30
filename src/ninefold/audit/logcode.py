"""What Python source writes to its logs, and what it keeps quiet about (sign 8)."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ninefold.audit.finding import Confidence, Location
from ninefold.audit.rule import Looked, Observation
from ninefold.audit.sensitive import tells
from ninefold.audit.source import called, dotted, imported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ninefold.audit.source import Module
    from ninefold.audit.target import Target

_LEVELS = frozenset(
    {"debug", "info", "warning", "warn", "error", "critical", "exception", "log", "trace", "success", "fatal"}
)
_LOGGER = re.compile(r"(?:^|\.)_?(?:log|logger|logging)$", re.IGNORECASE)
_MAKERS = re.compile(r"(?:^|\.)(?:getLogger|get_logger|getChild|bind)$")
_PRINTS = frozenset({"print", "sys.stdout.write", "sys.stderr.write", "pprint.pprint"})

_WEB = re.compile(
    r"^(?:fastapi|flask|django|starlette|aiohttp|litestar|falcon|sanic|bottle|tornado|quart|connexion|robyn|blacksheep)(?:\.|$)"
)
_LOGGERS = re.compile(
    r"^(?:logging|structlog|loguru|opentelemetry|sentry_sdk|logbook|eliot|ddtrace|google\.cloud\.logging)(?:\.|$)"
)

_REQUESTS = frozenset({"request", "req", "_request"})
_WHOLE = frozenset(
    {"headers", "cookies", "body", "data", "form", "json", "get_json", "get_data", "POST", "files", "text", "read"}
)
#: Calls that show what they are given, or what they are called on.
_SHOWING = frozenset(
    {"format", "str", "repr", "dumps", "dict", "list", "decode", "strip", "items", "copy", "to_dict", "pformat"}
)
_LABEL = r"(?:pass(?:word|wd|phrase)|pwd|secret|(?:access|api|auth)[ _-]?(?:key|token)|token|authorization)"
_LABELLED = re.compile(rf"{_LABEL}['\"]?\s*(?:[=:]|is)\s*['\"]?$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[#0 +-]*\d*(?:\.\d+)?[sdrfxia]|\{\w*(?:![rsa])?(?::[^}]*)?\}")


def secrets_logged(target: Target) -> Looked:
    """Log lines with a secret by its name or by its label, or with all that a caller sent."""
    at, seen = 0, []
    for module in target.modules:
        names, loggers = imported(module.tree), _loggers(module)
        for node, whole in _calls(module.tree):
            if not _writes(node, names, loggers):
                continue
            at += 1
            values = [*node.args, *(one.value for one in node.keywords)]
            told = {name for value in values for name in _spoken(value, whole)} | set(_labelled(node))
            told |= {one.arg for one in node.keywords if one.arg and tells(one.arg) and not _hidden(one.value)}
            if told:
                detail = f"A log line holds {', '.join(f'`{name}`' for name in sorted(told))}."
                place = Location(file=module.file.name, line=node.lineno)
                seen.append(Observation(place, detail, cause="secret logged"))
    code = target.code
    return Looked(at + code.at.get("logged", 0), (*seen, *code.of("logged")), target.left)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, frozenset[str]]]:
    """Every call, with the local names that hold a secret, or the whole of what a caller sent."""

    def walk(node: ast.AST, whole: frozenset[str]) -> Iterator[tuple[ast.Call, frozenset[str]]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            whole = _holding(node)
        if isinstance(node, ast.Call):
            yield node, whole
        for child in ast.iter_child_nodes(node):
            yield from walk(child, whole)

    return walk(tree, frozenset())


def _holding(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """Names that are given a secret, or all that came, and nothing else in this function."""
    given: dict[str, list[bool]] = {}
    for one in ast.walk(function):
        if isinstance(one, ast.Assign | ast.AnnAssign | ast.NamedExpr) and one.value is not None:
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            holds = _is_whole(_shown(one.value)) or any(_spoken(_either(one.value), frozenset()))
            for name in targets:
                if isinstance(name, ast.Name):
                    given.setdefault(name.id, []).append(holds)
    return frozenset(name for name, held in given.items() if all(held))


def _either(node: ast.expr) -> ast.expr:
    """`a or b` is one of its parts, and is looked at like a list of them."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return ast.List([_either(one) for one in node.values], ast.Load())
    return node


def _loggers(module: Module) -> frozenset[str]:
    """Names that the module gives to its loggers."""
    return frozenset(
        name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _MAKERS.search(dotted(node.value.func))
        for one in node.targets
        if (name := dotted(one))
    )


def _writes(node: ast.Call, names: Mapping[str, str], loggers: frozenset[str]) -> bool:
    if called(node, dict(names)) in _PRINTS:
        return True
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _LEVELS:
        return False
    owner = node.func.value
    if isinstance(owner, ast.Call):
        return _MAKERS.search(dotted(owner.func)) is not None
    return dotted(owner) in loggers or _LOGGER.search(dotted(owner)) is not None


def _spoken(node: ast.AST, whole: frozenset[str]) -> Iterator[str]:
    """Names of secrets whose values an argument shows; calls that hide them (`mask(token)`, `len(token)`) do not."""
    if _is_whole(node):
        yield dotted(node.func if isinstance(node, ast.Call) else node)
    elif isinstance(node, ast.Name):
        if tells(node.id) or node.id in whole:
            yield node.id
    elif isinstance(node, ast.Attribute):
        if tells(node.attr):
            yield dotted(node) or node.attr
        elif not dotted(node.value):  # `credentials.email` shows the e-mail address only
            yield from _spoken(node.value, whole)
    elif isinstance(node, ast.Subscript):
        name = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(name, str) and tells(name):
            yield name
    elif isinstance(node, ast.Call):
        last = dotted(node.func).rpartition(".")[2]
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if last == "get" and isinstance(first, str):
            if tells(first):
                yield first
        elif last in _SHOWING:
            if isinstance(node.func, ast.Attribute):
                yield from _spoken(node.func.value, whole)
            for value in [*node.args, *(one.value for one in node.keywords)]:
                yield from _spoken(value, whole)
    elif not isinstance(node, ast.Compare | ast.Lambda | ast.BoolOp) and not (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    ):
        parts = (node.body, node.orelse) if isinstance(node, ast.IfExp) else ast.iter_child_nodes(node)
        for child in parts:
            yield from _spoken(child, whole)


def _is_whole(node: ast.AST) -> bool:
    """`request.headers`, `await request.body()`, `request.get_json()`: everything, and so the secrets in it."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and _is_whole(node.func)
    if not isinstance(node, ast.Attribute) or node.attr not in _WHOLE:
        return False
    return dotted(node.value).rpartition(".")[2] in _REQUESTS


def _shown(node: ast.AST) -> ast.AST:
    """What stands inside `await`, `dict(...)`, `json.loads(...)` and the like."""
    if isinstance(node, ast.Await):
        return _shown(node.value)
    if isinstance(node, ast.Call) and not _is_whole(node):
        last = dotted(node.func).rpartition(".")[2]
        if last in _SHOWING | {"loads"} and (node.args or isinstance(node.func, ast.Attribute)):
            return _shown(
                node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else node
            )
    return node


def _labelled(node: ast.Call) -> Iterator[str]:
    """Labels that a format gives to values whose own names say nothing: `"password=%s", pw`."""
    for value in node.args[:2]:
        if isinstance(value, ast.JoinedStr):
            for before, part in zip(value.values, value.values[1:], strict=False):
                text = before.value if isinstance(before, ast.Constant) else ""
                if isinstance(part, ast.FormattedValue) and isinstance(text, str) and not _hidden(part.value):
                    yield from _label(text)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str):
            given = node.args[node.args.index(value) + 1 :]
            places = list(_PLACEHOLDER.finditer(value.value))
            for place, argument in zip(places, given, strict=False):
                if place[0][-1] not in "dfx" and not _hidden(argument):
                    yield from _label(value.value[: place.start()])


def _label(text: str) -> Iterator[str]:
    if found := _LABELLED.search(text):
        yield found[0].strip()


def _hidden(node: ast.AST) -> bool:
    """A constant, a comparison, a part (`key[:4]`), or what a function made of it (`mask(key)`)."""
    if isinstance(node, ast.Call):
        return dotted(node.func).rpartition(".")[2] not in _SHOWING | {"get"}
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice)
    return isinstance(node, ast.Constant | ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def silent_handlers(target: Target) -> Looked:
    """Handlers of every exception that do nothing about it, or only give a constant back."""
    at, seen = 0, []
    for module in target.modules:
        names = imported(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler):
                at += 1
                quiet = (node.type is None or _broad(node.type)) and all(_nothing(one) for one in node.body)
            elif isinstance(node, ast.Call) and called(node, names) in {"contextlib.suppress", "suppress"}:
                at += 1
                quiet = any(_broad(one) for one in node.args)
            else:
                continue
            if quiet:
                answers = isinstance(node, ast.ExceptHandler) and isinstance(node.body[-1], ast.Return)
                detail = (
                    "Every fault ends here without a word: nobody will know that something failed, or who tried what."
                )
                place = Location(file=module.file.name, line=node.lineno)
                sure = Confidence.SUSPECTED if answers else None  # whoever called may speak of it
                seen.append(Observation(place, detail, cause="silent", confidence=sure))
    code = target.code
    return Looked(at + code.at.get("silent", 0), (*seen, *code.of("silent")), target.left)


def _broad(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_broad(one) for one in node.elts)
    return dotted(node) in {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}


def _nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass | ast.Continue | ast.Break):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _keeps_lines(module: Module) -> bool:
    """Whether a function prints, or a file is opened to append to: a log that needs no logger."""
    names = imported(module.tree)
    functions = [one for one in ast.walk(module.tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = (one for function in functions for one in ast.walk(function) if isinstance(one, ast.Call))
    if any(called(one, names) in _PRINTS for one in inner):
        return True
    return any(
        isinstance(one, ast.Call)
        and dotted(one.func).rpartition(".")[2] == "open"
        and any(
            isinstance(mode, ast.Constant) and isinstance(mode.value, str) and re.fullmatch(r"a[bt+]*", mode.value)
            for mode in (*one.args, *(more.value for more in one.keywords))
        )
        for one in ast.walk(module.tree)
    )


def no_logging(target: Target) -> Looked:
    """Web applications in whose whole tree nothing that logs is even imported, and no file is appended to."""
    apps: list[Module] = []
    logs = False
    for module in target.modules:
        found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [one.name for node in found if isinstance(node, ast.Import) for one in node.names]
        names += [node.module for node in found if isinstance(node, ast.ImportFrom) and node.module and not node.level]
        # a framework's own logger needs no import
        own = any(
            isinstance(node, ast.Attribute) and dotted(node).endswith("app.logger") for node in ast.walk(module.tree)
        )
        logs = logs or own or any(_LOGGERS.match(name) for name in names) or _keeps_lines(module)
        if any(_WEB.match(name) for name in names):
            apps.append(module)
    code = target.code
    quiet = [apps[0].file.name] if apps and not logs else []
    quiet += [names[0] for language, names in code.serving.items() if language not in code.logging]
    detail = "The application logs nothing of its own: refusals and faults leave no trace."
    seen = tuple(Observation(Location(file=name), detail, cause="no logging") for name in quiet)
    return Looked(len(apps) + sum(map(len, code.serving.values())), seen, target.left)

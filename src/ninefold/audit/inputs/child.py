"""Runs in a process of its own: imports an app of a web framework and writes what it serves, as JSON, to a descriptor.

Two forms: `{"openapi": {...}}`, the description that the app makes of itself, and `{"routes": [...]}`, each with `path`
(as OpenAPI writes it), `methods`, `parameters` (name to schema) and `place` (the function that serves it).
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What a route of each framework's own converters takes.
_CONVERTERS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}
_FLASK = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_STARLETTE = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")
_GROUP = re.compile(r"\(\?P<(\w+)>((?:[^()\\]|\\.|\([^()]*\))*)\)")

#: Methods that frameworks answer by themselves.
_IMPLIED = frozenset({"HEAD", "OPTIONS"})


class Unknown(Exception):
    """What was imported is no app that can be read."""


def told(name: str) -> dict[str, Any]:
    """What the app that `package.module:attribute` names serves; `attribute()` is called first."""
    module, _, attribute = name.partition(":")
    app: Any = importlib.import_module(module)
    for part in attribute.removesuffix("()").split("."):
        app = getattr(app, part)
    if attribute.endswith("()"):
        app = app()
    if attribute == "ROOT_URLCONF":
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
        return _django(app)
    for base, read in READERS:
        if any(one.__module__.split(".")[0] == base for one in type(app).__mro__):
            return read(app)
    kinds = ", ".join(base for base, _ in READERS)
    hint = "; if it makes the app, write it with ()" if inspect.isroutine(app) else ""
    raise Unknown(f"{name} is a {type(app).__module__}.{type(app).__qualname__}, and no app of {kinds}{hint}")


def _fastapi(app: Any) -> dict[str, Any]:
    return {"openapi": app.openapi()}


def _litestar(app: Any) -> dict[str, Any]:
    return {"openapi": app.openapi_schema.to_schema()}


def _starlette(app: Any) -> dict[str, Any]:
    return {"routes": list(_mounted(app.routes, ""))}


def _mounted(routes: Any, above: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    for route in routes:
        path = above + (getattr(route, "path", "") or "")
        inner = getattr(route, "routes", None)
        if inner and depth < 20:
            yield from _mounted(inner, path, depth + 1)
        elif methods := getattr(route, "methods", None):
            yield _route(path, _STARLETTE, methods, route.endpoint)


def _flask(app: Any) -> dict[str, Any]:
    """The description of an extension where one is there (flask-openapi, APIFlask, flask-smorest, flasgger), else the map."""
    if isinstance(getattr(app, "api_doc", None), dict):
        return {"openapi": app.api_doc}
    with app.test_request_context():
        if isinstance(getattr(app, "spec", None), dict):
            return {"openapi": app.spec}
        for kept in app.extensions.get("flask-smorest", {}).get("apis", {}).values():
            return {"openapi": kept["ext_obj"].spec.to_dict()}
        if hasattr(getattr(app, "swag", None), "get_apispecs"):
            return {"openapi": app.swag.get_apispecs()}
    routes = [
        _route(rule.rule, _FLASK, rule.methods or (), app.view_functions.get(rule.endpoint))
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    ]
    return {"routes": routes}


def _django(app: Any) -> dict[str, Any]:
    importlib.import_module("django").setup()
    if "drf_spectacular" in importlib.import_module("django.conf").settings.INSTALLED_APPS:
        generator = importlib.import_module("drf_spectacular.generators").SchemaGenerator()
        return {"openapi": generator.get_schema(request=None, public=True)}
    get_resolver = importlib.import_module("django.urls").get_resolver
    resolver = get_resolver(app if isinstance(app, str) else None)
    return {"routes": list(_patterns(resolver.url_patterns, "/"))}


def _patterns(patterns: Any, above: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    for one in patterns:
        path = above + str(one.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if hasattr(one, "url_patterns") and depth < 20:
            if getattr(one, "app_name", None) != "admin":
                yield from _patterns(one.url_patterns, path, depth + 1)
        elif hasattr(one, "callback"):
            yield _route(_GROUP.sub(r"<\1>", path), _FLASK, _methods(one.callback), one.callback)


def _methods(view: Any) -> list[str]:
    """A class's handlers, a viewset's actions, what a decorator requires; a plain function is known to read."""
    if actions := getattr(view, "actions", None):
        return [str(one) for one in actions]
    made = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if made is not None:
        return [one for one in made.http_method_names if hasattr(made, one)]
    closed = inspect.getclosurevars(view).nonlocals.get("request_method_list") if inspect.isfunction(view) else None
    return [str(one) for one in closed or ("GET",)]


def _route(path: str, form: re.Pattern[str], methods: Any, view: Any) -> dict[str, Any]:
    parameters = {one["name"]: _CONVERTERS.get(one["kind"] or "", {"type": "string"}) for one in form.finditer(path)}
    seen = inspect.unwrap(view) if callable(view) else None
    seen = getattr(seen, "view_class", None) or getattr(seen, "cls", None) or seen
    return {
        "path": form.sub(lambda one: "{" + one["name"] + "}", path),
        "methods": sorted({str(one).upper() for one in methods} - _IMPLIED),
        "parameters": parameters,
        "place": f"{getattr(seen, '__module__', '')}:{getattr(seen, '__qualname__', '')}" if seen else "",
    }


#: Each framework by the package that its apps' classes come from. FastAPI's are Starlette's too, and stand before.
READERS: tuple[tuple[str, Callable[[Any], dict[str, Any]]], ...] = (
    ("fastapi", _fastapi),
    ("litestar", _litestar),
    ("starlette", _starlette),
    ("flask", _flask),
    ("django", _django),
)


def main() -> None:
    """`child.py NAME DESCRIPTOR`. What the app prints goes where the parent sends it; the answer to the descriptor alone."""
    name, descriptor = sys.argv[1:]
    sys.path.insert(0, str(Path.cwd()))
    answer = json.dumps(told(name), default=str)
    with os.fdopen(int(descriptor), "w", encoding="utf-8") as out:
        out.write(answer)
        out.flush()
    os._exit(0)  # threads and servers that the app started do not hold the audit up


if __name__ == "__main__":
    main()

"""An app of a web framework, imported in place in a process of its own, as a description: FastAPI, Litestar, Starlette,
Flask, Django. That runs the app's own code.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import msgspec

from ninefold.contract.description import METHODS, Kind, escape
from ninefold.contract.openapi import MOST_BYTES, read
from ninefold.errors import DescriptionError, Place

if TYPE_CHECKING:
    from typing import IO

    from ninefold.contract.description import Description

#: Seconds that the import may take, and how much is read of what the app says while it fails.
TIME, _SAID = 60.0, 64 * 1024

#: What a URL in an error must not show: a database's user and password.
_LOGIN = re.compile(r"(?<=://)[^/\s@]*@")


def described(name: str, seconds: float = TIME) -> Description:
    """The description of the app that `name` names. Raises `DescriptionError` with the app's own last line."""
    answer = msgspec.json.decode(_answer(name, seconds))
    if isinstance(document := answer.get("openapi"), dict):
        description = read(document, name)
        return replace(description, notes=(f"The description that {name} makes of itself, imported in place.",))
    return _from_routes(answer["routes"], name)


def _answer(name: str, seconds: float) -> bytes:
    """What `child` says of the app: JSON."""
    with TemporaryFile() as out, TemporaryFile() as errors:
        child = subprocess.Popen(  # noqa: S603  # this interpreter, our own module, and a name that was checked
            [sys.executable, "-m", "ninefold.audit.inputs.child", name, str(out.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(out.fileno(),),
            start_new_session=True,
        )
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise _fault(name, f"did not come to an end in {seconds:.0f} seconds", errors) from None
        finally:
            _end(child)
        out.seek(0)
        content = out.read(MOST_BYTES + 1)
        if code != 0 or not content:
            raise _fault(name, "cannot be imported", errors)
    if len(content) > MOST_BYTES:
        raise DescriptionError("describes itself in too much text", place=Place(name), remedy="give a part of the app")
    return content


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the app's process and those that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _fault(name: str, what: str, errors: IO[bytes]) -> DescriptionError:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _SAID))
    lines = [one.strip() for one in errors.read().decode("utf-8", "replace").splitlines() if one.strip()]
    last = _LOGIN.sub("", lines[-1].removeprefix("Unknown: "))[:500] if lines else ""
    return DescriptionError(
        what + (f": {last}" if last else ""),
        place=Place(name),
        remedy="run the audit where the app's packages are, from the folder it is started in, with its environment",
    )


def _from_routes(routes: list[dict[str, Any]], name: str) -> Description:
    paths: dict[str, dict[str, Any]] = {}
    places: dict[tuple[str, str], str] = {}
    for route in routes:
        path = "/" + str(route["path"]).lstrip("/")
        parameters = [
            {"name": one, "in": "path", "required": True, "schema": schema}
            for one, schema in route["parameters"].items()
        ]
        for method in route["methods"]:
            if method.lower() in METHODS:
                paths.setdefault(path, {})[method.lower()] = {"parameters": parameters, "responses": {}}
                places.setdefault((path, method), route["place"])
    if not paths:
        raise DescriptionError(
            "has no routes",
            place=Place(name),
            remedy="name the app when its routes are there, or what makes it: make_app()",
        )
    made = read({"openapi": "3.1.0", "info": {"title": name, "version": ""}, "paths": paths}, name)
    note = f"The routes of {name}, imported in place: they say nothing of credentials, schemas and answers."
    operations = tuple(
        replace(one, pointer=places[one.path, one.method] or f"/paths/{escape(one.path)}") for one in made.operations
    )
    return replace(made, kind=Kind.ROUTES, notes=(note,), operations=operations)

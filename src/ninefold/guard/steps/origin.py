"""Browsers on other origins (Fetch standard, CORS protocol): stopped before the upstream unless they are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.guard.request import Request

_FOREIGN = refuse(403, "origin", "the origin is not allowed")
_REPEATED = refuse(400, "origin", "more than one Origin field")


def compile_origin(setting: Setting) -> Check | None:
    allowed = frozenset(origin.encode() for origin in setting.contract.origins.allow)
    # Behind something else that ends TLS, the page's own scheme is not the one that this connection has.
    schemes = (b"https://", b"http://") if setting.contract.encryption.plain else (b"https://",)
    preflight = _compile_preflight(setting) if setting.preflight else None

    def check(request: Request) -> Answer | None:
        origin = request.fields.get(b"origin")
        if origin is None:
            return None
        if b"origin" in request.repeated:
            return _REPEATED
        if origin in allowed:
            request.origin = origin
            return preflight(request) if preflight is not None else None
        host = request.fields.get(b"host", b"")
        if preflight is None and any(origin == scheme + host for scheme in schemes):
            return None
        return _FOREIGN

    return check


def _compile_preflight(setting: Setting) -> Callable[[Request], Answer]:
    origins = setting.contract.origins
    methods = tuple(method for method in setting.methods if not origins.methods or method in origins.methods)
    proofs = (setting.contract.keys.header, *(("Authorization", "DPoP") if setting.contract.identity else ()))
    headers = (*origins.headers, *(() if setting.permission.open else proofs))
    known = frozenset(name.lower() for name in headers)
    granted = Answer(
        204,
        (
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", ", ".join(headers).encode()),
            (b"access-control-max-age", b"%d" % origins.max_age),
        ),
        b"",
        "answered",
        "origin",
        "preflight",
    )
    wrong_method = refuse(403, "origin", "the origin may not use this method")
    wrong_field = refuse(403, "origin", "the origin may not send this header field")

    def preflight(request: Request) -> Answer:
        if request.fields[b"access-control-request-method"].decode("latin-1") not in methods:
            return wrong_method
        asked = request.fields.get(b"access-control-request-headers", b"").decode("latin-1")
        if any(name.strip().lower() not in known for name in asked.split(",") if name.strip()):
            return wrong_field
        return granted

    return preflight


def _basis(setting: Setting) -> object:
    return (setting.methods, setting.permission.open) if setting.preflight else None


STEP = Step("origin", compile_origin, _basis)

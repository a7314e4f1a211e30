"""What a request may carry: a body where one is declared, of a declared media type, no longer than the contract allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.request import nominated

if TYPE_CHECKING:
    from ninefold.guard.request import Request

#: What says how a body is to be read.
_ABOUT = frozenset({b"content-type", b"content-encoding"})
TOO_LARGE = refuse(413, "content", "the request body is longer than limits.body", closes=True)


def compile_content(setting: Setting) -> Check | None:
    operation = setting.operation
    if operation is None:
        return None
    most = setting.contract.limits.body
    media = tuple(name.partition(";")[0].strip().lower() for name in operation.request)
    exact = frozenset(name for name in media if "*" not in name)
    ranges = tuple(name.removesuffix("*") for name in media if name.endswith("/*") and name != "*/*")
    anything = "*/*" in media
    accepted = ((b"accept", ", ".join(media).encode()),) if media else ()
    none_declared = refuse(415, "content", "a body came, and the operation declares none")
    hop = refuse(400, "content", "the connection is said to be what the body's type, or its coding, is about")
    other = refuse(415, "content", "the body's media type is not declared", accepted)

    def check(request: Request) -> Answer | None:
        if request.body == 0:
            return None
        if request.body > most:
            return TOO_LARGE
        if not media:
            return none_declared
        if b"content-type" in request.repeated:
            return other
        if b"connection" in request.fields and not _ABOUT.isdisjoint(nominated(request)):
            return hop
        name = request.fields.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        if name in exact or (name and (anything or (ranges and name.startswith(ranges)))):
            return None
        return other

    return check


STEP = Step("content", compile_content, lambda setting: setting.operation and tuple(setting.operation.request))

"""The body of a request, held against its schema; what is not declared, or `readOnly`, does not go on (OWASP API3:2023).

Last, because it has to wait for the whole body; who calls, and what he may do, is asked once more with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.foreign import Malformed
from ninefold.guard.incoming import Incoming
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.treatment import is_json

if TYPE_CHECKING:
    from ninefold.contract.description import Operation
    from ninefold.guard.entrance import Entrance
    from ninefold.guard.request import Request


def compile_body(setting: Setting) -> Check | None:
    operation, entrance = setting.operation, setting.entrance
    if operation is None or entrance is None or not operation.request or operation.id in entrance.settings.open:
        return None
    readers = _readers(operation, entrance)
    if not readers and not operation.request_required:
        return None
    judges = entrance.settings.invalid == "refuse"
    missing = refuse(400, "body", "the operation needs a body, and none came")
    encoded = refuse(415, "body", "the body is encoded, and has to be read", ((b"accept-encoding", b"identity"),))

    def check(request: Request) -> Answer | Need | None:
        if request.body == 0:
            return missing if operation.request_required else None
        media = request.fields.get(b"content-type", b"").decode("latin-1")
        reader = _of(readers, media)
        if reader is None:
            return None
        if request.fields.get(b"content-encoding", b"identity").lower() != b"identity":
            return encoded
        content = request.content
        if content is None:
            return Need.BODY
        if not content:
            request.body = 0
            return missing if operation.request_required else None
        try:
            kept, flaws = reader(content, media)
        except Malformed as fault:
            return refuse(400, "body", str(fault))
        if flaws:
            reason = "; ".join(f"{one.pointer or '/'}: {one.keyword}" for one in flaws)
            if judges or any(one.keyword == "undeclared" for one in flaws):
                errors = [{"pointer": f"#{one.pointer}", "detail": one.detail} for one in flaws]
                return refuse(422, "body", reason, errors=errors)
            request.told = f"would be 422: {reason}"
        request.content, request.body = kept.content, len(kept.content)
        request.dropped += kept.dropped
        return None

    return check


def _readers(operation: Operation, entrance: Entrance) -> dict[str, Incoming]:
    """By declared media type or range, those that hold JSON with a schema."""
    return {
        media.partition(";")[0].strip().lower(): Incoming(schema, entrance)
        for media, schema in operation.request.items()
        if schema is not None and is_json(media)
    }


def _of(readers: dict[str, Incoming], media: str) -> Incoming | None:
    """The reader of a body; a range has one for what is JSON under it."""
    name = media.partition(";")[0].strip().lower()
    known = readers.get(name)
    if known is None and is_json(name):
        known = readers.get("application/*") or readers.get("*/*")
    return known


STEP = Step(
    "body",
    compile_body,
    lambda setting: setting.operation.id if setting.operation and setting.operation.request else "",
)

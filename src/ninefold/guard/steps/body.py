"""The body of a request, held against its schema; what is not declared, or `readOnly`, does not go on (OWASP API3:2023).

Last, because it has to wait for the whole body; who calls, and what he may do, is asked once more with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ninefold.guard.answer import Answer, refuse
from ninefold.guard.foreign import Malformed
from ninefold.guard.incoming import Incoming
from ninefold.guard.need import Need
from ninefold.guard.plan import Check, Setting, Step
from ninefold.guard.treatment import is_json, is_xml

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Operation, Schema
    from ninefold.guard.entrance import Entrance, Kept
    from ninefold.guard.flaw import Flaw
    from ninefold.guard.request import Request

#: Ranges that take XML in, and what its reader is kept under then.
_RANGES, _XML = frozenset({"*/*", "application/*", "text/*"}), "xml"
_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
#: Gives what goes on of a body, and what is wrong with it. Raises `Malformed`.
Reader: TypeAlias = "Callable[[bytes, str], tuple[Kept, tuple[Flaw, ...]]]"


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


def _readers(operation: Operation, entrance: Entrance) -> dict[str, Reader]:
    """By declared media type or range, those that can be read: JSON and forms with a schema, and XML."""
    found: dict[str, Reader] = {}
    for media, schema in operation.request.items():
        name = media.partition(";")[0].strip().lower()
        if is_xml(name) or name in _RANGES:
            from ninefold.guard.bodies.xml import Xml  # noqa: PLC0415  # loads what few descriptions need

            found[_XML if name in _RANGES else name] = Xml(entrance)
        if schema is None or is_xml(name):
            continue
        encoding = _encoding(operation, media, entrance)
        if name.endswith("/*") and entrance.structured(schema):
            found[name] = _Ranged(schema, encoding, entrance)
        elif (reader := _reader(name, schema, encoding, entrance)) is not None:
            found[name] = reader
    return found


class _Ranged:
    """What comes under a range whose schema is no text: forms as forms, and everything else as JSON, or it is refused.

    What its API takes it for, nobody knows (many read JSON in whatever is said to be something else, CWE-436).
    """

    __slots__ = ("_forms", "_json")

    def __init__(self, schema: Schema, encoding: dict[str, Any], entrance: Entrance) -> None:
        self._json = Incoming(schema, entrance)
        self._forms = {name: _reader(name, schema, encoding, entrance) for name in (_FORM, _PARTS)}

    def __call__(self, content: bytes, media: str) -> tuple[Kept, tuple[Flaw, ...]]:
        reader = self._forms.get(media.partition(";")[0].strip().lower()) or self._json
        return reader(content, media)


def _reader(name: str, schema: Schema, encoding: dict[str, Any], entrance: Entrance) -> Reader | None:
    """None: nothing reads this type."""
    if name == _PARTS:
        from ninefold.guard.bodies.multipart import Multipart  # noqa: PLC0415

        return Multipart(schema, encoding, entrance)
    if name == _FORM:
        from ninefold.guard.bodies.form import Form  # noqa: PLC0415

        return Form(schema, encoding, entrance)
    return Incoming(schema, entrance) if is_json(name) else None


def _encoding(operation: Operation, media: str, entrance: Entrance) -> dict[str, Any]:
    """How the fields of a form are written (OpenAPI 3.1, 4.8.15)."""
    body: Any = entrance.description.resolve(operation.raw.get("requestBody") or {})
    content = body.get("content") if isinstance(body, dict) else None
    said = content.get(media) if isinstance(content, dict) else None
    encoding = said.get("encoding") if isinstance(said, dict) else None
    return encoding if isinstance(encoding, dict) else {}


def _of(readers: dict[str, Reader], media: str) -> Reader | None:
    """The reader of a body; a range without a structure has one for what is JSON or XML under it."""
    name = media.partition(";")[0].strip().lower()
    known = readers.get(name)
    if known is None and is_xml(name):
        return readers.get(_XML)
    for one in () if known is not None else (f"{name.partition('/')[0]}/*", "*/*"):
        ranged = readers.get(one)
        if ranged is not None and (isinstance(ranged, _Ranged) or is_json(name)):
            return ranged
    return known


STEP = Step(
    "body",
    compile_body,
    lambda setting: setting.operation.id if setting.operation and setting.operation.request else "",
)

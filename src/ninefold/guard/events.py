"""Server-sent events (HTML Standard, section 9.2), each projected by itself: the JSON in its `data`, and what else is declared.

Events are written anew: the fields that may leave, one a line. Of a comment the words stay behind; that it came is passed on,
for it keeps a connection alive. An event that does not end is dropped, as every reader of such streams does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ninefold.guard.project import Unpromised
from ninefold.guard.records import MOST_PIECES

if TYPE_CHECKING:
    from ninefold.contract.description import Description, Schema
    from ninefold.guard.project import Projector

#: The fields that an event may have.
FIELDS = frozenset({"data", "event", "id", "retry"})
_LINE = re.compile(rb"[^\r\n]*(\r\n|\r|\n)")
_BOM = b"\xef\xbb\xbf"


class Promise(Struct, frozen=True, gc=False):
    """What a schema promises of each event: `fields` may leave; `schemas` are those of the JSON in `data`.

    `texts` are words that may stand there instead (`[DONE]`). No schema and no texts: `data` is text, and passes unread.
    """

    fields: frozenset[str]
    schemas: tuple[Schema, ...] = ()
    texts: frozenset[str] = frozenset()


def promised(schema: Schema, description: Description) -> Promise | None:
    """What `schema` says of events: of the whole event, or of the JSON in its `data`. None: nothing, they are text.

    Of the whole event it speaks where all of its members are fields of events (OpenAPI 3.2, 4.14.4). Raises
    `DescriptionError` on a dangling `$ref`.
    """
    parts = list(_parts(schema, description))
    names = {name for part in parts for name in part.get("properties") or ()}
    if "data" in names and names <= FIELDS:
        told = [part["properties"]["data"] for part in parts if "data" in (part.get("properties") or {})]
        inner = [_data(one, description) for one in told]
        schemas = tuple(one for found, _ in inner for one in found)
        texts = frozenset(one for _, found in inner for one in found)
        return Promise(frozenset(names), schemas, texts)
    for one in either(schema, description)[1:]:
        inside = promised(one, description)
        if inside is not None and inside.fields != FIELDS:
            return inside
    schemas, words = _data(schema, description)
    schemas = tuple(found for one in schemas for found in either(one, description))
    return Promise(FIELDS, schemas, words) if schemas or words else None


def either(schema: Schema, description: Description) -> tuple[Schema, ...]:
    """What a schema may say of one part: itself, and where it is an array's, what is in that.

    Many descriptions say by an array that there are several, as OpenAPI 3.2 does. Nothing leaves that neither declares.
    """
    resolved = description.resolve(schema)
    if isinstance(resolved, dict) and isinstance(items := resolved.get("items"), dict):
        return schema, items
    return (schema,)


def _parts(schema: Schema, description: Description, depth: int = 0) -> list[dict[str, Any]]:
    """A schema and what it is made of."""
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or depth > 16:
        return []
    below = [one for word in ("allOf", "oneOf", "anyOf") for one in resolved.get(word) or ()]
    return [resolved, *(part for one in below for part in _parts(one, description, depth + 1))]


def _data(schema: Schema, description: Description, depth: int = 0) -> tuple[tuple[Schema, ...], frozenset[str]]:
    """The schemas of the JSON in a `data`, and the words that may stand there."""
    resolved = description.resolve(schema)
    if not isinstance(resolved, dict) or depth > 16:
        return (), frozenset()
    named = [*(resolved.get("enum") or ()), *([resolved["const"]] if "const" in resolved else ())]
    words = frozenset(one for one in named if isinstance(one, str))
    if "contentSchema" in resolved:
        return (resolved["contentSchema"],), words
    kinds = resolved.get("type")
    if kinds in ("string", ["string"]) or (words and len(words) == len(named)):
        return (), words
    if any(word in resolved for word in ("oneOf", "anyOf")) and "properties" not in resolved:
        inner = [_data(one, description, depth + 1) for word in ("oneOf", "anyOf") for one in resolved.get(word) or ()]
        return tuple(one for found, _ in inner for one in found), words.union(*(found for _, found in inner))
    says = any(word in resolved for word in ("type", "properties", "items", "allOf", "additionalProperties"))
    return ((schema,) if says else ()), words


class Events:
    """Reads one stream of events. See `ninefold.guard.records.Reader`."""

    __slots__ = (
        "_begun", "_data", "_event", "_feed", "_fields", "_id", "_most", "_number", "_pieces", "_projector",
        "_retry", "_size", "_texts", "_waiting", "leaked", "surplus", "withheld", "withheld_bytes",
    )  # fmt: skip

    def __init__(self, fields: frozenset[str], texts: frozenset[bytes], projector: Projector | None, most: int) -> None:
        """`projector` None: `data` is text. `most` are the bytes of one event."""
        self._fields = frozenset(name.encode() for name in fields)
        self._texts = texts
        self._projector = projector
        self._most = most
        self._begun = False
        self._feed = False  # the last line ended with a carriage return: a line feed behind it belongs to it
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._number = 0
        self.withheld = self.withheld_bytes = self.surplus = 0
        self.leaked: tuple[str, ...] = ()
        self._clear()

    def _clear(self) -> None:
        self._size = 0
        self._data: list[bytes] = []
        self._event = self._id = self._retry = b""

    def feed(self, data: bytes) -> bytes:
        if self._begun and not self._feed and b"\n" not in data and b"\r" not in data:
            self._pieces.append(data)
            self._waiting += len(data)
            self._bounded(self._waiting)
            if len(self._pieces) > MOST_PIECES:
                self._pieces = [b"".join(self._pieces)]
            return b""
        data = b"".join([*self._pieces, data])
        self._pieces = []
        at = 0
        if not self._begun:
            if len(data) < 3 and _BOM.startswith(data):
                self._pieces = [data]
                return b""
            self._begun = True
            at = 3 if data.startswith(_BOM) else 0
        if self._feed and data:
            self._feed = False
            at += data.startswith(b"\n", at)
        found: list[bytes] = []
        while (line := _LINE.match(data, at)) is not None:
            end, ending = line.end(), line[1]
            self._size += end - at
            self._bounded(0)
            found.append(self._line(data[at : end - len(ending)]))
            at = end
            if ending == b"\r" and at == len(data):
                self._feed = True
        self._pieces = [data[at:]]
        self._waiting = len(data) - at
        self._bounded(self._waiting)
        return b"".join(found)

    def end(self) -> bytes:
        return b""

    def _bounded(self, more: int) -> None:
        if self._size + more > self._most:
            raise Unpromised(f"event {self._number + 1}: longer than limits.record")

    def _line(self, line: bytes) -> bytes:
        if not line:
            return self._event_out()
        name, _, value = line.partition(b":")
        if not name:
            return b":\n"
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name not in self._fields:
            return b""  # unknown to readers too, or not declared
        elif name == b"event":
            self._event = value
        elif name == b"id":
            self._id = line if b"\0" not in value else b""
        elif name == b"retry":
            self._retry = line if value.isdigit() else b""
        return b""

    def _event_out(self) -> bytes:
        """The event that an empty line ends."""
        self._number += 1
        lines = [one + b"\n" for one in (self._id, self._retry) if one]
        if self._data and b"data" in self._fields:
            text = self._projected(b"\n".join(self._data))
            lines = [*([b"event: " + self._event + b"\n"] if self._event else []), *lines]
            lines += [b"data: " + one + b"\n" for one in text.split(b"\n")]
        try:
            b"".join(lines).decode()
        except UnicodeDecodeError:
            raise Unpromised(f"event {self._number}: it is no UTF-8") from None
        self._clear()
        return b"".join([*lines, b"\n"]) if lines else b""

    def _projected(self, text: bytes) -> bytes:
        if self._projector is None or text in self._texts:
            if self._projector is None and self._texts and text not in self._texts:
                raise Unpromised(f"event {self._number}: its data is no text that is declared")
            return text
        try:
            projected, members, size = self._projector(text, self)
        except Unpromised as fault:
            raise Unpromised(f"event {self._number}: {fault}") from None
        self.withheld += members
        self.withheld_bytes += size
        return projected

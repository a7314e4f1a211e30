"""`multipart/form-data` (RFC 7578): declared parts alone, bounded, files of the types that are declared.

What servers disagree about is refused: parts without a name or with two, names of files that are paths, transfer encodings,
preambles, and whatever the strict parser (multipart) minds. What is left out of a body is cut out of it; the rest stays as it
came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from ninefold.guard.bodies.fields import Fields
from ninefold.guard.bodies.magic import contradicts
from ninefold.guard.charset import is_utf8
from ninefold.guard.entrance import Kept
from ninefold.guard.flaw import Flaw
from ninefold.guard.foreign import Malformed, read_json
from ninefold.guard.project import Unpromised
from ninefold.guard.treatment import is_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninefold.contract.description import Schema
    from ninefold.guard.entrance import Entrance

#: A boundary as RFC 2046 section 5.1.1 has it, quoted or not, and nothing beside it.
_QUOTED = r"""[A-Za-z0-9'()+_,./:=? -]{1,69}[A-Za-z0-9'()+_,./:=?-]"""
_MEDIA = re.compile(rf"""(?i)multipart/form-data\s*;\s*boundary=(?:"({_QUOTED})"|([A-Za-z0-9'+_.-]{{1,70}}))\s*\Z""")
_DISPOSITION = re.compile(rb'(?i)\Aform-data(?:;\s*(?:name|filename)="[^"\\\r\n]*")+\s*\Z')
#: What is no name of a file: a path, a control character, nothing but dots.
_BAD_NAME = re.compile(r"[/\\\x00-\x1f\x7f]|\A\.*\Z|\A[A-Za-z]:")
#: The keyword of a part whose schema tells better what is wrong with it.
_ODD = "described"
MOST_PARTS, MOST_HEADER, MOST_NAME = 1000, 2048, 200


class Multipart:
    """Called for every body. Without state."""

    __slots__ = ("_fields", "_projectors", "_types", "_undeclared")

    def __init__(self, schema: Schema, encoding: Mapping[str, Any], entrance: Entrance) -> None:
        self._fields = Fields(schema, encoding, entrance)
        self._projectors = entrance.members(schema)
        self._undeclared = entrance.settings.undeclared
        self._types = {
            name: tuple(one.strip().lower() for one in str(said["contentType"]).split(","))
            for name, said in encoding.items()
            if isinstance(said, dict) and said.get("contentType")
        }

    def __call__(self, content: bytes, media: str) -> tuple[Kept, tuple[Flaw, ...]]:
        """What goes on, and what is wrong with it. Raises `Malformed`: servers read it in several ways."""
        found = _MEDIA.match(media)
        if found is None:
            raise Malformed("the boundary is missing, or servers read it in several ways")
        boundary = (found[1] or found[2]).encode()
        if not content.startswith(b"--" + boundary + b"\r\n") or not content.rstrip(b"\r\n").endswith(
            b"--" + boundary + b"--"
        ):
            raise Malformed("something stands before the first boundary, or after the last one")
        parts = _parts(content, boundary)
        kept, left, flaws = [], [], list[Flaw]()
        values: dict[str, list[Any]] = {}
        cut = 0
        for head, segment, data in parts:
            name = segment.name or ""
            if name not in self._fields.declared and not self._fields.open:
                left.append(name)
                continue
            value, flaw, inside = self._value(name, segment, data)
            if inside.dropped:
                cut += inside.dropped
                head = _without_length(head)  # noqa: PLW2901  # its content is another one now
            kept.append((head, inside.content))
            flaws += [flaw] if flaw is not None else []
            values.setdefault(name, []).append(value)
        if left and self._undeclared == "refuse":
            return Kept(content, len(left)), tuple(
                Flaw(f"/{name[:64]}", "undeclared", "is not declared") for name in left[:20]
            )
        told = (
            tuple(one for one in flaws if one.keyword != _ODD)
            or self._fields.flaws(values, len(content))
            or tuple(flaws)
        )
        dropped = len(left) + cut
        if not dropped or self._undeclared == "report":
            return Kept(content, dropped), told
        line = b"--" + boundary
        whole = b"".join(line + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in kept)
        return Kept(whole + line + b"--\r\n", dropped), told

    def _value(self, name: str, segment: MultipartSegment, data: bytes) -> tuple[Any, Flaw | None, Kept]:
        """What a part is as a value of its schema, and what goes on of it. A file says nothing but that there is one."""
        as_it_came = Kept(data, 0)
        kind = segment.content_type or ""
        wanted = self._types.get(name)
        said = kind or ("application/octet-stream" if segment.filename is not None else "text/plain")
        if wanted is not None and not any(_takes(one, said) for one in wanted):
            return "", Flaw(f"/{name}", "contentType", f"must come as {' or '.join(wanted)}"), as_it_came
        if segment.filename is not None or wanted is not None:
            if contradicts(said, data):
                return "", Flaw(f"/{name}", "contentType", f"is not what it says it is ({said})"), as_it_came
            if segment.filename is not None:
                return "", None, as_it_came
        if kind and is_json(kind) and "*" not in kind:
            return self._json(name, data)
        try:
            return data.decode("utf-8"), None, as_it_came
        except UnicodeDecodeError:
            return "", Flaw(f"/{name}", "encoding", "is not UTF-8"), as_it_came

    def _json(self, name: str, data: bytes) -> tuple[Any, Flaw | None, Kept]:
        """The same of a part that is JSON: of its members too only those go on that are declared."""
        value, projector = read_json(data), self._projectors.get(name)
        if projector is None:
            return value, None, Kept(data, 0)
        try:
            projected, dropped, _ = projector(data)
        except Unpromised as fault:
            if fault.malformed:
                raise Malformed("a part is not to be read in one way") from None
            return value, Flaw(f"/{name}", _ODD, "is not as described"), Kept(data, 0)
        if not dropped:
            return value, None, Kept(data, 0)
        flaw = (
            Flaw(f"/{name}", "undeclared", "has members that are not declared")
            if self._undeclared == "refuse"
            else None
        )
        if self._undeclared == "report":
            return value, flaw, Kept(data, dropped)
        return read_json(projected), flaw, Kept(projected, dropped)


def _without_length(head: bytes) -> bytes:
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length"))


def _takes(wanted: str, said: str) -> bool:
    return wanted in {said, "*/*", f"{said.partition('/')[0]}/*"}


def _parts(content: bytes, boundary: bytes) -> list[tuple[bytes, MultipartSegment, bytes]]:
    """Each part: its header as it came, as it was read, and its content. Raises `Malformed`."""
    found: list[tuple[bytes, MultipartSegment, bytes]] = []
    segment: MultipartSegment | None = None
    data = bytearray()
    try:
        with PushMultipartParser(
            boundary, max_segment_count=MOST_PARTS, max_header_size=MOST_HEADER, max_header_count=4, strict=True
        ) as parser:
            for event in parser.parse(content):
                if isinstance(event, MultipartSegment):
                    segment, data = event, bytearray()
                elif event is not None:
                    data += event
                elif segment is not None:
                    found.append((b"", segment, bytes(data)))
                    segment = None
    except (MultipartError, UnicodeDecodeError, ValueError) as fault:
        raise Malformed(f"the parts cannot be read ({type(fault).__name__})") from None
    # the same, by the boundary alone: another reader has to come to the same parts
    raw = content.split(b"--" + boundary)[1:-1]
    if len(raw) != len(found):
        raise Malformed("the boundary stands inside of a part")
    whole = []
    for text, (_, one, body) in zip(raw, found, strict=True):
        head, _, rest = text.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if rest != body + b"\r\n":
            raise Malformed("a part can be read in two ways")
        _strict(head, one)
        whole.append((head, one, body))
    return whole


def _strict(head: bytes, segment: MultipartSegment) -> None:
    """Raises `Malformed` where servers read the header of a part in several ways."""
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")]
    if len(set(names)) < len(names) or not set(names) <= {b"content-disposition", b"content-type", b"content-length"}:
        raise Malformed("a part has fields that are not for it, or one twice")
    kind = next(
        (
            line.partition(b":")[2].strip().lower()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-type")
        ),
        b"",
    )
    if kind.startswith(
        b"multipart/"
    ):  # some servers read files in it as if they were the form's (RFC 7578, appendix A)
        raise Malformed("a part has parts of its own")
    if segment.filename is None and not is_utf8(kind.decode("latin-1")):
        raise Malformed("a part says that it is not UTF-8")
    said = next(
        (line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"content-disp")),
        b"",
    )
    if (
        _DISPOSITION.match(said) is None
        or said.count(b"name=") - said.count(b"filename=") != 1
        or said.count(b"filename=") > 1
    ):
        raise Malformed("the name of a part can be read in several ways")
    if not segment.name or len(segment.name) > MOST_NAME:
        raise Malformed("a part has no name, or a long one")
    if segment.filename is not None and (len(segment.filename) > MOST_NAME or _BAD_NAME.search(segment.filename)):
        raise Malformed("the name of a file is a path, or no name")

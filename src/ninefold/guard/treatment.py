"""What is done with the upstream's response, by its status and media type. What was not declared does not leave."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from ninefold.contract.sequence import Sequence, sequence
from ninefold.guard.ceilings import capped
from ninefold.guard.events import Events, either, promised
from ninefold.guard.program import Program
from ninefold.guard.project import Partial, Projector
from ninefold.guard.records import Lines, Reader, Texts
from ninefold.guard.shape import PLAIN, Fields, Shapes

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ninefold.contract.description import Description, Operation, Response, Schema
    from ninefold.guard.behind import Sampler
    from ninefold.guard.ceilings import Ceilings
    from ninefold.guard.lookout import Lookout
    from ninefold.guard.outline import Shape

#: Fields about the message or the representation (RFC 9110, 9111, 6265), which need no declaration. Everything else that
#: the description does not declare stays behind: banners, internal hosts, debug output, the upstream's own CORS.
STANDARD_FIELDS = frozenset({
    b"accept-patch", b"accept-post", b"accept-ranges", b"age", b"allow", b"cache-control", b"content-disposition",
    b"content-encoding", b"content-language", b"content-location", b"content-range", b"content-type", b"date",
    b"deprecation", b"etag", b"expires", b"last-modified", b"link", b"location", b"preference-applied", b"retry-after",
    b"set-cookie", b"sunset", b"vary", b"www-authenticate",
})  # fmt: skip

#: Fields that are the guard's to set; a declared one of the upstream's does not replace them.
GUARDED_FIELDS = frozenset({
    b"content-length", b"content-security-policy", b"ratelimit", b"ratelimit-policy", b"referrer-policy", b"server",
    b"strict-transport-security", b"x-content-type-options", b"x-powered-by", b"x-request-id",
    b"access-control-allow-credentials", b"access-control-allow-headers", b"access-control-allow-methods",
    b"access-control-allow-origin", b"access-control-expose-headers", b"access-control-max-age",
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
})  # fmt: skip


#: What an answer that was projected says no more: of which part it was, how it was encoded, and what its bytes add up to.
WHOLE_ONLY = frozenset({
    b"content-encoding", b"content-range", b"content-digest", b"content-md5", b"digest", b"repr-digest",
})  # fmt: skip

#: What speaks of keeping an answer, or of its being the same for all.
_CACHED = frozenset({b"age", b"cache-control", b"etag", b"expires", b"last-modified"})

#: What of an error's header may leave beside the guard's own fields.
ERROR_FIELDS = frozenset({b"allow", b"date", b"retry-after", b"www-authenticate"})


class Way(Enum):
    """What happens to a response's body."""

    PASS = "pass"  # noqa: S105
    PROJECT = "project"
    STREAM = "stream"
    EMPTY = "empty"
    SCRUB = "scrub"
    WITHHOLD = "withhold"


class Parts(msgspec.Struct, frozen=True, gc=False):
    """How a stream is read part by part; `fields` and `texts` are those of events (`ninefold.guard.events`)."""

    kind: Sequence
    projector: Projector | None
    fields: frozenset[str] = frozenset()
    texts: frozenset[bytes] = frozenset()

    def reader(self, most: int) -> Reader:
        """For one stream, of whose parts each may have `most` bytes."""
        if self.kind is Sequence.EVENTS:
            return Events(self.fields, self.texts, self.projector, most)
        assert self.projector is not None
        return Lines(self.projector, most) if self.kind is Sequence.LINES else Texts(self.projector, most)


class Treatment(msgspec.Struct, frozen=True, gc=False):
    """`fields` are the names that may leave. `reason` says, for the trail, why a body is scrubbed or withheld.

    `projector` is what a whole body goes through, `parts` what a stream does.
    """

    way: Way
    fields: frozenset[bytes]
    projector: Projector | None = None
    reason: str = ""
    parts: Parts | None = None


class Projectors:
    """Projectors of one description; responses that let out the same share one, and so do their treatments.

    Ten thousand operations that answer alike are then one thing in the processor's caches.
    """

    def __init__(
        self,
        description: Description,
        *,
        undeclared: str = "drop",
        fields: Fields = PLAIN,
        varies: bool = False,
        lookout: Lookout | None = None,
        ceilings: Ceilings | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        """`undeclared` is the contract's word for what is not declared, `fields` what some do not see as it is.

        `varies`: others see something else in the same answers. `lookout` looks through free texts. `ceilings` None: lists
        have none. `sampler` says of which answers the trail is told what stayed behind; None: of none.
        """
        self._description = description
        self._ceilings = ceilings
        self._sampler = sampler
        self._sent = ceilings.lists.sent if ceilings is not None else "report"
        self._free = Shapes(description, fields=fields)
        bounded = ceilings is not None and ceilings.lists.described
        self._shapes = Shapes(description, fields=fields, bounded=True) if bounded else self._free
        self._capped: dict[tuple[int, int], tuple[Shape, Shape]] = {}
        self._undeclared = undeclared
        self._varies = varies
        #: Where undeclared members block an answer, those that are hidden from some are none: a projector says which it has.
        self._whole = Projectors(description, undeclared=undeclared) if undeclared == "block" and fields.hides else None
        self._program = Program(lookout=lookout, cuts=self._sent == "cut")
        self._made: dict[Hashable, tuple[Shape, Projector]] = {}
        self._treatments: dict[Hashable, Treatments] = {}

    def treatments(self, operation: Operation, *, open_: bool) -> Treatments:
        """Those of one operation. Raises `DescriptionError` where a schema refers to nothing."""
        ceilings = self._ceilings
        most = ceilings.of(operation) if ceilings is not None else None
        found: dict[tuple[str, str], Projector] = {}
        streams: dict[tuple[str, str], Parts] = {}
        declared = []
        for status, response in operation.responses.items():
            for media, schema in response.media.items():
                if schema is None or open_:
                    continue
                if is_json(media):
                    found[status, media] = self.of(schema, most=most)
                elif (parts := self._parts(media, schema, most)) is not None:
                    streams[status, media] = parts
            declared.append((status, tuple(response.media), tuple(response.headers)))
        alike = (
            operation.method in {"GET", "HEAD"}, open_, tuple(declared), tuple((one, id(found[one])) for one in found),
            tuple(streams.items()),
        )  # fmt: skip
        if alike not in self._treatments:
            reports = self._undeclared == "report"
            self._treatments[alike] = Treatments(
                operation, found, streams, open_=open_, reports=reports, varies=self._varies
            )
        return self._treatments[alike]

    def _parts(self, media: str, schema: Schema, most: int | None) -> Parts | None:
        """None: it is no sequence, or one of events of which nothing is said."""
        kind = sequence(media)
        if kind is not Sequence.EVENTS:
            if kind is None:
                return None
            return Parts(kind, self.of(*either(schema, self._description), most=most))
        promise = promised(schema, self._description)
        if promise is None:
            return None
        texts = frozenset(one.encode() for one in promise.texts)
        projector = self.of(*promise.schemas, most=most) if promise.schemas else None
        return Parts(kind, projector, promise.fields, texts)

    def ready(self) -> None:
        """Make now what else the first answer would wait for. Raises `FileError` where answers cannot be projected here."""
        if self._made:
            self._program.make()
        if self._whole is not None:
            self._whole.ready()

    def of(self, *schemas: Schema, most: int | None = None) -> Projector:
        """For what all of them let out together. Raises `DescriptionError` where a schema refers to nothing.

        `most` is the ceiling of the lists at its top. None: no list of it has one.
        """
        if most is None:
            shape = self._free.of(*schemas)
        else:
            whole = self._shapes.of(*schemas)
            shape = self._capped.setdefault((id(whole), most), (whole, capped(whole, most)))[1]
        known: Hashable = _likeness(shape, (), [MOST_COMPARED]) or id(shape)
        blocking = self._whole.of(*schemas) if self._whole is not None else None
        if blocking is not None:
            known = known, id(blocking)
        if known not in self._made:
            made = (
                Projector(shape, self._program, self._undeclared, self._sent, self._sampler)
                if blocking is None
                else Partial(shape, self._program, blocking, self._sent, self._sampler)
            )
            self._made[known] = (shape, made)
        return self._made[known][1]


def _likeness(shape: Shape | None, above: tuple[Shape, ...], left: list[int]) -> Hashable:
    """What a shape lets out, as a value; None for one that holds itself or is large: it is like nothing but itself."""
    if shape is None:
        return ()
    left[0] -= 1
    if left[0] < 0 or shape in above:
        return None
    inner = (*above, shape)
    members = tuple((name, _likeness(one, inner, left)) for name, one in (shape.members or {}).items())
    items, others = _likeness(shape.items, inner, left), _likeness(shape.others, inner, left)
    choice = shape.choice
    by = choice.by.items() if choice is not None else ()
    told = (choice and choice.name, tuple((value, _likeness(one, inner, left)) for value, one in by))
    otherwise = _likeness(choice.otherwise if choice is not None else None, inner, left)
    if None in (items, others, otherwise) or any(like is None for _, like in (*members, *told[1])):
        return None
    kinds = frozenset(shape.scalars)
    rest = shape.names, shape.mask, shape.free, shape.most
    return shape.anything, kinds, shape.members is None, members, items, others, *rest, told, otherwise


#: Shapes of more parts than this are not compared; in real descriptions they are named, and shared by their names.
MOST_COMPARED = 200

#: More kinds of answer than this from one operation are not remembered (the media type is the upstream's to choose).
MOST_REMEMBERED = 64


class Treatments:
    """The treatments of one operation's responses. Asking costs one dict look-up."""

    __slots__ = (
        "_declared",
        "_kept_by_nobody",
        "_known",
        "_left",
        "_method",
        "_open",
        "_projectors",
        "_reports",
        "_streams",
    )

    def __init__(
        self,
        operation: Operation,
        projectors: dict[tuple[str, str], Projector],
        streams: dict[tuple[str, str], Parts],
        *,
        open_: bool,
        reports: bool = False,
        varies: bool = False,
    ) -> None:
        """`projectors` and `streams` are by declared status and media type.

        `reports`: what is not declared leaves, and is told.
        """
        self._reports = reports
        self._kept_by_nobody = _CACHED if varies else frozenset[bytes]()
        self._left = WHOLE_ONLY | self._kept_by_nobody
        self._method = operation.method
        self._open = open_
        self._declared: dict[str, Response] = dict(operation.responses)
        self._known: dict[tuple[int, bytes], Treatment] = {}
        self._projectors = projectors
        self._streams = streams

    def of(self, status: int, media: bytes) -> Treatment:
        """For a final `status` and the value of `Content-Type` (empty: none)."""
        known = self._known.get((status, media))
        if known is None:
            known = self._decide(status, media)
            if len(self._known) < MOST_REMEMBERED:
                self._known[status, media] = known
        return known

    @property
    def reads_bodies(self) -> bool:
        """Whether some response is read, so that it has to come whole, in a coding that can be opened."""
        return bool(self._projectors or self._streams)

    def _decide(self, status: int, media: bytes) -> Treatment:
        declared = self._declared
        named = next((one for one in (str(status), f"{status // 100}XX", "default") if one in declared), "")
        response = declared.get(named)
        if status >= 500:
            return Treatment(Way.SCRUB, ERROR_FIELDS, reason=f"the upstream answered {status}")
        names = frozenset(name.lower().encode() for name in response.headers) if response else frozenset()
        fields = (STANDARD_FIELDS | names) - GUARDED_FIELDS
        if self._open:
            return Treatment(Way.PASS, fields)
        if status == 304 and self._method in {"GET", "HEAD"}:
            return Treatment(Way.EMPTY, fields - self._kept_by_nobody)
        if response is None:
            return self._refused(status, fields, f"the status {status} is not declared")
        if not response.media or not media:
            return Treatment(Way.EMPTY, fields - self._kept_by_nobody)
        name = media.partition(b";")[0].strip().lower().decode("latin-1")
        found = _match(name, response)
        if found is None:
            return self._refused(status, fields, f"the media type {name!r} is not declared for {status}")
        projector = self._projectors.get((named, found))
        if projector is not None and (projector.structured or is_json(name)):
            # also where a range has the schema and something else than JSON comes under it: it is JSON, or it is withheld
            return Treatment(Way.PROJECT, fields - self._left, projector)
        parts = self._streams.get((named, found))
        if parts is not None and sequence(name) is parts.kind:
            return Treatment(Way.STREAM, fields - self._left, parts=parts)
        if is_json(name):
            return self._refused(status, fields, f"no schema is declared for {name!r} with {status}")
        if is_json_records(name):
            why = "no schema is declared for" if sequence(name) is not None else "it is not known how to read"
            return self._refused(status, fields, f"{why} the JSON in {name!r}")
        return Treatment(Way.PASS, fields)

    def _refused(self, status: int, fields: frozenset[bytes], reason: str) -> Treatment:
        if self._reports:
            return Treatment(Way.PASS, fields, reason=reason)
        way = Way.SCRUB if status >= 400 else Way.WITHHOLD
        return Treatment(way, fields & ERROR_FIELDS, reason=reason)


def is_json(media: str) -> bool:
    """Whether a media type is JSON (RFC 8259, RFC 6839 section 3.1). A range that takes JSON in counts as JSON."""
    name = media.partition(";")[0].strip().lower()
    return name in {"application/json", "text/json", "*/*", "application/*"} or name.endswith("+json")


def is_xml(media: str) -> bool:
    """Whether a media type is XML (RFC 7303)."""
    name = media.partition(";")[0].strip().lower()
    return name in {"application/xml", "text/xml"} or name.endswith("+xml")


def is_json_records(media: str) -> bool:
    """Whether a media type is several JSON texts one after the other (JSON Lines, RFC 7464), or may be."""
    name = media.partition(";")[0].strip().lower()
    return not is_json(name) and re.search(r"json|ndjson", name) is not None


def _match(name: str, response: Response) -> str | None:
    """The declared media type or range that a media type falls under, the most specific first."""
    wanted = (name, name.partition("/")[0] + "/*", "*/*")
    for one in wanted:
        for declared in response.media:
            if declared.partition(";")[0].strip().lower() == one:
                return declared
    return None

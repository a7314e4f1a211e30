"""What is done with the answer to a query: projected onto what was selected, whatever the description says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from ninefold.contract.sequence import Sequence
from ninefold.guard.events import FIELDS
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.treatment import ERROR_FIELDS, WHOLE_ONLY, Parts, Treatment, Treatments, Way

if TYPE_CHECKING:
    from collections.abc import Sequence as Listing

    from ninefold.guard.project import Teller

#: Media types of answers (GraphQL over HTTP, section 6.2), and that of answers one after the other (GraphQL over SSE).
_MEDIA, _EVENTS = frozenset({"application/json", "application/graphql-response+json"}), "text/event-stream"
#: More kinds of answer than this to one query are not remembered.
_MOST_REMEMBERED = 16
#: What GraphQL over SSE says in `data` when there is no more.
_OVER = frozenset({b""})


class Served(Treatments):
    """Beside the operation's own treatments: answers of these media types go through the query's projector."""

    __slots__ = ("_base", "_events", "_opened", "_projector", "_remembered")

    def __init__(self, base: Treatments, projector: Projector, *, streams: bool, opened: bool) -> None:
        """`streams`: answers may be events. `opened`: what is neither may leave as the operation's own treatments say."""
        self._base = base
        self._projector = projector
        self._events = streams
        self._opened = opened
        self._remembered: dict[tuple[int, bytes], Treatment] = {}

    def of(self, status: int, media: bytes) -> Treatment:
        known = self._remembered.get((status, media))
        if known is None:
            known = self._of(status, media)
            if len(self._remembered) < _MOST_REMEMBERED:
                self._remembered[status, media] = known
        return known

    @property
    def reads_bodies(self) -> bool:
        return True

    def _of(self, status: int, media: bytes) -> Treatment:
        treatment = self._base.of(status, media)
        if status >= 500:
            return treatment
        name = media.partition(b";")[0].strip().lower().decode("latin-1")
        events = self._events and name == _EVENTS
        if not events and name not in _MEDIA:
            passes = treatment.way in {Way.PROJECT, Way.STREAM} or (treatment.way is Way.PASS and not treatment.reason)
            if not passes or self._opened:
                return treatment
            reason = f"the answer to a query came as {name!r}"
            return Treatment(Way.WITHHOLD, ERROR_FIELDS, reason=reason)
        if treatment.way is not Way.PROJECT:
            # one that is not declared (400 with `errors`, say) has nothing else in it than what was asked for
            treatment = self._base.of(200, b"application/json")
        fields = treatment.fields - WHOLE_ONLY
        if events:
            return Treatment(Way.STREAM, fields, parts=Parts(Sequence.EVENTS, self._projector, FIELDS, _OVER))
        return Treatment(Way.PROJECT, fields, self._projector)


class Several(Projector):
    """Holds each of the answers to a list of queries against its own; one refusal may stand for all of them."""

    __slots__ = ("_each", "_refusal")

    def __init__(self, each: Listing[Projector], refusal: Projector) -> None:
        """`refusal` is that of an answer which has errors and nothing else."""
        self._each = each
        self._refusal = refusal
        self.structured = True
        self._sampler = None

    def __call__(self, body: bytes, teller: Teller | None = None, *, view: bool = False) -> tuple[bytes, int, int]:
        """As of one. Raises `Unpromised`, also where there are more or fewer answers than queries."""
        if body.lstrip(b" \t\r\n")[:1] != b"[":
            return self._refusal(body, teller, view=view)
        try:
            came = _LIST.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise Unpromised("malformed JSON, where a list of answers is expected") from None
        if len(came) != len(self._each):
            raise Unpromised(f"{len(came)} answers to {len(self._each)} queries", malformed=False)
        found = [projector(bytes(one), teller) for projector, one in zip(self._each, came, strict=True)]
        text = b"[" + b",".join(one for one, _, _ in found) + b"]"
        return text, sum(one for _, one, _ in found), sum(one for _, _, one in found)


_LIST = msgspec.json.Decoder(list[Raw])

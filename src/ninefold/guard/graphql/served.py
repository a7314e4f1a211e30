"""What is done with the answer to one query: projected onto what was selected, whatever the description says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninefold.guard.treatment import Treatment, Treatments, Way

if TYPE_CHECKING:
    from ninefold.guard.project import Projector

#: Media types of answers (GraphQL over HTTP, section 6.2).
_MEDIA = frozenset({"application/json", "application/graphql-response+json"})


class Served(Treatments):
    """Beside the operation's own treatments: answers of these media types go through the query's projector."""

    __slots__ = ("_base", "_projector")

    def __init__(self, base: Treatments, projector: Projector) -> None:
        self._base = base
        self._projector = projector

    def of(self, status: int, media: bytes) -> Treatment:
        treatment = self._base.of(status, media)
        name = media.partition(b";")[0].strip().lower().decode("latin-1")
        if status >= 500 or name not in _MEDIA:
            return treatment
        if treatment.way is Way.PROJECT:
            return Treatment(Way.PROJECT, treatment.fields, self._projector)
        # a status or media type that is not declared (400 with `errors`, say) has nothing else in it than what was asked for
        return Treatment(Way.PROJECT, self._base.of(200, b"application/json").fields, self._projector)

    @property
    def reads_bodies(self) -> bool:
        return True

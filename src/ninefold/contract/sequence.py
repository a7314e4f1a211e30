"""Media types that are several JSON texts, one after the other: records, and events."""

from __future__ import annotations

from enum import Enum


class Sequence(Enum):
    """How one part of it ends and the next begins."""

    LINES = "lines"  # NDJSON, JSON Lines: a text a line
    TEXTS = "texts"  # JSON text sequences (RFC 7464): each behind a record separator
    EVENTS = "events"  # server-sent events (HTML Standard, 9.2): the data of each


_LINES = frozenset({
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
    "application/x-jsonlines", "application/json-lines", "text/x-ndjson", "text/ndjson", "text/jsonl",
})  # fmt: skip


def sequence(media: str) -> Sequence | None:
    """What a media type is a sequence of; None: it is none that is read here."""
    name = media.partition(";")[0].strip().lower()
    if name in _LINES:
        return Sequence.LINES
    if name == "application/json-seq" or name.endswith("+json-seq"):  # RFC 8091
        return Sequence.TEXTS
    return Sequence.EVENTS if name == "text/event-stream" else None

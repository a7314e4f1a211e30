"""Media types that are several JSON texts, and whose schema it is that a description gives for them."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.contract.openapi import read
from ninefold.contract.sequence import Sequence, sequence

RECORD = {"type": "object", "properties": {"id": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ("application/x-ndjson", Sequence.LINES),
        ("Application/JSONL; charset=utf-8", Sequence.LINES),
        ("application/json-seq", Sequence.TEXTS),
        ("application/geo+json-seq", Sequence.TEXTS),
        ("text/event-stream;charset=utf-8", Sequence.EVENTS),
        ("application/json", None),
        ("application/stream+json", None),
        ("*/*", None),
        ("text/plain", None),
    ],
)
def test_what_a_media_type_is_a_sequence_of(media: str, kind: Sequence | None) -> None:
    assert sequence(media) is kind


@pytest.mark.parametrize(
    ("version", "media", "said", "found"),
    [
        ("3.1.0", "application/x-ndjson", {"schema": RECORD}, RECORD),
        ("3.1.0", "application/x-ndjson", {"schema": {"type": "array", "items": RECORD}}, {"type": "array", "items": RECORD}),
        ("3.1.0", "application/x-ndjson", {"itemSchema": RECORD}, None),
        ("3.2.0", "application/x-ndjson", {"itemSchema": RECORD}, RECORD),
        ("3.2.0", "application/json-seq", {"schema": {"type": "array", "items": RECORD}}, RECORD),
        ("3.2.0", "application/json-seq", {"schema": {"$ref": "#/components/schemas/All"}}, RECORD),
        ("3.2.0", "application/json-seq", {"schema": True, "itemSchema": RECORD}, RECORD),
        ("3.2.0", "text/event-stream", {"itemSchema": RECORD}, RECORD),
        ("3.2.0", "text/event-stream", {}, None),
        ("3.2.0", "application/json", {"schema": {"type": "array", "items": RECORD}, "itemSchema": RECORD}, {"type": "array", "items": RECORD}),
    ],
)  # fmt: skip
def test_the_schema_is_that_of_one_part(version: str, media: str, said: dict[str, Any], found: Any) -> None:
    answer = {"200": {"description": "-", "content": {media: said}}}
    document = {
        "openapi": version,
        "info": {},
        "paths": {"/a": {"get": {"responses": answer}}},
        "components": {"schemas": {"All": {"type": "array", "items": RECORD}}},
    }
    assert read(document, "t").operations[0].responses["200"].media == {media: found}

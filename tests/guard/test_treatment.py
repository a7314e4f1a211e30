"""What becomes of an answer, by its status and by what it says that it is."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.contract.openapi import read
from ninefold.guard.treatment import Projectors, Treatment, Way

OBJECT = {"type": "object", "properties": {"id": {"type": "integer"}}}


def treated(content: dict[str, Any], media: bytes) -> Treatment:
    responses = {"200": {"description": "-", "content": content}}
    document = {"openapi": "3.1.0", "info": {}, "paths": {"/a": {"get": {"operationId": "a", "responses": responses}}}}
    description = read(document, "t")
    return Projectors(description).treatments(description.operations[0], open_=False).of(200, media)


@pytest.mark.parametrize(
    ("declared", "schema", "came", "way"),
    [
        ("application/json", OBJECT, b"application/json; charset=utf-8", Way.PROJECT),
        ("application/json", OBJECT, b"text/plain", Way.WITHHOLD),
        ("application/json", OBJECT, b"application/json, application/json", Way.WITHHOLD),
        ("*/*", OBJECT, b"application/json", Way.PROJECT),
        ("*/*", OBJECT, b"text/plain", Way.PROJECT),
        ("*/*", OBJECT, b"application/x-json", Way.PROJECT),
        ("*/*", {"type": "string", "format": "binary"}, b"image/png", Way.PASS),
        ("text/plain", {"type": "string"}, b"text/plain", Way.PASS),
        ("application/x-ndjson", OBJECT, b"application/x-ndjson", Way.STREAM),
        ("application/json-seq", OBJECT, b"application/json-seq", Way.STREAM),
        ("application/json-seq", OBJECT, b"application/x-ndjson", Way.WITHHOLD),
        ("application/geo+json-seq", OBJECT, b"application/geo+json-seq", Way.STREAM),
        ("application/x-json-stream", OBJECT, b"application/x-json-stream", Way.WITHHOLD),
        ("text/event-stream", OBJECT, b"text/event-stream;charset=utf-8", Way.STREAM),
        ("text/event-stream", {"type": "string"}, b"text/event-stream", Way.PASS),
        ("text/*", OBJECT, b"text/event-stream", Way.PASS),
    ],
)
def test_what_a_schema_describes_is_projected_or_withheld_whatever_it_says_that_it_is(
    declared: str, schema: dict[str, Any], came: bytes, way: Way
) -> None:
    assert treated({declared: {"schema": schema}}, came).way is way


def test_a_projected_answer_does_not_say_which_part_of_another_it_was() -> None:
    assert (
        not {b"content-range", b"content-encoding"}
        & treated({"application/json": {"schema": OBJECT}}, b"application/json").fields
    )

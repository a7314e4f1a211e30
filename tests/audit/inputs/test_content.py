from __future__ import annotations

import json
import sys
import time
from random import Random
from typing import Any

import pytest

from ninefold.audit.inputs.content import described
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError

OPENAPI: dict[str, Any] = {"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": {}}}}
HAR = {"log": {"entries": [{"request": {"method": "GET", "url": "https://h/a"}}]}}
POSTMAN = {"info": {"name": "c"}, "item": [{"request": "https://h/a"}]}
NOTHING = b"tried: OpenAPI or Swagger"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (json.dumps(OPENAPI), Kind.OPENAPI),
        ("\ufeff" + json.dumps(OPENAPI), Kind.OPENAPI),
        ("openapi: 3.0.3\ninfo: {description: 'type Query {'}\npaths: {/a: {get: {}}}\n", Kind.OPENAPI),
        ("{openapi: 3.0.3, info: {}, paths: {/a: {get: {}}}}", Kind.OPENAPI),
        (json.dumps({"swagger": "2.0", "paths": {"/a": {"get": {}}}}), Kind.OPENAPI),
        (json.dumps({**OPENAPI, "item": [], "log": {}}), Kind.OPENAPI),
        (json.dumps(HAR), Kind.HAR),
        (json.dumps(POSTMAN), Kind.POSTMAN),
        (json.dumps({"collection": POSTMAN}), Kind.POSTMAN),
        ('# words: here\n"""docs: yes"""\ntype Query { a: Int }\n', Kind.GRAPHQL),
        ("schema { query: Q }\ntype Q\n{ a: Int }\n", Kind.GRAPHQL),
    ],
)
def test_the_kind_is_told_by_the_content(content: str, kind: Kind) -> None:
    api = described(content.encode(), "whatever.txt")
    assert api.kind is kind
    assert api.operations


@pytest.mark.parametrize(
    "content",
    ["", "null", "42", "[]", "[" * 300_000, "hello", "a: b", "type: object\nx: {}", '{"id": 1}', '{"log": 5}'],
)
def test_what_is_none_is_told_with_all_that_was_tried(content: str) -> None:
    with pytest.raises(DescriptionError) as told:
        described(content.encode(), "x.json")
    assert "tried: OpenAPI or Swagger" in str(told.value) or "HAR 1.2" in str(told.value)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('{\n "info": {},\n "item": [ {"name" "r"} ]\n}', "x.json:3:20"),
        ('{"log":{"entries":[\n{"request":{}},\n]}}', "x.json:2:15" if sys.version_info >= (3, 13) else "x.json:3:1"),
        ('{"log":\n "\\ud800"}', "x.json:2:"),
        ("type Query {\n a: \n}", "x.json:3:1"),
        ("openapi: 3.0.0\npaths: [\n", "x.json:3:1"),
    ],
)
def test_what_is_broken_is_told_with_line_and_column(content: str, place: str) -> None:
    with pytest.raises(DescriptionError) as told:
        described(content.encode(), "x.json")
    assert str(told.value).startswith(place)


def test_large_broken_json_is_told_in_seconds() -> None:
    content = b'{"openapi": "3.0.0", "x": [\n' + b'"aaaaaaaaaa",\n' * 2_000_000 + b"}"
    began = time.monotonic()
    with pytest.raises(DescriptionError, match=r"x\.json:2000002:1: is no JSON"):
        described(content, "x.json")
    assert time.monotonic() - began < 20


def test_a_description_of_more_than_64_mib_is_refused() -> None:
    with pytest.raises(DescriptionError, match="larger than 64 MiB"):
        described(b'{"openapi": "3.0.0", "x": "' + b"a" * (65 * 1024 * 1024) + b'"}', "x.json")


def test_an_older_collection_is_told_what_to_do() -> None:
    with pytest.raises(DescriptionError, match=r"v2\.1"):
        described(b'{"id": "1", "requests": [], "order": []}', "x.json")


def _mutated(value: Any, chance: Random) -> Any:
    if chance.random() < 0.05:
        return chance.choice([None, 5, "x", "{{a}}", [], {}, [1], {"a": 1}, True, -1, 1e308])
    if isinstance(value, dict):
        return {name: _mutated(one, chance) for name, one in value.items()}
    return [_mutated(one, chance) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(300))
def test_whatever_stands_in_an_input_it_is_read_or_told(seed: int) -> None:
    chance = Random(seed)
    auth = {"type": "apikey", "apikey": [{"key": "key", "value": "X-Key"}, {"key": "in", "value": "header"}]}
    body = {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}
    url = {"raw": "{{base}}/a/:id?x=1", "host": ["h"], "path": ["a", ":id"], "query": [{"key": "x", "value": "1"}]}
    request = {"method": "POST", "url": url, "auth": auth, "header": [{"key": "A", "value": "b"}], "body": body}
    answers = [{"code": 200, "header": [{"key": "Content-Type", "value": "application/json"}], "body": "{}"}]
    folder = {
        "name": "f",
        "item": [{"name": "r", "request": request, "response": answers}],
        "variable": [{"key": "base", "value": "h"}],
    }
    content = {"mimeType": "application/json", "text": "{}", "encoding": "base64"}
    asked = {
        "method": "GET",
        "url": "https://h/a?x=1",
        "headers": [{"name": "A", "value": "b"}],
        "postData": {"mimeType": "a/b"},
    }
    har = {"log": {"entries": [{"request": asked, "response": {"status": 200, "content": content}}]}}
    for document in ({"info": {"name": "c"}, "auth": auth, "item": [folder]}, har):
        try:
            described(json.dumps(_mutated(document, chance)).encode(), "x.json")
        except DescriptionError as fault:
            assert "x.json" in str(fault)

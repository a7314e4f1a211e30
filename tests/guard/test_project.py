"""Projection: what was not declared does not leave, what was declared leaves as it was."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.contract.openapi import read as read_description
from ninefold.errors import DescriptionError
from ninefold.guard.project import MOST_COUNTED, Projector, Unpromised
from ninefold.guard.shape import Shapes
from ninefold.guard.treatment import Projectors


def _projector(schema: Any, **schemas: Any) -> Projector:
    document = {"components": {"schemas": schemas}}
    return Projector(Shapes(Description("t", "3.1", "", "", (), (), {}, document)).of(schema))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


OTHERS = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
    "additionalProperties": {"type": "string"},
}
OBJ = {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "number"}, "i": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "text", "kept", "withheld"),
    [
        (OBJ, '{"a":"x","secret":1}', '{"a":"x"}', 1),
        (OBJ, '{"a":"x","secret":{"b":1,"c":[{"d":2}]}}', '{"a":"x"}', 4),
        (OBJ, '{"a":null}', '{"a":null}', 0),
        (OBJ, '{"n":1.50,"i":123456789012345678901234567890}', '{"n":1.50,"i":123456789012345678901234567890}', 0),
        (OBJ, '{"n":0.12345678901234567890}', '{"n":0.12345678901234567890}', 0),
        (OBJ, '{ "a" : "x" , "b\\"c" : 1 }', '{"a":"x"}', 1),
        (OBJ, '{"a":"\\":","b":"\\":"}', '{"a":"\\":"}', 1),
        ({"type": "array", "items": OBJ}, '[{"a":"1","b":2},{}]', '[{"a":"1"},{}]', 1),
        ({"allOf": [OBJ, {"properties": {"z": {"type": "boolean"}}}]}, '{"a":"1","z":true,"y":1}', '{"a":"1","z":true}', 1),
        ({"oneOf": [OBJ, {"type": "string"}]}, '"s"', '"s"', 0),
        ({"anyOf": [OBJ, {"type": "object", "properties": {"q": {"type": "integer"}}}]}, '{"q":1,"a":"","w":0}', '{"a":"","q":1}', 1),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '{"x":1,"y":2}', '{"x":1,"y":2}', 0),
        ({"type": "object"}, '{"x":1}', "{}", 1),
        ({}, '{"x":{"y":1}}', '{"x":{"y":1}}', 0),
        ({"type": ["object", "null"], "properties": {"class": {"type": "string"}, "_x": {"type": "string"}}},
         '{"class":"c","_x":"d","e":1}', '{"class":"c","_x":"d"}', 1),
        ({"type": "object", "properties": {"p": {"type": "string", "writeOnly": True}, "a": {"type": "string"}}},
         '{"p":"secret","a":"b"}', '{"a":"b"}', 1),
        ({"enum": ["a", 1, None]}, "1", "1", 0),
        (OTHERS, '{"id":"a","secret":"x","password":"hidden"}', '{"id":"a","secret":"x"}', 1),
        ({"type": "array", "items": {"type": "object", "properties": {"in": OTHERS}}},
         '[{"in":{"password":"p"}},{},{"in":null}]', '[{"in":{}},{},{"in":null}]', 1),
        ({"type": "object", "additionalProperties": OTHERS}, '{"a":{"password":"p","b":"c"}}', '{"a":{"b":"c"}}', 1),
        ({"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "properties": {"id": {"type": "string"}}},
         '{"x-a":"ok","password":"p","id":"1"}', '{"x-a":"ok","id":"1"}', 1),
        ({"allOf": [OTHERS, {"type": "object", "properties": {"password": {"type": "string"}}}]},
         '{"password":"declared by one of them"}', '{"password":"declared by one of them"}', 0),
    ],
)  # fmt: skip
def test_only_what_is_declared_is_left(schema: Any, text: str, kept: str, withheld: int) -> None:
    projected, members, size = _projector(schema)(text.encode())
    assert (projected, members) == (kept.encode(), withheld)
    assert (size > 0) == (withheld > 0)


def test_of_a_long_body_the_bytes_are_told_that_stayed_behind() -> None:
    body = b'{"a":"%b","secret":1}' % (b"x" * MOST_COUNTED)
    text, members, size = _projector(OBJ)(body)
    assert (len(body) - len(text), members, size) == (len(b',"secret":1'), 0, len(b',"secret":1'))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (OBJ, '{"a":{"secret":1}}'),
        (OBJ, '{"a":["secret"]}'),
        (OBJ, '{"i":"secret"}'),
        (OBJ, '{"n":"NaN"}'),
        (OBJ, '{"n":"Infinity"}'),
        (OBJ, '["secret"]'),
        (OBJ, '{"a":"x",}'),
        (OBJ, '{"a":"x"}{"b":"y"}'),
        (OBJ, '{"b":{"x":tru}}'),
        ({"type": "boolean"}, '"secret"'),
        ({"type": "array", "items": {"type": "integer"}}, '{"secret":1}'),
    ],
)
def test_a_value_of_another_kind_than_the_declared_one_is_withheld_and_not_quoted(schema: Any, text: str) -> None:
    with pytest.raises(Unpromised) as fault:
        _projector(schema)(text.encode())
    assert "secret" not in str(fault.value)


def test_a_recursive_schema_is_followed_as_deep_as_the_document_goes() -> None:
    node = {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "next": _ref("Node"), "all": {"type": "array", "items": _ref("Node")}},
    }
    project = _projector(_ref("Node"), Node=node)
    deep: dict[str, Any] = {"v": 0, "x": 1}
    for number in range(50):
        deep = {"v": number, "x": 1, "next": deep, "all": [{"v": 1, "y": 2}]}
    text, withheld, _ = project(json.dumps(deep).encode())
    assert b"x" not in text.replace(b"next", b"")
    assert b"y" not in text
    assert withheld == 101


def test_nesting_that_never_ends_is_withheld_and_not_a_crash() -> None:
    node = {"type": "object", "properties": {"next": _ref("Node")}}
    with pytest.raises(Unpromised):
        _projector(_ref("Node"), Node=node)(b'{"next":' * 100_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def _schemas(depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    leaf = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}])
    if depth == 0:
        return leaf
    inner = _schemas(depth - 1)
    return (
        leaf
        | st.builds(lambda one: {"type": "array", "items": one}, inner)
        | st.builds(
            lambda all_: {"type": "object", "properties": all_},
            st.dictionaries(st.sampled_from("abcde"), inner, max_size=4),
        )
    )


def _allowed(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value holds nothing that the schema does not declare."""
    if value is None:
        return True
    kind: str = schema["type"]
    if kind == "array":
        return isinstance(value, list) and all(_allowed(one, schema["items"]) for one in value)
    if kind == "object":
        return isinstance(value, dict) and all(
            name in schema["properties"] and _allowed(one, schema["properties"][name]) for name, one in value.items()
        )
    if isinstance(value, bool):
        return kind == "boolean"
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
    }
    fits: bool = isinstance(value, kinds[kind])
    return fits


@pytest.mark.fuzz
@given(schema=_schemas(), value=json_values)
def test_nothing_undeclared_ever_leaves_and_projecting_twice_changes_nothing(
    schema: dict[str, Any], value: Any
) -> None:
    project = _projector(schema)
    try:
        text, *_ = project(json.dumps(value).encode())
    except Unpromised:
        return
    assert _allowed(json.loads(text), schema)
    assert project(text) == (text, 0, 0)


@pytest.mark.fuzz
@given(value=json_values)
def test_members_that_stay_behind_are_counted_and_only_strings_with_a_leading_colon_beside_them(value: Any) -> None:
    def count(one: Any) -> int:
        if isinstance(one, dict):
            return len(one) + sum(map(count, one.values()))
        return sum(map(count, one)) if isinstance(one, list) else 0

    def leading(one: Any) -> int:
        if isinstance(one, dict):
            return sum(map(leading, [*one, *one.values()]))
        return sum(map(leading, one)) if isinstance(one, list) else isinstance(one, str) and one.startswith(":")

    projector = _projector(OBJ)
    body = {"a": "kept", "extra": value}
    for text in (
        json.dumps(body),
        json.dumps(body, ensure_ascii=False),
        json.dumps(body, indent=2),
        json.dumps(body, separators=(" ,", " : ")),
    ):
        try:
            raw = text.encode()
            msgspec.json.decode(raw)
        except (UnicodeEncodeError, msgspec.DecodeError):
            continue
        if len(raw) <= MOST_COUNTED:
            projected, members, _ = projector(raw)
            assert projected == b'{"a":"kept"}'
            assert 1 + count(value) <= members <= 1 + count(value) + leading(value)


def test_a_text_that_mixes_styles_never_counts_less_than_nothing() -> None:
    assert _projector(OBJ)(b'{"a":"1","i" :2}') == (b'{"a":"1","i":2}', 0, 0)


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "new\nline"])
def test_a_member_whose_name_json_must_escape_is_refused_with_its_remedy(name: str) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {name: {}}}}},
    }
    with pytest.raises(DescriptionError, match="must escape") as fault:
        Shapes(Description("o.yaml", "3.1", "", "", (), (), {}, {})).of(schema)
    assert repr(name) in str(fault.value)
    assert "responses.open" in str(fault.value)


def test_a_pattern_for_names_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(DescriptionError, match="pattern for names"):
        _projector({"type": "object", "patternProperties": {"(": {"type": "string"}}})


def test_what_nests_too_deep_to_be_counted_is_no_crash() -> None:
    body = b'{"b":1,"any":' + b"[" * 3000 + b"]" * 3000 + b"}"
    schema = {"type": "object", "properties": {"any": {}}}
    try:
        text, *_ = _projector(schema)(body)
    except Unpromised:
        return
    assert b'"b"' not in text


def test_shapes_that_differ_in_the_names_they_let_out_share_no_projector() -> None:
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    answers = {
        path: {
            "get": {
                "operationId": path[1:],
                "responses": {"200": {"description": "-", "content": {"application/json": {"schema": one}}}},
            }
        }
        for path, one in (("/a", free), ("/b", OTHERS))
    }
    read = Projectors(read_description({"openapi": "3.1.0", "info": {}, "paths": answers}, "t"))
    one, other = (read.of(schema) for schema in (free, OTHERS))
    assert one(b'{"password":"p"}')[0] == b'{"password":"p"}'
    assert other(b'{"password":"p"}')[0] == b"{}"

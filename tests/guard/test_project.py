"""Projection: what was not declared does not leave, what was declared leaves as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.contract.openapi import read as read_description
from ninefold.errors import DescriptionError, FileError
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import Shapes
from ninefold.guard.treatment import Projectors
from ninefold.native import library


def _projector(schema: Any, **schemas: Any) -> Projector:
    document = {"components": {"schemas": schemas}}
    return Projector(Shapes(Description("t", "3.1", "", "", (), (), {}, document)).of(schema), Program())


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
        ({"anyOf": [OBJ, {"type": "object", "properties": {"q": {"type": "integer"}}}]}, '{"q":1,"a":"","w":0}', '{"q":1,"a":""}', 1),
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
         '{"password":"kept by one of them"}', "{}", 1),
        ({"oneOf": [OTHERS, {"type": "object", "properties": {"password": {"type": "string"}}}]},
         '{"password":"declared by one of them"}', '{"password":"declared by one of them"}', 0),
        ({"type": "object", "properties": {"p": {"$ref": "#/components/schemas/Text", "writeOnly": True}, "q": _ref("Text")}},
         '{"p":"x","q":"y"}', '{"q":"y"}', 1),
        ({"type": "object", "properties": {"p": {"allOf": [_ref("Text"), {"writeOnly": True}]}, "q": {"allOf": [_ref("Text")]}}},
         '{"p":"x","q":"y"}', '{"q":"y"}', 1),
        ({"type": "object", "properties": {"p": _ref("Kept"), "q": {"anyOf": [_ref("Kept"), {"allOf": [_ref("Kept"), {"minLength": 1}]}]},
                                           "r": {"anyOf": [_ref("Kept"), _ref("Text")]}}},
         '{"p":"x","q":"y","r":"z"}', '{"r":"z"}', 2),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": _ref("Kept")}, '{"a":1,"p":"x"}', '{"a":1}', 1),
        ({"type": "object", "patternProperties": {"^s": _ref("Kept")}, "additionalProperties": {"type": "string"}},
         '{"a":"1","secret":"x","s":"y"}', '{"a":"1"}', 2),
        ({"type": "object", "patternProperties": {"^s": _ref("Kept"), "e": _ref("Text")}, "properties": {"secret": _ref("Text")}},
         '{"secret":"x","sea":"y","e":"z"}', '{"e":"z"}', 2),
        ({"allOf": [{"type": "object", "additionalProperties": True}, OTHERS]}, '{"password":"p","q":1}', '{"q":1}', 1),
        ({"allOf": [{"allOf": [OTHERS]}, {"oneOf": [{"type": "object", "properties": {"password": {}}}]}]}, '{"password":"p"}', "{}", 1),
        ({"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}, "writeOnly": True}]},
         '{"a":1,"b":2}', '{"a":1}', 1),
        ({"type": "object", "properties": {"l": {"type": "array", "items": _ref("Kept")}}}, '{"l":[null]}', '{"l":[null]}', 0),
        ({"const": {"a": {"b": 1}}}, '{"a":{"b":1,"c":2},"d":3}', '{"a":{"b":1}}', 2),
        ({"enum": [[{"a": 1}], [{"a": "x", "b": []}]]}, '[{"a":"x","b":[],"c":1},{"a":2}]', '[{"a":"x","b":[]},{"a":2}]', 1),
        ({"type": "array", "items": [_ref("Text"), OBJ]}, '["t",{"a":"x","secret":1}]', '["t",{"a":"x"}]', 1),
        ({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
         '{"n":1,"m":"x"}', '{"n":1,"m":"x"}', 0),
        ({"type": "object", "properties": {"x-n": {"type": "integer"}}, "patternProperties": {"^x-": {"type": "string"}}},
         '{"x-n":"by the pattern","x-m":"x","y":1}', '{"x-n":"by the pattern","x-m":"x"}', 1),
        (OBJ, '{"b":1,"a":"x","c":2,"n":1,"d":3,"i":2,"e":4}', '{"a":"x","n":1,"i":2}', 4),
        (OBJ, '{"\\u0061":"its name escaped","\\u0062":1}', '{"\\u0061":"its name escaped"}', 1),
        ({"type": "object", "properties": {'q"\n\\': {"type": "string"}}}, '{"q\\"\\n\\\\":"kept","q":1}', '{"q\\"\\n\\\\":"kept"}', 1),
        ({"type": "object", "properties": {"é😀": {}}}, '{"\\u00e9\\ud83d\\ude00":[1.0,{"x":[]}],"é":1}', '{"\\u00e9\\ud83d\\ude00":[1.0,{"x":[]}]}', 1),
        (OBJ, '{"i":1.0}', '{"i":1.0}', 0),
        (OBJ, '{"i":-15e1}', '{"i":-15e1}', 0),
        (OBJ, '{"i":1.50E+1}', '{"i":1.50E+1}', 0),
        (OBJ, '{"i":100e-2}', '{"i":100e-2}', 0),
        (OBJ, '{"i":-0}', '{"i":-0}', 0),
        (OBJ, '{"n":1e999999999999999999999}', '{"n":1e999999999999999999999}', 0),
        (OBJ, '{"secret":{"a":1,"a":2}}', "{}", 3),
        (OBJ, "null", "null", 0),
    ],
)  # fmt: skip
def test_only_what_is_declared_is_left(schema: Any, text: str, kept: str, withheld: int) -> None:
    projected, members, size = _projector(schema, Text={"type": "string"}, Kept={"type": "string", "writeOnly": True})(
        text.encode()
    )
    assert (projected, members) == (kept.encode(), withheld)
    assert (size > 0) == (withheld > 0)


def test_the_bytes_that_stayed_behind_are_told_and_white_space_alone_is_none() -> None:
    body = b'{"a":"%b","secret":1}' % (b"x" * 10_000)
    text, members, size = _projector(OBJ)(body)
    assert (len(body) - len(text), members, size) == (len(b',"secret":1'), 1, len(b',"secret":1'))
    assert _projector(OBJ)(b'\r\n {\t"a" : "x" }\n') == (b'{"a":"x"}', 0, 0)


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
        (OBJ, '{"i":1.5}'),
        (OBJ, '{"i":15e-2}'),
        (OBJ, '{"n":"1"}'),
        (OBJ, '{"a":"secret","\\u0061":"secret"}'),
        ({}, '{"x":1,"x":"secret"}'),
        ({"type": "object", "additionalProperties": {}}, '{"x":{"y":{"z":1,"\\u007a":2}}}'),
        (OBJ, '{"secret":"\\ud800"}'),
        (OBJ, '{"secret":"\\udc00\\ud800"}'),
        (OBJ, '{"secret":"\t"}'),
        (OBJ, '{"secret":01}'),
        (OBJ, '{"secret":1.}'),
        (OBJ, '{"secret":[1,]}'),
        (OBJ, '{"secret":1 2}'),
        (OBJ, '{"secret"}'),
        (OBJ, '{"secret":}'),
        (OBJ, '{"secret":[}'),
        (OBJ, ""),
        (OBJ, "\ufeff{}"),
        (OBJ, "{}\x00"),
        (OBJ, '{"a":"x\x00'),
    ],
)
def test_what_is_malformed_or_of_another_kind_than_the_declared_one_is_withheld_and_not_quoted(
    schema: Any, text: str
) -> None:
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
    fits: bool = isinstance(value, kinds[kind]) or (
        kind == "integer" and isinstance(value, float) and value.is_integer()
    )
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


def _expected(value: Any, schema: dict[str, Any]) -> tuple[Any, int]:
    """What has to be left of a value, and how many members stay behind; the same question, asked in another way."""
    if value is None:
        return None, 0
    if schema["type"] == "array":
        if not isinstance(value, list):
            raise Unpromised
        found = [_expected(one, schema["items"]) for one in value]
        return [one for one, _ in found], sum(count for _, count in found)
    if schema["type"] == "object":
        if not isinstance(value, dict):
            raise Unpromised
        kept, withheld = {}, 0
        for name, one in value.items():
            if name in schema["properties"]:
                kept[name], count = _expected(one, schema["properties"][name])
                withheld += count
            else:
                withheld += 1 + _members(one)
        return kept, withheld
    if not _allowed(value, schema):
        raise Unpromised
    return value, 0


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if isinstance(value, list) else 0


@pytest.mark.fuzz
@given(
    schema=_schemas(),
    value=json_values,
    ascii_=st.booleans(),
    indent=st.none() | st.integers(0, 3),
    separators=st.sampled_from([(",", ":"), (" ,", " : "), (",\n", "\t:")]),
)
def test_what_is_left_is_what_another_reading_of_the_same_schema_leaves_to_the_byte(
    schema: dict[str, Any], value: Any, ascii_: bool, indent: int | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_, indent=indent, separators=separators)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        return
    surrogate = "\\ud" in text and any(
        0xD800 <= ord(one) <= 0xDFFF for one in json.dumps(json.loads(text), ensure_ascii=False)
    )
    project = _projector(schema)
    if surrogate:
        with pytest.raises(Unpromised):
            project(body)
        return
    try:
        kept, withheld = _expected(value, schema)
    except Unpromised:
        with pytest.raises(Unpromised):
            project(body)
        return
    left = json.dumps(kept, ensure_ascii=ascii_, separators=(",", ":")).encode()
    found = project(body)
    assert found[:2] == (left, withheld)
    assert (found[2] > 0) == (withheld > 0)


@pytest.mark.fuzz
@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\\\ua0b1e-.+tfn \x00é', max_size=40).map(str.encode))
def test_it_takes_no_json_that_another_parser_does_not(body: bytes) -> None:
    try:
        text, *_ = _projector({})(body)
    except Unpromised:
        return
    assert json.loads(text) == json.loads(body)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"n":[]}', r"expected number, got array at \$\.n, byte 5"),
        ('{"n":true}', r"expected number, got boolean at \$\.n, byte 5"),
        ('{"secret":1,}', r"malformed JSON at \$\.\*, byte 12"),
        ('{"a":"","a":""}', r"an object has a member twice at \$\.a, byte 12"),
        ("[" * 600, r"nested too deep|expected object"),
    ],
)
def test_a_fault_is_told_with_its_place_and_no_name_that_is_not_declared(text: str, told: str) -> None:
    with pytest.raises(Unpromised, match=told):
        _projector(OBJ)(text.encode())


def test_names_in_their_thousands_are_told_apart_and_found_when_they_come_twice() -> None:
    free = _projector({"type": "object", "additionalProperties": {"type": "integer"}})
    names = [f"name {number}" for number in range(20_000)]
    body = json.dumps(dict.fromkeys(names, 1), separators=(",", ":")).encode()
    assert free(body) == (body, 0, 0)
    with pytest.raises(Unpromised, match="twice"):
        free(body[:-1] + b',"name 777":2}')
    known = _projector({"type": "object", "properties": {name: {"type": "integer"} for name in names[::2]}})
    assert known(body)[1] == 10_000


def test_an_object_that_may_have_thousands_of_members_has_each_once() -> None:
    many = {"type": "object", "properties": {f"n{number}": {"type": "integer"} for number in range(5000)}}
    project = _projector({"type": "array", "items": {**many, "additionalProperties": {"type": "string"}}})
    body = b'[{"n4999":1,"n7":2,"else":"x"},{},{"n4999":1}]'
    assert project(body) == (body, 0, 0)
    for twice in (b'[{"n4999":1,"n7":1,"n4999":2}]', b'[{"else":"x","else":"y"}]'):
        with pytest.raises(Unpromised, match="twice"):
            project(twice)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40, 200])
@pytest.mark.parametrize("schema", [{}, {"type": "object", "properties": {"a": {}}, "additionalProperties": {}}])
def test_a_name_that_comes_twice_is_found_among_few_and_among_many(schema: Any, count: int) -> None:
    project = _projector(schema)
    inner = b"{%b}" % b",".join(b'"%d":0' % number for number in range(count))
    outer = [b'"%d":%b' % (number, inner) for number in range(count)]
    body = b"{%b}" % b",".join(outer)
    assert project(body) == (body, 0, 0)
    for number in {0, count // 2, count - 1}:
        with pytest.raises(Unpromised, match="twice"):
            project(b"{%b}" % b",".join([*outer, b'"%d":0' % number]))


def test_threads_that_share_a_projector_are_each_told_their_own_count() -> None:
    project = _projector({"type": "array", "items": OBJ})
    bodies = [b"[%b]" % b",".join([b'{"a":"x","b":1}'] * count) for count in (20_000, 30_000)]

    def wrong(body: bytes) -> int:
        count = body.count(b"b")
        return sum(project(body)[1] != count for _ in range(100))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(wrong, bodies * 2)) == 0


def test_one_program_serves_shapes_that_are_added_after_it_has_run() -> None:
    program = Program()
    shapes = Shapes(Description("t", "3.1", "", "", (), (), {}, {}))
    first = Projector(shapes.of(OBJ), program)
    assert first(b'{"a":"x","b":1}')[0] == b'{"a":"x"}'
    second = Projector(shapes.of({"type": "array", "items": OBJ}), program)
    assert second(b'[{"b":1}]')[0] == b"[{}]"
    assert first(b'{"a":"x","b":1}')[0] == b'{"a":"x"}'


def test_a_pattern_for_names_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(DescriptionError, match="pattern for names"):
        _projector({"type": "object", "patternProperties": {"(": {"type": "string"}}})


@pytest.mark.parametrize("schema", [{}, OBJ, {"type": "object", "properties": {"any": {}}}])
def test_what_nests_deeper_than_five_hundred_is_withheld_wherever_it_stands(schema: Any) -> None:
    project = _projector(schema)
    assert project(b'{"any":' + b"[" * 511 + b"]" * 511 + b"}")
    with pytest.raises(Unpromised, match="nested too deep"):
        project(b'{"any":' + b"[" * 512 + b"]" * 512 + b"}")


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


FORBIDDEN = """
import ctypes, sys
from ninefold.errors import FileError
from tests.guard.test_project import _projector
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, since Linux 6.3
    sys.exit(77)
print(_projector({"type": "object"})(b'{"a":1}'))
try:
    _projector({"type": "object", "patternProperties": {"^x": {}}})(b"{}")
except FileError as fault:
    print(fault)
"""


def test_where_memory_may_not_be_written_and_run_patterns_for_names_are_refused_in_words() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORBIDDEN], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    if ran.returncode in {77, -11}:
        pytest.skip("the kernel knows no such rule")
    assert ran.returncode == 0, ran.stderr
    assert "MemoryDenyWriteExecute=no" in ran.stdout
    assert ran.stdout.startswith("(b'{}', 1, 5)")


def test_a_guard_has_its_program_before_the_first_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read = Projectors(Description("t", "3.1", "", "", (), (), {}, {}))
    read.ready()  # nothing to project: nothing to load
    read.of(OBJ)
    monkeypatch.setattr(library, "PATH", tmp_path / "no.so")
    library.library.cache_clear()
    with pytest.raises(FileError, match="cannot be loaded"):
        read.ready()
    monkeypatch.undo()
    read.ready()
    assert read._program.made is not None

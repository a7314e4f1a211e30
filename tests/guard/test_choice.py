"""Alternatives that a member tells apart: shapes, their program and the projection by it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.guard.schematic import NAMED, NAMES, Schema, documents, schemas, values

from ninefold.contract.description import Description
from ninefold.errors import DescriptionError
from ninefold.guard.mask import Last4, Redact
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import MOST_WAYS, PLAIN, Fields, Shapes
from ninefold.guard.treatment import Projectors

TEXT = {"type": "string"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**members: Schema) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def _told(name: str, kind: str, **members: Schema) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"const": kind}, **members}}


CAT = _object(kind=TEXT, name=TEXT, meow=TEXT, age={"type": "integer"})
DOG = _object(kind=TEXT, name=TEXT, bark=TEXT, age={"type": "number"})
BASE = _object(kind=TEXT, name=TEXT)
PETS: dict[str, Schema] = {
    "Cat": CAT,
    "Dog": DOG,
    "Pet": {"oneOf": [_ref("Cat"), _ref("Dog")], "discriminator": {"propertyName": "kind"}},
    "Mapped": {
        "oneOf": [_ref("Cat"), _ref("Dog")],
        "discriminator": {"propertyName": "kind", "mapping": {"c": "#/components/schemas/Cat", "d": "Dog"}},
    },
    # one refers to the other, and back
    "Animal": {
        "properties": {"kind": TEXT, "friend": _ref("Animal")},
        "required": ["kind"],
        "discriminator": {"propertyName": "kind"},
        "oneOf": [_ref("Bird"), _ref("Fish")],
    },
    "Bird": {"allOf": [_ref("Animal"), _object(wings={"type": "integer"})]},
    "Fish": {"allOf": [_ref("Animal"), _object(fins={"type": "integer"})]},
}
CONSTANTS = {"anyOf": [_told("k", "a", x=TEXT, s=TEXT), _told("k", "b", y=TEXT, s=TEXT), {"type": "string"}]}
OPEN = {"anyOf": [
    _told("k", "a", x=TEXT) | {"additionalProperties": {"type": "integer"}},
    _told("k", "b", y=TEXT) | {"patternProperties": {"^n": {"type": "integer"}}},
]}  # fmt: skip
NESTED = {"oneOf": [
    {"required": ["k"], "properties": {"k": {"const": "a"}}, "oneOf": [_told("j", "1", p=TEXT), _told("j", "2", q=TEXT)]},
    _told("k", "b", r=TEXT, j=TEXT),
]}  # fmt: skip
KEPT = {"anyOf": [
    _told("k", "a", x=TEXT, secret=TEXT), _told("k", "b", y=TEXT, secret=TEXT | {"writeOnly": True}),
]}  # fmt: skip
BOTH = {"allOf": [CONSTANTS, {"oneOf": [_told("j", "1", p=TEXT), _told("j", "2", q=TEXT)]}, _object(z=TEXT)]}


def _projector(schema: Schema, *, request: bool = False, fields: Fields = PLAIN, **named: Schema) -> Projector:
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named or PETS}})
    return Projector(Shapes(description, request=request, fields=fields).of(schema), Program())


@pytest.mark.parametrize(
    ("schema", "text", "kept", "withheld"),
    [
        (_ref("Pet"), '{"kind":"Cat","name":"n","meow":"m","bark":"b"}', '{"kind":"Cat","name":"n","meow":"m"}', 1),
        (_ref("Pet"), '{"bark":"b","meow":"m","kind":"Dog"}', '{"bark":"b","kind":"Dog"}', 1),
        (_ref("Pet"), '{"meow":"m","\\u006bind":"\\u0043at","bark":"b"}', '{"meow":"m","\\u006bind":"\\u0043at"}', 1),
        (_ref("Pet"), '{"kind":"Cow","name":"n","meow":"m","age":1}', '{"kind":"Cow","name":"n"}', 2),
        (_ref("Pet"), '{"name":"n","meow":"m","bark":"b"}', '{"name":"n"}', 2),
        (_ref("Pet"), '{"kind":null,"name":"n","meow":"m"}', '{"kind":null,"name":"n"}', 1),
        (_ref("Pet"), '{"kind":"cat","meow":"m"}', '{"kind":"cat"}', 1),
        (_ref("Pet"), '{"x":{"kind":"Cat"},"meow":"m","y":[{"kind":"Cat"}]}', "{}", 5),
        (_ref("Pet"), '{"x":{"kind":"Dog","y":["}"]},"meow":"m" , "kind" : "Cat"}', '{"meow":"m","kind":"Cat"}', 3),
        (_ref("Pet"), "null", "null", 0),
        (_ref("Pet"), "{}", "{}", 0),
        ({"type": "array", "items": _ref("Pet")}, '[{"kind":"Dog","meow":""},null,{"meow":"","kind":"Cat"},{"meow":""}]',
         '[{"kind":"Dog"},null,{"meow":"","kind":"Cat"},{}]', 2),
        (_ref("Mapped"), '{"kind":"c","meow":"m","bark":"b"}', '{"kind":"c","meow":"m"}', 1),
        (_ref("Mapped"), '{"kind":"d","meow":"m","bark":"b"}', '{"kind":"d","bark":"b"}', 1),
        (_ref("Mapped"), '{"kind":"Dog","meow":"m","bark":"b"}', '{"kind":"Dog","bark":"b"}', 1),
        (_ref("Animal"), '{"kind":"Bird","wings":2,"fins":1,"friend":{"wings":1,"fins":2,"kind":"Fish"}}',
         '{"kind":"Bird","wings":2,"friend":{"fins":2,"kind":"Fish"}}', 2),
        (_ref("Bird"), '{"kind":"Bird","wings":2,"fins":1}', '{"kind":"Bird","wings":2}', 1),
        (_ref("Bird"), '{"wings":2,"fins":1}', '{"wings":2}', 1),
        (CONSTANTS, '{"k":"a","x":"","y":"","s":""}', '{"k":"a","x":"","s":""}', 1),
        (CONSTANTS, '{"k":"z","x":"","y":"","s":""}', '{"k":"z","s":""}', 2),
        (CONSTANTS, '"no object"', '"no object"', 0),
        (OPEN, '{"k":"a","x":"","n":1,"m":2}', '{"k":"a","x":"","n":1,"m":2}', 0),
        (OPEN, '{"k":"b","y":"","n":1,"m":2}', '{"k":"b","y":"","n":1}', 1),
        (OPEN, '{"k":"c","x":"","y":"","n":1,"m":2}', '{"k":"c","n":1}', 3),
        (NESTED, '{"k":"a","j":"1","p":"","q":"","r":""}', '{"k":"a","j":"1","p":""}', 2),
        (NESTED, '{"k":"a","p":"","q":"","r":"","j":"2"}', '{"k":"a","q":"","j":"2"}', 2),
        (NESTED, '{"k":"a","p":"","q":"","r":""}', '{"k":"a"}', 3),
        (NESTED, '{"k":"b","j":"1","p":"","q":"","r":""}', '{"k":"b","j":"1","r":""}', 2),
        (NESTED, '{"k":"c","j":"1","p":"","r":""}', '{"k":"c","j":"1"}', 2),
        (KEPT, '{"k":"a","secret":"s"}', '{"k":"a","secret":"s"}', 0),
        (KEPT, '{"k":"b","secret":"s"}', '{"k":"b"}', 1),
        (KEPT, '{"k":"c","secret":"s"}', '{"k":"c"}', 1),
        (BOTH, '{"k":"a","j":"2","x":"","y":"","p":"","q":"","z":""}', '{"k":"a","j":"2","x":"","q":"","z":""}', 2),
        (BOTH, '{"k":"-","j":"2","x":"","y":"","p":"","q":"","z":""}', '{"k":"-","j":"2","z":""}', 4),
        ({"properties": {"z": TEXT}, "required": ["k"], "oneOf": [{"properties": {"k": {"enum": ["a", "b"]}, "x": TEXT}},
                                                              {"properties": {"k": {"enum": ["c"]}, "y": TEXT}}]},
         '{"k":"b","x":"","y":"","z":""}', '{"k":"b","x":"","z":""}', 1),
        ({"oneOf": [_told("k", "a", x=TEXT), _told("k", "a", w=TEXT), _told("k", "b", y=TEXT)]},
         '{"k":"a","x":"","w":"","y":""}', '{"k":"a","x":"","w":""}', 1),
    ],
)  # fmt: skip
def test_what_leaves_is_what_the_alternative_lets_out_that_the_member_tells(
    schema: Schema, text: str, kept: str, withheld: int
) -> None:
    assert _projector(schema)(text.encode())[:2] == (kept.encode(), withheld)


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [CAT, DOG]},
        {"oneOf": [_told("k", "a", meow=TEXT), _object(kind=TEXT, bark=TEXT)]},
        {"oneOf": [{"properties": {"k": {"const": "a"}, "meow": TEXT}}, {"properties": {"k": {"const": "b"}, "bark": TEXT}}]},
        {"oneOf": [_told("k", "a", meow=TEXT), _told("k", "a", bark=TEXT)]},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [_told("k", "a", meow=TEXT), _told("j", "a", bark=TEXT)]},
        {"oneOf": [
            {"required": ["k"], "properties": {"k": {"const": word, "writeOnly": True}, name: TEXT}}
            for word, name in (("a", "meow"), ("b", "bark"))
        ]},
    ],
)  # fmt: skip
def test_alternatives_that_nothing_tells_apart_melt(schema: Schema) -> None:
    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of(schema)
    assert shape.choice is None
    assert shape.melts
    text = b'{"meow":"","bark":""}'
    assert Projector(shape, Program())(text) == (text, 0, 0)


def test_numbers_and_booleans_tell_nothing() -> None:
    schema = {"oneOf": [
        {"required": ["k"], "properties": {"k": {"const": value}, name: TEXT}} for value, name in ((1, "x"), (True, "y"))
    ]}  # fmt: skip
    assert _projector(schema)(b'{"k":1,"x":"","y":""}') == (b'{"k":1,"x":"","y":""}', 0, 0)


def test_an_alternative_whose_parts_contradict_each_other_is_one_that_is_told() -> None:
    odd = {"allOf": [TEXT, {"additionalProperties": {}}]}
    schema = {"oneOf": [_ref("Cat"), _ref("Dog"), _ref("Odd")], "discriminator": {"propertyName": "kind"}}
    project = _projector(schema, Cat=CAT, Dog=DOG, Odd=odd)
    assert project(b'{"kind":"Cat","meow":"m","bark":"b"}')[:2] == (b'{"kind":"Cat","meow":"m"}', 1)
    assert project(b'{"kind":"Odd","meow":"m","bark":"b"}')[1] == 0


def test_an_alternative_that_lets_anything_out_does_so_whatever_is_told() -> None:
    schema = {"oneOf": [_ref("Cat"), _ref("Any")], "discriminator": {"propertyName": "kind"}}
    project = _projector(schema, Cat=CAT, Any={})
    assert project(b'{"kind":"Cat","x":1}') == (b'{"kind":"Cat","x":1}', 0, 0)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (_ref("Pet"), '{"kind":"Cat","kind":"Dog","bark":"b"}'),
        (_ref("Pet"), '{"kind":"Cow","\\u006bind":"Dog"}'),
        (_ref("Pet"), '{"kind":1,"name":"n"}'),
        (_ref("Pet"), '{"kind":{"kind":"Cat"},"meow":"m"}'),
        (_ref("Pet"), '{"kind":["Cat"],"meow":"m"}'),
        (_ref("Pet"), '{"kind":"Cat","age":1.5}'),
        (_ref("Pet"), '["Cat"]'),
        (_ref("Pet"), '"Cat"'),
        (_ref("Pet"), '{"kind":"Cat","meow":"m"'),
        (_ref("Pet"), '{"meow":"m","x":[{]},"kind":"Cat"}'),
        (_ref("Pet"), '{"meow":"m","x":1[2],"y":[{"kind":"Cat"}],"kind":"Cat"}'),
        (_ref("Pet"), '{"meow":"m" "kind":"Cat"}'),
        (_ref("Pet"), '{"meow":"m","kind" "Cat"}'),
        (_ref("Pet"), '{"meow":"\\x","kind":"Cat"}'),
        (_ref("Pet"), '{"me\\xow":"m","kind":"Cat"}'),
        (_ref("Pet"), '{"x":["\\x"],"kind":"Cat"}'),
        (_ref("Pet"), '{"kind":"Ca\\xt"}'),
        (_ref("Pet"), '{"x":[[[["kind","Cat"'),
        (_ref("Pet"), "{" + '"x":' + "[" * 600 + "]" * 600 + ',"kind":"Cat"}'),
        (_ref("Pet"), '{"x":{\x00},"kind":"Cat"}'),
        (_ref("Pet"), "{kind"),
        (_ref("Pet"), "{"),
    ],
)
def test_what_is_no_object_of_the_alternative_or_no_json_does_not_leave(schema: Schema, text: str) -> None:
    with pytest.raises(Unpromised):
        _projector(schema)(text.encode())


def test_where_it_was_and_what_was_expected_is_told_as_elsewhere() -> None:
    project = _projector({"type": "array", "items": _ref("Pet")})
    with pytest.raises(Unpromised, match=r"expected integer, got number at \$\[1\]\.age"):
        project(b'[{"kind":"Dog","age":1.5},{"age":1.5,"kind":"Cat"}]')
    with pytest.raises(Unpromised, match=r"expected object, got string at \$\[0\]"):
        project(b'["x"]')


def test_of_a_member_that_does_not_leave_the_first_one_counts() -> None:
    schema = {"oneOf": [_ref("A"), _ref("B")], "discriminator": {"propertyName": "kind"}}
    project = _projector(schema, A=_object(x=TEXT), B=_object(y=TEXT))
    assert project(b'{"kind":"A","x":"","y":"","kind":"B"}') == (b'{"x":""}', 3, 29)
    assert project(b'{"x":"","y":"","kind":"C"}') == (b"{}", 3, 24)


def test_a_request_keeps_what_the_alternative_takes_in() -> None:
    schema = {"oneOf": [
        _told("role", "user", nick=TEXT), _told("role", "admin", level=TEXT, id=TEXT | {"readOnly": True}),
    ]}  # fmt: skip
    project = _projector(schema, request=True)
    assert project(b'{"role":"user","nick":"n","level":"9"}')[:2] == (b'{"role":"user","nick":"n"}', 1)
    assert project(b'{"level":"9","id":"1","role":"admin"}')[:2] == (b'{"level":"9","role":"admin"}', 1)
    assert project(b'{"role":"?","nick":"n","level":"9"}')[:2] == (b'{"role":"?"}', 2)


def test_whoever_may_not_see_the_member_that_tells_gets_what_it_tells() -> None:
    project = _projector(_ref("Pet"), fields=Fields(hidden=frozenset({"kind"})))
    assert project(b'{"kind":"Cat","meow":"m","bark":"b"}')[:2] == (b'{"meow":"m"}', 2)
    assert project(b'{"kind":"Cow","name":"n","bark":"b"}')[:2] == (b'{"name":"n"}', 2)


def test_what_is_hidden_of_one_alternative_is_seen_of_another() -> None:
    cat = PETS["Cat"]
    project = _projector(_ref("Pet"), fields=Fields(hidden_of={id(cat): frozenset({"name"})}))
    assert project(b'{"kind":"Cat","name":"n"}')[:2] == (b'{"kind":"Cat"}', 1)
    assert project(b'{"kind":"Dog","name":"n"}')[:2] == (b'{"kind":"Dog","name":"n"}', 0)
    assert project(b'{"kind":"Cow","name":"n"}')[:2] == (b'{"kind":"Cow"}', 1)


def test_masks_are_those_of_the_alternative_and_all_of_them_where_none_is_told() -> None:
    cat, dog = PETS["Cat"], PETS["Dog"]
    project = _projector(_ref("Pet"), fields=Fields(masked_of={id(cat): {"name": Redact()}}))
    assert project(b'{"kind":"Cat","name":"n"}')[0] == b'{"kind":"Cat","name":"****"}'
    assert project(b'{"kind":"Dog","name":"n"}')[0] == b'{"kind":"Dog","name":"n"}'
    assert project(b'{"kind":"Cow","name":"n"}')[0] == b'{"kind":"Cow","name":"****"}'
    project = _projector(
        _ref("Pet"), fields=Fields(masked_of={id(cat): {"name": Redact()}, id(dog): {"name": Last4()}})
    )
    assert project(b'{"kind":"Dog","name":"123456789"}')[0] == b'{"kind":"Dog","name":"****6789"}'
    assert project(b'{"kind":"Cow","name":"123456789"}')[0] == b'{"kind":"Cow"}'
    project = _projector(_ref("Pet"), fields=Fields(masked={"kind": Redact()}))
    assert project(b'{"kind":"Cat","meow":"m","bark":"b"}')[0] == b'{"kind":"****","meow":"m"}'
    assert project(b'{"kind":"Cow","meow":"m","bark":"b"}')[0] == b'{"kind":"****"}'


def test_an_object_of_alternatives_is_not_masked() -> None:
    schema = _object(pet=_ref("Pet"))
    with pytest.raises(DescriptionError, match="an object or an array"):
        _projector(schema, fields=Fields(masked={"pet": Redact()}))


@pytest.mark.parametrize("undeclared", ["block", "report"])
def test_what_is_not_declared_by_the_alternative_is_blocked_or_reported(undeclared: str) -> None:
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": PETS}})
    project = Projectors(description, undeclared=undeclared).of(_ref("Pet"))
    fine, text = b'{"kind":"Cat","meow":"m"}', b'{"kind":"Cat","meow":"m","bark":"b"}'
    assert project(fine) == (fine, 0, 0)
    if undeclared == "report":
        assert project(text) == (text, 1, 0)
    else:
        with pytest.raises(Unpromised, match="1 members are not declared"):
            project(text)


def test_responses_whose_alternatives_are_told_alike_share_a_projector() -> None:
    projectors = Projectors(Description("t", "3.1", "", "", (), (), {}, {}))
    first, second, third = (
        projectors.of({"oneOf": [_told("k", "a", x=TEXT), _told(name, value, y=TEXT)]})
        for name, value in (("k", "b"), ("k", "b"), ("k", "c"))
    )
    assert first is second
    assert first is not third


def test_members_that_tell_too_many_ways_melt() -> None:
    def one(name: str) -> Schema:
        return {"oneOf": [_told(name, str(at), **{f"{name}{at}": TEXT}) for at in range(40)]}

    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of({"allOf": [one("a"), one("b"), one("c")]})
    assert shape.choice is not None
    assert not shape.melts
    assert all(inner.choice is None and inner.melts for inner in shape.choice.by.values())
    assert len(shape.choice.by) == 40
    assert MOST_WAYS < 40 * 40
    project = Projector(shape, Program())
    assert (
        project(b'{"a":"1","b":"1","a1":"","a2":"","b1":"","b2":""}')[0] == b'{"a":"1","b":"1","a1":"","b1":"","b2":""}'
    )


def test_five_members_of_one_object_are_not_all_asked() -> None:
    parts = [{"oneOf": [_told(name, value, **{name + value: TEXT}) for value in "12"]} for name in "abcde"]
    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of({"allOf": parts})
    text = json.dumps({**dict.fromkeys("abcde", "1"), **{name + value: "" for name in "abcde" for value in "12"}})
    left = json.loads(Projector(shape, Program())(text.encode())[0])
    assert {*left} == {*"abcde", "a1", "b1", "c1", "d1", "e1", "e2"}


def test_alternatives_that_would_make_too_many_shapes_melt_and_the_description_is_taken() -> None:
    """Each alternative has the next ones in other words: told apart, no two places are alike."""
    named: dict[str, Schema] = {}
    for at in range(16):
        after = [_ref(f"{kind}{at + 1}") for kind in "AB"] if at < 15 else [TEXT]
        for kind in "AB":
            named[f"{kind}{at}"] = _told("k", f"{kind}{at}", n={"anyOf": [*after, _told("k", "z", only={"enum": [f"{kind}{at}"]})]}, m={"anyOf": after})  # fmt: skip
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    shapes = Shapes(description)
    shapes._most = 60  # else it takes a description of megabytes
    schema = {"anyOf": [_ref("A0"), _ref("B0")]}
    shape = shapes.of(schema)
    assert shape.choice is None
    assert shape.melts
    text = b'{"k":"A0","n":{"k":"z","only":"B0"}}'
    assert Projector(shape, Program())(text)[0] == text
    told = Shapes(description).of(schema)
    assert told.choice is not None


def _nested(fill: bytes, depth: int) -> bytes:
    text = b"null"
    for at in range(depth):
        text = b'{"fill":%b,"next":%b,"a":"x","k":"%b"}' % (fill, text, b"ab"[at % 2 : at % 2 + 1])
    return text


@pytest.mark.parametrize("part", [b'"%b"' % (b"s" * 20), b"[]", b'{"k":"a"}'])
def test_however_choices_nest_the_time_is_that_of_the_text(part: bytes) -> None:
    """The member that tells comes last in each of five hundred objects, each in the one before."""
    members = {"fill": {}, "next": _ref("Node")}
    node = {"oneOf": [_told("k", "a", **members, a=TEXT), _told("k", "b", **members, b=TEXT)]}
    project = _projector(_ref("Node"), Node=node)

    def cost(text: bytes) -> float:
        begun = time.process_time()
        assert project(text)[1] == text.count(b'"a":"x","k":"b"')
        return time.process_time() - begun

    nested = _nested(b"[%b]" % b",".join([part] * 1000), 500)
    flat = b'{"fill":[%b],"k":"a"}' % b",".join([part] * 500_000)
    # each object through all that is in it: two hundred times
    assert min(cost(nested) for _ in range(3)) < 10 * min(cost(flat) for _ in range(3)) + 0.05


def test_a_text_that_breaks_deep_inside_is_not_looked_through_again_from_each_object() -> None:
    members = {"next": _ref("Node"), "fill": {}}
    project = _projector(_ref("Node"), Node={"oneOf": [_told("k", "a", **members), _told("k", "b", **members)]})
    fill = b"[%b]" % b",".join([b"1"] * 5_000_000)
    text = b'{"next":' * 500 + b'{"fill":%b,"x":"\x01"' % fill
    begun = time.process_time()
    with pytest.raises(Unpromised, match="malformed"):
        project(text)
    assert time.process_time() - begun < 4  # 10 MB five hundred times, and once more to say where


def test_the_member_that_tells_may_stand_last_in_megabytes() -> None:
    fill = b",".join(b'"x%d":[%d,{"kind":"Dog","bark":"no"}]' % (at, at) for at in range(250_000))
    text = b'{"meow":"m","bark":"b",%b,"kind":"Cat"}' % fill
    assert len(text) > 10_000_000
    begun = time.process_time()
    assert _projector(_ref("Pet"))(text)[:2] == (b'{"meow":"m","kind":"Cat"}', 750_001)
    assert time.process_time() - begun < 5


@st.composite
def told(draw: st.DrawFn) -> tuple[dict[str, Schema], dict[str, Any], list[str]]:
    """Named schemas, what stands beside the alternatives of a discriminator, and which ones those are."""
    named = draw(documents)
    beside: dict[str, Any] = {}
    if draw(st.booleans()):
        beside["properties"] = draw(st.dictionaries(st.sampled_from((*NAMES, "kind")), schemas(1, NAMED), max_size=2))
    if draw(st.booleans()):
        beside["allOf"] = [draw(schemas(1, ()))]
    return named, beside, draw(st.lists(st.sampled_from(NAMED), min_size=2, max_size=3, unique=True))


@pytest.mark.fuzz
@settings(suppress_health_check=[HealthCheck.filter_too_much])  # not every case has a value of its alternative
@given(
    case=told(),
    texts=st.lists(st.dictionaries(st.sampled_from(NAMES), values, max_size=4), min_size=1, max_size=4),
    data=st.data(),
)
def test_of_a_value_leaves_what_its_alternative_alone_would_let_out(
    case: tuple[dict[str, Schema], dict[str, Any], list[str]], texts: list[dict[str, Any]], data: st.DataObject
) -> None:
    named, beside, alternatives = case
    description = Description("t", "3.1", "", "", (), (), {}, {"components": {"schemas": named}})
    if data.draw(st.booleans()):
        ways: dict[str, Schema] = {one: _ref(one) for one in alternatives}
        whole = {**beside, "oneOf": [*ways.values()], "discriminator": {"propertyName": "kind"}}
    else:
        ways = {one: {"allOf": [_ref(one)], **_told("kind", one)} for one in alternatives}
        whole = {**beside, "anyOf": [*ways.values()]}
    shape = Shapes(description).of(whole)
    assume(shape.choice is not None)
    assert shape.choice is not None
    project = Projector(shape, Program())
    alone = {
        name: Projector(Shapes(description).of({**beside, "oneOf": [one]}), Program()) for name, one in ways.items()
    }
    for value in texts:
        names = list(value)
        place = data.draw(st.integers(0, len(names)))
        kind = data.draw(st.sampled_from([*shape.choice.by, "other"]))
        made = (
            {name: value[name] for name in names[:place]}
            | {"kind": kind}
            | {name: value[name] for name in names[place:]}
        )
        body = json.dumps(made, separators=(",", ":")).encode()
        if kind in shape.choice.by:
            event("told")
            try:
                left = alone[kind](body)
            except Unpromised:
                with pytest.raises(Unpromised):
                    project(body)
                continue
            assert project(body) == left
        else:
            event("not told")
            _never_more(project, [one for name, one in alone.items() if name in shape.choice.by], body)


def _never_more(project: Projector, alone: list[Projector], body: bytes) -> None:
    """Of a value that none of them means leaves what each of them would let out, beside the member that tells."""
    try:
        left = json.loads(project(body)[0])
    except Unpromised:
        return
    left.pop("kind", None)
    for one in alone:
        text = json.dumps(left, separators=(",", ":")).encode()
        try:
            assert one(text) == (text, 0, 0)
        except Unpromised as fault:
            raise AssertionError from fault

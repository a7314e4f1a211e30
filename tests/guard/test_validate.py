from __future__ import annotations

import gzip
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.errors import DescriptionError
from ninefold.guard.flaw import Flaw
from ninefold.guard.validate import MOST_FLAWS, Unreadable, Validator, Validators

#: What of the suite does not hold, and why.
ONE_FILE = (
    "a description is one document: references to other files, to networks and by `$id` are refused when it is loaded"
)
DYNAMIC = "`$dynamicRef` is refused when the description is loaded"
HELD = "formats are held, and not only noted"
LEFT = {
    "draft2020-12": {
        "anchor.json": ONE_FILE, "defs.json": ONE_FILE, "dynamicRef.json": DYNAMIC, "refRemote.json": ONE_FILE,
        "vocabulary.json": "custom vocabularies are not known: every keyword is held", "format.json": HELD,
    },
    "draft4": {"refRemote.json": ONE_FILE, "definitions.json": ONE_FILE},
}  # fmt: skip
LEFT_CASES = {
    "order of evaluation: $id and $anchor and $ref": "two schemas with one `$anchor`, told apart by `$id`",
    "unevaluatedItems with $dynamicRef": DYNAMIC,
    "unevaluatedProperties with $dynamicRef": DYNAMIC,
}
MOST_LEFT = 120


@cache
def suite() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        gzip.decompress((Path(__file__).parent / "corpus/json-schema.json.gz").read_bytes())
    )
    return found


def describe(document: Any, dialect: str = "3.1") -> Description:
    return Description("d", dialect, "", "", (), (), {}, document if isinstance(document, dict) else {})


def validator(schema: Any, dialect: str = "3.1", *, request: bool = True, **document: Any) -> Validator:
    made = Validators(describe(document or schema, dialect), request=request)
    found = made.of(schema)
    made.ready()
    return found


def flaws(schema: Any, value: Any, **more: Any) -> list[tuple[str, str]]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return [(one.pointer, one.keyword) for one in validator(schema, **more)(text)]


CASES = [
    (draft, file, number)
    for draft, files in suite().items()
    for file, cases in files.items()
    if file not in LEFT[draft]
    for number in range(len(cases))
]


@pytest.mark.parametrize(("draft", "file", "number"), CASES)
def test_the_json_schema_test_suite_holds(draft: str, file: str, number: int) -> None:
    case = suite()[draft][file][number]
    if case["description"] in LEFT_CASES:
        return
    try:
        judge = validator(case["schema"], "3.1" if draft == "draft2020-12" else "3.0")
    except DescriptionError as fault:
        assert fault.what.endswith(("leads out of the document", "#foo points at nothing")), case["description"]
        return
    for one in case["tests"]:
        told = f"{case['description']}: {one['description']}"
        assert (not judge(json.dumps(one["data"]).encode())) == one["valid"], told
        assert (not judge.of_value(one["data"])) == one["valid"], told


def test_what_of_the_suite_does_not_hold_is_a_short_list() -> None:
    left = sum(len(suite()[draft][file]) for draft, files in LEFT.items() for file in files)
    assert left < MOST_LEFT


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, [None, "x"], [1]),
        ({"type": "string", "enum": ["a"], "nullable": True}, [None, "a"], ["b"]),
        ({"allOf": [{"type": "string"}], "nullable": True}, [None, "a"], [1]),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, [1.5, 2], [1, 0]),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": False}, [1], [0.5]),
        ({"type": "integer", "format": "int32"}, [2**31 - 1, -(2**31), 1.0], [2**31, 1.5]),
        ({"type": "integer", "format": "int64"}, [2**63 - 1], [2**63]),
        ({"type": "integer", "format": "int32", "maximum": 5}, [5], [6]),
        ({"type": "string", "format": "byte"}, ["", "YQ==", "YWJj"], ["a", "Y===", "a b="]),
        ({"type": "string", "format": "binary"}, ["anything"], [1]),
        ({"type": "string", "format": "password", "minLength": 2}, ["ab"], ["a"]),
        ({"type": "string", "format": "date"}, ["2026-02-28", "2024-02-29"], ["2026-02-29", "2026-2-8"]),
        ({"type": "string", "format": "date-time"}, ["2026-01-31T00:00:00Z"], ["2026-02-30T00:00:00Z", "2026-01-31"]),
        (
            {"type": "string", "format": "uuid"},
            ["123e4567-e89b-12d3-a456-426614174000"],
            ["123e4567e89b12d3a456426614174000"],
        ),
        ({"type": "string", "format": "made-up"}, ["x"], [1]),
        ({"$ref": "#/x", "type": "string"}, [1], ["a"]),
    ],
)
def test_openapi_30_says_some_things_in_words_of_its_own(schema: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert flaws(schema, value, dialect="3.0", x={"type": "integer"}) == [], value
    for value in bad:
        assert flaws(schema, value, dialect="3.0", x={"type": "integer"}), value


def test_in_openapi_31_what_stands_beside_a_reference_counts() -> None:
    assert flaws({"$ref": "#/x", "maximum": 3}, 4, x={"type": "integer"}) == [("", "maximum")]


CAT = {"type": "object", "required": ["lives"], "properties": {"kind": {}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "required": ["bark"], "properties": {"kind": {}, "bark": {"type": "string"}}}
PETS = {"components": {"schemas": {"Cat": CAT, "Dog": DOG}}}
ONE_OF = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]


def test_a_discriminator_picks_one_alternative_and_its_flaws_are_told() -> None:
    pet = {"oneOf": ONE_OF, "discriminator": {"propertyName": "kind"}}
    assert flaws(pet, {"kind": "Cat", "lives": 9}, **PETS) == []
    assert flaws(pet, {"kind": "Cat", "lives": "x"}, **PETS) == [("/lives", "type")]
    assert flaws(pet, {"kind": "Dog", "lives": 9}, **PETS) == [("", "required")]
    assert flaws(pet, {"kind": "Bird"}, **PETS) == [("/kind", "enum")]
    assert flaws(pet, {"lives": 9}, **PETS) == [("", "required")]


def test_a_discriminator_goes_by_its_mapping() -> None:
    mapping = {"felix": "#/components/schemas/Cat", "rex": "Dog"}
    pet = {"oneOf": ONE_OF, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    assert flaws(pet, {"kind": "felix", "lives": 9}, **PETS) == []
    assert flaws(pet, {"kind": "rex", "bark": "x"}, **PETS) == []
    assert flaws(pet, {"kind": "Cat", "lives": 9}, **PETS) == [("/kind", "enum")]


def test_read_only_members_are_not_asked_of_a_request_nor_write_only_ones_of_an_answer() -> None:
    schema = {
        "type": "object",
        "required": ["id", "name", "password"],
        "properties": {"id": {"readOnly": True}, "name": {}, "password": {"$ref": "#/Secret"}},
    }
    document = {"Secret": {"type": "string", "writeOnly": True}}
    assert flaws(schema, {"name": 1, "password": "x"}, **document) == []
    assert flaws(schema, {"id": 1, "password": "x"}, **document) == [("", "required")]
    assert flaws(schema, {"id": 1, "name": 1}, request=False, **document) == []


def test_flaws_have_places_and_never_values() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a/b": {"type": "array", "items": {"type": "integer", "maximum": 3}}, "s": {"enum": ["x"]}, "p": {"pattern": "^q"},
        },
    }  # fmt: skip
    found = validator(schema)(b'{"a/b":[1,99],"s":"hunter2","p":"hunter2"}')
    assert {(one.pointer, one.keyword) for one in found} == {("/a~1b/1", "maximum"), ("/s", "enum"), ("/p", "pattern")}
    assert "hunter2" not in repr(found)
    assert Flaw("/a~1b/1", "maximum", "must be at most 3") in found


def test_so_many_flaws_are_told_and_no_more() -> None:
    assert len(flaws({"items": {"type": "string"}}, list(range(1000)))) == MOST_FLAWS


def test_numbers_keep_their_digits() -> None:
    assert flaws({"const": 9007199254740993}, b"9007199254740992") == [("", "const")]
    assert flaws({"type": "number", "multipleOf": 0.01}, b"4.02") == []
    assert flaws({"type": "number", "maximum": 1}, b"1.00000000000000000000001") == [("", "maximum")]
    assert flaws({"type": "integer", "maximum": 10}, b"1e400")


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'"\xff"', b"[" * 100_000, b"1 2"])
def test_what_is_no_json_is_told_so(text: bytes) -> None:
    with pytest.raises(Unreadable):
        validator({"type": "string"})(text)


def test_an_expression_that_takes_exponential_time_is_given_up() -> None:
    begun = time.monotonic()
    assert flaws({"pattern": "^(a+)+$"}, "a" * 60 + "b") == [("", "pattern")]
    assert time.monotonic() - begun < 2


def test_a_pattern_that_cannot_be_kept_is_told_with_its_place() -> None:
    with pytest.raises(DescriptionError, match=r"the pattern '\(' in #/components/schemas/A"):
        validator({"$ref": "#/components/schemas/A"}, components={"schemas": {"A": {"pattern": "("}}})


def test_keywords_that_say_nothing_as_they_stand_are_told() -> None:
    made = Validators(describe({}), request=True)
    made.of({"type": "strnig", "required": True, "maxLength": "5", "enum": "a", "properties": []})
    made.ready()
    assert len(made.odd) == 5
    assert "`type` in a schema is str, and says nothing as it stands" in made.odd


KINDS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda n, m: {"type": "integer", "minimum": n, "exclusiveMaximum": n + m}, st.integers(-5, 5), st.integers(0, 9)),
    st.builds(lambda n, m: {"type": "number", "exclusiveMinimum": n, "maximum": n + m}, st.integers(-5, 5), st.sampled_from([0.5, 1, 2.5])),
    st.builds(lambda n, m: {"type": "string", "minLength": n, "maxLength": n + m}, st.integers(0, 2), st.integers(0, 3)),
    st.sampled_from(["^[a-c]{1,3}$", "^a", "^x|y$", r"^\d+$", "^[^a]*$", "^(ab|c)d?$", "^[a-z_.-]+@[a-z]{2}$"]).map(
        lambda one: {"type": "string", "pattern": one}
    ),
    st.sampled_from(["date", "date-time", "time", "uuid", "ipv4", "email", "uri", "hostname", "byte"]).map(
        lambda one: {"type": "string", "format": one}
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1, None]}, {"const": 2}, {"type": ["string", "null"]}, {}]),
    st.sampled_from([{"type": ["integer", "null"], "maximum": 3}, {"type": "integer", "enum": [1, 2, "3"]}, {"type": "number", "enum": [1, 2.5]}]),
)  # fmt: skip


def _grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    asked = st.lists(st.sampled_from("abcd"), max_size=2, unique=True)
    extra = st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": True}])
    return st.one_of(
        st.builds(lambda m, r, e: {"type": "object", "properties": m, "required": r, **e}, members, asked, extra),
        st.builds(
            lambda m, r: {"allOf": [{"type": "object", "properties": m}, {"required": r, "properties": {}}]},
            members,
            asked,
        ),
        inner.map(lambda one: {"type": "object", "additionalProperties": one, "maxProperties": 2}),
        st.builds(lambda one, n: {"type": "array", "items": one, "maxItems": n}, inner, st.integers(0, 3)),
        inner.map(lambda one: {"anyOf": [one, {"type": "null"}]}),
        inner.map(lambda one: {"oneOf": [{"type": "null"}, one]}),
        inner.map(lambda one: {"properties": {"a": one}}),
    )


SCHEMAS = st.recursive(KINDS, _grown, max_leaves=5)
TEXTS = st.sampled_from([
    "a", "ab", "abd", "x", "1", "12", "a\n", "", "z@zz", "2026-01-31", "2026-02-30", "2026-04-31", "0000-01-01", "2026-01-31T23:59:59.5Z",
    "2026-01-31T24:00:00Z", "2026-01-01T00:00:00+23:59", "23:59:59Z", "123e4567-e89b-12d3-a456-426614174000", "1.2.3.4", "01.2.3.4",
    "a@b.cd", "a.b+c@d-e.org", ".a@b.cd", "http://a.b/c", "https://a:80/", "http://a:99999", "a-b.c", "YQ==", "YQ=", "\u0661", "é",
])  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        TEXTS, st.none(), st.booleans(), st.integers(-10, 10), st.sampled_from([1.0, 2.5, -0.0, 0.1, 1e300, 10.0, 2**53 + 1, 2**64]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=400)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=6))
def test_what_the_native_judge_takes_json_schema_takes_as_well(schema: dict[str, Any], values: list[Any]) -> None:
    judge = validator(schema)
    for value in values:
        text = json.dumps(value).encode()
        assert (not judge(text)) == (not judge.of_value(json.loads(text))), (schema, value)


def test_what_bodies_are_mostly_made_of_is_judged_natively() -> None:
    order = {
        "type": "object",
        "required": ["id", "lines"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "note": {"type": "string", "nullable": True, "maxLength": 200},
            "lines": {
                "type": "array",
                "maxItems": 100,
                "items": {
                    "type": "object",
                    "required": ["sku", "count"],
                    "properties": {
                        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
                        "count": {"type": "integer", "minimum": 1},
                        "price": {"type": "number", "minimum": 0},
                        "state": {"type": "string", "enum": ["new", "sent"]},
                    },
                },
            },
        },
        "additionalProperties": False,
    }
    assert validator(order, "3.0").fast
    assert validator({"oneOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]}).fast
    assert not validator({"type": "object", "properties": {"a": {"contains": {"type": "string"}}}}).fast


def test_a_schema_that_holds_itself_is_judged() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/Tree"}, "n": {"type": "integer"}}}
    assert flaws({"$ref": "#/Tree"}, {"left": {"left": {"n": "x"}}}, Tree=tree) == [("/left/left/n", "type")]

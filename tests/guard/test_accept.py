"""What the native judge is sure of, JSON Schema says as well: a yes, and a no too, for `not` and `oneOf` make one of the other."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.guard.test_validate import CASES, suite

from ninefold.contract.description import Description
from ninefold.guard.automaton import NO, UNSURE, YES
from ninefold.guard.validate import Validator, Validators


def validator(schema: Any, **document: Any) -> Validator:
    made = Validators(Description("d", "3.1", "", "", (), (), {}, document), request=True)
    found = made.of(schema)
    made.ready()
    return found


def verdict(judge: Validator, text: bytes) -> int:
    return judge._acceptance.judge(judge._root, text)


def judged(schema: Any, value: Any, **document: Any) -> int:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return verdict(validator(schema, **document), text)


def test_of_the_json_schema_test_suite_it_is_sure_of_most_and_never_wrong() -> None:
    sure = every = 0
    for draft, file, number in CASES:
        case = suite()[draft][file][number]
        if draft != "draft2020-12" or "$ref" in json.dumps(case["schema"]):
            continue
        judge = validator(case["schema"])
        for one in case["tests"]:
            for ascii_ in (True, False):
                told = verdict(judge, json.dumps(one["data"], ensure_ascii=ascii_).encode())
                assert told in {UNSURE, YES if one["valid"] else NO}, (case["description"], one)
                sure += told != UNSURE
                every += 1
    assert sure > every * 0.6


LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(
        lambda kind, bounds: {**({"type": kind} if kind else {}), **bounds},
        st.sampled_from(["integer", "number", ["number", "null"], None]),
        st.dictionaries(
            st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
            st.sampled_from([-1, 0, 0.1, 1, 1.5, 2, 10, 2**53, 2**63, -(2**64), 1e300]),
            max_size=2,
        ),
    ),
    st.sampled_from([1, 2, 3, 0.5, 10**12]).map(lambda one: {"multipleOf": one}),
    st.builds(lambda n, m: {"minLength": n, "maxLength": n + m}, st.integers(0, 2), st.integers(0, 3)),
    st.sampled_from(["^[a-c]{1,3}$", "a", "^x|y$", r"^\d+$", "^[^a]*$", "^(ab|c)d?$", r"^\w\W$", "^.$", "(?=a)", "[é-ü]$"]).map(
        lambda one: {"type": ["string", "object"], "pattern": one}
    ),
    st.sampled_from(["date", "date-time", "uuid", "ipv4", "email", "byte", "ipv6", "json-pointer"]).map(lambda one: {"format": one}),
    st.sampled_from([
        {"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1, None, True]}, {"enum": [1.0, "é", 2**70]}, {"const": 0}, {"const": False},
        {"enum": [[], {}, "x"]}, {"const": 1.5}, {"const": [1]}, {}, {"type": ["array", "string"]}, {"enum": ["a" * 9, "a" * 8]},
    ]),
)  # fmt: skip
NAMES = st.sampled_from(["a", "b", "c", "é", "a longer name"])


def _grown(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.one_of(inner, st.booleans())
    listed = st.lists(some, min_size=1, max_size=3)
    words: dict[str, st.SearchStrategy[Any]] = {
        "allOf": listed, "anyOf": listed, "oneOf": listed, "not": some, "if": some, "then": some, "else": some,
        "items": some, "prefixItems": listed, "minItems": st.integers(0, 2), "maxItems": st.integers(0, 3),
        "uniqueItems": st.just(True), "contains": inner, "properties": st.dictionaries(NAMES, some, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "[b-é]$", "^.$", "(?!a)"]), some, max_size=2),
        "additionalProperties": some, "required": st.lists(NAMES, max_size=2, unique=True),
        "minProperties": st.integers(0, 2), "maxProperties": st.integers(0, 3), "propertyNames": inner,
        "unevaluatedProperties": st.just(False), "type": st.sampled_from(["object", "array", ["object", "string"]]),
    }  # fmt: skip
    return st.lists(st.sampled_from(sorted(words)), min_size=1, max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({word: words[word] for word in chosen})
    )


SCHEMAS = st.recursive(LEAVES, _grown, max_leaves=6)
STRINGS = st.sampled_from([
    "a", "ab", "abd", "x", "y", "1", "12", "a\n", "", "é", "\u0661", "😀", "a" * 8, "a" * 9, "2024-02-29", "2023-02-29", "2024-02-29T00:00:00Z",
    "123e4567-e89b-12d3-a456-426614174000", "1.2.3.4", "01.2.3.4", "a@b.cd", "YQ==", "YQ=", "::1", "/a~0", "/~", "\0", "\u2028", '"\\/',
])  # fmt: skip
#: Numbers as texts: how they are written counts.
NUMBERS = st.sampled_from([
    "0", "-0", "0.0", "-0.0", "1", "-1", "1.0", "1e0", "1.5", "0.1", "0.10", "0.5", "2", "2.00", "10", "1E1", "9007199254740992", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-18446744073709551616", "999999999999999999", "0.1000000000000000055",
    "1e300", "1e99", "1e-99", "1.4999999999999999999", "1000000000000", "3e12", "0.30000000000000004", "123456789012345678901234567890",
])  # fmt: skip


class Number(str):
    __slots__ = ()


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(STRINGS, st.none(), st.booleans(), NUMBERS.map(Number)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def written(value: Any, *, ascii_: bool) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[ " + " , ".join(written(one, ascii_=ascii_) for one in value) + "]"
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(name, ensure_ascii=ascii_)}: {written(one, ascii_=ascii_)}" for name, one in value.items()
        )
        return "{" + ",".join(pairs) + "}"
    return json.dumps(value, ensure_ascii=ascii_)


@settings(max_examples=600)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=8))
@example(
    {"uniqueItems": True},
    [[Number("1"), Number("1.0")], [Number("-0"), Number("0.0")], [Number("1"), True], ["a", "\u0061"]],
)
@example(
    {"patternProperties": {"^a": {"pattern": "^.$"}, "b$": {"pattern": "^.$"}}},
    [{"ab": "x"}, {"ab": "xy"}, {"c": "xy"}],
)
@example({"not": {"minimum": 0.1}}, [Number("0.1"), Number("0.1000000000000000055"), Number("0.09")])
@example({"oneOf": [{"const": 1.0}, {"type": "integer"}]}, [Number("1"), Number("1.0"), Number("1e0"), Number("2")])
def test_what_it_is_sure_of_json_schema_says_as_well(schema: dict[str, Any], values: list[Any]) -> None:
    judge = validator(schema)
    for value in values:
        for ascii_ in (True, False):
            text = written(value, ascii_=ascii_).encode()
            sure = verdict(judge, text)
            judge._sure = False
            right = not judge(text)
            judge._sure = not judge._acceptance.doubts(judge._root)
            assert sure in {UNSURE, YES if right else NO}, (schema, text)
            assert (not judge(text)) == right


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "integer", "minimum": 3}, 3, YES),
        ({"type": "integer", "minimum": 3}, 2, NO),
        ({"type": "integer"}, b"3.0", UNSURE),
        ({"type": "integer"}, 3.5, NO),
        ({"type": "number", "minimum": 0.5}, 0.5, UNSURE),
        ({"type": "number", "minimum": 0.5}, b"0.25", NO),
        ({"type": "number"}, b"1e400", UNSURE),
        ({"type": "integer", "format": "int64"}, 2**62, UNSURE),
        ({"multipleOf": 5}, 10, YES),
        ({"multipleOf": 5}, 11, NO),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 2}], YES),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], UNSURE),
        ({"uniqueItems": True}, ["a", "b", 1, True, None, 1.5, [1], [[1]], {}], YES),
        ({"oneOf": [{"type": "string"}, {"maxLength": 2}]}, "abc", YES),
        ({"oneOf": [{"type": "string"}, {"maxLength": 2}]}, "ab", NO),
        ({"not": {"required": ["a"]}}, {"a": 1}, NO),
        ({"not": {"required": ["a"]}}, {"b": 1}, YES),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False}, {"a": 1, "b": 1}, YES),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False}, {"b": 1}, NO),
        ({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False}, {"x1": "a"}, YES),
        ({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False}, {"y": "a"}, NO),
        ({"not": {"patternProperties": {"(?!a)": True}, "additionalProperties": False}}, {"b": 1}, UNSURE),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], YES),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a", 1], NO),
        ({"enum": ["a", "\u00e9"]}, b'"\\u00E9"', YES),
        ({"properties": {"a": {"const": 1}}, "required": ["a"]}, b'{"\\u0061":1}', YES),
        ({"minLength": 2, "maxLength": 2}, "😀é", YES),
        ({"maxLength": 2}, "abc", NO),
        ({"required": [str(one) for one in range(64)]}, {str(one): 1 for one in range(64)}, YES),
        ({"required": [str(one) for one in range(64)]}, {str(one): 1 for one in range(63)}, NO),
        ({"required": [str(one) for one in range(65)]}, {str(one): 1 for one in range(65)}, UNSURE),
        ({"contains": {"type": "string"}}, ["a"], UNSURE),
        ({"contains": {"type": "string"}}, "a", YES),
        ({"pattern": "^(?=a)"}, "a", UNSURE),
        ({"type": "string", "format": "email"}, "a@" + "b" * 20 + ".cd", YES),
        ({"type": "string", "format": "email"}, "a" * 65 + "@b.cd", UNSURE),
        (True, [], YES),
        (False, [], NO),
    ],
)
def test_of_what_it_is_sure(schema: Any, value: Any, told: int) -> None:
    assert judged(schema, value) == told


@pytest.mark.parametrize(
    "text", [b"", b"{", b"NaN", b'"\xff"', b'"\\ud800"', b"1 2", b'{"a":}', b"[1,]", b"[" * 201 + b"]" * 201, b"0" * 2]
)
def test_what_is_no_json_and_what_nests_deep_it_leaves_to_others(text: bytes) -> None:
    assert judged({}, text) == UNSURE


def test_a_member_that_comes_twice_hides_no_other_one() -> None:
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    assert judged(schema, b'{"a":1,"a":1,"b":1}') == NO
    assert judged({**schema, "required": ["a", "b"]}, b'{"a":1,"a":1}') == NO


def test_schemas_that_hold_themselves_are_followed() -> None:
    tree = {
        "type": "object",
        "properties": {"left": {"$ref": "#/Tree"}, "n": {"type": "integer"}},
        "additionalProperties": False,
    }
    assert judged({"$ref": "#/Tree"}, {"left": {"left": {"n": 1}}}, Tree=tree) == YES
    assert judged({"$ref": "#/Tree"}, {"left": {"left": {"n": "x"}}}, Tree=tree) == NO
    round_ = {"allOf": [{"$ref": "#/Round"}]}
    assert judged({"$ref": "#/Round"}, 1, Round=round_) == UNSURE


def test_alternatives_that_unfold_without_end_are_given_up_soon() -> None:
    node = {
        "anyOf": [
            {"properties": {"a": {"$ref": "#/Node"}, "b": False}},
            {"properties": {"a": {"$ref": "#/Node"}, "c": False}},
        ]
    }
    text = b'{"a":' * 150 + b'{"b":1,"c":1}' + b"}" * 150
    judge = validator({"$ref": "#/Node"}, Node=node)
    begun = time.process_time()
    assert verdict(judge, text) == UNSURE
    assert time.process_time() - begun < 0.5  # to the end: 2**150 steps


def test_of_a_long_enumeration_each_value_is_found_at_once() -> None:
    judge = validator({"items": {"enum": [f"value {at}" for at in range(2000)] + [7, None]}})
    text = json.dumps([7, None] + [f"value {at % 2000}" for at in range(20_000)]).encode()
    begun = time.process_time()
    assert verdict(judge, text) == YES
    assert time.process_time() - begun < 0.1  # each held against each other: 20 million
    assert verdict(judge, b'["value 2000"]') == verdict(judge, b"[8]") == verdict(judge, b"[true]") == NO


def test_a_list_of_like_values_takes_no_longer_than_another_one() -> None:
    judge = validator({"uniqueItems": True})
    begun = time.process_time()
    assert verdict(judge, json.dumps([*range(100_000)]).encode()) == YES
    assert verdict(judge, json.dumps([{"a": at % 50_000} for at in range(100_000)]).encode()) == UNSURE
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("form", ['"%d"', '"%04d"', "%d", "%d.5", '{"a":%d}', "[%d]", '{"%d":1}'])
def test_of_values_that_differ_little_it_is_sure_that_they_do(form: str) -> None:
    judge = validator({"uniqueItems": True})
    for count in (10, 100, 1000, 5000):
        assert verdict(judge, ("[" + ",".join(form % at for at in range(count)) + "]").encode()) == YES

"""Which parameters say how long a page is, what an operation's ceiling is, and where an answer has its lists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.lists import MOST, Lists
from ninefold.contract.openapi import read
from ninefold.guard.ceilings import AMBIGUOUS, SIZES, Ceilings, capped, plain
from ninefold.guard.outline import Shape
from ninefold.guard.project import Unpromised
from ninefold.guard.treatment import Projectors, Treatment

INTEGER = {"type": "integer"}
ORDER = {"type": "object", "properties": {"id": INTEGER, "lines": {"type": "array", "items": INTEGER}}}
ORDERS = {"type": "array", "items": ORDER}
PAGE = {"type": "object", "properties": {"orders": ORDERS, "next": {"type": "string"}}}


def api(*parameters: dict[str, Any], answer: Any = ORDERS, method: str = "get", media: str = "application/json") -> Any:
    operation = {
        "operationId": "orders",
        "parameters": [{"in": "query", "schema": INTEGER, **one} for one in parameters],
        "responses": {"200": {"description": "-", "content": {media: {"schema": answer}}}},
    }
    document = {"openapi": "3.1.0", "info": {}, "paths": {"/orders": {method: operation}}}
    return read(document, "t")


def sizes(*parameters: dict[str, Any], lists: Any = None, **more: Any) -> list[tuple[str, str]]:
    description = api(*parameters, **more)
    found = Ceilings(Lists.model_validate(lists or {}), description).sizes(description.operations[0])
    return [(one.parameter.name, one.member) for one in found.values()]


@pytest.mark.parametrize(
    "name",
    [
        "limit",
        "LIMIT",
        "per_page",
        "perPage",
        "page_size",
        "pageSize",
        "page-size",
        "$limit",
        "max_results",
        "page[size]",
    ],
)
def test_what_is_called_as_page_sizes_are_is_one_whatever_the_answer_is(name: str) -> None:
    for answer in (ORDERS, PAGE, ORDER, {"type": "string"}):
        assert sizes({"name": name}, answer=answer) == [(name, "")]


@pytest.mark.parametrize("name", ["size", "$top", "first", "_count", "count", "take", "rows"])
def test_names_that_mean_other_things_too_count_where_the_answer_is_a_list(name: str) -> None:
    for answer in (ORDERS, PAGE, {"anyOf": [{"type": "null"}, PAGE]}, {"type": ["array", "null"]}):
        assert sizes({"name": name}, answer=answer) == [(name, "")]
    assert sizes({"name": name}, answer=ORDER["properties"], media="application/x-ndjson") == [(name, "")]
    none: list[Any] = [{"type": "string"}, {"type": "object", "properties": {"in": PAGE}}, True]
    for answer in none:
        assert sizes({"name": name}, answer=answer) == []


def test_what_is_no_integer_or_not_of_a_get_is_a_size_only_where_the_contract_says_so() -> None:
    text = {"name": "limit", "schema": {"type": "string"}}
    assert sizes(text) == sizes({"name": "limit"}, method="post") == sizes({"name": "offset"}) == []
    assert sizes(text, lists={"sizes": ["limit"]}) == [("limit", "")]
    assert sizes({"name": "limit"}, method="post", lists={"sizes": ["limit"]}) == [("limit", "")]
    assert sizes({"name": "n"}, {"name": "limit"}, lists={"sizes": ["n"]}) == [("n", ""), ("limit", "")]
    assert sizes({"name": "limit", "in": "header"}, lists={"sizes": ["limit"]}) == []


def test_members_of_an_object_say_it_too() -> None:
    page = {"type": "object", "properties": {"size": INTEGER, "after": {"type": "string"}}}
    assert sizes({"name": "page", "schema": page, "style": "deepObject"}) == [("page", "size")]
    paging = {"type": "object", "properties": {"limit": INTEGER, "offset": INTEGER}}
    assert sizes({"name": "q", "schema": paging}) == [("q", "limit")]


@pytest.mark.parametrize(
    ("schema", "most"),
    [
        (INTEGER, MOST),
        ({**INTEGER, "maximum": 50}, MOST),
        ({**INTEGER, "maximum": 5000}, 5000),
        ({**INTEGER, "maximum": 5000.0}, 5000),
        ({"enum": [10, 5000]}, 5000),
        ({"anyOf": [{**INTEGER, "maximum": 5000}, {"type": "null"}]}, 5000),
        ({"anyOf": [{**INTEGER, "maximum": 5000}, INTEGER]}, MOST),
        ({"anyOf": [{**INTEGER, "maximum": 9000}, INTEGER], "maximum": 5000}, 5000),
        ({"allOf": [{**INTEGER, "maximum": 9000}, {"maximum": 5000}]}, 5000),
        ({"type": ["integer", "null"], "maximum": 5000}, 5000),
    ],
)
def test_without_a_number_in_the_contract_a_higher_maximum_of_the_description_stands(schema: Any, most: int) -> None:
    description = api({"name": "limit", "schema": schema})
    operation = description.operations[0]
    assert Ceilings(Lists(), description).of(operation) == most
    assert Ceilings(Lists(most=70), description).of(operation) == 70
    assert Ceilings(Lists(most=70, operations={"orders": 80}), description).of(operation) == 80
    assert Ceilings(Lists(most=70, open={"orders": "it is an export"}), description).of(operation) is None


def test_names_are_plain_themselves_and_no_name_means_both() -> None:
    assert {plain(one) for one in SIZES | AMBIGUOUS} == SIZES | AMBIGUOUS
    assert not SIZES & AMBIGUOUS


def test_the_shape_of_what_has_no_list_at_its_top_stays_the_same_object() -> None:
    inner = Shape(members={"all": Shape(items=Shape(scalars={"string"}))})
    for shape in (Shape(anything=True), Shape(scalars={"string"}), Shape(members={"inner": inner}), Shape(members={})):
        assert capped(shape, 5) is shape
    whole = capped(inner, 5)
    assert whole.members is not None
    assert inner.members is not None
    assert (whole.members["all"].most, inner.members["all"].most) == (5, None)
    assert capped(Shape(items=inner, most=3), 5).most == 3, "the lower of two"


def treated(answer: Any, media: str = "application/json", **lists: Any) -> Treatment:
    description = api(answer=answer, media=media)
    ceilings = Ceilings(Lists.model_validate(lists), description)
    made = Projectors(description, ceilings=ceilings).treatments(description.operations[0], open_=False)
    return made.of(200, media.encode())


class Told:
    """Is told what a projector has to tell."""

    def __init__(self) -> None:
        self.leaked: tuple[str, ...] = ()
        self.surplus = 0


def left(answer: Any, body: bytes, **lists: Any) -> tuple[bytes, int, int, int]:
    projector = treated(answer, **lists).projector
    assert projector is not None
    teller = Told()
    return *projector(body, teller), teller.surplus


LONG = b'[{"id":1,"x":0},{"id":2},{"id":3,"x":{"y":0}},4]'


def test_a_list_that_is_too_long_is_cut_counted_or_withheld() -> None:
    with pytest.raises(Unpromised, match="expected object, got integer"):
        left(ORDERS, LONG, most=4, sent="cut")
    assert left(ORDERS, LONG, most=2, sent="cut") == (b'[{"id":1},{"id":2}]', 1, len(LONG) - 19, 2)
    assert left(ORDERS, LONG, most=1, sent="cut") == (b'[{"id":1}]', 1, len(LONG) - 10, 3)
    body = LONG.replace(b",4", b"")
    assert left(ORDERS, body, most=2) == (b'[{"id":1},{"id":2},{"id":3}]', 3, len(body) - 28, 1)
    assert left(ORDERS, b"[{},{}]", most=2, sent="block") == (b"[{},{}]", 0, 0, 0)
    with pytest.raises(Unpromised, match=r"^1 items are past the ceiling of their list$"):
        left(ORDERS, b"[{},{},{}]", most=2, sent="block")
    assert left(ORDERS, b"[{},{},{}]", most=2) == (b"[{},{},{}]", 0, 0, 1), "nothing stayed behind"


def test_what_is_cut_is_read_to_its_end_and_is_json_or_nothing_leaves() -> None:
    for fault in (b"[{},{},{]", b"[{},{},01]", b"[{},{},]", b"[{},{},{}", b'[{},{},"\x01"]'):
        with pytest.raises(Unpromised):
            left(ORDERS, fault, most=1, sent="cut")


def test_lists_that_are_declared_members_are_held_each_by_itself_and_those_below_are_not() -> None:
    body = b'{"orders":[{"id":1,"lines":[1,2,3]},{"id":2},{"id":3}],"next":"n","more":[1,2,3]}'
    assert left(PAGE, body, most=2, sent="cut")[::3] == (
        b'{"orders":[{"id":1,"lines":[1,2,3]},{"id":2}],"next":"n"}', 1,
    )  # fmt: skip
    two = {"properties": {"a": {"type": "array", "items": INTEGER}, "b": {"type": "array", "items": INTEGER}}}
    assert left(two, b'{"b":[1,2],"a":[3,4,5]}', most=1, sent="cut")[::3] == (b'{"b":[1],"a":[3]}', 3)


def test_a_shape_that_holds_itself_is_held_at_its_top_alone() -> None:
    description = api(answer={"$ref": "#/components/schemas/Tree"})
    tree = {
        "type": "object",
        "properties": {"below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    }
    document: Any = description.document
    document["components"] = {"schemas": {"Tree": tree}}
    ceilings = Ceilings(Lists(most=1, sent="cut"), description)
    treatment = Projectors(description, ceilings=ceilings).treatments(description.operations[0], open_=False)
    projector = treatment.of(200, b"application/json").projector
    assert projector is not None
    teller = Told()
    assert projector(b'{"below":[{"below":[{},{}]},{}]}', teller)[0] == b'{"below":[{"below":[{},{}]}]}'
    assert teller.surplus == 1


def test_what_the_description_bounds_is_a_ceiling_where_the_contract_says_so_at_any_depth() -> None:
    lines = {"type": "array", "items": INTEGER, "maxItems": 2}
    schema = {"type": "array", "items": {"properties": {"lines": lines}}}
    body = b'[{"lines":[1,2,3]},{"lines":[1]},{"lines":[1,2,3,4]}]'
    assert left(schema, body, sent="cut") == (body, 0, 0, 0)
    cut = b'[{"lines":[1,2]},{"lines":[1]},{"lines":[1,2]}]'
    assert left(schema, body, sent="cut", described=True)[::3] == (cut, 3)
    assert left({**schema, "maxItems": 1}, body, sent="cut", described=True, most=2)[::3] == (b'[{"lines":[1,2]}]', 3)
    assert left({**schema, "maxItems": 0}, body, sent="cut", described=True)[::3] == (b"[]", 3)
    either = {"oneOf": [{**schema, "maxItems": 1}, schema]}
    assert left({**either}, body, sent="cut", described=True)[3] == 3, "an alternative has no bound, so there is none"
    opened = {"orders": "it is an export"}
    assert left(schema, body, sent="cut", described=True, open=opened) == (body, 0, 0, 0)


def test_each_record_and_event_is_held_by_itself() -> None:
    record = {"properties": {"all": {"type": "array", "items": INTEGER}}}
    for media, whole, out in (
        ("application/x-ndjson", b'{"all":[1,2]}\n{"all":[3]}\n', b'{"all":[1]}\n{"all":[3]}\n'),
        ("text/event-stream", b'data: {"all":[1,2,3]}\n\n', b'data: {"all":[1]}\n\n'),
    ):
        parts = treated(record, media, most=1, sent="cut").parts
        assert parts is not None
        reader = parts.reader(4096)
        assert reader.feed(whole) + reader.end() == out
        assert reader.surplus == whole.count(b",")


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6), st.integers(1, 4), st.integers(0, 3))
def test_a_ceiling_lets_out_the_first_items_and_counts_the_others(rows: list[list[int]], most: int, inner: int) -> None:
    schema = {"type": "array", "items": {"type": "array", "items": INTEGER, "maxItems": inner}}
    text = str(rows).encode()
    kept, withheld, _, surplus = left(schema, text, most=most, sent="cut", described=True)
    assert kept == str([row[:inner] for row in rows[:most]]).replace(" ", "").encode()
    assert withheld == 0
    assert surplus == max(0, len(rows) - most) + sum(max(0, len(row) - inner) for row in rows[:most])
    told = left(schema, text, most=most, described=True)
    assert told[0] == str(rows).replace(" ", "").encode()
    assert told[3] == max(0, len(rows) - most) + sum(max(0, len(row) - inner) for row in rows)

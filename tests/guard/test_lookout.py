"""What becomes of leaks in free texts: by kind, by the member's name, and how much is searched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.contract.description import Description
from ninefold.contract.responses import Leaks
from ninefold.guard.lookout import MOST_OF_TEXT, Lookout, lookout_of
from ninefold.guard.program import Program
from ninefold.guard.project import MOST_TOLD, Projector, Unpromised
from ninefold.guard.shape import PLAIN, Fields, Shapes
from ninefold.leak.rule import Kind

STATEMENT = "SELECT id FROM users WHERE mail = 'a'"
TRACE = 'File "/srv/shop/cart.py", line 12, in total'
TEXT = {"type": "string"}


class Told:
    leaked: tuple[str, ...] = ()


def project(schema: Any, policy: dict[Kind, str], fields: Fields = PLAIN, *, named: bool = True) -> Projector:
    shapes = Shapes(Description("t", "3.1", "", "", (), (), {}, {}), fields=fields)
    return Projector(shapes.of(schema), Program(lookout=Lookout(policy, named=named)))


def of(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def test_what_is_reported_leaves_and_is_told_by_kind_and_place() -> None:
    told = Told()
    body = json.dumps({"rows": [{"note": "fine: 1"}, {"note": STATEMENT}]}).encode()
    schema = of(rows={"type": "array", "items": of(note=TEXT)})
    assert json.loads(project(schema, {Kind.SQL: "report"})(body, told)[0]) == json.loads(body)
    assert told.leaked == ("sql at $.rows[1].note",)


def test_what_is_masked_leaves_in_other_words_and_the_rest_byte_for_byte() -> None:
    body = b'{"id":1e2,"note":"it said: %b; \\u00e9","other":"caf\\u00e9: 2"}' % STATEMENT.encode()
    left = project(of(id={"type": "number"}, note=TEXT, other=TEXT), {Kind.SQL: "mask"})(body)[0]
    assert left == '{"id":1e2,"note":"it said: ****; é","other":"caf\\u00e9: 2"}'.encode()


def test_what_is_blocked_lets_nothing_out_and_says_where_it_stood() -> None:
    with pytest.raises(Unpromised, match=r"^a leak: sql at \$\.note$"):
        project(of(note=TEXT), {Kind.SQL: "block", Kind.PATH: "report"})(json.dumps({"note": STATEMENT}).encode())


def test_kinds_that_are_not_named_are_not_looked_for() -> None:
    told = Told()
    body = json.dumps({"note": STATEMENT}, separators=(",", ":")).encode()
    assert project(of(note=TEXT), {Kind.PATH: "mask"})(body, told)[0] == body
    assert told.leaked == ()


def test_each_kind_has_its_own_fate() -> None:
    told = Told()
    body = json.dumps({"note": f"{STATEMENT}\n{TRACE}"}).encode()
    left = json.loads(project(of(note=TEXT), {Kind.SQL: "mask", Kind.TRACE: "report"})(body, told)[0])["note"]
    assert STATEMENT not in left
    assert TRACE in left
    assert told.leaked == ("sql trace at $.note",)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date"},
        {"type": "string", "enum": [STATEMENT]},
        {"type": "string", "pattern": "."},
        {"const": STATEMENT},
    ],
)
def test_a_text_of_which_something_is_said_is_not_searched(schema: dict[str, Any]) -> None:
    body = json.dumps({"note": STATEMENT}, separators=(",", ":")).encode()
    assert project(of(note=schema), {Kind.SQL: "mask"})(body)[0] == body


@pytest.mark.parametrize("schema", [{}, TEXT, {"type": ["string", "null"]}, {"anyOf": [{"type": "string", "format": "date"}, TEXT]},
                                    {"type": "string", "format": "markdown"}, {"type": "object", "additionalProperties": True}])  # fmt: skip
def test_whatever_may_be_any_text_is_searched(schema: Any) -> None:
    value = {"deep": [STATEMENT]} if schema.get("additionalProperties") else STATEMENT
    left = project(of(note=schema), {Kind.SQL: "mask"})(json.dumps({"note": value}).encode())[0]
    assert b"SELECT" not in left


def test_a_member_that_is_named_after_what_it_holds_is_not_searched_for_that() -> None:
    body = json.dumps({"billing": {"cardNumber": "4111 1111 1111 1111"}}, separators=(",", ":")).encode()
    schema = of(billing=of(cardNumber=TEXT))
    assert project(schema, {Kind.CARD: "mask"})(body)[0] == body
    assert b"4111" not in project(schema, {Kind.CARD: "mask"}, named=False)(body)[0]
    assert (
        b"SELECT"
        not in project(of(cardNumber=TEXT), {Kind.SQL: "mask"})(json.dumps({"cardNumber": STATEMENT}).encode())[0]
    )


def test_expected_fields_are_not_searched_and_others_of_the_same_schema_are() -> None:
    fields = Fields(expected=frozenset({"lesson"}))
    schema = of(lesson=TEXT, lessons={"type": "array", "items": TEXT}, note=TEXT)
    body = json.dumps({"lesson": STATEMENT, "lessons": [STATEMENT], "note": STATEMENT}).encode()
    left = json.loads(project(schema, {Kind.SQL: "mask"}, fields)(body)[0])
    assert left == {"lesson": STATEMENT, "lessons": ["****"], "note": "****"}


def test_an_expected_list_is_not_searched_and_objects_in_it_are() -> None:
    fields = Fields(expected=frozenset({"lessons"}))
    schema = of(lessons={"type": "array", "items": {"anyOf": [TEXT, of(note=TEXT)]}})
    body = json.dumps({"lessons": [STATEMENT, {"note": STATEMENT}]}).encode()
    left = json.loads(project(schema, {Kind.SQL: "mask"}, fields)(body)[0])
    assert left == {"lessons": [STATEMENT, {"note": "****"}]}


def test_escapes_hide_nothing() -> None:
    escaped = "".join(f"\\u{ord(one):04x}" for one in STATEMENT)
    assert json.loads(project(of(note=TEXT), {Kind.SQL: "mask"})(b'{"note":"%b"}' % escaped.encode())[0]) == {
        "note": "****"
    }


def test_more_leaks_than_are_told_with_their_places_are_counted() -> None:
    told = Told()
    body = json.dumps({"notes": [STATEMENT] * 100}).encode()
    left = json.loads(project(of(notes={"type": "array", "items": TEXT}), {Kind.SQL: "mask"})(body, told)[0])
    assert left == {"notes": ["****"] * 100}
    assert len(told.leaked) == MOST_TOLD + 1
    assert told.leaked[-1] == f"and {100 - MOST_TOLD} more"


def test_a_text_that_is_too_long_to_be_searched_counts_as_a_leak_where_something_may_stand_in_it() -> None:
    long = "word " * (MOST_OF_TEXT // 5) + STATEMENT
    body = json.dumps({"note": long}).encode()
    told = Told()
    assert json.loads(project(of(note=TEXT), {Kind.SQL: "report"})(body, told)[0]) == {"note": long}
    assert told.leaked == ("unread at $.note",)
    assert json.loads(project(of(note=TEXT), {Kind.SQL: "mask"})(body)[0]) == {"note": "****"}
    with pytest.raises(Unpromised, match="unread"):
        project(of(note=TEXT), {Kind.SQL: "block"})(body)
    plain = json.dumps({"note": "word " * MOST_OF_TEXT}, separators=(",", ":")).encode()
    assert project(of(note=TEXT), {Kind.SQL: "mask"})(plain)[0] == plain


def test_a_contract_says_what_becomes_of_each_kind() -> None:
    assert lookout_of(Leaks(found="ignore")) is None
    some = lookout_of(Leaks.model_validate({"found": "ignore", "kinds": {"card": "block"}}))
    assert some is not None
    assert some._policy == {Kind.CARD: "block"}
    every = lookout_of(Leaks())
    assert every is not None
    assert every._policy == dict.fromkeys(Kind, "report")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_whatever_an_answer_is_looking_through_it_changes_nothing_but_what_is_found(value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    plain = Projector(Shapes(Description("t", "3.1", "", "", (), (), {}, {})).of({}), Program())
    told = Told()
    left = project({}, dict.fromkeys(Kind, "mask"))(body, told)[0]
    assert (left == plain(body)[0]) is (not told.leaked)

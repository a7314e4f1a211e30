"""What several shapes all let out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ninefold.guard.mask import Redact
from ninefold.guard.meet import Meets, leaves
from ninefold.guard.outline import Choice, Names, Shape

if TYPE_CHECKING:
    import pytest

NUMBERS = re.compile("^n")
TEXTS = re.compile("^t")


def _text(*, free: bool = False) -> Shape:
    return Shape(scalars={"string"}, free=free)


def _number() -> Shape:
    return Shape(scalars={"number"})


def _met(*shapes: Shape, hidden: bool = True) -> Shape:
    """`hidden`: the member that tells, `kind`, is left away."""
    choice = Choice("kind", {str(at): one for at, one in enumerate(shapes)}, Shape())
    Meets().settle(choice, hidden=hidden)
    return choice.otherwise


def _names(shape: Shape | None) -> set[str]:
    assert shape is not None
    assert shape.members is not None
    return {*shape.members}


def test_members_leave_that_all_of_them_name_with_values_of_the_same_kinds() -> None:
    one = {
        "a": _text(),
        "b": _text(),
        "c": Shape(scalars={"integer"}),
        "d": Shape(items=_text()),
        "e": Shape(items=_text()),
    }
    two = {"a": _text(), "c": _number(), "d": Shape(items=_number()), "e": Shape(items=_text())}
    assert _names(_met(Shape(members=one), Shape(members=two))) == {"a", "e"}


def test_objects_in_them_are_met_too() -> None:
    one = Shape(
        members={"in": Shape(members={"a": _text(), "b": _text()}), "l": Shape(items=Shape(members={"x": _text()}))}
    )
    two = Shape(
        members={"in": Shape(members={"b": _text(), "c": _text()}), "l": Shape(items=Shape(members={"y": _text()}))}
    )
    met = _met(one, two)
    assert met.members is not None
    assert _names(met.members["in"]) == {"b"}
    assert _names(met.members["l"].items) == set()


def test_shapes_that_hold_themselves_come_to_an_end() -> None:
    one, two = Shape(), Shape()
    for shape, name in ((one, "x"), (two, "y")):
        shape.members = {"next": shape, "all": Shape(items=shape), "deep": Shape(), name: _text()}
        shape.members["deep"].items = shape.members["deep"]
    met = _met(one, two)
    assert _names(met) == {"next", "all", "deep"}
    assert met.members is not None
    inner = met.members["next"]
    assert inner.members is not None
    assert _names(inner) == {"next", "all", "deep"}
    assert inner.members["next"] is inner
    assert inner.members["all"].items is inner


def test_what_has_no_name_leaves_where_all_let_it_and_not_what_they_disagree_on() -> None:
    one = Shape(members={"a": _text(), "b": _number()}, others=_text(), names=Names(frozenset({"p"}), None))
    two = Shape(members={"c": _text()}, others=_text())
    met = _met(one, two)
    assert _names(met) == {"a", "c"}
    assert met.others is not None
    assert met.names == Names(frozenset({"p", "b"}), None)
    assert _met(one, Shape(members={"a": _text()})).others is None
    assert _met(Shape(members={}, others=_text()), Shape(members={}, others=_number())).others is None
    assert _met(Shape(members={}, others=_text()), Shape(members={}, others=_text())).names is None


def test_expressions_that_differ_have_no_common_one() -> None:
    def by(*patterns: re.Pattern[str], kept: tuple[re.Pattern[str], ...] = ()) -> Shape:
        return Shape(members={}, others=_text(), names=Names(frozenset(), patterns or None, kept))

    assert _met(by(NUMBERS), by(TEXTS)).others is None
    assert _met(by(NUMBERS), by(NUMBERS)).names == Names(frozenset(), (NUMBERS,))
    assert _met(by(NUMBERS), by(kept=(TEXTS,))).names == Names(frozenset(), (NUMBERS,), (TEXTS,))
    named = Shape(members={"n1": _text(), "t1": _text()})
    assert _names(_met(named, by(NUMBERS))) == {"n1"}
    assert _names(_met(named, by(kept=(TEXTS,)))) == {"n1"}


def test_a_mask_of_one_is_a_mask_of_all_and_two_of_them_let_nothing_out() -> None:
    masked = Shape(scalars={"string"}, mask=Redact())
    met = _met(Shape(members={"a": masked, "b": masked}), Shape(members={"a": _text(), "b": _number()}))
    assert met.members == {"a": masked}


def test_what_is_looked_through_in_one_is_looked_through() -> None:
    met = _met(Shape(members={"a": _text(free=True)}), Shape(members={"a": _text()}))
    assert met.members is not None
    assert met.members["a"].free


def test_a_choice_in_them_is_all_of_its_ways() -> None:
    ways = {"1": Shape(members={"a": _text(), "b": _text()}), "2": Shape(members={"b": _text(), "c": _text()})}
    choice = Shape(choice=Choice("kind", ways, Shape(members={})))
    assert [*leaves(choice)] == [*ways.values()]
    assert _names(_met(choice, Shape(members={"b": _text(), "c": _text()}))) == {"b"}
    met = _met(Shape(members={"in": choice}), Shape(members={"in": Shape(members={"b": _text(), "c": _text()})}))
    assert met.members is not None
    assert _names(met.members["in"]) == {"b"}


def test_the_member_that_tells_leaves_where_some_of_them_names_it() -> None:
    one, other = Shape(members={"kind": _text()}), Shape(members={}, others=_number())
    assert _names(_met(one, other, hidden=False)) == {"kind"}
    assert _names(_met(one, other)) == set()
    assert _names(_met(other, other, hidden=False)) == set()
    open_ = Shape(members={"kind": _text()}, others=_number())
    met = _met(open_, other, hidden=False)
    assert _names(met) == {"kind"}
    assert met.names == Names(frozenset(), None)
    masked = Shape(members={"kind": Shape(scalars={"string"}, mask=Redact())})
    assert _names(_met(masked, one, other, hidden=False)) == set()


def test_past_the_bound_what_would_be_met_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninefold.guard.meet.MOST_SHAPES", 0)
    assert _names(_met(Shape(members={"a": _text()}), Shape(members={"a": _text()}))) == set()

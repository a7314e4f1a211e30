"""The shape of an answer to a query, and what of it is looked through for leaks."""

from __future__ import annotations

import json

from graphql import OperationDefinitionNode, build_schema, parse

from ninefold.guard.graphql.answer import Selected
from ninefold.guard.lookout import Lookout
from ninefold.guard.program import Program
from ninefold.guard.project import Projector
from ninefold.leak.rule import Kind

SCHEMA = build_schema(
    "scalar Json  enum Level { LOW }  type Query { note: String, version: String, id: ID, level: Level, any: Json, notes: [String] }"
)
BANNER = "it runs nginx/1.18.0"


class Told:
    leaked: tuple[str, ...] = ()


def answered(
    query: str, data: dict[str, object], *, messages: bool = False, errors: list[object] | None = None
) -> tuple[dict[str, object], tuple[str, ...]]:
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    shape = Selected(SCHEMA, {}).shape(operation, messages=messages)
    project = Projector(shape, Program(lookout=Lookout(dict.fromkeys(Kind, "mask"), named=False)))
    told = Told()
    body = {"data": data} | ({"errors": errors} if errors else {})
    return json.loads(project(json.dumps(body).encode(), told)[0]), told.leaked


def test_a_text_is_searched_whatever_name_the_caller_gives_it() -> None:
    found, told = answered("{ version: note  id: notes }", {"version": BANNER, "id": ["fine: 1", BANNER]})
    assert found == {"data": {"version": "it runs ****", "id": ["fine: 1", "it runs ****"]}}
    assert told == ("version at $.data.version", "version at $.data.id[1]")


def test_a_field_that_is_named_after_what_it_holds_is_not_searched() -> None:
    assert answered("{ note: version }", {"note": BANNER})[0] == {"data": {"note": BANNER}}


def test_ids_and_enumerations_are_no_free_texts_and_scalars_of_the_schemas_own_are() -> None:
    found, _ = answered("{ id level any }", {"id": BANNER, "level": BANNER, "any": {"version": [BANNER]}})
    assert found == {"data": {"id": BANNER, "level": BANNER, "any": {"version": ["it runs ****"]}}}


def test_messages_of_errors_are_searched_where_they_leave() -> None:
    found, told = answered("{ note }", {"note": None}, messages=True, errors=[{"message": BANNER}])
    assert found["errors"] == [{"message": "it runs ****"}]
    assert told == ("version at $.errors[0].message",)

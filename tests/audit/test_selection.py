from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.selection import QUESTIONS, chooses_whose, wider


def a_list(describe: Any, *parameters: dict[str, Any]) -> Any:
    told = [{"in": "query", **one} for one in parameters]
    api = describe({"paths": {"/things": {"get": {"parameters": told}}}})
    return api, api.operations[0]


@pytest.mark.parametrize(
    "name", ["assignee", "ownerId", "mine", "view", "created_by", "assigned_to", "userId", "scope"]
)
def test_a_list_that_takes_whose_things_are_wanted_chooses(describe: Any, name: str) -> None:
    assert chooses_whose(a_list(describe, {"name": name, "schema": {"type": "string"}})[1])


@pytest.mark.parametrize("name", ["limit", "cursor", "sort", "q", "status", "overview", "allowed", "forecast"])
def test_a_list_that_takes_which_and_how_many_does_not(describe: Any, name: str) -> None:
    assert not chooses_whose(a_list(describe, {"name": name, "schema": {"type": "string"}})[1])


def test_what_must_be_said_is_no_choice(describe: Any) -> None:
    assert not chooses_whose(a_list(describe, {"name": "owner", "required": True, "schema": {"type": "string"}})[1])


@pytest.mark.parametrize(
    ("schema", "asked"),
    [
        ({"type": "string", "enum": ["mine", "team", "all"], "default": "mine"}, ["team", "all"]),
        ({"type": "boolean", "default": False}, ["true"]),
        ({"type": "boolean"}, ["true", "false"]),
        ({"allOf": [{"enum": ["mine", "all"]}], "default": "mine"}, ["all"]),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, ["true", "false"]),
        ({"type": "string"}, []),
        ({"$ref": "#/nowhere"}, []),
        ({"type": "string", "enum": [str(one) for one in range(99)]}, [str(one) for one in range(QUESTIONS)]),
    ],
)
def test_it_is_asked_for_each_other_value_that_the_description_names(
    describe: Any, schema: dict[str, Any], asked: list[str]
) -> None:
    api, operation = a_list(describe, {"name": "view", "schema": schema})
    found = wider(api, operation, Ask("GET", "/things", (("limit", "9"),)))
    assert [one.query for one in found] == [(("limit", "9"), ("view", one)) for one in asked]

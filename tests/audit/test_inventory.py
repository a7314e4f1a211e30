"""The sensitive data that requests bring."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.finding import Collected
from ninefold.audit.inventory import ROWS, inventory, unneeded


def api(
    members: dict[str, Any],
    path: str = "/things",
    answer: dict[str, Any] | None = None,
    title: str = "test",
    parameters: tuple[dict[str, Any], ...] = (),
    **schemas: Any,
) -> dict[str, Any]:
    """An API with one POST that takes these members."""
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": members}}}}
    shown = {"type": "object", "properties": answer or {"id": {"type": "string"}}}
    told = {"200": {"description": "d", "content": {"application/json": {"schema": shown}}}}
    post = {"operationId": "make", "requestBody": body, "responses": told, "parameters": list(parameters)}
    info = {"title": title, "version": "1"}
    return {"info": info, "paths": {path: {"post": post}}, "components": {"schemas": schemas}}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("ssn", TEXT, "identity document or number"),
        ("socialSecurityNumber", TEXT, "identity document or number"),
        ("passport-number", TEXT, "identity document or number"),
        ("dateOfBirth", {"type": "string", "format": "date"}, "date of birth"),
        ("birthday", {"$ref": "#/components/schemas/Day"}, "date of birth"),
        ("card_number", TEXT, "payment"),
        ("payout_iban", TEXT, "payment"),
        ("whatever", {"type": "string", "format": "iban"}, "payment"),
        ("bloodType", {"type": "string", "enum": ["A", "B"]}, "health"),
        ("pregnant", {"type": "boolean"}, "health"),
        ("religion", {"type": "string", "writeOnly": True}, "belief or origin"),
    ],
)
def test_what_nothing_needs_is_noticed(static: Any, name: str, schema: Any, kind: str) -> None:
    target = static(api({"label": TEXT, name: schema}, Day={"type": "string", "format": "date"}))
    (seen,) = unneeded(target).seen
    assert f"({kind})" in seen.detail
    assert seen.place.operation == "make"
    assert [one.kind for one in inventory(target)] == [kind]
    assert [one.used for one in inventory(target)] == [""]


@pytest.mark.parametrize(
    ("more", "used"),
    [
        ({"answer": {"person": {"type": "object", "properties": {"birthDate": TEXT}}}}, "an answer returns it"),
        ({"path": "/age-checks"}, "an operation that takes it is about it"),
        ({"title": "Payroll of everybody"}, "the API is about it"),
    ],
)
def test_what_something_shows_a_need_for_is_listed_and_not_noticed(static: Any, more: Any, used: str) -> None:
    target = static(api({"birth_date": TEXT}, **more))
    assert unneeded(target).seen == ()
    assert unneeded(target).at == 1
    assert [one.used for one in inventory(target)] == [used]


def test_its_description_may_say_what_for(static: Any) -> None:
    told = {"type": "string", "description": "Needed to tell people of one name apart."}
    assert unneeded(static(api({"birth_date": told}))).seen == ()
    assert unneeded(static(api({"birth_date": {"type": "string", "description": "The date of birth."}}))).seen
    parameter = {"name": "dob", "in": "query", "schema": TEXT, "description": "Used to compute the price."}
    assert unneeded(static(api({}, parameters=(parameter,)))).seen == ()


def test_an_answer_that_never_shows_it_needs_it_not(static: Any) -> None:
    assert unneeded(static(api({"ssn": TEXT}, answer={"ssn": {"type": "string", "writeOnly": True}}))).seen


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("password", TEXT),
        ("e-mail", TEXT),
        ("passport", {"type": "object", "properties": {"files": {"type": "array"}}}),
        ("ssn_required", {"type": "boolean"}),
        ("ssn", {"type": "boolean"}),
        ("ssn", {"type": "string", "readOnly": True}),
        ("organization_secret", {"type": "string", "enum": ["read", "write"]}),
        ("default_bank_account", TEXT),
        ("birth_place_count", {"type": "integer"}),
        ("ssn", {"$ref": "#/components/schemas/Missing/deeper"}),
    ],
)
def test_what_is_needed_anyway_or_no_such_thing_is_not_noticed(static: Any, name: str, schema: Any) -> None:
    target = static(api({name: schema}))
    if name == "ssn" and "$ref" in schema:
        assert unneeded(target).seen  # the name alone tells enough
    else:
        assert unneeded(target).seen == ()


def test_parameters_that_select_are_needed(static: Any) -> None:
    get = {
        "operationId": "find",
        "parameters": [{"name": "ssn", "in": "query", "schema": TEXT}],
        "responses": {"200": {"description": "d"}},
    }
    (row,) = inventory(static({"paths": {"/things": {"get": get}}}))
    assert row.used == "it selects what is answered"


def test_it_is_found_however_deep_and_in_loops(static: Any) -> None:
    here = {"$ref": "#/components/schemas/Node"}
    node = {"type": "object", "properties": {"next": here, "religion": TEXT}}
    target = static(api({"tree": {"type": "array", "items": here}}, Node=node))
    assert [(one.name, one.places[0].operation) for one in inventory(target)] == [("religion", "make")]


def test_no_more_rows_than_a_person_reads(static: Any) -> None:
    target = static(api({f"k{at}_ssn": TEXT for at in range(ROWS + 20)}))
    assert len(inventory(target)) == ROWS


def test_a_row_is_worked_out_once(static: Any) -> None:
    target = static(api({"ssn": TEXT}))
    assert inventory(target) is inventory(target)
    assert isinstance(inventory(target)[0], Collected)

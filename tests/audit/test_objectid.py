"""Objects that are named by numbers in the path."""

from __future__ import annotations

from typing import Any

import pytest

from ninefold.audit.objectid import numeric_ids


def api(path: str, schema: Any, name: str = "id", **more: Any) -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "schema": schema}
    return {"paths": {path: {"get": {"operationId": "one", "parameters": [parameter], "responses": {}}}}, **more}


@pytest.mark.parametrize(
    ("path", "name", "schema"),
    [
        ("/orders/{id}", "id", {"type": "integer"}),
        ("/orders/{orderId}/lines", "orderId", {"type": ["integer", "null"], "format": "int64"}),
        ("/v1/user-accounts/{account_id}", "account_id", {"$ref": "#/components/schemas/Id"}),
        ("/invoices/{number}", "number", {"type": "string", "pattern": "^\\d{6}$"}),
        ("/invoices/{invoice}", "invoice", {"type": "integer"}),
        (
            "/tickets/{ticketNo}",
            "ticketNo",
            {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+$"}]},
        ),
        ("/messages/{ID}", "ID", {"allOf": [{"type": "integer"}]}),
    ],
)
def test_a_number_that_names_what_is_somebodys_is_noticed(static: Any, path: str, name: str, schema: Any) -> None:
    document = api(path, schema, name, components={"schemas": {"Id": {"type": "integer"}}})
    (seen,) = numeric_ids(static(document)).seen
    assert seen.place.operation == "one"
    assert f"`{path.partition('}')[0]}}}`" in seen.detail


@pytest.mark.parametrize(
    ("path", "name", "schema"),
    [
        ("/orders/{id}", "id", {"type": "string", "format": "uuid"}),
        ("/orders/{id}", "id", {"type": "string"}),
        ("/orders/{id}", "id", {"type": "string", "pattern": "^[0-9]{20}$"}),
        ("/orders/{id}", "id", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
        ("/orders/{id}", "id", {"oneOf": [{"type": "integer"}, {"type": "string"}]}),
        ("/orders/{id}", "id", {"$ref": "#/components/schemas/Missing"}),
        ("/orders/{id}", "id", {"type": "integer", "enum": [1, 2]}),
        ("/orders/{year}", "year", {"type": "integer"}),
        ("/statements/{page}", "page", {"type": "integer"}),
        ("/tides/{id}", "id", {"type": "integer"}),
        ("/planets/{number}/orders", "number", {"type": "integer"}),
        ("/orders", "id", {"type": "integer"}),
        ("/orders/{id}", "id", True),
    ],
)
def test_what_is_no_number_of_somebodys_is_not(static: Any, path: str, name: str, schema: Any) -> None:
    assert numeric_ids(static(api(path, schema, name))).seen == ()


def test_many_are_one_cause_with_their_count(static: Any) -> None:
    document: dict[str, Any] = {"paths": {}}
    for kind in ("orders", "users", "notes", "files"):
        one = api(f"/{kind}/{{id}}", {"type": "integer"})["paths"]
        one[f"/{kind}/{{id}}"]["get"]["operationId"] = kind
        document["paths"] |= one
    seen = numeric_ids(static(document)).seen
    assert {one.cause for one in seen} == {"numeric ids"}
    assert len(seen) == 4
    assert "`/notes/{id}` and 1 more" in seen[0].detail


def test_schemas_that_lead_back_to_themselves_end(static: Any) -> None:
    here = {"$ref": "#/components/schemas/Id"}
    document = api("/orders/{id}", here, components={"schemas": {"Id": {"anyOf": [here]}}})
    assert numeric_ids(static(document)).seen == ()

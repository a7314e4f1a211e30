from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.body import MATTERS, OWNER, answered, bodies, fields, is_free, others, plain, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.contract.description import Description

MARK = "nf0123456789ab"


def described(describe: Callable[..., Description], schema: Any, shown: Any = None) -> Description:
    told = (
        {"responses": {"200": {"description": "", "content": {"application/json": {"schema": shown}}}}}
        if shown
        else {"responses": {}}
    )
    return describe(
        {
            "paths": {
                "/things": {"post": {"operationId": "make", "responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}},
                "/things/{id}": {"get": {"operationId": "read", **told}},
            },
            "components": {"schemas": {"Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]}}},
        }
    )  # fmt: skip


def first(describe: Any, schema: Any, known: Any = None, shown: Any = None) -> dict[str, Any]:
    api = described(describe, schema, shown)
    make, read = api.operations
    return next(bodies(api, make, read, known or {}, MARK))


def thing(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


def test_free_texts_carry_the_mark_and_the_rest_is_left_to_the_api(describe: Any) -> None:
    text = {"type": "string"}
    body = first(
        describe,
        thing(
            ["title"],
            title=text,
            note=text,
            price={"type": "number"},
            owner=text,
            status=text,
            id={**text, "readOnly": True},
        ),
    )
    assert body == {"title": MARK, "note": MARK}


def test_what_is_required_is_there_whatever_it_is(describe: Any) -> None:
    schema = thing(["price", "kind", "when", "mail", "tags"], price={"type": "number", "minimum": 3}, kind={"enum": ["b", "c"]},
                   when={"type": "string", "format": "date"}, mail={"type": "string", "format": "email"},
                   tags={"type": "array", "items": {"type": "string"}}, title={"type": "string"})  # fmt: skip
    body = first(describe, schema)
    assert body == {
        "price": 3,
        "kind": "b",
        "when": "2031-05-06",
        "mail": f"{MARK}@example.com",
        "tags": ["1"],
        "title": MARK,
    }


def test_ids_and_codes_are_those_that_the_api_showed(describe: Any) -> None:
    schema = thing(
        ["doctor_id", "starts", "reason"],
        doctor_id={"type": "integer"},
        starts={"type": "string"},
        reason={"type": "string"},
    )
    body = first(
        describe, schema, {"doctor_id": [42], "starts": ["2025-03-04T09:00"], "reason": ["braces, 2nd fitting"]}
    )
    assert body == {"doctor_id": 42, "starts": "2025-03-04T09:00", "reason": MARK}


def test_a_pattern_is_kept(describe: Any) -> None:
    pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d$"
    body = first(describe, thing(["at"], at={"type": "string", "pattern": pattern}))
    assert re.search(pattern, body["at"])


@pytest.mark.parametrize("pattern", ["(", "x" * 300, "[", "(?<n"])
def test_a_pattern_that_cannot_be_read_ends_nothing(describe: Any, pattern: str) -> None:
    assert first(describe, thing(["at"], at={"type": "string", "pattern": pattern}))["at"]


def test_an_open_schema_takes_what_responses_have(describe: Any) -> None:
    shown = thing(
        [], id={"type": "integer"}, reason={"type": "string"}, patient_id={"type": "integer"}, price={"type": "integer"}
    )
    assert first(describe, {"type": "object"}, shown=shown) == {"reason": MARK}


def test_parts_are_put_together(describe: Any) -> None:
    schema = {
        "allOf": [thing(["a"], a={"type": "string"}), {"oneOf": [thing(["b"], b={"type": "integer"}), thing(["c"])]}]
    }
    api = described(describe, schema)
    named, wanted = fields(api, schema)
    assert set(named) == wanted == {"a", "b"}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        None,
        [],
        {"$ref": "#/nowhere"},
        {"$ref": "#/components/schemas/Loop"},
        {"properties": []},
        {"required": "a"},
    ],
)
def test_a_schema_that_is_not_right_names_nothing(describe: Any, schema: Any) -> None:
    assert fields(described(describe, {}), schema) == ({}, frozenset())


def test_members_of_an_envelope_are_those_of_what_is_in_it(describe: Any) -> None:
    api = described(describe, {}, thing([], ok={"type": "boolean"}, data=thing([], state={"type": "string"})))
    assert set(answered(api, api.operations[1])) == {"state"}


@pytest.mark.parametrize(
    ("raw", "now", "expected"),
    [
        ({}, True, (False,)),
        ({}, 5, (6, 7, 4)),
        ({"maximum": 5}, 5, (4,)),
        ({"enum": ["a", "b", 3]}, "a", ("b",)),
        ({}, MARK, (f"{MARK}b", f"{MARK}c")),
        ({"maxLength": 5}, "abc", ()),
        ({}, None, ()),
        ({}, {"a": 1}, ()),
    ],
)
def test_another_value_is_of_the_same_make(raw: Any, now: Any, expected: Any) -> None:
    assert others(raw, now, (), MARK) == expected


def test_another_date_is_a_date() -> None:
    assert all(re.fullmatch(r"\d{4}-05-06", one) for one in others({"format": "date"}, "2031-05-06", (), MARK))


@pytest.mark.parametrize("name", ["isAdmin", "is_admin", "role", "unit-price", "accountBalance", "emailVerified"])
def test_names_that_matter(name: str) -> None:
    assert MATTERS.search(plain(name))


@pytest.mark.parametrize("name", ["title", "administrative_area_text", "strolestone", "pricey"])
def test_names_that_do_not(name: str) -> None:
    assert not MATTERS.search(plain(name))


@pytest.mark.parametrize("name", ["ownerId", "user_id", "createdBy", "patient", "tenant-id"])
def test_names_of_owners(name: str) -> None:
    assert OWNER.search(plain(name))


def test_a_password_is_never_the_mark_alone(describe: Any) -> None:
    assert value(described(describe, {}), "password", {"type": "string"}, {}, MARK) != MARK


@pytest.mark.parametrize(
    ("schema", "free"),
    [
        ({"additionalProperties": True}, True),
        ({"additionalProperties": {}}, True),
        ({"oneOf": [{"type": "string"}, {"patternProperties": {"^x-": {}}}]}, True),
        ({"additionalProperties": False}, False),
        ({"type": "object", "properties": {"a": {"additionalProperties": True}}}, False),
        ({"$ref": "#/nowhere"}, False),
        (True, False),
    ],
)
def test_a_body_is_free_if_its_schema_says_so(describe: Any, schema: Any, *, free: bool) -> None:
    assert is_free(describe({"paths": {}}), schema) is free

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninefold.audit.exposure import open_answers, sensitive_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target


def answering(schema: Any, **schemas: Any) -> dict[str, Any]:
    response = {"description": "-", "content": {"application/json": {"schema": schema}}}
    return {"paths": {"/a": {"get": {"responses": {"200": response}}}}, "components": {"schemas": schemas}}


def test_schemas_that_lead_back_to_themselves_end(static: Callable[..., Target]) -> None:
    here = {"$ref": "#/components/schemas/Node"}
    node = {"type": "object", "properties": {"password": {"type": "string"}, "next": here, "all": {"items": here}}}
    target = static(answering(here, Node=node))
    assert open_answers(target).seen == ()
    assert [one.cause for one in sensitive_members(target).seen] == ["password"]


def test_a_reference_that_leads_nowhere_ends_nothing(static: Callable[..., Target]) -> None:
    target = static(answering({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/Missing"}}}))
    assert open_answers(target).seen == sensitive_members(target).seen == ()


def test_words_beside_a_reference_count(static: Callable[..., Target]) -> None:
    member = {"$ref": "#/components/schemas/Text", "writeOnly": True}
    told = answering({"type": "object", "properties": {"password": member}}, Text={"type": "string"})
    assert sensitive_members(static(told)).seen == ()


def test_one_schema_is_one_cause_however_many_answers_reach_it(static: Callable[..., Target]) -> None:
    user = {"type": "object", "properties": {"password_hash": {"type": "string"}}}
    here = {"$ref": "#/components/schemas/User"}
    told = answering({"type": "object", "properties": {"by": here}}, User=user)
    told["paths"]["/b"] = answering({"type": "array", "items": here})["paths"]["/a"]
    seen = sensitive_members(static(told)).seen
    assert [(one.cause, one.place.operation) for one in seen] == [
        ("password_hash", "GET /a"),
        ("password_hash", "GET /b"),
    ]
    assert seen[0].detail == "User declares what no reader needs: password_hash."
    told["components"]["schemas"]["Admin"] = {"type": "object", "properties": {"password_hash": {"type": "string"}}}
    told["paths"]["/c"] = answering({"$ref": "#/components/schemas/Admin"})["paths"]["/a"]
    seen = sensitive_members(static(told)).seen
    assert {one.cause for one in seen} == {"password_hash"}
    assert "and 1 other schema declare" in seen[0].detail


def test_what_has_members_of_its_own_or_few_values_is_no_secret_itself(static: Callable[..., Target]) -> None:
    reference = {"type": "object", "properties": {"name": {"type": "string"}}}
    shape = {
        "secret": {"$ref": "#/components/schemas/Ref"},
        "secrets": {"type": "array", "items": {"$ref": "#/components/schemas/Ref"}},
        "api_key": {"type": "string", "enum": ["read", "write"]},
        "access_key": {"allOf": [{"$ref": "#/components/schemas/Ref"}]},
    }
    assert sensitive_members(static(answering({"type": "object", "properties": shape}, Ref=reference))).seen == ()
    bare = {"type": "object", "properties": {"secrets": {"type": "array", "items": {"type": "string"}}}}
    assert [one.cause for one in sensitive_members(static(answering(bare))).seen] == ["secrets"]


def test_the_path_to_what_is_open_is_told(static: Callable[..., Target]) -> None:
    rows = {"type": "array", "items": {"type": "object", "properties": {"extra": {"type": "object"}}}}
    (seen,) = open_answers(static(answering({"type": "object", "properties": {"rows": rows}}))).seen
    assert "`rows[].extra`" in seen.detail


def test_a_member_that_may_be_anything_is_open_and_a_part_that_only_comments_is_not(
    static: Callable[..., Target],
) -> None:
    told = answering({"type": "object", "properties": {"data": {"description": "what there is"}}})
    assert [one.cause for one in open_answers(static(told)).seen] == ["open object"]
    row = {"type": "object", "properties": {"id": {"type": "integer"}}}
    told = answering({"allOf": [{"$ref": "#/components/schemas/Row"}, {"description": "the row"}]}, Row=row)
    assert open_answers(static(told)).seen == ()


def test_an_answer_to_graphql_cannot_name_its_members(static: Callable[..., Target]) -> None:
    answer = answering({"type": "object", "properties": {"data": {"type": "object"}}})["paths"]["/a"]["get"][
        "responses"
    ]
    taken = {"type": "object", "properties": {"query": {"type": "string"}, "variables": {"type": "object"}}}
    post = {"requestBody": {"content": {"application/json": {"schema": taken}}}, "responses": answer}
    looked = open_answers(static({"paths": {"/graphql": {"post": post}}}))
    assert (looked.at, looked.seen) == (0, ())
    assert len(open_answers(static({"paths": {"/reports": {"post": {"responses": answer}}}})).seen) == 1

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

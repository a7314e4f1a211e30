from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.credential import Doubt, doubt
from ninefold.audit.signs import keys, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

TEXT = {"type": "string"}


def document(name: str, path: str = "/swaps", beside: tuple[str, ...] = (), **own: Any) -> dict[str, Any]:
    parameters = [{"name": name, "in": "query", "schema": TEXT, **own}]
    parameters += [{"name": one, "in": "query", "schema": TEXT} for one in beside]
    return {"paths": {path: {"get": {"parameters": parameters, "responses": {}}}}}


def said(target: Target) -> Doubt:
    operation = target.api.operations[0]
    return doubt(target, operation, operation.parameters[0])


@pytest.mark.parametrize(
    "own",
    [
        {"schema": {"type": "string", "enum": ["ETH", "DAI"]}},
        {"schema": {"type": "string", "pattern": "^[A-Z]{2,10}$"}},
        {"schema": {"type": "string", "example": "USDC"}},
        {"schema": TEXT, "example": "USDC"},
        {"schema": TEXT, "examples": {"one": {"value": "ETH"}, "two": {"value": "DAI"}}},
        {"schema": {"type": "string", "maxLength": 8, "description": "the currency's symbol"}},
        {"schema": {"$ref": "#/components/schemas/Symbol"}},
    ],
)
def test_a_token_that_is_a_symbol_is_no_credential(static: Callable[..., Target], own: dict[str, Any]) -> None:
    told = document("token", **own)
    told["components"] = {"schemas": {"Symbol": {"type": "string", "enum": ["ETH"]}}}
    assert said(static(told)) is Doubt.ENOUGH


@pytest.mark.parametrize("schema", [{"type": "string", "maxLength": 12}, {"type": "string", "example": "ethereum"}])
def test_a_short_token_or_a_word_is_in_doubt(static: Callable[..., Target], schema: dict[str, Any]) -> None:
    assert said(static(document("token", schema=schema))) is Doubt.SOME


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("token", TEXT),
        ("token", {"type": "string", "maxLength": 64}),
        ("token", {"type": "string", "example": "9f8b3c1d7e6a5042b1c9"}),
        ("token", {"type": "string", "example": "mytoken"}),
        ("token", {"type": "string", "pattern": "^[A-Z]{32}$"}),
        ("token", {"type": "string", "pattern": "[A-Z]{2}"}),
        ("token", {"type": "string", "maxLength": 8, "description": "one-time token, sent by mail"}),
        ("token", {"$ref": "#/components/schemas/Missing"}),
        ("token", True),
        ("api_key", {"type": "string", "maxLength": 8}),
        ("password", {"type": "string", "maxLength": 12}),
        ("access_token", {"type": "string", "example": "ABCD"}),
    ],
)
def test_what_the_schema_says_nothing_against_is_a_credential(
    static: Callable[..., Target], name: str, schema: Any
) -> None:
    assert said(static(document(name, schema=schema))) is Doubt.NONE


@pytest.mark.parametrize(
    ("path", "beside", "held"),
    [
        ("/users", (), Doubt.ENOUGH),
        ("/v2/members/", ("limit",), Doubt.ENOUGH),
        ("/users/search", (), Doubt.ENOUGH),
        ("/reports", (), Doubt.SOME),
        ("/users", ("password",), Doubt.NONE),
        ("/session", ("pwd",), Doubt.NONE),
    ],
)
def test_a_username_is_searched_for_where_no_password_is_beside_it(
    static: Callable[..., Target], path: str, beside: tuple[str, ...], held: Doubt
) -> None:
    assert said(static(document("username", path, beside))) is held


def test_both_rules_follow_what_the_description_says(static: Callable[..., Target]) -> None:
    looks = [one.look for one in (*keys.RULES, *standard.RULES) if one.id in {"keys-in-url", "standard-homemade"}]
    for length, seen in ((None, [None]), (8, ["suspected"])):
        schema = TEXT if length is None else {**TEXT, "maxLength": length}
        target = static(document("token", schema=schema))
        for look in looks:
            assert [one.confidence and one.confidence.value for one in look(target).seen] == seen
    assert [look(static(document("token", example="ETH"))).seen for look in looks] == [(), ()]

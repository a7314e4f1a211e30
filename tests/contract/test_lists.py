"""How the contract says how long lists may be, and what of that cannot be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from ninefold.contract.limits import Limits
from ninefold.contract.lists import Lists
from ninefold.contract.load import load_contract
from ninefold.errors import ContractProblems

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "orders",
                "parameters": [{"in": "query", "name": "rows", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {"description": "-", "content": {"application/json": {"schema": {"type": "array"}}}}
                },
            }
        }
    },
}


@pytest.fixture
def problems(contract: Any) -> Callable[..., list[tuple[str, str]]]:
    def of(lists: Any, **more: Any) -> list[tuple[str, str]]:
        path = contract(DESCRIPTION, authorization=None, limits={"lists": lists}, **more)
        try:
            load_contract(path)
        except ContractProblems as fault:
            return [(one.what, one.remedy) for one in fault.problems]
        return []

    return of


def test_a_number_alone_is_the_ceiling() -> None:
    assert Limits.model_validate({"lists": 50}).lists == Lists(most=50)
    assert Limits().lists == Lists()


@pytest.mark.parametrize(
    "lists",
    [
        0, -1, True, "many", {"most": 0}, {"asked": "drop"}, {"sent": "drop"}, {"operations": {"orders": 0}},
        {"open": {"orders": "no"}}, {"sizes": [""]}, {"least": 1},
    ],
)  # fmt: skip
def test_what_is_no_ceiling_is_refused(lists: Any) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({"lists": lists})


@pytest.mark.parametrize(
    ("lists", "more", "told"),
    [
        ({"most": 50, "sent": "cut", "sizes": ["rows"], "operations": {"orders": 5}}, {}, []),
        ({"operations": {"order": 5}}, {}, [("the description has no operation 'order'", "did you mean `orders`?")]),
        (
            {"open": {"other": "it is an export"}},
            {},
            [("the description has no operation 'other'", "the description has: orders")],
        ),
        ({"sizes": ["row"]}, {}, [("no operation has a query parameter 'row'", "did you mean `rows`?")]),
        (
            {"sizes": ["zz"]},
            {},
            [("no operation has a query parameter 'zz'", "declare it in the description, or leave it out")],
        ),
        (
            {"operations": {"orders": 5}, "open": {"orders": "it is an export"}},
            {},
            [("orders has a ceiling and none", "keep one of the two")],
        ),
        (
            {"sent": "cut"},
            {"responses": {"undeclared": "report"}},
            [
                (
                    "`responses.undeclared: report` lets answers out as they are, so nothing of them can be cut",
                    "write `report` or `block` here, or `drop` there",
                )
            ],
        ),
        ({"sent": "block"}, {"responses": {"undeclared": "report"}}, []),
    ],
)
def test_what_cannot_be_kept_is_told_with_a_remedy(problems: Any, lists: Any, more: Any, told: Any) -> None:
    assert problems(lists, **more) == told

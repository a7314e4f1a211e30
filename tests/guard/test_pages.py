"""What becomes of a request that asks for more than a page may have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ninefold.guard.answer import Answer

INTEGER = {"type": "integer"}
LIMIT = {"name": "limit", "schema": INTEGER}


@pytest.fixture
def sent(make_guard: Any, ask: Any) -> Any:
    """What becomes of a request, asked twice: the target that goes on and what is told; or the status and the errors."""

    def send(
        target: str, *parameters: dict[str, Any], lists: Any = None, requests: Any = None, method: str = "get"
    ) -> Any:
        answer = {"application/json": {"schema": {"type": "array", "items": INTEGER}}}
        operation = {
            "operationId": "list",
            "parameters": [{"in": "query", "schema": INTEGER, **one} for one in parameters],
            "responses": {"200": {"description": "-", "content": answer}},
        }
        document = {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/things": {method: operation}},
        }
        guard = make_guard(document, limits={"lists": lists or {}}, requests=requests or {})
        found = []
        for _ in range(2):  # good targets are remembered
            request = ask(f"/things?{target}", method=method.upper())
            decision = guard.admit(request)
            if isinstance(decision, Answer):
                told = json.loads(decision.body).get("errors", [])
                found.append((decision.status, [(one["parameter"], one["detail"]) for one in told]))
            else:
                found.append((request.target.decode().partition("?")[2], request.told))
        assert found[0] == found[1]
        return found[0]

    return send


MORE = (400, [("limit", "asks for more than 1000 items")])


@pytest.mark.parametrize("text", ["1000", "1", "0", "7"])
def test_a_page_within_the_ceiling_is_asked_for_as_it_was(sent: Any, text: str) -> None:
    assert sent(f"limit={text}", LIMIT) == (f"limit={text}", "")


@pytest.mark.parametrize("text", ["1001", "9" * 300, "-1", "-0"])
def test_a_page_past_it_is_refused_as_any_parameter_is(sent: Any, text: str) -> None:
    assert sent(f"limit={text}", LIMIT) == MORE


def test_the_ceiling_is_the_contracts(sent: Any) -> None:
    assert sent("limit=51", LIMIT, lists=50) == (400, [("limit", "asks for more than 50 items")])
    assert sent("limit=51", LIMIT, lists={"most": 50, "operations": {"list": 60}}) == ("limit=51", "")
    assert sent("limit=5000", LIMIT, lists={"open": {"list": "it is an export"}}) == ("limit=5000", "")
    assert sent("limit=5000", {"name": "limit", "schema": {**INTEGER, "maximum": 5000}}) == ("limit=5000", "")


@pytest.mark.parametrize("more", [{}, {"undeclared": "report"}, {"undeclared": "refuse"}])
def test_a_page_past_it_is_lowered_where_the_contract_says_so_and_all_else_goes_on(sent: Any, more: Any) -> None:
    lists = {"most": 50, "asked": "clamp"}
    q = {"name": "q", "schema": {"type": "string"}}
    lowered = "query limit: lowered to 50"
    assert sent("q=a%20b&limit=99999&q2=", LIMIT, q, {"name": "q2", "schema": q["schema"]}, lists=lists, requests=more) == (
        "q=a%20b&limit=50&q2=", lowered,
    )  # fmt: skip
    assert sent("%6cimit=51", LIMIT, lists=lists, requests=more) == ("%6cimit=50", lowered)
    assert sent("limit=-1", LIMIT, lists=lists, requests=more) == ("limit=50", lowered)
    assert sent("limit=50", LIMIT, lists=lists, requests=more) == ("limit=50", "")


def test_a_value_that_its_schema_does_not_take_is_refused_and_never_put_in_anothers_place(sent: Any) -> None:
    lists = {"most": 50, "asked": "clamp"}
    for schema in ({**INTEGER, "enum": [20, 100]}, {**INTEGER, "multipleOf": 20}, {**INTEGER, "minimum": 60}):
        assert sent("limit=100", {"name": "limit", "schema": schema}, lists=lists) == (
            400, [("limit", "asks for more than 50 items")],
        )  # fmt: skip
    high = {"name": "limit", "schema": {**INTEGER, "maximum": 60}}
    assert sent("limit=70", high, lists=lists)[0] == 400, "the description has a word too"
    assert sent("limit=55", high, lists=lists) == ("limit=50", "query limit: lowered to 50")


@pytest.mark.parametrize(
    "text", ["1e9", "0x7d0", "2_000", "+2000", "%2B2000", "%202000", "%D9%A2%D9%A0%D9%A0%D9%A0", "all", "2000;"]
)
def test_what_an_api_may_read_as_a_larger_number_counts_as_one(sent: Any, text: str) -> None:
    name = {"name": "limit", "schema": {"type": "string"}}
    refused = (400, []) if ";" in text else MORE  # no query with a `;` is read
    assert sent(f"limit={text}", name, lists={"sizes": ["limit"]}) == refused
    status, told = sent(f"limit={text}", LIMIT, requests={"invalid": "report"})
    assert (status, told[-1:]) == refused
    status, told = sent(f"limit={text}", LIMIT)
    assert (status, len(told)) == (400, len(refused[1])), "one flaw is told of one value"


def test_nothing_and_null_leave_it_to_the_api(sent: Any) -> None:
    nullable = {"name": "limit", "schema": {"type": ["integer", "null"]}}
    assert sent("limit=null", nullable) == ("limit=null", "")
    assert sent("limit=", {"name": "limit", "schema": INTEGER, "allowEmptyValue": True}) == ("limit=", "")
    assert sent("", LIMIT) == ("", "")


def test_numbers_are_compared_as_numbers(sent: Any) -> None:
    number = {"name": "limit", "schema": {"type": "number"}}
    assert sent("limit=1e3", number) == ("limit=1e3", "")
    assert sent("limit=999.5", number) == ("limit=999.5", "")
    for text in ("1e4", "1000.1", "1e999"):
        assert sent(f"limit={text}", number) == MORE


def test_other_ways_to_write_its_name_are_the_same_name(sent: Any) -> None:
    loose = {"undeclared": "report"}
    for name in ("LIMIT", "Limit", "limit[]", "li_mit", "%4Cimit"):
        assert sent(f"{name}=1001", LIMIT, requests=loose) == MORE
    clamped = {"lists": {"asked": "clamp"}, "requests": loose}
    assert sent("LIMIT=1001&limit=1", LIMIT, **clamped)[0] == "LIMIT=1000&limit=1"


def test_where_flaws_are_only_told_a_page_past_the_ceiling_is_refused_all_the_same(sent: Any) -> None:
    assert sent("limit=1&limit=1001", LIMIT, requests={"invalid": "report"})[0] == 400
    assert sent("limit=1001", LIMIT, requests={"invalid": "report"}) == MORE
    assert sent("limit=1001", LIMIT, requests={"open": {"list": "it reads them itself"}}) == ("limit=1001", ""), (
        "unread is unread"
    )


def test_members_of_objects_are_held_too(sent: Any) -> None:
    page = {"type": "object", "properties": {"size": INTEGER, "after": {"type": "string"}}}
    deep = {"name": "page", "schema": page, "style": "deepObject"}
    assert sent("page%5Bsize%5D=1000", deep) == ("page%5Bsize%5D=1000", "")
    assert sent("page[size]=1001", deep) == (400, [("page", "asks for more than 1000 items")])
    lists = {"asked": "clamp"}
    assert sent("page[size]=1001&page[after]=x", deep, lists=lists) == (
        "page[size]=1000&page[after]=x", "query page: lowered to 1000",
    )  # fmt: skip


def test_members_that_stand_in_the_query_by_themselves_are_held_and_the_place_says_which(
    make_guard: Any, ask: Any
) -> None:
    paging = {"type": "object", "properties": {"limit": INTEGER, "offset": INTEGER}}
    parameter = {"in": "query", "name": "paging", "schema": paging}
    answer = {"application/json": {"schema": {"type": "array", "items": INTEGER}}}
    operation = {
        "operationId": "list",
        "parameters": [parameter],
        "responses": {"200": {"description": "-", "content": answer}},
    }
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/things": {"get": operation}}}
    decision = make_guard(document).admit(ask("/things?offset=5000&limit=1001"))
    assert json.loads(decision.body)["errors"] == [
        {"in": "query", "parameter": "paging", "detail": "asks for more than 1000 items", "pointer": "#/limit"}
    ]


def test_other_methods_have_sizes_where_the_contract_names_them(sent: Any) -> None:
    assert sent("limit=1001", LIMIT, method="delete") == ("limit=1001", "")
    assert sent("limit=1001", LIMIT, method="delete", lists={"sizes": ["limit"]}) == MORE

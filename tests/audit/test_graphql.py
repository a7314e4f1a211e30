"""A GraphQL endpoint is found by how it answers, and asked for nothing that does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.audit.servers import AUTHORS, Library, limited

from ninefold.audit.document import only_queries
from ninefold.audit.graphql import odd_documents, read_types, readings
from ninefold.audit.probe import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

BODY = {
    "content": {"application/json": {"schema": {"type": "object", "properties": {"query": {}, "operationName": {}}}}}
}
QUERY = [{"name": "query", "in": "query", "schema": {"type": "string"}}]


def described(path: str, method: str = "post", **more: Any) -> dict[str, Any]:
    body = {"requestBody": BODY} if method == "post" else {"parameters": QUERY}
    return {"paths": {path: {method: {"responses": {}, **body, **more}}}}


@pytest.mark.parametrize("path", ["/graphql", "/api/graphql", "/v1/graphql"])
@pytest.mark.parametrize("methods", [("GET",), ("POST",), ("GET", "POST")])
def test_it_is_found_where_services_often_stand(
    serve: Callable[..., str], live: Callable[..., Target], path: str, methods: tuple[str, ...]
) -> None:
    endpoint = live(serve(Library(path=path, methods=methods))).survey.endpoint()
    assert endpoint is not None
    assert endpoint.request.path == path
    assert endpoint.request.method == ("POST" if "POST" in methods else "GET")


@pytest.mark.parametrize(
    "document",
    [
        described("/data"),
        described("/data/graphql", "get"),
        described("/gql", "get"),
        described("/data", summary="GraphQL"),
    ],
)
def test_it_is_found_where_it_is_described(
    serve: Callable[..., str], live: Callable[..., Target], document: dict[str, Any]
) -> None:
    path = next(iter(document["paths"]))
    target = live(serve(Library(path=path)), document, AUTHORS[0]["key"])
    assert [call.field for call in target.survey.calls() if call.field] == ["__typename", "books", "me", "houses"]
    assert {call.ask.path for call in target.survey.calls()} == {path}


@pytest.mark.parametrize("path", ["/run", "/search", "/prompts"])
def test_what_takes_a_query_and_is_not_called_graphql_gets_no_post(
    serve: Callable[..., str], live: Callable[..., Target], path: str
) -> None:
    came: list[str] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        came.append(f"{request.method} {request.path}")
        return 200, {}, b"{}"

    schema = {"type": "object", "properties": {"query": {}, "variables": {}}}
    body = {"content": {"application/json": {"schema": schema}}}
    target = live(serve(api), {"paths": {path: {"post": {"requestBody": body, "responses": {}}}}})
    target.survey.calls()
    target.survey.endpoint()
    assert f"POST {path}" not in came


def test_what_does_not_answer_is_no_api_without_graphql(live: Callable[..., Target]) -> None:
    target = live("http://127.0.0.1:9")
    for _ in range(3):
        with pytest.raises(Unanswered):
            target.survey.endpoint()
    assert target.probe.sent == 2


def test_what_is_described_and_no_graphql_gets_no_post(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    came: list[str] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        came.append(f"{request.method} {request.path}")
        return 200, {"Content-Type": "application/json"}, b'{"data": [1]}'

    search = {
        "paths": {"/search": {"post": {"requestBody": BODY["content"] and {"content": {}}, "responses": {}}, "get": {}}}
    }
    target = live(serve(api), search)
    target.survey.calls()
    assert came == ["GET /search"]
    assert target.survey.endpoint() is None
    assert {one for one in came if one.startswith("POST")} <= {"POST /graphql", "POST /api/graphql", "POST /v1/graphql"}


def test_only_what_does_nothing_by_its_name_is_read(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    library = Library()
    target = live(serve(library), described("/graphql"), AUTHORS[0]["key"])
    calls = target.survey.calls()
    assert [call.answer.json()["data"] for call in calls if call.field == "me"] == [{"me": {"id": "1", "name": "Ada"}}]
    assert "LOGGED OUT" not in library.ran
    assert all(only_queries(one) for one in library.ran)


def test_without_introspection_the_cheapest_query_is_all(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    target = live(serve(limited()), described("/graphql"))
    assert [call.field for call in target.survey.calls()] == ["__typename"]
    assert target.survey.types() is None


@pytest.mark.parametrize("name", ["a} mutation {b", "a(b:1)", "", "1a", "a b", "\u00e4", None, 3, "a" * 200])
def test_names_that_are_more_than_names_go_into_no_document(name: Any) -> None:
    number = {"kind": "SCALAR", "name": "Int"}
    given = {"name": "ok", "args": [{"name": name, "type": number}], "type": number}
    fields = [{"name": name, "args": [], "type": number}, given, {"name": "a", "args": [], "type": number}]
    types = read_types(
        {"queryType": {"name": "Query"}, "types": [{"kind": "OBJECT", "name": "Query", "fields": fields}]}
    )
    assert types is not None
    assert [one.name for one in types.roots()] == ["a"]


def test_odd_documents_hold_no_mutation() -> None:
    assert not any("mutation" in one for one in odd_documents(None))


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {},
        {"types": 1},
        {"types": [1, {"name": None, "fields": [{}, 3]}]},
        {"types": [{"name": "Q", "fields": [{"type": 4, "args": [{}, 2]}]}]},
    ],
)
def test_schemas_that_are_none_do_no_harm(schema: Any) -> None:
    types = read_types(schema)
    assert types is None or readings(types) == ()

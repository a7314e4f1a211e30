"""GraphQL behind both hosts: what reaches the API, and what of its answers leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.graph import DESCRIPTION, SDL, served  # noqa: F401  # the fixture `graph`

from ninefold.contract.load import load_contract
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from pathlib import Path


def test_an_honest_query_is_answered_with_what_it_asked_for_and_no_more(graph: Any) -> None:
    hosts = graph()
    for _ in range(2):
        assert hosts.query("{ me { n: name } users(first: 2) { id } }") == (
            200, {"data": {"me": {"n": "Jane"}, "users": [{"id": "1"}, {"id": "1"}]}},
        )  # fmt: skip
    query = quote("query Q($n: Int) { users(first: $n) { id } }")
    path = f"/graphql?query={query}&variables={quote(json.dumps({'n': 2}))}&operationName=Q"
    assert hosts.ask(b"", path=path) == (200, {"data": {"users": [{"id": "1"}, {"id": "1"}]}})


def test_errors_of_the_api_tell_nothing_of_its_inside(graph: Any) -> None:
    hosts = graph()
    status, answer = hosts.query("{ broken }")
    assert (status, answer["data"]) == (200, {"broken": None})
    assert answer["errors"] == [
        {"message": "The request could not be answered.", "locations": [{"line": 1, "column": 3}], "path": ["broken"], "extensions": {"code": "INTERNAL"}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ __schema { types { name } } }"},
        {"query": "{ me { emial } }"},
        {"query": "{ users(first: 100000) { id } }"},
        {"query": "query($n: Int) { users(first: $n) { id } }", "variables": {"n": 100000}},
        {"query": "{ " + " ".join(f'a{n}: login(password: "{n}")' for n in range(50)) + " }"},
        {"query": "mutation { " + " ".join(f'a{n}: login(password: "{n}")' for n in range(50)) + " }"},
        {"query": "{ me { ...A } } fragment A on User { friends { ...B } } fragment B on User { friends { ...A } }"},
        {
            "query": "{ me { friends { friends { friends { friends { friends { friends { friends { friends { friends { friends { id } } } } } } } } } } } }"
        },
        [{"query": "{ me { id } }"}, {"query": "{ me { id } }"}],
        {"query": "query A { me { id } } query B { broken }"},
        {"query": "{ me { id } }", "operationName": "Nobody"},
        {"query": 7},
        {"query": ""},
        {},
        b'{"query":"{ me { id } }","query":"{ __schema { types { name } } }"}',
        b'{"query":"{ me { id } }","Query":"{ __schema { types { name } } }"}',
        b"\xef\xbb\xbf" + b'{"query":"{ me { id } }"}',
        b"{ me { id } }",
    ],
)
def test_attacks_do_not_reach_the_api(graph: Any, body: Any) -> None:
    hosts = graph()
    status, answer = hosts.ask(body)
    if body == b'{"query":"{ me { id } }","Query":"{ __schema { types { name } } }"}':
        assert (status, hosts.passed) == (200, '{"query":"{ me { id } }"}'), "the other member stayed behind"
        return
    assert status in {400, 422}
    assert hosts.passed == ""
    assert "email" not in json.dumps(answer), "no suggestions"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql"]
)
def test_a_body_of_another_kind_is_refused(graph: Any, media: str) -> None:
    hosts = graph()
    assert hosts.ask({"query": "{ me { id } }"}, media=media)[0] == 415
    assert hosts.passed == ""


def test_nothing_changes_by_get(graph: Any) -> None:
    hosts = graph()
    for query in ('mutation { login(password: "x") }', 'query A { me { id } } mutation B { login(password: "x") }'):
        for name in ("", "&operationName=B"):
            assert hosts.ask(b"", path=f"/graphql?query={quote(query)}{name}")[0] == 400
    assert hosts.passed == ""
    assert hosts.query('mutation { login(password: "x") }')[0] == 200


def test_a_query_that_comes_twice_is_refused(graph: Any) -> None:
    hosts = graph()
    one, other = quote("{ me { id } }"), quote("{ broken }")
    assert hosts.ask(b"", path=f"/graphql?query={one}&query={other}")[0] == 400
    assert hosts.passed == ""


def test_fields_and_the_schema_are_for_those_who_may_see_them(graph: Any) -> None:
    hosts = graph(fields={"User.email": ["support"]}, introspection=["support"])
    assert hosts.query("{ me { email } }")[0] == 403
    assert hosts.passed == ""
    assert hosts.query("{ me { email } }", "support")[1] == {"data": {"me": {"email": "jane@example.com"}}}
    status, answer = hosts.query('{ __type(name: "User") { fields { name } } }', "support")
    assert (status, len(answer["data"]["__type"]["fields"])) == (200, 4)


def test_the_trail_tells_why_and_not_what_was_asked(graph: Any) -> None:
    hosts = graph()
    hosts.query("{ users(first: 100000) { name } secretalias: me { id } }")
    event = hosts.trail(1)[0]
    assert (event["step"], event["outcome"]) == ("graphql", "refused")
    assert event["reason"].startswith("cost ")
    assert "secretalias" not in json.dumps(event)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"schema": "none.graphql"}, "the schema none.graphql"),
        ({"operation": "aks"}, "no operation 'aks'"),
        ({"fields": {"User.emial": ["a"]}}, "the schema has no field 'User.emial'"),
        ({"depth": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_kept_is_told_when_it_is_loaded(
    contract: Any, tmp_path: Path, settings: Any, words: str
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    path = contract(
        DESCRIPTION, authorization=None, graphql=[{"operation": "ask", "schema": "schema.graphql", **settings}]
    )
    with pytest.raises(NinefoldError, match=words) as fault:
        load_contract(path)
    assert "contract.yaml:" in str(fault.value)


def test_a_few_kilobytes_hold_nobody_up(graph: Any) -> None:
    hosts = graph()
    inner = " ".join("friends { " + "friends { id } " * 18 + "}" for _ in range(18))
    status, answer = hosts.query(f"{{ me {{ {inner} }} }}")
    assert (status, answer["errors"][0]["message"]) == (400, "The query selects too much under one name.")

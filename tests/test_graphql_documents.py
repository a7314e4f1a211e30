"""Listed documents of GraphQL behind both hosts: callers send ids, texts or lists of them, and strangers try to get past."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import pytest
from tests.graph import DESCRIPTION, SDL, served  # noqa: F401  # the fixture `graph`

from ninefold.contract.load import load_contract
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from pathlib import Path

ME = "query Me { me { id } }"
USERS = "query Users($n: Int) {\n  users(first: $n) {\n    id\n  }\n}"
LOGIN = 'mutation Login { login(password: "x") }'
LISTED = {"me": ME, "users": USERS, "login": LOGIN, "mail": "query Mail { me { e: email } }"}
#: Two other documents: one hides what it asks for, one asks for the schema in a fragment.
HIDDEN = "query H($no: Boolean!) { me { ...F @skip(if: $no) } } fragment F on User { email @include(if: $no) }"
TYPES = 'query T { ...S } fragment S on Query { __type(name: "User") { fields { name } } }'
FILES = {"list.json": json.dumps({**LISTED, "hidden": HIDDEN, "types": TYPES})}
SETTINGS: dict[str, Any] = {"documents": "list.json", "batch": 4}
FOUND = 200, {"data": {"me": {"id": "1"}}}
NOT_FOUND = (
    200,
    {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]},
)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apollo(id_: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": id_}}}


def url(**parameters: Any) -> str:
    told = {name: one if isinstance(one, str) else json.dumps(one) for name, one in parameters.items()}
    return "/graphql?" + "&".join(f"{name}={quote(one)}" for name, one in told.items())


def test_an_id_is_enough_whichever_way_a_client_sends_it(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS)
    for body in (
        apollo("me"), apollo(digest(ME)), {"documentId": "me"}, {"documentId": f"sha256:{digest(ME)}"}, {"doc_id": "me"},
        {"id": "me", "query": None}, {"operationName": "Me", **apollo("me")},
    ):  # fmt: skip
        assert hosts.ask(body) == FOUND, body
        name = {"operationName": "Me"} if "operationName" in body else {}
        assert json.loads(hosts.passed) == {"query": ME, **name}
        assert hosts.ask(b"", path=url(**{name: one for name, one in body.items() if one})) == FOUND
        assert parse_qs(hosts.passed)["query"] == [ME]
    variables = {"n": 2, "far": 12345678901234567890}
    assert hosts.ask({"id": "users", "variables": variables})[1] == {"data": {"users": [{"id": "1"}, {"id": "1"}]}}
    assert json.loads(hosts.passed) == {"query": USERS, "variables": variables}


def test_an_api_that_knows_the_documents_gets_the_id(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS, ids="forward")
    hosts.api.documents = {**LISTED}
    for body in (apollo("me"), {"documentId": "me"}, {"query": ME, "documentId": "me"}):
        assert hosts.ask(body) == FOUND
        assert json.loads(hosts.passed) == {name: one for name, one in body.items() if name != "query"}
    assert hosts.ask(b"", path=url(documentId="me", query=ME)) == FOUND
    assert hosts.passed == "documentId=me"


def test_a_listed_text_is_served_in_any_spelling_and_nothing_else_is(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS)
    assert hosts.query(ME) == FOUND
    assert hosts.query("query  Me{me{id,}}#") == FOUND
    assert json.loads(hosts.passed) == {"query": ME}
    assert hosts.ask(b"", path=url(query="query Me{me{id}}")) == FOUND
    assert parse_qs(hosts.passed)["query"] == [ME]
    for text in (
        "{ me { id } }",
        "query Me { me { id name } }",
        ME + " " + USERS,
        "{",
        TYPES + "x",
        "{ me { emial } }",
    ):
        assert hosts.query(text) == (403, {"errors": [{"message": "This document may not be run."}]}), text
        assert hosts.passed == ""


@pytest.mark.parametrize(("unlisted", "status"), [("refuse", 403), ("judge", 200)])
def test_strangers_register_nothing(graph: Any, unlisted: str, status: int) -> None:
    text = "{ me { name } }"
    hosts = graph(FILES, **SETTINGS, unlisted=unlisted)
    assert hosts.ask(apollo(digest(text))) == NOT_FOUND
    assert hosts.ask({"query": text, **apollo(digest(text))})[0] == status
    assert "persistedQuery" not in hosts.passed
    assert hosts.ask(b"", path=url(query=text, **apollo(digest(text))))[0] == status
    assert "persistedQuery" not in hosts.passed
    assert hosts.ask(apollo(digest(text))) == NOT_FOUND


def test_a_client_that_tries_hashes_first_is_told_when_there_is_no_list(graph: Any) -> None:
    hosts = graph()
    status, answer = hosts.ask(apollo(digest(ME)))
    assert (status, answer["errors"][0]["message"]) == (200, "PersistedQueryNotSupported")
    assert hosts.ask({"query": ME, **apollo(digest(ME))}) == FOUND
    assert hosts.ask({"query": ME, **apollo(digest(USERS))})[0] == 400


@pytest.mark.parametrize("unlisted", ["refuse", "judge"])
def test_ids_that_do_not_fit_do_not_reach_the_api(graph: Any, unlisted: str) -> None:
    hosts = graph(FILES, **SETTINGS, unlisted=unlisted)
    bodies: tuple[Any, ...] = (
        {"query": "{ me { id } }", **apollo(digest(ME))},
        {"query": ME, **apollo("login")},
        {"query": ME, **apollo(digest(ME).upper())},
        {"query": ME, "documentId": "login"},
        {"query": ME, "id": "none"},
        {"query": ME, "documentId": "me", "id": "login"},
        {"documentId": "me", **apollo("login")},
        {"documentId": "none"},
        {"documentId": digest(ME).upper()},
        {"documentId": "me "},
        {"documentId": "x" * 100_000},
        *({name: one} for name in ("documentId", "doc_id", "id") for one in (7, None, ["me"], {"me": 1}, True)),
        *(apollo(one) for one in (7, None, ["me"], {"me": 1})),
        {"extensions": {"persistedQuery": "me"}},
        {"extensions": {"documentId": "me"}},
        b'{"documentId":"me","documentId":"login"}',
        b'{"documentId":"me","document\\u0049d":"login"}',
        {"documentId": "me", "operationName": "Login"},
        {"documentId": "me", "operationName": ""},
        {"documentId": "users", "variables": {"n": 100_000}},
        {"documentId": "users", "variables": {"n": 100_000, **{f"v{number}": number for number in range(5000)}}},
        {"documentId": "types"},
        {"query": TYPES},
    )
    for body in bodies:
        assert hosts.ask(body)[0] in {400, 422}, body
        assert hosts.passed == "", body
    for one in (apollo(digest(ME).upper()), apollo("me "), apollo("")):
        assert hosts.ask(one) == NOT_FOUND
        assert hosts.passed == ""


def test_ids_and_texts_in_two_places_do_not_reach_the_api(graph: Any) -> None:
    """Where the description declares them for POST too, and some server might look there first."""
    hosts = graph(FILES, **SETTINGS, parameters=True)
    for target in ("id=login", "documentId=me", "query={me{email}}", "operationName=Login"):
        assert hosts.ask({"query": ME}, path=f"/graphql?{target}")[0] == 400
        assert hosts.passed == ""
    for target in ("documentId=me&documentId=login", "documentId=me&doc_id=login", "id=me&query={broken}", "id="):
        assert hosts.ask(b"", path=f"/graphql?{target}")[0] == 400
        assert hosts.passed == ""


def test_nothing_changes_by_get_whatever_it_is_called(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS)
    for parameters in ({"documentId": "login"}, apollo("login"), apollo(digest(LOGIN)), {"query": LOGIN}):
        assert hosts.ask(b"", path=url(**parameters))[0] == 400
        assert hosts.passed == ""
    assert hosts.ask({"documentId": "login"}) == (200, {"data": {"login": "ok"}})


def test_fields_are_held_whatever_they_are_called_and_however_they_are_hidden(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS, fields={"User.email": ["support"]}, introspection=["support"])
    for body in (
        {"id": "mail"},
        {"id": "hidden", "variables": {"no": True}},
        {"id": "hidden", "variables": {"no": False}},
    ):
        assert hosts.ask(body)[0] == 403
        assert hosts.passed == ""
    assert hosts.ask({"id": "mail"}, "support") == (200, {"data": {"me": {"e": "jane@example.com"}}})
    assert hosts.ask({"id": "types"}, "support")[0] == 200


def test_a_list_may_have_ids_and_texts_and_each_answer_is_held_against_its_own(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS)
    body = [{"query": "query Me{me{id}}"}, apollo("users") | {"variables": {"n": 1}}, {"query": LOGIN}, {"id": "mail"}]
    user = {"id": "1"}
    assert hosts.ask(body) == (
        200,
        [
            {"data": {"me": user}},
            {"data": {"users": [user, user]}},
            {"data": {"login": "ok"}},
            {"data": {"me": {"e": "jane@example.com"}}},
        ],
    )
    assert json.loads(hosts.passed) == [
        {"query": ME}, {"query": USERS, "variables": {"n": 1}}, {"query": LOGIN}, {"query": LISTED["mail"]},
    ]  # fmt: skip


def test_a_list_with_one_that_may_not_be_run_does_not_reach_the_api(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS, fields={"User.email": ["support"]})
    for bad, status in (
        ({"query": "{ me { id } }"}, 403), ({"id": "mail"}, 403), (apollo("none"), 200), ({"id": "none"}, 400), ({}, 400),
        ({"id": "me", "query": USERS}, 400), ([{"id": "me"}], 400), (None, 400),
    ):  # fmt: skip
        for body in ([{"id": "me"}, bad], [bad, {"id": "me"}]):
            assert hosts.ask(body)[0] in {status, 422}, body
            assert hosts.passed == ""
    assert hosts.ask([{"id": "me"}] * 5)[0] == 400


def test_subscriptions_leave_event_by_event(graph: Any) -> None:
    files = {"list.json": json.dumps({"ticks": "subscription { ticks { id } }"})}
    hosts = graph(files, **SETTINGS, subscriptions=True)
    for way in ({"body": {"id": "ticks"}}, {"body": b"", "path": url(id="ticks")}):
        status, text = hosts.ask(**way)
        assert status == 200
        assert text == (
            'event: next\ndata: {"data":{"ticks":{"id":"0"}}}\n\nevent: next\ndata: {"data":{"ticks":{"id":"1"}}}\n\n'
            "event: complete\ndata: \n\n"
        )
    assert hosts.ask([{"id": "ticks"}])[0] == 400


def test_the_trail_has_neither_ids_nor_texts(graph: Any) -> None:
    hosts = graph(FILES, **SETTINGS)
    hosts.ask({"documentId": "a-secret-id"})
    hosts.ask({"query": "{ secretalias: me { id } }"})
    events = hosts.trail(2)
    assert [one["reason"] for one in events] == ["the id of no listed document", "the document is not listed"]
    assert "secret" not in json.dumps(events)


@pytest.mark.parametrize(
    ("settings", "text", "words"),
    [
        ({}, "{", "list.json:1:2: it is no JSON"),
        ({}, '{"a": "query A { me { secret } }"}', "list.json:1:2: the document 'a' does not fit the schema"),
        ({"documents": "none.json"}, "{}", "the documents none.json: .*none.json cannot be read"),
        ({"documents": None, "ids": "forward"}, "{}", "contract.yaml:.*`ids` is about `documents`"),
        ({"unlisted": "allow"}, "{}", "contract.yaml:.*'refuse' or 'judge'"),
    ],
)
def test_what_cannot_be_kept_is_told_when_it_is_loaded(
    contract: Any, tmp_path: Path, settings: Any, text: str, words: str
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL)
    (tmp_path / "list.json").write_text(text)
    entry = {"operation": "ask", "schema": "schema.graphql", "documents": "list.json", **settings}
    path = contract(
        DESCRIPTION, authorization=None, graphql=[{name: one for name, one in entry.items() if one is not None}]
    )
    with pytest.raises(NinefoldError, match=words):
        load_contract(path)

"""Documents that the endpoint lists: which one is meant, who may run it, and what the API gets."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema

from ninefold.contract.documents import Graph, read_documents
from ninefold.contract.graphql import Graphql
from ninefold.errors import ContractProblems
from ninefold.guard.graphql.document import Unfit
from ninefold.guard.graphql.judge import MOST_REMEMBERED, NOT_FOUND, NOT_SUPPORTED, Judge
from ninefold.guard.graphql.query import IDS, QUERY, Query, Sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = build_schema("""
type User { id: ID!, name: String, email: String, friends(first: Int): [User] }
type Query { me: User, users(first: Int): [User] }
type Mutation { drop(id: ID!): Boolean }
type Subscription { ticks: Int }
""")
ME, USERS, DROP = (
    "query Me { me { id } }",
    "query Users($n: Int) { users(first: $n) { id } }",
    "mutation { drop(id: 1) }",
)
LISTED = {
    "me": ME,
    "users": USERS,
    "drop": DROP,
    "mail": "query { me { ...M } } fragment M on User { email @skip(if: true) }",
    "many": "{ me { " + " ".join(f"a{number}: name" for number in range(200)) + " } }",
    "schema": 'query { ...S } fragment S on Query { __type(name: "User") { name } }',
    "both": "query A { me { id } } mutation B { drop(id: 1) }",
    "ticks": "subscription { ticks }",
}
NOBODY: frozenset[str] = frozenset()
HASH = sha256(ME.encode()).hexdigest()


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Judge]:
    def make(listed: dict[str, str] = LISTED, **settings: Any) -> Judge:
        (tmp_path / "list.json").write_text(json.dumps(listed))
        made = Graphql.model_validate({"operation": "q", "schema": "s", "documents": "list.json", **settings})
        return Judge(made, Graph(SCHEMA, read_documents(tmp_path / "list.json", SCHEMA)))

    return make


def ask(
    one: Judge,
    id_: str | None = None,
    text: str | None = None,
    name: str | None = None,
    variables: Any = None,
    scopes: frozenset[str] = NOBODY,
    *,
    hashed: bool = False,
    reads: bool = False,
) -> Sent | None:
    return one.judge(Query(text, id_, hashed, name, variables or {}), scopes, reads=reads)[1]


def told(one: Judge, *args: Any, **more: Any) -> tuple[int, str, str]:
    with pytest.raises(Unfit) as fault:
        ask(one, *args, **more)
    return fault.value.status, fault.value.told, fault.value.code


def test_the_api_gets_the_text_for_an_id(judge: Any) -> None:
    for id_ in ("me", HASH, f"sha256:{HASH}"):
        assert ask(judge(), id_) == Sent(ME, IDS)


def test_an_api_that_knows_the_documents_gets_the_id_alone(judge: Any) -> None:
    one = judge(ids="forward")
    assert ask(one, "me") is None
    assert ask(one, "me", ME) == Sent(None, QUERY)
    assert ask(one, None, ME) is None
    assert ask(one, None, "query Me{me{id}}") == Sent(ME, IDS), "the listed text, where it has no id"


def test_a_listed_text_is_known_in_any_spelling_and_the_api_gets_the_listed_one(judge: Any) -> None:
    one = judge()
    assert ask(one, None, ME) is None
    for text in ("query Me{me{id}}", "# hi\nquery Me { me { id, } }", "\ufeffquery\r\nMe\t{me{id}}"):
        for _ in range(2):
            assert ask(one, None, text) == Sent(ME, IDS)
    mail = "fragment M on User{email@skip(if:true)}query{me{...M}}"
    assert ask(one, None, mail) == Sent(LISTED["mail"], IDS)


def test_more_spellings_than_are_remembered_are_known_all_the_same(judge: Any) -> None:
    one = judge()
    for number in range(MOST_REMEMBERED + 5):
        assert ask(one, None, ME + " " * (number + 1)) == Sent(ME, IDS)


def test_another_document_is_refused(judge: Any) -> None:
    one = judge()
    for text in (
        "{ me { id } }",
        "query Me { me { name } }",
        "query Me { me { id id } }",
        "{",
        "",
        ME + ME,
        "{ a " * 999,
    ):
        status, words, code = told(one, None, text or " ")
        assert (status, words, code) == (403, "This document may not be run.", "")


def test_another_document_is_judged_where_the_contract_says_so(judge: Any) -> None:
    one = judge(unlisted="judge")
    assert ask(one, None, "{ me { id } }") is None
    assert told(one, None, "{ me { secret } }")[0] == 400
    assert "other names" in told(one, None, LISTED["many"].replace("a7:", "b7:"))[1], "a stranger's text has bounds"
    assert ask(one, None, LISTED["many"]) is None, "a listed one has not"


def test_who_sends_a_text_with_its_hash_registers_nothing(judge: Any) -> None:
    text = "{ me { name } }"
    digest = sha256(text.encode()).hexdigest()
    for one in (judge(), judge(unlisted="judge")):
        assert told(one, digest, hashed=True) == (200, *NOT_FOUND)
        if one is not None:
            try:
                assert ask(one, digest, text, hashed=True) == Sent(None, IDS), "and the API is told no hash"
            except Unfit as fault:
                assert fault.status == 403
        assert told(one, digest, hashed=True) == (200, *NOT_FOUND)


def test_an_unknown_hash_is_told_as_clients_expect_and_another_id_plainly(judge: Any) -> None:
    assert told(judge(), HASH.upper(), hashed=True) == (200, *NOT_FOUND)
    assert told(judge(), "x" * 1_000_000, hashed=True) == (200, *NOT_FOUND)
    assert told(judge(), "none") == (400, "The document is not known.", "")
    bare = Judge(Graphql.model_validate({"operation": "q", "schema": "s"}), Graph(SCHEMA))
    assert told(bare, HASH, hashed=True) == (200, *NOT_SUPPORTED)
    assert told(bare, "me") == (400, "The document is not known.", "")


@pytest.mark.parametrize("unlisted", ["refuse", "judge"])
@pytest.mark.parametrize(
    ("id_", "text"),
    [
        ("me", USERS),
        ("me", "{ me { name } }"),
        ("none", ME),
        ("drop", ME),
        (HASH, USERS),
        (HASH.upper(), ME),
        ("0" * 64, "{ me { name } }"),
        ("", ME),
        ("me", "\ud800"),
        ("sha256:" + "0" * 64, ME),
    ],
)
def test_an_id_and_a_text_that_differ_are_refused(judge: Any, unlisted: str, id_: str, text: str) -> None:
    assert told(judge(unlisted=unlisted), id_, text)[:2] == (400, "The document is not the one of its id.")


def test_a_text_with_a_hash_that_is_not_its_own_is_refused_without_a_list_too(judge: Any) -> None:
    bare = Judge(Graphql.model_validate({"operation": "q", "schema": "s"}), Graph(SCHEMA))
    assert told(bare, HASH, USERS, hashed=True)[0] == 400
    assert ask(bare, HASH, ME, hashed=True) == Sent(None, IDS)


def test_variables_count_whatever_document_it_is(judge: Any) -> None:
    one = judge({"users": USERS}, cost=50)
    assert ask(one, "users", variables={"n": 5}) == Sent(USERS, IDS)
    for bad in (1000, -1000, "5", 5.0, [5], {"n": 5}, True, 10**400):
        assert "more than 50 fields" in told(one, "users", variables={"n": bad})[1], bad
    for number in range(200):
        assert ask(one, "users", variables={"n": number % 50}) == Sent(USERS, IDS)
    many = {f"v{number}": number for number in range(1_000_000)}
    assert told(one, "users", variables={**many, "n": 1000})[0] == 400
    assert ask(one, "users", variables={**many, "n": 5}) == Sent(USERS, IDS)


def test_the_name_of_an_operation_chooses_among_those_of_the_document_alone(judge: Any) -> None:
    one = judge()
    assert ask(one, "me", name="Me") == Sent(ME, IDS)
    for name in ("Users", "", "me", "B"):
        assert "no one operation" in told(one, "me", name=name)[1]
    assert "no one operation" in told(one, "both")[1]
    assert ask(one, "both", name="A", reads=True) == Sent(LISTED["both"], IDS)
    assert told(one, "both", name="B", reads=True)[1] == "Only queries may be sent by GET."


def test_a_mutation_does_not_go_by_get_whatever_it_is_called(judge: Any) -> None:
    assert told(judge(), "drop", reads=True)[1] == "Only queries may be sent by GET."
    assert ask(judge(), "drop") == Sent(DROP, IDS)


def test_fields_are_held_however_a_document_hides_them(judge: Any) -> None:
    one = judge(fields={"User.email": ["support"]})
    assert told(one, "mail")[0] == 403
    assert ask(one, "mail", scopes=frozenset({"support"})) is not None


def test_the_schema_is_asked_for_by_those_who_may_alone(judge: Any) -> None:
    assert told(judge(), "schema")[1] == "The schema cannot be asked for."
    assert ask(judge(introspection=["dev"]), "schema", scopes=frozenset({"dev"})) is not None


def test_subscriptions_are_served_where_the_contract_says_so_and_in_no_list(judge: Any) -> None:
    assert told(judge(), "ticks")[1] == "Subscriptions are not served here."
    one = judge(subscriptions=True)
    assert ask(one, "ticks") is not None
    assert ask(one, "ticks", reads=True) is not None
    with pytest.raises(Unfit):
        one.judge(Query(None, "ticks", False, None, {}), NOBODY, reads=False, alone=False)


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("{ me { friends { friends { id } } } }", {"depth": 3}, "a depth of 4 at least, and `graphql.depth` is 3"),
        (
            "query($n: Int) { users(first: $n) { friends { id } } }",
            {"cost": 5},
            "a cost of 12 at least, and `graphql.cost` is 5",
        ),
    ],
)
def test_a_document_that_nobody_could_run_is_told_at_the_start(
    judge: Any, text: str, settings: Any, words: str
) -> None:
    with pytest.raises(ContractProblems, match=words) as fault:
        judge({"ok": ME, "bad": text}, **settings)
    assert fault.value.problems[0].place.line == 1
    assert fault.value.problems[0].place.file.endswith("list.json")


def test_the_least_that_an_input_object_may_ask_for_counts_at_the_start(tmp_path: Path) -> None:
    schema = build_schema("input P { first: Int } type U { id: ID } type Query { users(p: P): [U] }")
    (tmp_path / "a.graphql").write_text("query($p: P) { users(p: $p) { id } }")
    entry = {"operation": "q", "schema": "s", "documents": ".", "cost": 5}
    one = Judge(Graphql.model_validate(entry), Graph(schema, documents := read_documents(tmp_path, schema)))
    id_ = next(iter(documents))
    assert ask(one, id_, variables={"p": {"first": 2}}) is not None
    assert told(one, id_)[1] == "The query comes to more than 5 fields."


def test_a_document_that_asks_for_its_answer_in_parts_is_told_at_the_start(tmp_path: Path) -> None:
    schema = build_schema("directive @defer on FRAGMENT_SPREAD | INLINE_FRAGMENT type Query { me: Int }")
    (tmp_path / "a.graphql").write_text("{ ... @defer { me } }")
    graph = Graph(schema, read_documents(tmp_path, schema))
    with pytest.raises(ContractProblems, match="@defer"):
        Judge(Graphql.model_validate({"operation": "q", "schema": "s", "documents": "."}), graph)


def test_a_listed_document_is_looked_at_once(judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = judge()
    for name in ("validate", "visit", "parse"):
        monkeypatch.delattr(f"ninefold.guard.graphql.judge.{name}")
    monkeypatch.delattr("ninefold.guard.graphql.document.Weighing")
    asked, sent = one.judge(Query(None, "me", False, None, {}), NOBODY, reads=False)
    assert sent == Sent(ME, IDS)
    assert asked.projector(b'{"data":{"me":{"id":"1","name":"x"}}}')[0] == b'{"data":{"me":{"id":"1"}}}'

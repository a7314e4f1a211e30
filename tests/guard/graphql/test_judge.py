from __future__ import annotations

import json
import time
from typing import Any

import pytest
from graphql import build_schema, execute, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.contract.documents import Graph
from ninefold.contract.graphql import Graphql
from ninefold.guard.graphql.document import Asked, Unfit
from ninefold.guard.graphql.judge import Judge
from ninefold.guard.graphql.query import Query

SDL = """
interface Named { name: String }
type User implements Named { id: ID!, name: String, email: String, age: Int, friends(first: Int): [User!]!, posts(first: Int): Posts, tags: [[String]] }
type Posts { edges: [Edge], total: Int }
type Edge { node: Post }
type Post implements Named { id: ID!, name: String, score: Float, author: User, kind: Kind, extra: Json }
union Found = User | Post
enum Kind { NOTE, PAGE }
scalar Json
input By { first: String, last: String, page: Page, more: [By] }
input Page { first: Int, after: String }
type Query { me: User, users(first: Int = 5): [User], every(first: Int = 100000): [User], pages(limit: Json): [Post], paged(by: By, all: [By]): [Post], find(text: String): [Found], named: Named }
type Mutation { dropUser(id: ID!): Boolean, login(password: String): String }
type Subscription { ticks: Int }
"""
SCHEMA = build_schema(SDL)
NOBODY: frozenset[str] = frozenset()


def judge(**more: Any) -> Judge:
    return Judge(Graphql.model_validate({"operation": "q", "schema": "s", **more}), Graph(SCHEMA))


def asked(one: Judge, query: str, scopes: frozenset[str] = NOBODY) -> Asked:
    return one.judge(Query(query, None, False, None, {}), scopes, reads=False)[0]


def told(
    query: str,
    variables: Any = None,
    name: str | None = None,
    scopes: frozenset[str] = NOBODY,
    reads: bool = False,
    **more: Any,
) -> str:
    """Empty: it may reach the API."""
    try:
        judge(**more).judge(Query(query, None, False, name, variables or {}), scopes, reads=reads)
    except Unfit as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(
    "query",
    [
        "{ me { id name } }",
        "query Q($n: Int = 3) { users(first: $n) { id friends(first: 2) { name } } }",
        '{ find(text: "a") { __typename ... on User { email } ...P } } fragment P on Post { name author { id } }',
        "mutation { dropUser(id: 1) }",
        "{ named { name ... on User { id } } }",
    ],
)
def test_an_honest_query_may_reach_the_api(query: str) -> None:
    assert told(query) == ""


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ me { secret } }", "not valid"),
        ("{ me }", "not valid"),
        ("{ me { id } ", "Syntax Error"),
        ("", "Syntax Error"),
        ("type Query { a: Int }", "not valid"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "not valid"),
        ("subscription { ticks }", "Subscriptions"),
        ("{ __schema { types { name } } }", "introspection"),
        ('{ a: __type(name: "User") { name } }', "introspection"),
        ("query { ...F } fragment F on Query { __schema { types { name } } }", "introspection"),
        ("{ me { friends { friends { friends { friends { friends { friends { friends { friends { friends { friends { id } } } } } } } } } } } }", "depth"),
        ("{ users(first: 1000000) { id } }", "cost"),
        ("{ users(first: -1000000) { id } }", "cost"),
        ("{ users { friends { friends { friends { id } } } } }", "cost"),
        ("{ " + " ".join(f"a{n}: me {{ id }}" for n in range(20)) + " }", "other names"),
        ("{ me { " + "id " * 200 + "} }", "more than 120 fields"),
        ("{ me { id " + "@include(if: true) " * 20 + "} }", "directives"),
        ("{ me { id } } # " + "x" * 10 + "\n" + "{ me { id } }", "not valid"),
        ("{ me { ... @defer { id } } }", "@defer"),
        ("{ me { " + "name " * 3000 + "} }", "Syntax Error: Document contains more that 2000 tokens"),
    ],
)  # fmt: skip
def test_what_may_not_reach_the_api_does_not(query: str, why: str) -> None:
    assert why.partition(":")[0] in told(query)


def test_sizes_in_variables_count() -> None:
    query = "query Q($n: Int) { users(first: $n) { id } }"
    assert told(query, {"n": 5}) == ""
    for bad in (10**6, -(10**6), "1000000", 1e6, [1]):
        assert told(query, {"n": bad}).startswith("cost"), bad
    assert told("query Q($n: Int = 1000000) { users(first: $n) { id } }").startswith("cost")


def test_what_is_no_number_that_can_be_read_counts_as_endless() -> None:
    assert told("{ pages(limit: 5) { id } }") == ""
    for bad in ('"1000000"', "1e6", "[1]", "{a: 1}", "MANY", "9" * 5000, "true"):
        assert told(f"{{ pages(limit: {bad}) {{ id }} }}").startswith("cost"), bad
        assert told(f"query($n: Json = {bad}) {{ pages(limit: $n) {{ id }} }}").startswith("cost"), bad


def test_a_size_that_the_schema_says_counts_where_the_query_says_none() -> None:
    assert told("{ every { id } }").startswith("cost")
    assert told("query($n: Int) { every(first: $n) { id } }").startswith("cost")
    assert told("query($n: Int) { every(first: $n) { id } }", {"n": None}).startswith("cost")
    assert told("{ every(first: 5) { id } }") == ""


def test_a_size_inside_of_an_input_object_counts() -> None:
    query = "query Q($by: By, $all: [By], $n: Int) { paged(by: $by, all: $all) { id } x: paged(by: {page: {first: $n}}) { id } }"
    assert told(query) == ""
    few: tuple[dict[str, Any], ...] = (
        {"by": {"page": {"first": 5}}, "n": 5, "all": [{"first": "a"}]},
        {"by": {"first": "5", "page": {"after": "1000000", "first": None}}},
        {"all": [{"page": None}, None]},
        {"by": {"first": "Jane", "last": "Doe"}},
    )
    for variables in few:
        assert told(query, variables) == "", variables
    many: tuple[dict[str, Any], ...] = (
        {"by": {"page": {"first": 100_000}}},
        {"by": {"page": {"first": "5"}}},
        {"n": 100_000},
        {"all": [{"page": {"first": 5}}, {"page": {"first": 100_000}}]},
        {"by": [[{"page": [{"first": 100_000}]}]]},
    )
    for variables in many:
        assert told(query, variables).startswith("cost"), variables
    deep: Any = {}
    for _ in range(5000):
        deep = {"more": [deep]}
    assert told(query, {"by": deep}) != ""
    for argument in ("by: {page: {first: 100000}}", "all: [{page: {first: 5}}, {page: {first: -100000}}]"):
        assert told(f"{{ paged({argument}) {{ id }} }}").startswith("cost"), argument
    assert told("query($by: By = {page: {first: 100000}}) { paged(by: $by) { id } }").startswith("cost")
    assert told("{ paged(by: {page: {first: 5}}) { id } }") == ""


def test_a_list_of_one_says_nothing_of_the_lists_inside_of_it() -> None:
    query = "{ users(first: 1) { friends { friends { friends { id } } } } }"
    assert told(query).startswith("cost 1"), "1 + 1 * (1 + 10 * (1 + 10 * (1 + 10)))"
    assert told(query, lists=1) == ""


def test_a_chain_of_fragments_that_nests_deeper_than_python_is_refused() -> None:
    nested = "friends { " * 100
    parts = [f"fragment F{n} on User {{ {nested} ...F{n + 1} {'}' * 100} }}" for n in range(20)]
    query = "{ me { ...F0 } } " + " ".join(parts) + " fragment F20 on User { id }"
    assert told(query, tokens=100_000, depth=100) != ""


def test_comments_are_counted() -> None:
    begun = time.monotonic()
    assert "comments" in told("#\n" * 500_000 + "{ me { id } }")
    assert time.monotonic() - begun < 0.5
    assert told("# why\n{ me { id } }") == ""


def test_what_a_connection_says_holds_for_the_list_inside_of_it() -> None:
    assert told("{ me { posts(first: 900) { total edges { node { id } } } } }").startswith("cost")
    assert told("{ me { posts(first: 20) { total edges { node { id } } } } }") == ""


def test_a_bomb_of_fragments_is_weighed_in_no_time() -> None:
    parts = [
        f"fragment F{n} on User {{ a: friends {{ ...F{n + 1} }} b: friends {{ ...F{n + 1} }} }}" for n in range(40)
    ]
    query = "{ me { ...F0 } } " + " ".join(parts) + " fragment F40 on User { id }"
    begun = time.monotonic()
    assert told(query, aliases=1000, depth=100, tokens=100_000).startswith(("cost", "depth"))
    assert time.monotonic() - begun < 5


def test_a_document_that_nests_deeper_than_python_is_refused() -> None:
    assert told("{ me " * 5000 + "}" * 5000, tokens=100_000) != ""


def test_who_may_see_the_schema_sees_it() -> None:
    assert told("{ __schema { types { name } } }", scopes=frozenset({"dev"}), introspection=["dev"]) == ""
    assert told("{ me { __typename } }") == ""


def test_fields_are_for_those_who_may_ask_for_them() -> None:
    fields = {"User.email": ["support"], "Mutation.dropUser": ["admin"], "Post.name": ["press"]}
    support = frozenset({"support"})
    assert told("{ me { email } }", fields=fields) == "the field User.email"
    assert told("{ me { e: email } }", fields=fields) == "the field User.email"
    assert told("{ me { ...F } } fragment F on User { email }", fields=fields) == "the field User.email"
    assert told("{ me { email } }", fields=fields, scopes=support) == ""
    assert told("mutation { dropUser(id: 1) }", fields=fields, scopes=support) == "the field Mutation.dropUser"
    assert told("{ named { name } }", fields=fields) == "the field Post.name", "it may be one"
    assert told("{ me { name } }", fields=fields) == ""


def test_nothing_changes_by_get() -> None:
    assert told("mutation { dropUser(id: 1) }", reads=True) == "a mutation by GET"
    both = "query A { me { id } } mutation B { dropUser(id: 1) }"
    assert told(both, name="A", reads=True) == ""
    assert told(both, name="B", reads=True) == "a mutation by GET"
    assert "no one operation" in told(both, reads=True)
    assert "no one operation" in told(both, name="C")


def test_a_document_is_judged_once_and_its_callers_each_time() -> None:
    one = judge(fields={"User.email": ["support"]})
    for _ in range(2):
        assert asked(one, "{ me { email } }", frozenset({"support"})).projector is not None
        with pytest.raises(Unfit):
            asked(one, "{ me { email } }")


def test_suggestions_are_told_to_nobody() -> None:
    with pytest.raises(Unfit) as fault:
        asked(judge(), "{ me { emial } }")
    assert "email" not in fault.value.told + str(fault.value)


def projected(query: str, answer: Any, **more: Any) -> Any:
    projector = asked(judge(**more), query).projector
    assert projector is not None
    return json.loads(projector(json.dumps(answer).encode())[0])


def test_of_an_answer_leaves_what_was_asked_for() -> None:
    query = "{ me { id n: name ...F posts { edges { node { extra kind } } } } find { ... on User { age } ... on Post { score } } } fragment F on User { tags }"
    user = {
        "id": "1",
        "n": "x",
        "name": "y",
        "tags": [["a"], None],
        "email": "s",
        "posts": {"edges": [{"node": {"extra": {"any": [1]}, "kind": "NOTE", "id": 3}, "cursor": 1}, None]},
    }
    answer = {
        "data": {"me": user, "find": [{"age": 3, "email": "s"}, {"score": 1.5}], "other": 1},
        "extensions": {"tracing": {}},
    }
    assert projected(query, answer) == {
        "data": {
            "me": {
                "id": "1",
                "n": "x",
                "tags": [["a"], None],
                "posts": {"edges": [{"node": {"extra": {"any": [1]}, "kind": "NOTE"}}, None]},
            },
            "find": [{"age": 3}, {"score": 1.5}],
        }
    }


def test_errors_tell_where_and_nothing_of_why() -> None:
    error = {
        "message": 'relation "users" does not exist',
        "path": ["me", 0],
        "locations": [{"line": 1, "column": 3}],
        "extensions": {"code": "INTERNAL", "stacktrace": ["x"]},
    }
    answer = {"data": None, "errors": [error]}
    left = {
        "message": "The request could not be answered.",
        "path": ["me", 0],
        "locations": [{"line": 1, "column": 3}],
        "extensions": {"code": "INTERNAL"},
    }
    assert projected("{ me { id } }", answer) == {"data": None, "errors": [left]}
    assert projected("{ me { id } }", answer, messages=True)["errors"][0]["message"] == error["message"]


FIELDS = {
    "Query": [("me", "User", ""), ("users", "User", "(first: 2)"), ("find", "Found", ""), ("named", "Named", "")],
    "User": [("id", "", ""), ("name", "", ""), ("age", "", ""), ("friends", "User", "(first: 1)"), ("posts", "Posts", ""), ("tags", "", "")],
    "Posts": [("total", "", ""), ("edges", "Edge", "")],
    "Edge": [("node", "Post", "")],
    "Post": [("id", "", ""), ("score", "", ""), ("kind", "", ""), ("author", "User", "")],
    "Named": [("name", "", "")],
    "Found": [],
}  # fmt: skip


@st.composite
def selections(draw: st.DrawFn, kind: str, depth: int) -> str:
    parts = ["__typename"] if draw(st.booleans()) or not FIELDS[kind] else []
    for name, inner, arguments in draw(st.lists(st.sampled_from(FIELDS[kind]), max_size=3)) if FIELDS[kind] else []:
        if inner and depth == 0:
            continue
        below = draw(selections(inner, depth - 1)) if inner else ""
        parts.append(f"{name}{arguments} {below}")
    if kind in {"Found", "Named"}:
        parts.append(f"... on User {draw(selections('User', max(0, depth - 1)))}")
    return "{ " + " ".join(parts or ["__typename"]) + " }"


def _resolve(source: Any, info: Any, **_: Any) -> Any:
    kind = str(info.return_type)
    bare = kind.strip("![]")
    value: Any = {"Int": 1, "Float": 1.5, "String": "s", "ID": "7", "Kind": "PAGE"}.get(bare, {"__typename": "User"})
    for _level in range(kind.count("[")):
        value = [value]
    del source
    return value


@settings(max_examples=150)
@given(selections("Query", 3))
def test_what_may_reach_the_api_is_valid_and_its_honest_answer_leaves_whole(query: str) -> None:
    try:
        projector = asked(judge(cost=10**6, depth=50, aliases=100), query).projector
    except Unfit:
        return
    document = parse(query)
    assert validate(SCHEMA, document) == []
    result = execute(SCHEMA, document, field_resolver=_resolve, type_resolver=lambda *_: "User")
    answer = json.dumps({"data": result.data}).encode()  # type: ignore[union-attr]
    assert projector is not None
    out, withheld, _ = projector(answer)
    assert (json.loads(out), withheld) == (json.loads(answer), 0)


ABOVE = """
interface Node { id: ID! email: String }
interface Secret { email: String }
type User implements Node & Secret { id: ID!, email: String }
type Shop { name: String }
union Found = User | Shop
input Page { first: Int = 100000, size: Int, next: Page }
input Deep { page: Page = {first: 5000} }
type Query { me: User, node: Node, any: [Found], users(page: Page, deep: Deep): [User], paged(page: Page = {size: 1}): [User] }
"""


@pytest.mark.parametrize("held", ["User.email", "Node.email", "Secret.email"])
@pytest.mark.parametrize(
    "query",
    [
        "{ me { email } }",
        "{ node { email } }",
        "{ node { ... on Secret { e: email } } }",
        "{ any { ... on Node { email } } }",
        "{ any { ... on Secret { ...F } } } fragment F on Node { email }",
    ],
)
def test_a_field_is_held_whichever_type_above_it_is_asked_by(held: str, query: str) -> None:
    settings = Graphql.model_validate({"operation": "q", "schema": "s", "fields": {held: ["support"]}})
    one = Judge(settings, Graph(build_schema(ABOVE)))
    with pytest.raises(Unfit, match=f"the field {held}") as fault:
        asked(one, query)
    assert fault.value.status == 403
    assert asked(one, query, frozenset({"support"}))


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ users { id } }", {}, 11),
        ("{ users(page: {}) { id } }", {}, 100_001),
        ("{ users(page: {first: 3}) { id } }", {}, 4),
        ("{ users(page: {first: 3, next: {}}) { id } }", {}, 100_001),
        ("{ users(page: {size: 1}) { id } }", {}, 100_001),
        ("{ users(deep: {}) { id } }", {}, 5001),
        ("{ users(deep: {page: {first: 2}}) { id } }", {}, 3),
        ("{ paged { id } }", {}, 100_001),
        ("{ paged(page: {first: 2}) { id } }", {}, 3),
        ("query($p: Page) { users(page: $p) { id } }", {}, 11),
        ("query($p: Page) { users(page: $p) { id } }", {"p": {}}, 100_001),
        ("query($p: Page) { users(page: $p) { id } }", {"p": {"first": 2}}, 3),
        ("query($p: Page = {}) { users(page: $p) { id } }", {}, 100_001),
        ("query($p: Page) { paged(page: $p) { id } }", {}, 100_001),
    ],
)
def test_what_the_schema_says_inside_of_input_objects_counts(query: str, variables: Any, cost: int) -> None:
    settings = Graphql.model_validate({"operation": "q", "schema": "s", "cost": 10_000_000})
    one = Judge(settings, Graph(build_schema(ABOVE)))
    found = asked(one, query)
    assert one._document(query).weigh(found, variables)[0] == cost


def _nested(width: int, depth: int) -> str:
    return "id" if not depth else " ".join(f"friends {{ {_nested(width, depth - 1)} }}" for _ in range(width))


@pytest.mark.parametrize(
    "query",
    [
        f"{{ me {{ {_nested(18, 2)} }} }}",
        f"{{ me {{ {_nested(4, 4)} }} }}",
        "{ me { " + " ".join(f"...F{n}" for n in range(110)) + " } } "
        + " ".join(f"fragment F{n} on User {{ id name email }}" for n in range(110)),
        "{ " + " ".join("me { " + "id " * 119 + "}" for _ in range(16)) + " }",
        "{ me { ...F0 } } " + " ".join(
            f"fragment F{n} on User {{ friends {{ ...F{n + 1} }} a: friends {{ ...F{n + 1} name }} }}" for n in range(14)
        ) + " fragment F14 on User { id }",
        "{ me { ...A } } fragment A on User { friends { ...A } }",
    ],
)  # fmt: skip
def test_documents_that_take_long_to_validate_are_not(query: str) -> None:
    before = time.process_time()
    assert told(query) != ""
    assert time.process_time() - before < 0.25, "validating them takes up to a second"


def test_fragments_with_the_same_fields_are_ordinary() -> None:
    names = [f"F{n}" for n in range(40)]
    query = "{ me { " + " ".join(f"...{one}" for one in names) + " } } "
    assert told(query + " ".join(f"fragment {one} on User {{ id name __typename }}" for one in names)) == ""

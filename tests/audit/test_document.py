"""What passes for a query, and what must never."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.answer import Ask
from ninefold.audit.document import only_queries, reads
from ninefold.audit.rule import Untried

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

FIELDS = (("Content-Type", "application/json"),)


def post(body: Any, **more: Any) -> Ask:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Ask("POST", "/graphql", **{"headers": FIELDS, "body": raw, **more})


QUERIES = [
    "{__typename}",
    "query { a { b(c: 1) } }",
    "query A { a } query B { b }",
    "query A { ...F } fragment F on Query { a }",
    '{ a(text: "mutation { b }") }',
]
OTHERS = [
    "mutation { a }",
    "query A { a } mutation B { b }",
    "subscription { a }",
    "fragment F on Query { a }",
    "type Query { a: Int }",
    "extend type Query { a: Int }",
    "{ a } type Query { a: Int }",
    "",
    "{",
    "# {a}\u2028mutation { b }\n{a}",
    "#\rmutation{b}",
    "{ " + "a " * 9000 + "}",
    "{a" * 900 + "}" * 900,
]


@pytest.mark.parametrize("document", QUERIES)
def test_queries_read(document: str) -> None:
    assert only_queries(document)
    assert reads(post({"query": document}))
    assert reads(post([{"query": document}, {"query": "{a}", "variables": {"a": 1}, "operationName": None}]))


@pytest.mark.parametrize("document", OTHERS)
def test_whatever_else_a_document_holds_does_not(document: str) -> None:
    assert not reads(post({"query": document}))
    assert not reads(post([{"query": "{a}"}, {"query": document}]))


@pytest.mark.parametrize(
    "ask",
    [
        post(b'{"query": "mutation {a}", "query": "{a}"}'),
        post(b'{"query": "{a}", "query": "mutation {a}"}'),
        post({"query": "{a}", "extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}),
        post({"query": "{a}", "id": "stored"}),
        post({"query": "{a}", "mutation": "mutation {a}"}),
        post({"variables": {}}),
        post({"query": ["mutation {a}"]}),
        post([]),
        post([[{"query": "{a}"}]]),
        post("{a}"),
        post({"query": "{a}"}, query=(("query", "mutation {a}"),)),
        post({"query": "{a}"}, query=(("Query", "mutation {a}"),)),
        post({"query": "{a}"}, query=(("_method", "DELETE"),)),
        post({"query": "{a}"}, headers=(*FIELDS, ("X-HTTP-Method-Override", "DELETE"))),
        post({"query": "{a}"}, headers=(*FIELDS, ("content-encoding", "gzip"))),
        post({"query": "{a}"}, headers=(("Content-Type", "application/json; charset=utf-16"),)),
        post({"query": "{a}"}, headers=(*FIELDS, ("content-type", "application/graphql"))),
        post({"query": "{a}"}, headers=(("Content-Type", "application/graphql"),)),
        post({"query": "{a}"}, headers=()),
        post(b"query={a}"),
        post(b"\xff\xfe{"),
        post(b"[" * 100_000),
        post({"query": "{a}", "variables": {"a": "x" * 70_000}}),
        Ask("PUT", "/graphql", headers=FIELDS, body=b'{"query": "{a}"}'),
        Ask("POST", "/graphql?query=mutation%7Ba%7D", headers=FIELDS, body=b'{"query": "{a}"}'),
        Ask("POST", "/graphql"),
    ],
)
def test_a_request_in_which_a_mutation_could_be_found_does_not(ask: Ask) -> None:
    assert not reads(ask)


def test_queries_are_sent_without_leave_and_mutations_are_not(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    came: list[str] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        came.append(request.method)
        return 200, {}, b"{}"

    probe = live(serve(api)).probe
    assert probe.send(post({"query": "{a}"})).ok
    for document in OTHERS:
        with pytest.raises(Untried, match="--active"):
            probe.send(post({"query": document}))
    assert came == ["POST"]

"""GraphQL services with and without limits, each asked for more than an honest limit lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import NoSchemaIntrospectionCustomRule
from tests.audit.servers import AUTHORS, SDL, Library, deepest, limited, widest

from ninefold.audit.finding import Confidence, Exchange
from ninefold.audit.rule import Untried
from ninefold.audit.signs import limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.rule import Looked
    from ninefold.audit.target import Target

pytestmark = pytest.mark.usefixtures("again")

RULES = {rule.id: rule for rule in limits.RULES}
KINDS = ("depth", "aliases", "batch")


def look(kind: str, target: Target) -> Looked:
    return RULES[f"limits-graphql-{kind}"].look(target)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [True, False])
def test_what_nothing_bounds_is_shown_with_its_proof(
    serve: Callable[..., str], live: Callable[..., Target], kind: str, key: bool
) -> None:
    library = Library(batch=10**6, path="/api/graphql")
    looked = look(kind, live(serve(library), None, *([AUTHORS[0]["key"]] if key else [])))
    (seen,) = looked.seen
    assert [one.role for one in seen.evidence if isinstance(one, Exchange)] == [
        "baseline",
        "attack",
        "control",
        "repeat",
    ]
    assert seen.confidence is None
    assert not any(one.startswith("mutation") or one == "LOGGED OUT" for one in library.ran)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_bounded_is_not(serve: Callable[..., str], live: Callable[..., Target], kind: str) -> None:
    try:
        assert look(kind, live(serve(limited()))).seen == ()
    except Untried as fault:
        assert (kind, fault.missed) == ("depth", False)


@pytest.mark.parametrize(
    ("kind", "rules", "shown"),
    [
        ("depth", (deepest(15),), False),
        ("depth", (deepest(25),), False),
        ("depth", (widest(10**6),), True),
        ("aliases", (deepest(15),), True),
        ("aliases", (widest(60),), False),
    ],
)
def test_each_limit_is_for_what_it_limits(
    serve: Callable[..., str], live: Callable[..., Target], kind: str, rules: Any, shown: bool
) -> None:
    assert bool(look(kind, live(serve(Library(rules=rules)))).seen) is shown


def test_no_query_is_run_that_makes_lists_of_lists(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    library = Library(sdl=SDL.replace("book(id: ID!): Book", ""))
    (seen,) = look("depth", live(serve(library))).seen
    assert seen.confidence is Confidence.SUSPECTED
    assert all("@include(if:false)" in one for one in library.ran if one.count("{") > 20)


def test_types_that_lead_nowhere_back_bound_the_depth(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    sdl = SDL.replace("author: Author! ", "")
    assert look("depth", live(serve(Library(sdl=sdl)))).seen == ()


@pytest.mark.parametrize(("rules", "shown"), [((), True), ((deepest(12),), False)])
def test_without_introspection_the_types_of_the_source_will_do(
    serve: Callable[..., str], live: Callable[..., Target], tmp_path: Path, rules: Any, shown: bool
) -> None:
    (tmp_path / "schema.graphql").write_text(SDL, "utf-8")
    library = Library(rules=(NoSchemaIntrospectionCustomRule, *rules))
    assert bool(look("depth", live(serve(library), None, source=tmp_path)).seen) is shown


def test_the_types_of_another_service_are_not_taken_for_this_one_s(
    serve: Callable[..., str], live: Callable[..., Target], tmp_path: Path
) -> None:
    (tmp_path / "schema.graphql").write_text("type Query { pet(id: ID!): Pet } type Pet { friend: Pet }", "utf-8")
    with pytest.raises(Untried, match="small form"):
        look("depth", live(serve(Library(rules=(NoSchemaIntrospectionCustomRule,))), None, source=tmp_path))


def test_a_service_that_says_nothing_in_its_errors_is_shown_all_the_same(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    library = Library()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        status, fields, body = library(request)
        return (400, fields, b'{"errors": [{"message": "no"}]}') if b"Cannot query" in body else (status, fields, body)

    for kind in ("depth", "aliases"):
        assert look(kind, live(serve(api))).seen


def test_aliases_of_a_field_that_costs_nothing_are_suspected(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    (seen,) = look("aliases", live(serve(Library(sdl="type Query { a: Int }")))).seen
    assert seen.confidence is Confidence.SUSPECTED


def test_a_service_that_tells_the_cost_has_a_budget(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    library = Library()

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        status, fields, body = library(request)
        return status, {**fields, "X-GraphQL-Query-Cost": "100"}, body

    for kind in ("depth", "aliases"):
        assert look(kind, live(serve(api))).seen == ()


def test_a_service_that_takes_anything_and_reads_nothing_is_not_judged(
    serve: Callable[..., str], live: Callable[..., Target]
) -> None:
    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        del request
        return 200, {"Content-Type": "application/json"}, b'{"data": {"__typename": "Query"}}'

    for kind in KINDS:
        try:
            assert look(kind, live(serve(api))).seen == ()
        except Untried as fault:
            assert not fault.missed


@pytest.mark.parametrize("kind", KINDS)
def test_an_api_without_graphql_is_skipped(serve: Callable[..., str], live: Callable[..., Target], kind: str) -> None:
    asked: list[str] = []

    def api(request: Any) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.method)
        return 200, {"Content-Type": "application/json"}, b'{"data": "all pages are one"}'

    with pytest.raises(Untried, match="GraphQL") as caught:
        look(kind, live(serve(api)))
    assert not caught.value.missed
    assert asked.count("POST") <= 3


def test_by_get_alone_there_are_no_batches(serve: Callable[..., str], live: Callable[..., Target]) -> None:
    target = live(serve(Library(methods=("GET",))))
    assert look("depth", target).seen
    with pytest.raises(Untried, match="GET only"):
        look("batch", target)
